"""How a row is put into a table: the statement is written once for a kind of database, not anew for each card.

It is handed to the driver, whose own errors come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


@dataclass(frozen=True, slots=True)
class Insertion:
    """An INSERT of one row; `takes` has a column's name, and how the driver takes its value if not as it is."""

    text: str
    takes: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    by_place: bool

    def put(self, connection: Connection, *rows: Mapping[str, object]) -> None:
        """Insert rows, each with a value for every column that the database does not number by itself."""
        connection.connection.cursor().executemany(self.text, [self._sent(row) for row in rows])

    def put_new(self, connection: Connection, row: Mapping[str, object]) -> bool:
        """Insert a row unless it is there already, and say whether it was new: one step, whoever else inserts.

        Only for a statement that passes over what is there.
        """
        cursor = connection.connection.cursor()
        cursor.execute(self.text, self._sent(row))
        return bool(cursor.fetchall())

    def _sent(self, row: Mapping[str, object]) -> Any:  # noqa: ANN401 - by place or by name, as the driver wants them
        sent = {name: row[name] if take is None else take(row[name]) for name, take in self.takes}
        return tuple(sent.values()) if self.by_place else sent


@cache
def insertion(table: Table, dialect: Dialect, *, if_new: bool = False) -> Insertion:
    """The INSERT into a table as a kind of database reads it; with `if_new` it passes over a row that is there."""
    kind = postgresql if dialect.name == "postgresql" else sqlite
    statement = kind.insert(table)
    if if_new:  # a count of rows is not told by every driver
        statement = statement.on_conflict_do_nothing().returning(next(iter(table.primary_key)))
    else:
        statement = statement.inline()
    given = [column.name for column in table.columns if column is not table.autoincrement_column]
    written = statement.compile(dialect=dialect, column_keys=given)
    types = {name: table.columns[name].type.dialect_impl(dialect) for name in written.positiontup or given}
    takes = tuple((name, kept.bind_processor(dialect)) for name, kept in types.items())
    return Insertion(str(written), takes, by_place=written.positional)
