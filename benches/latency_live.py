"""From the write of a log's line until a reader of the database sees it counted: the writer, the reader, the sum."""

import multiprocessing
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pymysql

from common import ROOT

PIECE_SECONDS = 0.005
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 60
NO_SUCH_TABLE = 1146
ROUTES = ["products", "api", "static", "search", "cart", "account", "blog", "help"]
STATUSES = [200, 200, 200, 200, 200, 304, 404, 500]


def endings() -> list[str]:
    """What stands between the time and the number of a line, in a few shapes."""
    return [
        f'"GET /{ROUTES[n * 7 % 8]}/{n * 37 % 1000} HTTP/1.1" {STATUSES[n * 5 % 8]} {n * 991 % 60000} 0.{n:03}'
        for n in range(251)
    ]


def piece(first: int, count: int, shapes: list[str]) -> bytes:
    """Lines with the numbers from `first` on, and the clock's time."""
    head = f"10.1.{first % 256}.7 - - [{time.strftime('%d/%b/%Y:%H:%M:%S +0000', time.gmtime())}] "
    size = len(shapes)
    return "".join([f"{head}{shapes[n % size]} {n}\n" for n in range(first, first + count)]).encode()


def write(log: Path, rate: int, seconds: float, told) -> None:
    """Appends `rate` lines a second in small pieces; then tells each piece's last number and moment."""
    shapes, moments, number = endings(), [], 1
    out = os.open(log, os.O_WRONLY | os.O_APPEND)
    start = time.monotonic()
    while (now := time.monotonic() - start) < seconds:
        due = int(now * rate) - number + 1
        if due > 0:
            bytes_ = piece(number, due, shapes)
            number += due
            # Before the write: the wait for the file is part of what is measured.
            moments.append((number - 1, time.monotonic()))
            os.write(out, bytes_)
        time.sleep(PIECE_SECONDS)
    told.send(moments)


def connect(url: str) -> pymysql.Connection:
    """A connection of the reader's own."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        database=parts.path[1:],
        autocommit=True,
    )


def newest(cursor) -> int:
    """The highest number that is visible."""
    try:
        cursor.execute("SELECT max(newest) FROM live")
    except pymysql.err.ProgrammingError as error:
        if error.args[0] != NO_SUCH_TABLE:
            raise
        return -1
    return cursor.fetchone()[0] or 0


def wait_for(cursor, number: int) -> None:
    """Returns once a number is visible."""
    end = time.monotonic() + PATIENCE_SECONDS
    while newest(cursor) < number:
        if time.monotonic() > end:
            raise SystemExit(f"line {number} is not visible after {PATIENCE_SECONDS} s; see what watch said above")
        time.sleep(POLL_SECONDS)


def follow(cursor, told) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Polls until the writer is done and all is visible: the pieces written, and what was first seen when."""
    seen, written, end = [(0, time.monotonic())], [], None
    while not written or seen[-1][0] < written[-1][0]:
        number = newest(cursor)
        if number > seen[-1][0]:
            seen.append((number, time.monotonic()))
        if not written and told.poll():
            written, end = told.recv(), time.monotonic() + PATIENCE_SECONDS
        if end and time.monotonic() > end:
            raise SystemExit(f"lines {seen[-1][0]} to {written[-1][0]} never became visible")
        time.sleep(POLL_SECONDS)
    return written, seen[1:]


def latencies(written: list[tuple[int, float]], seen: list[tuple[int, float]]) -> list[float]:
    """Of each piece, the seconds until its last line was visible. A batch is a prefix of the log."""
    result, at = [], 0
    for number, moment in written:
        while seen[at][0] < number:
            at += 1
        result.append(seen[at][1] - moment)
    return result


def measure(url: str, scratch: Path, options) -> tuple[list[float], int, int]:
    """Latencies of all pieces, the lines that were written, and how often the table changed."""
    log = scratch / "live.log"
    log.write_bytes(piece(0, 1, endings()))
    job = ROOT / "benches" / "jobs" / "live.toml"
    command = [os.environ["LOGMILL"], "watch", job, "--every", options.every, "--input", log, "--quiet"]
    command += ["--state-dir", scratch / "state", "--output", scratch, *options.threads]
    watch = subprocess.Popen(command, env=os.environ | {"LOGMILL_BENCH_MYSQL_URL": url})
    try:
        with connect(url) as connection, connection.cursor() as cursor:
            wait_for(cursor, 0)
            ours, theirs = multiprocessing.Pipe(duplex=False)
            writer = multiprocessing.Process(target=write, args=(log, options.rate, options.seconds, theirs))
            writer.start()
            written, seen = follow(cursor, ours)
            writer.join()
            cursor.execute("SELECT sum(hits) FROM live")
            counted = int(cursor.fetchone()[0]) - 1
    finally:
        watch.send_signal(signal.SIGTERM)
        watch.wait()
    if counted != written[-1][0]:
        raise SystemExit(f"{written[-1][0]} lines were written, and {counted} are counted")
    return latencies(written, seen), counted, len(seen)
