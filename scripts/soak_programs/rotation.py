"""logrotate, as cron would call it, with a configuration and a state of its own; and the recipes of those who have none."""
import os
import subprocess

from . import needs


class Logrotate:
    def __init__(self, policy, folder, writer):
        self.policy, self.folder = policy, folder
        self.conf, self.state = os.path.join(folder, "logrotate.conf"), os.path.join(folder, "logrotate.state")
        with open(self.conf, "w") as file:
            file.write(configuration(policy, folder, writer))
        # logrotate refuses configurations that others may write.
        os.chmod(self.conf, 0o644)

    def rotate(self):
        """Returns what it said if it failed, else None."""
        command = [needs.path_of("logrotate"), *(["-f"] if self.policy.force else []), "-s", self.state, self.conf]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
        return None if done.returncode == 0 else done.stderr.strip()


def configuration(policy, folder, writer):
    words = [word.format(d=folder) for word in policy.directives]
    if not any(word.startswith("rotate ") for word in words):
        words.append("rotate 1000")
    if not policy.copies and not any(word.startswith("copy") for word in words):
        words += ["sharedscripts", "postrotate", writer.postrotate(), "endscript"]
    logs = " ".join(writer.live)
    # Empty logs too, as is the default: a rotation without a line is one.
    return logs + " {\n" + "\n".join(["missingok", *words]) + "\n}\n"


class Recipe:
    def __init__(self, policy, folder, writer):
        self.policy, self.folder, self.writer, self.turn = policy, folder, writer, 0

    def rotate(self):
        self.turn += 1
        # Numbers of one width sort as they were made.
        own = {"LOG": self.writer.live[0], "N": f"{self.turn:04}", "REOPEN": f"{self.folder}/reopen"}
        done = subprocess.run(
            ["sh", "-ec", self.policy.recipe], cwd=self.folder, env={**os.environ, **own}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120,
        )
        return None if done.returncode == 0 else f"status {done.returncode}: {done.stderr.strip()}"


# Small programs that a policy may name.
HELPERS = {
    "slow-gzip": "gzip -c | { head -c 300; sleep 0.8; cat; }",
    "gzip-former": '[ -z "${2-}" ] || gzip "$2"',
}


def write_helpers(folder, postrotate):
    for name, words in {**HELPERS, "reopen": postrotate}.items():
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{words}\n")
        os.chmod(path, 0o755)


def rotator(policy, folder, writer):
    """None where the writer rotates by itself."""
    write_helpers(folder, getattr(writer, "postrotate", lambda: "true")())
    if policy.recipe:
        return Recipe(policy, folder, writer)
    return Logrotate(policy, folder, writer) if policy.directives else None
