"""Who writes, and how the logs are rotated."""
from . import logrotate, programs, recipes
from .policy import Policy

ALL = {policy.name: policy for policy in [*logrotate.policies(), *recipes.policies(), *programs.policies()]}


def chosen(names):
    """Those that are named, in whole or without their size."""
    found = [policy for policy in ALL.values() if not names or policy.name in names or policy.family in names]
    known = {policy.name for policy in found} | {policy.family for policy in found}
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise SystemExit(f"soak: there is no policy {', '.join(unknown)}; --list has all")
    return found


__all__ = ["ALL", "Policy", "chosen"]
