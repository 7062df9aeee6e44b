"""What a policy is."""
import dataclasses

# The logs of the servers, their rotated copies, and those that went to another folder.
SERVER_PATHS = ("w/a*log*", "w/old/*")
# What svlogd, multilog and s6-log keep, without their lock, config and state.
LOGGER_PATHS = ("w/current", "w/@*")


@dataclasses.dataclass(frozen=True)
class Policy:
    name: str
    about: str
    # nginx, apache, rsyslog, svlogd, multilog, s6, python
    writer: str = "nginx"
    # small: less than 4 KiB between two rotations; large: some 50 KiB; fat: some 30 MiB
    size: str = "large"
    # For logrotate.
    directives: tuple = ()
    # For a shell, where people rotate without logrotate. Without either, the writer rotates by itself.
    recipe: str = ""
    # For the writer: see `servers` and `loggers`.
    options: dict = dataclasses.field(default_factory=dict)
    paths: tuple = SERVER_PATHS
    # logrotate -f at each turn; without it, logrotate looks at sizes.
    force: bool = True
    # The log is copied and truncated, so what is written between the two is in no file.
    copies: bool = False
    # Nothing is removed: a word about a loss is a false alarm, unless lines fell into such a gap.
    keeps: bool = True
    # What is removed was rotated some times before: one who watches has read it long ago.
    removes_old: bool = False
    # Lines are longer than what the writer keeps in one piece, so that files end within a line.
    torn: bool = False
    # A window, and runs of lines that `where` drops.
    window: bool = False

    @property
    def family(self):
        return self.name.rsplit(".", 1)[0]

    @property
    def rotates_itself(self):
        return not self.directives and not self.recipe
