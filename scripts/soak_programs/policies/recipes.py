"""What people do without logrotate. A recipe is given to `sh -e`, with $LOG, $N (the number of the turn), and $REOPEN, a command."""
from .policy import Policy

# name: (what it is, the recipe, changes of the policy)
RECIPES = {
    "savelog": ("savelog of Debian, which links and compresses the one before", "savelog -q -t -p -c 1000 $LOG; $REOPEN", {}),
    "savelog-plain": ("savelog -l", "savelog -q -l -t -p -c 1000 $LOG; $REOPEN", {}),
    "nginx-manual": (
        "as nginx's manual says: mv, USR1, sleep 1, gzip",
        "mv $LOG $LOG.$N; $REOPEN; sleep 1; gzip $LOG.$N", {},
    ),
    "mv-gzip-at-once": ("mv, reopen, gzip without a wait", "mv $LOG $LOG.$N; $REOPEN; gzip $LOG.$N", {}),
    "cp-truncate": ("cp and truncate, which leaves the copy its own time", "cp $LOG $LOG.$N; : > $LOG", {"copies": True}),
    "cp-p-truncate-gzip": ("cp -p, truncate, gzip", "cp -p $LOG $LOG.$N; : > $LOG; gzip $LOG.$N", {"copies": True}),
    "gzip-truncate": ("gzip to another file, truncate", "gzip -c $LOG > $LOG.$N.gz; : > $LOG", {"copies": True}),
    "gzip-truncate-away": (
        "gzip to another folder under another name, truncate",
        "gzip -c $LOG > w/old/$N.gz; : > $LOG", {"copies": True},
    ),
    "kubelet": (
        "as kubelet does: a name with a time, the one before compressed by way of a .tmp",
        'last=$(ls -t $LOG.*[0-9] 2>/dev/null | head -n 1); mv $LOG "$LOG.$(date +%Y%m%d-%H%M%S%N)"; $REOPEN; '
        '[ -z "$last" ] || { gzip -c "$last" > "$last.tmp"; mv "$last.tmp" "$last.gz"; rm "$last"; }', {},
    ),
    "backup": ("cp -p to another folder, over the one before; the log grows", "cp -p $LOG w/old/backup", {"copies": True}),
    "backup-gzip": ("gzip to another folder, over the one before; the log grows", "gzip -c $LOG > w/old/backup.gz", {"copies": True}),
    "backup-then-rotate": (
        "cp -p to another folder, then mv and gzip",
        "cp -p $LOG w/old/backup.$N; mv $LOG $LOG.$N; $REOPEN; sleep 0.3; gzip $LOG.$N", {},
    ),
    "hard-links": (
        "hard links as a backup, then mv and gzip (which leaves the link as it is)",
        "ln $LOG w/old/snapshot.$N; mv $LOG $LOG.$N; $REOPEN; sleep 0.3; gzip -f $LOG.$N", {},
    ),
    "archive": (
        "mv, and later as .gz to another folder by way of a hidden name",
        "mv $LOG $LOG.$N; $REOPEN; sleep 0.3; gzip $LOG.$N; cp -p $LOG.$N.gz w/old/.$N; mv w/old/.$N w/old/$N.gz; rm $LOG.$N.gz", {},
    ),
    "recompressed": (
        "mv, gzip, and later zstd in its place",
        "mv $LOG $LOG.$N; $REOPEN; sleep 0.3; gzip $LOG.$N; last=$(ls -t $LOG.*.gz | sed -n 2p); "
        '[ -z "$last" ] || { gzip -dc "$last" | zstd -q -o "${last%.gz}.zst"; rm "$last"; }', {},
    ),
}


def policies():
    for name, (about, recipe, changes) in RECIPES.items():
        for size in ("small", "large"):
            yield Policy(f"{name}.{size}", about, size=size, recipe=recipe, **changes)
