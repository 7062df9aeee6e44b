"""One policy in one mode: starts the programs, rotates, ends, and looks at what was counted."""
import json
import os
import random
import signal
import sys
import time

from . import children, handlers, ids, load, loggers, policies, rotation, servers, verdict
from .modes import MODES
from .reader import Reader
from .witness import Witness

WRITERS = {
    "nginx": servers.Nginx, "apache": servers.Apache, "rsyslog": servers.Rsyslog,
    "svlogd": loggers.Svlogd, "multilog": loggers.Multilog, "s6": loggers.S6log,
    "python": handlers.Handler,
}
# Ids a second, and seconds between two rotations.
RATES = {"small": ((4, 25), (0.6, 1.6)), "large": ((200, 600), (0.7, 2.0)), "fat": ((150, 300), (2.0, 3.0))}


class Case:
    def __init__(self, policy, mode, seed, seconds, folder, binary):
        self.policy, self.mode, self.seconds, self.folder = policy, mode, seconds, folder
        self.chance = random.Random(f"{seed} {policy.name} {mode.name}")
        for name in ("w/old", "outside", "tmp"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        self.begin = time.monotonic()
        self.events = open(os.path.join(folder, "timeline"), "a", buffering=1)
        self.writer = WRITERS[policy.writer](policy, folder)
        self.reader = Reader(policy, mode, folder, binary, random.Random(self.chance.random()), self.note)
        self.rotations, self.complaints, self.reads_events = 0, set(), False

    def note(self, words):
        self.events.write(f"{time.monotonic() - self.begin:8.3f} {words}\n")

    def run(self):
        try:
            self.writer.start()
            rates, self.gaps = RATES[self.policy.size]
            self.load = load.Load(self.sender(), self.chance.uniform(*rates), self.policy.window)
            self.witness = Witness(self.policy, self.folder, self.writer.live)
            self.rotator = rotation.rotator(self.policy, self.folder, self.writer)
            self.load.start()
            self.reader.start()
            self.soak()
            self.end()
            return verdict.of(self)
        finally:
            self.close()

    def sender(self):
        if self.policy.writer in ("nginx", "apache"):
            return load.Http(self.writer.port)
        if self.policy.writer == "rsyslog":
            return load.Datagrams(self.writer.socket)
        return load.Pipe(self.writer, self.policy.torn)

    def soak(self):
        if self.rotator is None:
            self.witness.watch()
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            time.sleep(self.chance.uniform(*self.gaps))
            if not self.writer.is_alive():
                raise RuntimeError(f"{self.policy.writer} ended by itself: {children.last_words(self.folder)}")
            self.turn()

    def turn(self):
        """A rotation, one in three of them of a log that nobody writes and that logmill may have read to its end."""
        quiet = self.chance.random() < 0.33
        if quiet:
            self.load.pause()
            self.note("the writer pauses")
            time.sleep(self.chance.choice((0.3, 1.5)))
        self.rotate()
        if quiet:
            time.sleep(self.chance.choice((0, 0.3, 1.2)))
            self.load.resume()

    def rotate(self):
        self.rotations += 1
        if self.rotator is not None:
            self.witness.look()
            self.note("rotate")
            failed = self.rotator.rotate()
            self.note(f"rotated; {self.listing()}")
            if failed:
                self.complaints.add(failed[-300:])
            self.witness.look(live=False)
        if self.rotations % 3 == 0:
            self.reader.third_rotation()

    def listing(self):
        rows = []
        for folder in ("w", "w/old"):
            with os.scandir(os.path.join(self.folder, folder)) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False):
                        rows.append(f"{entry.name} {entry.inode()} {entry.stat(follow_symlinks=False).st_size}")
        return ", ".join(sorted(rows)[:12])

    def end(self):
        """The last rotation comes with lines, without, or not at all."""
        last = self.chance.choice(("busy", "busy", "quiet", "none"))
        if last == "busy":
            self.rotate()
        self.load.stop()
        self.note(f"{self.load.next_id - 1} ids were sent")
        if last == "quiet":
            time.sleep(self.chance.uniform(0, 1))
            self.rotate()
        # A rotated log may still be open in the writer; and programs that rotate by themselves may be at it.
        time.sleep(0.3)
        soon = self.mode.termed
        if soon:
            self.reader.settle(self.chance.uniform(0, 1))
        self.writer.stop()
        if not soon:
            self.reader.settle(5 if self.mode.watch else 0)
        self.witness.stop()
        # The rest is that of a quiet system: two runs, the second of which has nothing to do.
        time.sleep(2.2)
        self.counted_before = self.reader.counted()
        if self.policy.torn:
            # A file that ends within a line is sealed when it was quiet for ten seconds.
            time.sleep(11)
        self.reader.run()
        said = len(self.reader.said())
        self.last_status = self.reader.run()
        self.last_words = [line for line in self.reader.said()[said:] if line.startswith("logmill")]
        self.truth = ids.of_file(self.writer.truth)

    def close(self):
        self.reader.close()
        self.events.close()
        process = self.writer.process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except Exception:
                process.kill()


def main(words):
    """In a process of its own: its figures are its output. It ends, with all that it started, when it is told to."""
    name, mode, seed, seconds, folder, binary, events = words
    children.end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    policy, mode = policies.ALL[name], MODES[mode]
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    try:
        case = Case(policy, mode, seed, float(seconds), folder, binary)
        case.reads_events = events == "1"
        figures = case.run()
    except Exception as error:
        # What is broken here says nothing of logmill, and must not pass.
        figures = {"wrong": [f"the soak itself failed: {error!r}"]}
    print(json.dumps({"policy": policy.name, "mode": mode.name, "seed": seed, **figures}))
