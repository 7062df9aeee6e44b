"""logrotate, as cron would call it, with a configuration and a state of its own."""
import os
import subprocess

from . import needs


class Logrotate:
    def __init__(self, policy, folder, writer):
        self.policy, self.folder = policy, folder
        self.conf, self.state = os.path.join(folder, "logrotate.conf"), os.path.join(folder, "logrotate.state")
        with open(self.conf, "w") as file:
            file.write(configuration(policy, writer))
        # logrotate refuses configurations that others may write.
        os.chmod(self.conf, 0o644)

    def rotate(self):
        """Returns what it said if it failed, else None."""
        command = [needs.path_of("logrotate"), *(["-f"] if self.policy.force else []), "-s", self.state, self.conf]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
        return None if done.returncode == 0 else done.stderr.strip()


def configuration(policy, writer):
    words = list(policy.directives)
    if not any(word.startswith("rotate ") for word in words):
        words.append("rotate 1000")
    if not policy.copies and not any(word.startswith("copy") for word in words):
        words += ["sharedscripts", "postrotate", writer.postrotate(), "endscript"]
    logs = " ".join(writer.live)
    # Empty logs too, as is the default: a rotation without a line is one.
    return logs + " {\n" + "\n".join(["missingok", *words]) + "\n}\n"
