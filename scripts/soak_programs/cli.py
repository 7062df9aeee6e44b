"""Many cases at once, and the table."""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import modes, needs, policies

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

DESCRIPTION = """Real programs write and rotate logs, logmill reads them, and a second log that is never rotated says what is right.

Without --seconds, each chosen policy is soaked once in each chosen mode. With it, cases are drawn until the time is up."""
EPILOG = """Programs that are missing are installed with apt-get if we are root; otherwise the soak fails and names them.
Everything lies in a temporary folder, listens on loopback only, and is gone afterwards.

Exit status: 0 each line counted once or its loss told, 1 not, 2 wrong usage."""

# What found most, in a minute.
SHORT = (
    ("copytruncate-compress.small", "watch"),
    ("copytruncate-extension-compress.small", "run"),
    ("create-compress.large", "watch"),
    ("create-compress.large", "watch-kill"),
    ("slow-compress.large", "watch-term"),
    ("olddir-compress.small", "run"),
    ("renamecopy-olddir.small", "run-kill"),
    ("copy-compress.large", "run"),
    ("hard-links.small", "run"),
    ("rotate-2.large", "third"),
    ("extension-rotate-2.small", "watch"),
    ("copytruncate-rotate-1.large", "third-kill"),
    ("apache-graceful-compress.large", "watch"),
    ("rotatelogs-link.large", "watch"),
    ("svlogd-gzip.small", "run"),
    ("multilog-torn.large", "run"),
    ("filtered.large", "run"),
)
SHORT_SECONDS = 25


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="seventeen telling cases at once, within a minute")
    parser.add_argument("--seconds", type=int, help="draw cases for that long")
    parser.add_argument("--case-seconds", type=float, default=20, help="how long each one is written and rotated (20)")
    parser.add_argument("--policy", action="append", metavar="NAME", help="only these; with or without the size behind the dot")
    parser.add_argument("--mode", action="append", metavar="NAME", help="only these")
    parser.add_argument("--seed", type=int, help="of what is random; printed if not given")
    parser.add_argument("--jobs", type=int, default=2, help="cases at once (2)")
    parser.add_argument("--binary", metavar="PATH", help="logmill; without it $LOGMILL, or the release build of this tree")
    parser.add_argument("--json", metavar="FILE", help="all figures, one object a line")
    parser.add_argument("--keep", metavar="DIR", help="keep the folders of cases that are wrong")
    parser.add_argument("--events", action="store_true", help="also read the events' Parquet (makes a Python environment, as other checks do)")
    parser.add_argument("--list", action="store_true", help="print the policies and modes")
    return parser.parse_args()


def drawn(options):
    """The cases, in the order of their start."""
    if options.short:
        return [(policies.ALL[name], modes.MODES[mode]) for name, mode in SHORT]
    pairs = [(policy, mode) for policy in policies.chosen(options.policy) for mode in modes.chosen(options.mode)]
    random.Random(options.seed).shuffle(pairs)
    return pairs


class Soak:
    def __init__(self, options, binary):
        self.options, self.binary = options, binary
        self.work = tempfile.mkdtemp(prefix="logmill-soak-")
        os.chmod(self.work, 0o755)
        self.running, self.results, self.started = {}, [], 0

    def all(self, pairs):
        until = time.monotonic() + self.options.seconds if self.options.seconds else None
        at = 0
        while True:
            more = at < len(pairs) if until is None else time.monotonic() < until
            if more and len(self.running) < self.options.jobs:
                self.start(*pairs[at % len(pairs)], self.options.seed + at // len(pairs))
                at += 1
            elif self.running:
                self.collect()
            elif not more:
                return

    def start(self, policy, mode, seed):
        self.started += 1
        folder = os.path.join(self.work, f"{self.started}-{policy.name}-{mode.name}")
        words = [policy.name, mode.name, str(seed), str(self.options.case_seconds), folder, self.binary, str(int(self.options.events))]
        # A session of its own: whatever a case starts can be ended together.
        process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "scripts", "soak"), "--one-case", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )
        self.running[process] = (policy, mode, folder, time.monotonic())

    def collect(self):
        time.sleep(0.1)
        for process, (policy, mode, folder, begin) in list(self.running.items()):
            if process.poll() is None and time.monotonic() - begin < self.options.case_seconds + 240:
                continue
            self.end(process)
            self.take(process, policy, mode, folder)

    def take(self, process, policy, mode, folder):
        del self.running[process]
        try:
            result = json.loads(process.stdout.read())
        except ValueError:
            wrong = [f"the soak itself failed: status {process.returncode}, no figures"]
            result = {"policy": policy.name, "mode": mode.name, "wrong": wrong}
        self.results.append(result)
        print(row(result), flush=True)
        if self.options.json:
            with open(self.options.json, "a") as file:
                file.write(json.dumps(result) + "\n")
        if result["wrong"] and self.options.keep:
            shutil.copytree(folder, os.path.join(self.options.keep, os.path.basename(folder)), symlinks=True, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("socket"))
        shutil.rmtree(folder, ignore_errors=True)

    def end(self, process):
        """A case that ended left nothing behind, or it is killed."""
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            if process.poll() is None:
                process.send_signal(number)
                try:
                    process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            self.end(process)
        shutil.rmtree(self.work, ignore_errors=True)


