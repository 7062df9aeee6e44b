"""Which ids lay in files that logmill could have listed, at some time.

A line that is in none of them (written between copy and truncate, or to a log that was already compressed and removed) can be
counted by somebody who had the log open, and missed by nobody else.
"""
import glob
import os
import threading
import time

from . import ids

# The first id of a log lies within.
HEAD = 120


class Witness:
    def __init__(self, policy, folder, live):
        self.patterns = [os.path.join(folder, path) for path in policy.paths]
        self.copies, self.live = policy.copies or any(w.startswith("copy") for w in policy.directives), live
        self.seen = {}
        self.ids = set()
        self.heads = set()
        self.lock = threading.Lock()
        self.watching = False

    def look(self, live=True):
        """Reads what changed. Logs that are written are left out without `live`."""
        with self.lock:
            for pattern in self.patterns:
                for path in glob.glob(pattern):
                    if live or path not in self.live:
                        self.look_at(path)

    def look_at(self, path):
        try:
            with open(path, "rb") as file:
                was = os.fstat(file.fileno())
                key, now = (was.st_dev, was.st_ino), (was.st_size, was.st_mtime_ns)
                state, head, offset = self.seen.get(key, (None, b"", 0))
                if state == now:
                    return
                # An inode comes back with another log in it.
                if offset > was.st_size or path in self.truncated() or file.read(len(head)) != head:
                    offset = 0
                file.seek(0)
                head = file.read(HEAD)
                self.heads.add(head)
                self.seen[key] = (now, head, offset + self.take(file, offset))
        except FileNotFoundError:
            # Rotated away between the list and the look; it is found again under its new name.
            pass

    def truncated(self):
        return self.live if self.copies else ()

    def take(self, file, offset):
        """Plain files are read on; returns how far."""
        file.seek(offset)
        data = file.read()
        if offset == 0:
            plain = ids.unpacked(data)
            if plain is not data:
                self.ids.update(ids.of_bytes(ids.whole_lines(plain)))
                return 0
        data = ids.whole_lines(data)
        self.ids.update(ids.of_bytes(data))
        return len(data)

    def watch(self):
        """For programs that rotate when they like: looks all the time."""
        self.watching = True
        self.thread = threading.Thread(target=self.keep_looking, daemon=True)
        self.thread.start()

    def keep_looking(self):
        while self.watching:
            self.look()
            time.sleep(0.1)

    def stop(self):
        if self.watching:
            self.watching = False
            self.thread.join()
        self.look()
