"""How logmill is run, and how it ends."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Mode:
    name: str
    about: str
    watch: bool = False
    # `run` at each third rotation only.
    third: bool = False
    # SIGKILL at random moments.
    killed: bool = False
    # SIGTERM at random moments.
    termed: bool = False


MODES = {
    mode.name: mode
    for mode in (
        Mode("run", "`run` each second"),
        Mode("third", "`run` at each third rotation", third=True),
        Mode("watch", "`watch --every 200ms`", watch=True),
        Mode("run-kill", "`run` each second, kill -9 at random moments", killed=True),
        Mode("third-kill", "`run` at each third rotation, kill -9 at random moments", third=True, killed=True),
        Mode("watch-kill", "`watch`, kill -9 at random moments, started again", watch=True, killed=True),
        Mode("watch-term", "`watch`, SIGTERM at random moments, started again; the last one soon after a rotation", watch=True, termed=True),
    )
}


def chosen(names):
    unknown = [name for name in names or [] if name not in MODES]
    if unknown:
        raise SystemExit(f"soak: there is no mode {', '.join(unknown)}; --list has all")
    return [mode for mode in MODES.values() if not names or mode.name in names]
