"""Who writes, and how the logs are rotated."""
import dataclasses

# The logs of the servers, their rotated copies, and those that went to another folder.
SERVER_PATHS = ("w/a*log*", "w/old/*")
# What svlogd and multilog keep, without their lock, config and state.
LOGGER_PATHS = ("w/current", "w/@*")


@dataclasses.dataclass(frozen=True)
class Policy:
    name: str
    about: str
    # nginx, apache, rsyslog, svlogd, multilog
    writer: str = "nginx"
    # small: less than 4 KiB between two rotations; large: some 50 KiB; fat: some 30 MiB
    size: str = "large"
    # For logrotate; without any, the writer rotates by itself.
    directives: tuple = ()
    # For the writer: see `servers` and `loggers`.
    options: dict = dataclasses.field(default_factory=dict)
    paths: tuple = SERVER_PATHS
    # logrotate -f at each turn; without it, logrotate looks at sizes.
    force: bool = True
    # The log is copied and truncated, so what is written between the two is in no file.
    copies: bool = False
    # Nothing is removed: a word about a loss is a false alarm, unless lines fell into such a gap.
    keeps: bool = True
    # A window, and runs of lines that `where` drops.
    window: bool = False

    @property
    def family(self):
        return self.name.rsplit(".", 1)[0]


# name: (directives, changes of the policy). Each is soaked with small and with large logs.
LOGROTATE = {
    "create": ("create",),
    "create-compress": ("create compress",),
    "create-delaycompress": ("create compress delaycompress",),
    "nocreate": ("nocreate",),
    "nocreate-compress": ("nocreate compress",),
    "start-0": ("create start 0",),
    "addextension": ("create addextension .old",),
    "dateext": ("create dateext dateformat -%s",),
    "dateext-compress": ("create dateext dateformat .%Y-%m-%d.%s compress",),
    "zstd": ("create compress compresscmd /usr/bin/zstd compressext .zst compressoptions -q",),
    "xz": ("create compress compresscmd /usr/bin/xz compressext .xz compressoptions -1",),
    "bzip2": ("create compress compresscmd /bin/bzip2 compressext .bz2",),
    "olddir": ("create olddir old",),
    "olddir-compress": ("create olddir old compress",),
    "olddir-delaycompress": ("create olddir old compress delaycompress",),
    "extension": ("create extension .log",),
    "extension-compress": ("create extension .log compress",),
    "renamecopy": ("create renamecopy",),
    "renamecopy-compress": ("create renamecopy compress",),
    "renamecopy-olddir": ("create renamecopy olddir old",),
    "copytruncate": ("copytruncate", {"copies": True}),
    "copytruncate-compress": ("copytruncate compress", {"copies": True}),
    "copytruncate-delaycompress": ("copytruncate compress delaycompress", {"copies": True}),
    "copytruncate-dateext-compress": ("copytruncate dateext dateformat -%s compress", {"copies": True}),
    "copytruncate-extension": ("copytruncate extension .log", {"copies": True}),
    "copytruncate-extension-compress": ("copytruncate extension .log compress", {"copies": True}),
    "copytruncate-olddir": ("copytruncate olddir old", {"copies": True}),
    "copytruncate-olddir-compress": ("copytruncate olddir old compress", {"copies": True}),
    "copy": ("copy",),
    "copy-compress": ("copy compress",),
    "copy-olddir": ("copy olddir old dateext dateformat -%s",),
    "rotate-0": ("create rotate 0", {"keeps": False}),
    "rotate-1": ("create rotate 1", {"keeps": False}),
    "rotate-1-compress": ("create rotate 1 compress", {"keeps": False}),
    "rotate-2": ("create rotate 2", {"keeps": False}),
    "rotate-2-olddir-compress": ("create rotate 2 olddir old compress", {"keeps": False}),
    "copytruncate-rotate-1": ("copytruncate rotate 1", {"copies": True, "keeps": False}),
    "olddir-outside": ("create olddir outside", {"keeps": False}),
    "shred": ("create rotate 2 shred", {"keeps": False}),
    "two-logs-copytruncate-compress": ("copytruncate compress", {"copies": True, "options": {"two": True}}),
    "two-logs-olddir-compress": ("create olddir old compress", {"options": {"two": True}}),
    "buffered-compress": ("create compress", {"options": {"buffer": "buffer=16k flush=700ms"}}),
    "apache-graceful-compress": ("create compress", {"writer": "apache"}),
    "apache-graceful-delaycompress": ("create compress delaycompress", {"writer": "apache"}),
    "apache-copytruncate-compress": ("copytruncate compress", {"writer": "apache", "copies": True}),
    "rsyslog-create-compress": ("create compress", {"writer": "rsyslog"}),
    "rsyslog-copytruncate-compress": ("copytruncate compress", {"writer": "rsyslog", "copies": True}),
}

