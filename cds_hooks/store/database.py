"""Opens the database that remembers what was suggested: SQLite beside the service, PostgreSQL for many machines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, Table, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from cds_hooks.store import patience, schema
from cds_hooks.store.insertion import insertion
from cds_hooks.store.sqlite import Line, sqlite_engine

MIGRATING = 7_203_845_518
"""The advisory lock of PostgreSQL under which one instance at a time migrates."""


class StoreUnavailableError(Exception):
    """The database cannot be reached or written; what it was asked to keep is not kept."""


class BadDatabaseError(ValueError):
    """A database address that cannot be used; its words never hold the address, which may hold a password."""


@dataclass(frozen=True)
class Database:
    """One database, for SQLite and PostgreSQL alike.

    SQLite lets one write at a time, and who comes in between sleeps for longer and longer before trying again: up to a
    tenth of a second. So the threads of one process take turns at one line, and only processes ever meet there.
    """

    engine: Engine
    _line: Line | None = field(default=None, repr=False, compare=False)
    failed: Event = field(default_factory=Event, repr=False, compare=False)
    """Set when something could not be written; whoever wants to know whether that still is so clears it."""

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at `url` and bring its tables up to date.

        Raises BadDatabaseError for an address of no known kind, StoreUnavailableError if it cannot be reached.
        """
        engine = _engine(url)
        database = cls(engine, Line(engine) if engine.dialect.name == "sqlite" else None)
        try:
            database.upgrade()
        except StoreUnavailableError:
            database.close()
            raise
        return database

    @staticmethod
    def look(url: str) -> None:
        """See whether the database at `url` could be opened, without making or changing anything in it.

        Raises BadDatabaseError for an address of no known kind, StoreUnavailableError if it cannot be reached.
        """
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            name = address.database or ":memory:"
            # To connect would make the file, for this very user, who may be another than the service's.
            file = Path(name).resolve()
            is_file = not name.startswith((":memory:", "file:"))
            if is_file and (file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK)):
                raise StoreUnavailableError("its file or folder cannot be written")
            return
        database = Database(_engine(url))
        try:
            with database.reading(patience.LOOK) as connection:
                connection.execute(text("SELECT 1"))
        finally:
            database.close()

    @contextmanager
    def writing(self, seconds: float | None = None, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that is kept when the block ends, or not at all.

        Parameters: `seconds` to wait for the database, on SQLite for the turn to write; `None` for as long as it takes.
        `durable`: on SQLite the disk itself has it before the block ends, not only the operating system.
        Raises StoreUnavailableError.
        """
        try:
            with patience.at_most(seconds), self._taken(seconds, durable=durable) as connection, connection.begin():
                yield connection
        except TimeoutError:
            self.failed.set()
            raise StoreUnavailableError("Busy") from None
        except (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as failed:
            self.failed.set()
            raise StoreUnavailableError(type(failed).__name__) from None

    def _taken(self, seconds: float | None, *, durable: bool) -> AbstractContextManager[Connection]:
        turn = patience.FEEDBACK if seconds is None else seconds
        return self._line.taken(turn, durable=durable) if self._line else self.engine.connect()

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """A look without a lock.

        Parameters: `seconds` to wait for the database; `None` for as long as it takes. Raises StoreUnavailableError.
        """
        try:
            with (
                patience.at_most(seconds),
                self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
            ):
                yield connection
        except (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as failed:
            raise StoreUnavailableError(type(failed).__name__) from None

    def upgrade(self) -> None:
        """Bring the tables up to date; of several instances that start at once, one does it and the others wait.

        Raises StoreUnavailableError, whose words say what to do where the tables are those of a newer version.
        """
        try:
            with self.reading(patience.FEEDBACK) as connection:
                if schema.is_current(connection):
                    return
            try:
                self._migrate()
            except StoreUnavailableError as failed:
                raise StoreUnavailableError(
                    f"its tables could not be brought up to date ({failed}); if another instance is doing so, start "
                    "again once that is done"
                ) from None
        except (schema.WrongSchemaError, CommandError) as wrong:
            raise StoreUnavailableError(" ".join(str(wrong).split())) from None

    def _migrate(self) -> None:
        # On SQLite the write lock itself is waited for, and that alone: the migration takes as long as it takes.
        with self.writing(patience.MIGRATION if self._line else None, durable=True) as connection:
            if self.engine.dialect.name == "postgresql":
                with patience.at_most(patience.MIGRATION):
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
            schema.migrate(connection)

    def fault(self, *, write: bool = True) -> str | None:
        """What is wrong with the database now, in words for an operator, or `None` if it can be used.

        It can if its tables are those of this version and, unless `write` is false, can be written. It is waited for
        like any caller would, but not for long.
        """
        try:
            with self.reading(patience.LOOK) as connection:
                schema.look(connection)
        except (schema.WrongSchemaError, CommandError) as wrong:
            return f"the store cannot be used: {wrong}"
        except StoreUnavailableError as down:
            return f"the store does not answer ({down})"
        try:
            if write:
                with self.writing(patience.LOOK) as connection:
                    schema.touch(connection)
        except StoreUnavailableError as down:
            return f"the store cannot be written ({down})"
        return None

    def answers(self) -> bool:
        """Whether the database can be used now."""
        return self.fault() is None

    def insert(self, connection: Connection, table: Table, *rows: Mapping[str, object]) -> None:
        """Insert rows, each with a value for every column that the database does not number by itself."""
        insertion(table, self.engine.dialect).put(connection, *rows)

    def insert_new(self, connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
        """Insert a row unless it is there already, and say whether it was new: one step, whoever else inserts."""
        return insertion(table, self.engine.dialect, if_new=True).put_new(connection, row)

    def close(self) -> None:
        """Give every connection back."""
        if self._line:
            self._line.close()
        self.engine.dispose()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as refused:
        raise BadDatabaseError(f"the database address cannot be used: {type(refused).__name__}") from None
    if address.get_backend_name() not in {"sqlite", "postgresql"}:
        raise BadDatabaseError("the database must be sqlite or postgresql")
    return address


def _engine(url: str) -> Engine:
    address = _address(url)
    try:
        if address.get_backend_name() == "postgresql":
            # Its driver is there only where the extra is installed.
            from cds_hooks.store.postgresql import postgresql_engine  # noqa: PLC0415 - see the line above

            return postgresql_engine(address)
        return sqlite_engine(address)
    except (ArgumentError, ImportError) as refused:
        raise BadDatabaseError(f"the database address cannot be used: {type(refused).__name__}") from None