HEAD = ("policy", "mode", "logged", "counted", "doubled", "lost", "told", "audit", "verify", "rotations", "kills", "verdict")
FORM = "{:<38} {:<10} {:>7} {:>7} {:>7} {:>6} {:>9} {:>5} {:>6} {:>9} {:>5}  {}"


def row(result):
    if "logged" not in result:
        return FORM.format(result["policy"], result["mode"], *["-"] * 9, "WRONG: " + "; ".join(result["wrong"]))
    said = result["told"]
    told = f"{said['lost_bytes']}B/{said['gaps']}/{said['words']}" if any(said.values()) else "-"
    # Apart: lines that were in no file that one could list.
    lost = str(result["lost_kept"]) + (f"+{result['lost'] - result['lost_kept']}" if result["lost"] > result["lost_kept"] else "")
    figures = [result[name] for name in ("policy", "mode", "logged", "counted", "doubled")]
    rest = [result[name] for name in ("audit", "verify", "rotations", "kills")]
    return FORM.format(*figures, lost, told, *rest, "WRONG: " + "; ".join(result["wrong"]) if result["wrong"] else "ok")


def summary(results):
    good = [result for result in results if not result["wrong"]]
    totals = {name: sum(result.get(name, 0) for result in results) for name in ("logged", "rotations", "kills", "doubled", "lost")}
    words = ", ".join(f"{number:,} {name}" for name, number in totals.items())
    return f"{len(results)} cases, {len(results) - len(good)} of them wrong: {words}"


def listing():
    for policy in policies.ALL.values():
        print(f"{policy.name:<40} {policy.about}")
    print()
    for mode in modes.MODES.values():
        print(f"{mode.name:<40} {mode.about}")


def main():
    options = arguments()
    if options.list:
        return listing()
    if options.short:
        options.jobs, options.case_seconds = len(SHORT), SHORT_SECONDS
    options.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1, 1_000_000)
    pairs = drawn(options)
    needs.provide([policy for policy, _ in pairs])
    if options.events:
        with_parquet()
    binary = os.path.realpath(options.binary) if options.binary else release_binary()
    print(f"soak: seed {options.seed}, {binary}\n" + FORM.format(*HEAD), flush=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    soak = Soak(options, binary)
    try:
        soak.all(pairs)
    finally:
        soak.close()
    print(summary(soak.results))
    return 1 if any(result["wrong"] for result in soak.results) or not soak.results else 0


def with_parquet():
    """Goes on in the environment of scripts/python-env: the standard library reads no Parquet."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        done = subprocess.run([os.path.join(ROOT, "scripts", "python-env")], stdout=subprocess.PIPE, text=True, check=True)
        python = done.stdout.strip()
        if sys.executable == python:
            raise SystemExit("soak: --events needs pyarrow, and scripts/python-env made an environment without it")
        os.execv(python, [python, os.path.join(ROOT, "scripts", "soak"), *sys.argv[1:]])


def release_binary():
    done = subprocess.run([os.path.join(ROOT, "scripts", "release-binary")], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()
