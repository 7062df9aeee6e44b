"""Requests and lines, each with an id of its own that grows, at a steady rate with pauses."""
import re
import socket
import threading
import time

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
TICK = 0.02


class Load(threading.Thread):
    """Calls `send(first, count)` of a sender so that `rate` ids a second go out."""

    def __init__(self, sender, rate, window):
        super().__init__(daemon=True)
        self.sender, self.rate, self.window = sender, rate, window
        self.next_id, self.ended, self.error = 1, False, None
        # How late it was with a turn, at most: how starved the machine is.
        self.starved = 0.0
        self.may_go = threading.Event()
        self.may_go.set()
        self.between = threading.Lock()

    def run(self):
        due = 0.0
        while not self.ended:
            self.may_go.wait(0.1)
            if not self.may_go.is_set():
                continue
            before = time.monotonic()
            with self.between:
                due += self.rate * TICK
                count, due = int(due), due % 1
                try:
                    self.go(count)
                except OSError as error:
                    self.error = str(error)
                    return
            time.sleep(TICK)
            self.starved = max(self.starved, time.monotonic() - before - TICK)

    def go(self, count):
        if count:
            self.sender.send(self.next_id, count)
            self.next_id += count
        # What `where` drops comes in runs that are longer than a block of logmill's.
        if self.window and self.next_id % 250 < count:
            self.sender.idle(2500)

    def pause(self):
        """Returns when nothing is under way."""
        self.may_go.clear()
        with self.between:
            pass

    def resume(self):
        self.may_go.set()

    def stop(self):
        self.ended = True
        self.join()
        self.sender.close()
        if self.error:
            raise RuntimeError(f"the writer can't be reached: {self.error}")


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Http:
    """GET over a connection that is kept. A request that fails is not repeated: the server may have logged it."""

    def __init__(self, port):
        self.port, self.socket, self.failed = port, None, 0

    def send(self, first, count):
        for number in range(first, first + count):
            self.get(f"/r/{number}")

    def idle(self, count):
        """Requests in a row, without waiting for each answer (none of which has a body)."""
        self.connect()
        for _ in range(0, count, 50):
            self.socket.sendall(request("/health") * 50)
            answers = b""
            while answers.count(b"\r\n\r\n") < 50:
                answers += self.more()

    def get(self, path):
        try:
            self.connect()
            self.socket.sendall(request(path))
            if self.answer():
                self.close()
        except OSError:
            self.failed += 1
            self.close()
            if self.failed > 1000:
                raise

    def connect(self):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), 10)

    def answer(self):
        """Reads one; whether it was the last one of its connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        while length and len(body) < int(length[1]):
            body += self.more()
        return b"connection: close" in head.lower()

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("closed")
        return data

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Datagrams:
    """syslog's local socket, one datagram a line."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.connect(path)

    def send(self, first, count):
        for number in range(first, first + count):
            self.socket.send(f"<13>soak: {line(number)}".encode())

    def close(self):
        self.socket.close()


class Pipe:
    """The input of svlogd, multilog and s6-log, and Python's logging."""

    def __init__(self, logger, is_long):
        self.logger, self.is_long = logger, is_long

    def send(self, first, count):
        numbers = range(first, first + count)
        # Lengths that differ, so that files end anywhere.
        more = [number * 7919 % 3500 if self.is_long else 0 for number in numbers]
        self.logger.write("".join(line(*pair) + "\n" for pair in zip(numbers, more)).encode())

    def close(self):
        pass


def line(number, more=0):
    return f"/r/{number} a line of a program that logs to a pipe, {'x' * more} no longer than most end"
