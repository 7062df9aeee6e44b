"""The programs that a soak needs, and the Debian packages that have them."""
import os
import shutil
import subprocess

PACKAGES = {
    "nginx": "nginx",
    "apache2": "apache2-bin",
    "rotatelogs": "apache2-utils",
    "cronolog": "cronolog",
    "logrotate": "logrotate",
    "rsyslogd": "rsyslog",
    "svlogd": "runit",
    "multilog": "daemontools",
    "s6-log": "s6",
    "execlineb": "execline",
    "savelog": "debianutils",
    "gzip": "gzip",
    "zstd": "zstd",
    "xz": "xz-utils",
    "bzip2": "bzip2",
    "shred": "coreutils",
}

NEED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "need")

# Where a user's PATH may not lead.
MORE_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/lib/execline/bin")


def path_of(program):
    """Where a program is, or None."""
    folders = [os.environ.get("PATH", ""), *MORE_FOLDERS]
    return shutil.which(program, path=os.pathsep.join(folders))


def of_policy(policy):
    """The programs that one policy takes."""
    writer = {"apache": "apache2", "rsyslog": "rsyslogd", "s6": "s6-log", "python": None}.get(policy.writer, policy.writer)
    pipe = policy.options.get("pipe", "")
    if policy.directives:
        yield "logrotate"
    if pipe:
        yield pipe.split()[0]
    if writer:
        yield writer
    if writer == "s6-log":
        # It runs its processors.
        yield "execlineb"
    words = " ".join([*policy.directives, policy.recipe, pipe, policy.options.get("words", "")])
    yield from (name for name in ("gzip", "zstd", "xz", "bzip2", "shred", "savelog") if name in words)
    if "compress" in words and "compresscmd" not in words:
        yield "gzip"


def provide(policies):
    """Installs what is missing, or ends, after words that say what to do."""
    programs = sorted({program for policy in policies for program in of_policy(policy)})
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", ""), *MORE_FOLDERS])}
    words = [f"{program}={PACKAGES[program]}" for program in programs]
    if subprocess.run([NEED, "scripts/soak", *words], env=environment).returncode != 0:
        raise SystemExit(1)
