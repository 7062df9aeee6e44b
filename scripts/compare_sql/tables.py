"""Rows of SQLite, MariaDB, MySQL and Parquet in one form: a tuple of Python values a row, typed as the Parquet is."""

import sqlite3
import ssl
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pymysql

# Rows of a difference that are shown, and characters of each.
SHOWN = 8
WIDTH = 400
# What a database may raise.
ERRORS = (sqlite3.Error, pymysql.MySQLError)


class Place:
    """A database: its connection, and how its values are told apart."""

    def __init__(self, connection, quote: str):
        self.connection, self.quote = connection, quote

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def name(self, name: str) -> str:
        """A name of SQL."""
        return f"{self.quote}{name}{self.quote}"

    def ask(self, sql: str) -> list[tuple]:
        """All rows of a statement."""
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall()

    def rows(self, table: str, schema: pa.Schema) -> list[tuple]:
        """The table's rows, with the columns and the types of the Parquet."""
        names = ", ".join(self.name(name) for name in schema.names)
        found = self.ask(f"SELECT {names} FROM {self.name(table)}")
        return [tuple(typed(value, field.type) for value, field in zip(row, schema)) for row in found]

    def plant(self, table: str, column: str) -> None:
        """Adds one to a number in one row."""
        table, column = self.name(table), self.name(column)
        row = self.ask(f"SELECT window_start FROM {table} WHERE {column} IS NOT NULL LIMIT 1")[0][0]
        row = f"'{row}'"
        self.ask(f"UPDATE {table} SET {column} = {column} + 1 WHERE window_start = {row}")

    def drop(self, table: str) -> None:
        """Drops a job's tables."""
        for name in (table, f"{table}_batches"):
            self.ask(f"DROP TABLE IF EXISTS {self.name(name)}")


def sqlite(path: Path) -> Place:
    """An SQLite database that exists."""
    return Place(sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None), '"')


def mysql(url: str) -> Place:
    """A server of MariaDB or MySQL, by mysql://user:password@host:port/database."""
    parts = urlsplit(url)
    tls = ssl.create_default_context()
    # A test server on loopback has a certificate that nobody knows.
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
        charset="utf8mb4",
        autocommit=True,
        ssl=tls,
    )
    return Place(connection, "`")


def version(url: str) -> str:
    """What the server calls itself."""
    with mysql(url) as place:
        return place.ask("SELECT version()")[0][0]


def typed(value, kind: pa.DataType):
    """A database's value as Python's for the Parquet's type; raises where it isn't one."""
    if value is None:
        return None
    if pa.types.is_boolean(kind):
        return {0: False, 1: True}[value]
    if pa.types.is_decimal(kind):
        return Decimal(repr(value) if isinstance(value, float) else str(value)).normalize()
    if pa.types.is_timestamp(kind):
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC)
    wanted = {pa.int64(): int, pa.float64(): float}.get(kind, str)
    if type(value) is not wanted:
        raise pymysql.DataError(f"{value!r} is {type(value).__name__}, the Parquet has {kind}")
    return value


def of_arrow(table: pa.Table) -> list[tuple]:
    """The rows of the Parquet in the same form."""
    columns = []
    for column in table.columns:
        values = column.to_pylist()
        if pa.types.is_decimal(column.type):
            values = [None if value is None else value.normalize() for value in values]
        if pa.types.is_timestamp(column.type):
            values = [None if value is None else value.astimezone(UTC) for value in values]
        columns.append(values)
    return list(zip(*columns))


def differences(parquet: list[tuple], other: list[tuple]) -> list[str]:
    """What is only in one of the two, as multisets; in words."""
    # Floats by their shortest text, which tells -0 from 0.
    one, two = Counter(map(repr, parquet)), Counter(map(repr, other))
    lines = []
    for name, rest in (("Parquet", one - two), ("the table", two - one)):
        if rest:
            lines.append(f"only in {name}: {rest.total()} rows")
            lines += [f"  {row[:WIDTH]}" for row in sorted(rest.elements())[:SHOWN]]
    return lines
