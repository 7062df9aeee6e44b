"""Python's logging with its handlers that rotate: the program that logs renames, and compresses if told to."""
import gzip
import logging.handlers
import os
import shutil


class Handler:
    def __init__(self, policy, folder):
        self.options = policy.options
        self.live = [os.path.join(folder, "w", "access.log")]
        self.truth = os.path.join(folder, "truth.log")
        # It lives in this process.
        self.process = None

    def start(self):
        if "seconds" in self.options:
            self.handler = logging.handlers.TimedRotatingFileHandler(self.live[0], when="S", interval=self.options["seconds"])
        else:
            self.handler = logging.handlers.RotatingFileHandler(
                self.live[0], maxBytes=self.options["bytes"], backupCount=self.options["count"]
            )
        if self.options.get("gzip"):
            self.handler.namer, self.handler.rotator = (lambda name: name + ".gz"), compressed
        self.tee = open(self.truth, "ab", buffering=0)

    def write(self, lines):
        for line in lines.decode().splitlines():
            self.tee.write(line.encode() + b"\n")
            self.handler.emit(logging.LogRecord("soak", logging.INFO, "", 0, line, None, None))

    def is_alive(self):
        return True

    def stop(self):
        self.handler.close()
        self.tee.close()


def compressed(source, target):
    """The recipe of Python's cookbook."""
    with open(source, "rb") as plain, gzip.open(target, "wb") as packed:
        shutil.copyfileobj(plain, packed)
    os.remove(source)
