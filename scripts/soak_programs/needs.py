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
    """Installs what is missing, or ends with words that say what to do."""
    programs = sorted({program for policy in policies for program in of_policy(policy)})
    missing = [program for program in programs if path_of(program) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install([PACKAGES[program] for program in missing])
    missing = [program for program in missing if path_of(program) is None]
    if missing:
        packages = " ".join(PACKAGES[program] for program in missing)
        raise SystemExit(f"soak: there is no {', '.join(missing)}: run 'sudo apt-get install --no-install-recommends {packages}'")


def install(packages):
    """Failures are told by what is still missing afterwards, with the end of apt-get's words."""
    # The services of these packages are not wanted: RUNLEVEL=1 keeps Debian's scripts from starting them.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *words], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            print(f"soak: apt-get {words[0]} failed: {done.stderr.strip()[-500:]}", flush=True)
