"""Compares the SQL tables of one job with each other and with its Parquet. See scripts/compare-sql."""

import argparse
import sys
import tempfile
from pathlib import Path

import jobs
import tables


def arguments() -> argparse.Namespace:
    """The command line; usage errors end with status 2."""
    parser = argparse.ArgumentParser(prog="scripts/compare-sql")
    parser.add_argument("--mariadb", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--mysql", action="append", default=[], metavar="URL", help="compare this server too")
    parser.add_argument("--self-test", action="store_true", help="plant differences that must be found")
    return parser.parse_args()


def compare(case: jobs.Case, servers: dict[str, str], work: Path, planted: bool) -> list[bool]:
    """Runs a case into every database, prints how each compares with the Parquet, and whether that is as it must be."""
    schema, parquet = jobs.run(case, servers, work)
    verdicts = []
    places = {"SQLite": tables.sqlite(work / "sqlite" / "out.db")}
    places |= {name: tables.mysql(url) for name, url in servers.items()}
    for name, place in places.items():
        with place:
            if planted:
                place.plant(jobs.TABLE, case.planted)
            differing = tables.differences(parquet, place.rows(jobs.TABLE, schema))
            verdict = "differs" if differing else "equal"
            print(f"{case.name}: {name} and Parquet: {verdict} ({len(parquet)} rows)", flush=True)
            if differing and not planted:
                print("\n".join(f"    {line}" for line in differing), flush=True)
            verdicts.append(bool(differing) == planted)
    return verdicts


def main() -> int:
    """Runs all; the status is 0 if every table came out as it must."""
    options = arguments()
    servers = {"MariaDB": options.mariadb}
    servers |= {f"MySQL {tables.version(url)}": url for url in options.mysql}
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="logmill-compare-sql-") as scratch:
        for case in jobs.CASES:
            verdicts += compare(case, servers, Path(scratch) / case.name, options.self_test)
        for url in servers.values():
            with tables.mysql(url) as place:
                place.drop(jobs.TABLE)
    print(f"{sum(verdicts)} of {len(verdicts)} as they must be")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (jobs.RunFailed, OSError, *tables.ERRORS) as error:
        sys.exit(f"compare-sql: {error}")
