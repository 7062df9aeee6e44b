"""A naive model of logmill: what a job must make of its files, computed in the most obvious way.

It is the oracle of scripts/fuzz-jobs, and was written from the documents (docs/JOB_FORMAT.md, docs/OUTPUTS.md), the
manuals of PostgreSQL, DuckDB, nginx and Apache, and RFC 4180 and 8259; not from logmill's source. Keep it so: where it
differs from logmill, decide by the documents who is right.

    from fuzz_jobs.model import run, Unsupported
    outcome = run(job, [("access.log", content)], final=True)

`Unsupported` says that the model has no opinion on this job or on one of its lines, and never guesses; its subclass
`JobError` says that the job itself is wrong, and that `logmill check` should refuse it.

Choices of the model, where the documents leave room:

- A let that no output and no `where` uses is not computed. One that is used is computed for each record, before it is
  asked for, so that its overflow makes the record a reject even where a CASE would not have reached it.
- A FILTER is looked at before the argument: an argument that fails where the filter is false rejects nothing.
- AND, OR, IN and coalesce go from left to right and stop where the answer is known. Other operators and functions
  evaluate all arguments, also if one is NULL.
- Of floats, `x * y` that becomes 0 of two numbers that are not 0 is an underflow, and a reject as PostgreSQL's error.
- A quoted literal takes the type of what it meets: `status = '200'` compares ints.
- `-9223372036854775808` is a decimal, as in PostgreSQL: the sign is an operator.
- `sign` has its argument's kind; extract gives ints, but decimal(6) for `second` and `epoch`.
- `regexp_extract` is DuckDB's: '' where nothing matches.
- sqrt, ln, log10 and power of decimals are floats.
- A quoted time without an offset is in UTC; a text that is cast to a time has no opinion unless the zone is UTC.
- A CSV row with more or fewer cells than columns does not match its format.
- Addresses compare as PostgreSQL's inet, IPv4 first; as keys they stand in the order of their text.
"""

from .errors import JobError, Unsupported
from .outcome import Outcome
from .run import run

__all__ = ["JobError", "Outcome", "Unsupported", "run"]
