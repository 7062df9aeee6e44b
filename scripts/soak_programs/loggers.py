"""svlogd, multilog and s6-log: they take lines from a pipe, and rotate by themselves. Whoever writes the lines writes the truth, too."""
import os
import subprocess

from . import children, needs


class Logger:
    def __init__(self, policy, folder):
        self.policy, self.folder = policy, folder
        self.logs = os.path.join(folder, "w")
        self.live = [os.path.join(self.logs, "current")]
        self.truth = os.path.join(folder, "truth.log")
        self.process = None

    def start(self):
        self.process = children.spawn(self.command(), self.folder, stdin=subprocess.PIPE)
        self.tee = open(self.truth, "ab", buffering=0)

    def write(self, lines):
        self.tee.write(lines)
        self.process.stdin.write(lines)
        self.process.stdin.flush()

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        """The end of its input ends it, after everything was written."""
        self.tee.close()
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise RuntimeError(f"{self.policy.writer} did not end with its input")


class Svlogd(Logger):
    def command(self):
        # One directive a line.
        with open(os.path.join(self.logs, "config"), "w") as file:
            file.write("\n".join(self.policy.options["words"].split()) + "\n")
        return [needs.path_of("svlogd"), "-tt", self.logs]


class Multilog(Logger):
    def command(self):
        return [needs.path_of("multilog"), *self.policy.options["words"].split(), self.logs]


class S6log(Logger):
    def command(self):
        # Its actions stand before the folder, `T` (a readable time) behind the rest.
        return [needs.path_of("s6-log"), *self.policy.options["words"].split(), self.logs]
