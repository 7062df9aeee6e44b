"""logrotate's ways to rotate."""
from .policy import Policy

# name: (directives, changes of the policy). Each is soaked with small and with large logs.
WAYS = {
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
    "rotate-2": ("create rotate 2", {"keeps": False, "removes_old": True}),
    "extension-rotate-2": ("create extension .log rotate 2", {"keeps": False, "removes_old": True}),
    "extension-rotate-3-compress": ("create extension .log rotate 3 compress", {"keeps": False, "removes_old": True}),
    "rotate-2-olddir-compress": ("create rotate 2 olddir old compress", {"keeps": False}),
    "copytruncate-rotate-1": ("copytruncate rotate 1", {"copies": True, "keeps": False}),
    "olddir-outside": ("create olddir ../outside", {"keeps": False}),
    "shred-compress": ("create compress shred",),
    "shred-copytruncate": ("copytruncate compress shred", {"copies": True}),
    "slow-compress": ("create compress compresscmd {d}/slow-gzip compressext .gz",),
    "slow-compress-olddir": ("create olddir old compress compresscmd {d}/slow-gzip compressext .gz",),
    "slow-compress-copytruncate": ("copytruncate compress compresscmd {d}/slow-gzip compressext .gz", {"copies": True}),
    "pm2": ("copytruncate extension .log dateext dateformat __%Y-%m-%d_%H-%M-%S", {"copies": True}),
    "pm2-compress": ("copytruncate extension .log dateext dateformat __%Y-%m-%d_%H-%M-%S compress", {"copies": True}),
    "extension-dateext-compress": ("create extension .log dateext dateformat -%s compress",),
    "olddir-dateext-compress": ("create olddir old dateext dateformat -%s compress",),
    "olddir-extension-delaycompress": ("create olddir old extension .log compress delaycompress",),
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


def policies():
    for name, (words, *changes) in WAYS.items():
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
