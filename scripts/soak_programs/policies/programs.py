"""Programs that rotate by themselves."""
from .policy import LOGGER_PATHS, Policy


def policies():
    yield from piped_from_apache()
    for size, limit, many in (("small", 2000, 4096), ("large", 40000, 40000)):
        yield from loggers(size, limit, many)
        yield from handlers(size, limit)
    for writer, words in (("svlogd", "s4096 n0"), ("multilog", "t s4096 n10000"), ("s6", "n10000 s4096 T")):
        yield Policy(
            f"{writer}-torn.large", f"{writer}: {words}, lines longer than 2,000 bytes", writer=writer, torn=True,
            options={"words": words}, paths=LOGGER_PATHS,
        )


def piped_from_apache():
    piped = {
        "rotatelogs-link": ("rotatelogs -L {d}/w/access.log {d}/w/access.log.%Y%m%d%H%M%S 2", "a link to the live file", {}),
        "rotatelogs-size": ("rotatelogs {d}/w/access.log.%s {size}", "by size", {}),
        "rotatelogs-circle": ("rotatelogs -n 4 {d}/w/access.log 2", "four files in turn", {"keeps": False}),
        "rotatelogs-truncate": ("rotatelogs -t {d}/w/access.log 2", "one file, truncated", {"keeps": False, "copies": True}),
        "rotatelogs-gzip": ("rotatelogs -p {d}/gzip-former {d}/w/access.log.%Y%m%d%H%M%S 2", "gzip of the former one", {}),
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


def loggers(size, limit, many):
    """The small ones have no smaller files, but slow writers."""
    own = {
        "svlogd": ("svlogd", f"s{limit} n0", {}),
        "svlogd-3": ("svlogd", f"s{limit} n3", {"keeps": False, "removes_old": True}),
        "svlogd-gzip": ("svlogd", f"s{limit} n0 !gzip", {}),
        "svlogd-time": ("svlogd", "s1000000 t2 n0", {}),
        "multilog": ("multilog", f"t s{many} n10000", {}),
        "multilog-3": ("multilog", f"t s{many} n3", {"keeps": False, "removes_old": True}),
        "multilog-gzip": ("multilog", f"t s{many} n10000 !gzip", {}),
        "s6": ("s6", f"n10000 s{many} T", {}),
        "s6-3": ("s6", f"n3 s{many} T", {"keeps": False, "removes_old": True}),
        "s6-gzip": ("s6", f"n10000 s{many} !gzip T", {}),
    }
    for name, (writer, words, changes) in own.items():
        yield Policy(
            f"{name}.{size}", f"{writer} {words}", writer=writer, size=size, options={"words": words},
            paths=LOGGER_PATHS, **changes,
        )


def handlers(size, limit):
    """Python's logging rotates within the program that logs."""
    own = {
        "python": ({"bytes": limit, "count": 1000}, {}),
        "python-3": ({"bytes": limit, "count": 3}, {"keeps": False, "removes_old": True}),
        "python-gzip": ({"bytes": limit, "count": 1000, "gzip": True}, {}),
        "python-timed": ({"seconds": 2}, {}),
        "python-timed-gzip": ({"seconds": 2, "gzip": True}, {}),
    }
    for name, (options, changes) in own.items():
        words = ", ".join(f"{key} {value}" for key, value in options.items())
        yield Policy(f"{name}.{size}", f"logging.handlers: {words}", writer="python", size=size, options=options, **changes)