# Files so large that reading, copying and compressing them takes its time.
FAT = ("create-compress", "copytruncate", "copytruncate-compress", "copy-compress", "renamecopy-olddir")


def logrotate_policies():
    for name, (words, *changes) in LOGROTATE.items():
        directives = tuple(split(words))
        fields = {"about": f"logrotate: {words}", "directives": directives, **(changes[0] if changes else {})}
        for size in ("small", "large") + (("fat",) if name in FAT else ()):
            yield Policy(f"{name}.{size}", size=size, **fields)
    for size, limit in (("small", "1k"), ("large", "40k")):
        for name, words in (("size", f"create size {limit}"), ("maxsize-compress", f"create daily maxsize {limit} compress")):
            about = f"logrotate without -f: {words}"
            yield Policy(f"{name}.{size}", about, size=size, directives=tuple(split(words)), force=False)
    yield Policy(
        "nginx-gzip.large", "nginx compresses: access_log … gzip=1 flush=500ms", directives=("create",),
        options={"buffer": "gzip=1 flush=500ms", "live": "access.log.gz"},
    )
    yield Policy(
        "filtered.large", "a window, a whole number as key, and thousands of lines in a row that `where` drops",
        directives=("create", "compress"), window=True,
    )


# Arguments of these directives stand behind them.
WITH_ARGUMENT = (
    "olddir", "extension", "addextension", "dateformat", "rotate", "start", "size", "maxsize",
    "compresscmd", "compressext", "compressoptions",
)


def split(words):
    """One directive a line."""
    parts = iter(words.split())
    for word in parts:
        yield f"{word} {next(parts)}" if word in WITH_ARGUMENT else word


def own_policies():
    """Programs that rotate by themselves."""
    piped = {
        "rotatelogs-link": ("rotatelogs -L {d}/w/access.log {d}/w/access.log.%Y%m%d%H%M%S 2", "a link to the live file", {}),
        "rotatelogs-size": ("rotatelogs {d}/w/access.log.%s {size}", "by size", {}),
        "rotatelogs-circle": ("rotatelogs -n 4 {d}/w/access.log 2", "four files in turn", {"keeps": False}),
        "rotatelogs-truncate": ("rotatelogs -t {d}/w/access.log 2", "one file, truncated", {"keeps": False}),
        "cronolog": ("cronolog {d}/w/access.log.%H%M%S", "a file a second", {}),
        "cronolog-link": ("cronolog -S {d}/w/access.log {d}/w/access.log.%H%M%S", "a link to the live file", {}),
    }
    for name, (command, about, changes) in piped.items():
        for size, limit in (("small", "1K"), ("large", "40K")):
            command_line = command.replace("{size}", limit)
            yield Policy(
                f"{name}.{size}", f"Apache's piped log: {command.split()[0]}, {about}", writer="apache", size=size,
                options={"pipe": command_line}, **changes,
            )
    for size, limit, many in (("small", 2000, 4096), ("large", 40000, 40000)):
        own = {
            "svlogd": ("svlogd", f"s{limit} n0", {}),
            "svlogd-3": ("svlogd", f"s{limit} n3", {"keeps": False}),
            "svlogd-gzip": ("svlogd", f"s{limit} n0 !gzip", {}),
            "multilog": ("multilog", f"t s{many} n1000", {}),
            "multilog-3": ("multilog", f"t s{many} n3", {"keeps": False}),
        }
        for name, (writer, words, changes) in own.items():
            yield Policy(
                f"{name}.{size}", f"{writer} {words}", writer=writer, size=size, options={"words": words},
                paths=LOGGER_PATHS, **changes,
            )


POLICIES = {policy.name: policy for policy in [*logrotate_policies(), *own_policies()]}


def chosen(names):
    """Those that are named, in whole or without their size."""
    found = [p for p in POLICIES.values() if not names or p.name in names or p.family in names]
    known = {p.name for p in found} | {p.family for p in found}
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise SystemExit(f"soak: there is no policy {', '.join(unknown)}; --list has all")
    return found
