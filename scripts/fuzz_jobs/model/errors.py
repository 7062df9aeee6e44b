"""What can go wrong, by whom it concerns."""


class Unsupported(Exception):
    """The model has no opinion: the documents leave it open, or it is deliberately not modelled."""


class JobError(Unsupported):
    """The job itself is wrong (syntax, types, names): `logmill check` should refuse it with status 2."""


class RecordError(Exception):
    """This record is a reject."""


class RunError(Exception):
    """The whole run must end with status 1."""
