"""Row by row: what is only in one of two tables."""

from dataclasses import dataclass

# Rows of a difference that are shown.
SHOWN = 8
# Relative tolerance of columns that DuckDB computes in floats, step by step.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Difference:
    """Rows of one side that the other lacks, in words."""

    lines: tuple[str, ...]


def compare(con, columns, inexact=(), key=1) -> Difference | None:
    """Compares the tables `expected` and `actual`, which have the given columns. None: equal, as multisets."""
    exact = [column for column in columns if column not in inexact]
    found = []
    for name, one, other in (("DuckDB", "expected", "actual"), ("logmill", "actual", "expected")):
        found += only_in(con, exact, name, one, other)
    for column in inexact:
        found += apart(con, column, columns[:key])
    return Difference(tuple(found)) if found else None


def only_in(con, columns, name, one, other) -> list[str]:
    """The first rows that `one` has more often than `other`, and how many there are."""
    names = ", ".join(columns)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE extra AS
            SELECT {names} FROM {one} EXCEPT ALL SELECT {names} FROM {other}"""
    )
    count = con.execute("SELECT count(*) FROM extra").fetchone()[0]
    if count == 0:
        return []
    rows = con.execute(f"SELECT * FROM extra ORDER BY ALL LIMIT {SHOWN}").fetchall()
    return [f"only in {name}: {count} rows of ({names})"] + [f"  {row}" for row in rows]


def apart(con, column, key) -> list[str]:
    """The first groups whose values of `column` are further apart than the tolerance."""
    same = " AND ".join(f"e.{name} IS NOT DISTINCT FROM a.{name}" for name in key) or "true"
    where = (
        f"(e.{column} IS NULL) <> (a.{column} IS NULL) OR abs(e.{column} - a.{column})"
        f" > {TOLERANCE} * greatest(abs(e.{column}), abs(a.{column}))"
    )
    names = ", ".join(f"e.{name}" for name in key)
    rows = con.execute(
        f"""SELECT {names}, e.{column}, a.{column} FROM expected e JOIN actual a ON {same}
            WHERE {where} LIMIT {SHOWN}"""
    ).fetchall()
    return [f"{column} apart: (key, DuckDB, logmill)"] * bool(rows) + [f"  {row}" for row in rows]


def plant(con, columns) -> str:
    """Changes the last column of one row of `expected`, which a comparison of keys alone would miss; says what."""
    last = columns[-1]
    row = con.execute("SELECT min(rowid) + (max(rowid) - min(rowid)) // 2 FROM expected").fetchone()[0]
    kind = con.execute(f"SELECT typeof({last}) FROM expected LIMIT 1").fetchone()[0]
    if kind == "VARCHAR":
        change = f"concat({last}, ' ')"
    elif kind == "BOOLEAN":
        change = f"NOT coalesce({last}, false)"
    else:
        change = f"coalesce({last}, 0) + 1"
    con.execute(f"UPDATE expected SET {last} = {change} WHERE rowid = ?", [row])
    return f"changed {last} in row {row}"
