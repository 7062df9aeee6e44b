"""logmill, run as one mode says."""
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter

from . import children

JOB = """
name = "soak"
[source]
paths = [{paths}]
{format}
{map}
[reduce]
by = ["id"]
{window}
[reduce.measures]
n = "count(*)"
d = "count(DISTINCT raw)"
[output.sqlite]
path = "soak.db"
[output.events]
path = "events"
columns = ["id"]
"""
COMBINED = 'format = "combined"'
COMBINED_MAP = """[map]
where = "path <> '/health'"
[map.let]
id = "CAST(split_part(path, '/', 3) AS int)"
"""
LINES = """format = { regex = ' ?/r/(?P<id>[0-9]+) a line .* end$' }
fields = { id = "int" }
"""

# A run that takes longer hangs, on however busy a machine.
LONGEST_RUN = 120
# A watch that is younger may not know yet what SIGTERM means to it.
YOUNG = 2


def job(policy):
    combined = policy.writer in ("nginx", "apache")
    paths = ", ".join(json.dumps(path) for path in policy.paths)
    window = 'window = "1m"' if policy.window else ""
    return JOB.format(paths=paths, format=COMBINED if combined else LINES, map=COMBINED_MAP if combined else "", window=window)


class Reader:
    def __init__(self, policy, mode, folder, binary, chance, timeline):
        self.mode, self.folder, self.binary, self.chance, self.timeline = mode, folder, binary, chance, timeline
        self.job = os.path.join(folder, "soak.toml")
        with open(self.job, "w") as file:
            file.write(job(policy))
        self.messages = os.path.join(folder, "messages")
        self.statuses, self.kills, self.faults = {}, 0, []
        # How long `watch` took to end after SIGTERM, at most.
        self.slowest_end = 0.0
        self.ended, self.turn = False, threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.watch = None
        # How long a run takes, so that kills fall into it.
        self.usual = 0.05

    def start(self):
        self.thread.start()

    def work(self):
        try:
            if self.mode.watch:
                self.keep_watching()
            else:
                self.keep_running()
        except Exception as error:
            self.faults.append(f"the soak itself failed: {error!r}")

    def third_rotation(self):
        self.turn.set()

    # `run`

    def keep_running(self):
        while not self.ended:
            if self.mode.third:
                if not self.turn.wait(0.2):
                    continue
                self.turn.clear()
                time.sleep(self.chance.uniform(0, 0.5))
            else:
                self.nap(self.chance.uniform(0.7, 1.3))
            # Of what came and went before the first run that ended nobody can know.
            self.run(self.mode.killed and 0 in self.statuses and self.chance.random() < 0.7)

    def run(self, is_killed=False):
        begin = time.monotonic()
        process = self.begin(["run", "-v"])
        if is_killed:
            time.sleep(self.chance.uniform(0, 1.3 * self.usual))
            self.kill(process)
        else:
            self.wait(process, LONGEST_RUN)
            self.usual = max(0.01, 0.7 * self.usual + 0.3 * (time.monotonic() - begin))
        return self.note(process)

    # `watch`

    def keep_watching(self):
        while not self.ended:
            self.watch = self.begin(["watch", "-v", "--every", "200ms"])
            if self.mode.killed:
                self.nap(self.chance.uniform(0.1, 3))
            elif self.mode.termed:
                self.nap(self.chance.uniform(0.3, 4))
            while not self.ended and not (self.mode.killed or self.mode.termed) and self.watch.poll() is None:
                time.sleep(0.1)
            if self.ended:
                return
            if self.mode.killed:
                self.kill(self.watch)
            elif self.mode.termed:
                self.terminate()
            else:
                self.faults.append(f"watch ended by itself with status {self.watch.returncode}")
            self.note(self.watch)
            self.nap(self.chance.choice((0, 0.2, self.chance.uniform(0, 2))))

    def terminate(self):
        begin = time.monotonic()
        self.watch.send_signal(signal.SIGTERM)
        self.wait(self.watch, LONGEST_RUN)
        self.slowest_end = max(self.slowest_end, time.monotonic() - begin)

    def settle(self, seconds):
        """The last looks, none of which is killed. The watch that is there by now stays as long as is said."""
        self.ended = True
        self.thread.join()
        if self.mode.watch:
            if self.watch.poll() is not None:
                self.watch = self.begin(["watch", "-v", "--every", "200ms"])
            time.sleep(seconds)
            age = time.monotonic() - self.begun
            self.terminate()
            status = self.note(self.watch)
            is_young = status == -signal.SIGTERM and age < YOUNG
            if status != 143 and not is_young:
                self.faults.append(f"SIGTERM ended watch with status {status}")
        else:
            self.run()

    # Processes

    def begin(self, words):
        self.timeline(f"begin {words[0]}")
        said = open(self.messages, "ab")
        command = [self.binary, *words, self.job]
        self.begun = time.monotonic()
        return subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def wait(self, process, seconds):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{process.args[1]} did not end within {seconds} s")
            self.kill(process)

    def kill(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()
            self.kills += process.returncode == -signal.SIGKILL

    def note(self, process):
        status = process.returncode
        self.timeline(f"{process.args[1]} ended: {status}")
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status in (101, 134, -6, -11, -7):
            self.faults.append(f"{process.args[1]} crashed with status {status}")
        return status

    def nap(self, seconds):
        until = time.monotonic() + seconds
        while not self.ended and time.monotonic() < until:
            time.sleep(min(0.05, max(0, until - time.monotonic())))

    def close(self):
        self.ended = True
        for process in (self.watch,):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    # What it has

    def ask(self, *words):
        """A command with --json: its status and its object, or None."""
        command = [self.binary, words[0], *words[1:], "--json", self.job]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LONGEST_RUN)
        with open(self.messages, "a") as file:
            file.write(done.stderr)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, None

    def counted(self):
        """How often each id was counted, by the table."""
        path = os.path.join(self.folder, "soak.db")
        if not os.path.exists(path):
            return {}
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return dict(database.execute("SELECT id, sum(n) FROM soak WHERE id IS NOT NULL GROUP BY id"))
        finally:
            database.close()

    def events(self):
        """How often each id stands in the Parquet of records."""
        import pyarrow.parquet

        counts = Counter()
        for folder, _, names in os.walk(os.path.join(self.folder, "events")):
            for name in names:
                if name.endswith(".parquet"):
                    counts.update(pyarrow.parquet.read_table(os.path.join(folder, name), columns=["id"])["id"].to_pylist())
        return counts

    def said(self):
        with open(self.messages, errors="replace") as file:
            return file.read().splitlines()
