"""The functions, by family. Each builder takes typed arguments and gives a typed node."""

from ..errors import JobError

FUNCTIONS = {}


def function(*names, least=1, most=None):
    """Registers a builder under its names, for `least` to `most` arguments."""
    most = least if most is None else most

    def register(build):
        def checked(*args):
            if not least <= len(args) <= most:
                raise JobError(f"{names[0]} takes {least} to {most} arguments, not {len(args)}")
            return build(*args)

        FUNCTIONS.update(dict.fromkeys(names, checked))
        return build

    return register


from . import addresses, anytype, hashes, numbers, patterns, text, times, urls  # noqa: E402, F401
