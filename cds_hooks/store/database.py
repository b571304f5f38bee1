"""Opens the database that remembers what was suggested: SQLite beside the service, PostgreSQL for many machines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from cds_hooks.store import patience
from cds_hooks.store.insertion import insertion

MIGRATING = 7_203_845_518
"""The advisory lock of PostgreSQL under which one instance at a time migrates."""


class StoreUnavailableError(Exception):
    """The database cannot be reached or written; what it was asked to keep is not kept."""


class BadDatabaseError(ValueError):
    """A database address that cannot be used; its words never hold the address, which may hold a password."""


class Line:
    """The connection on which a process writes to SQLite: kept open, and taken by one thread at a time.

    Parameters: `engine` of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Lock()
        self._kept: Connection | None = None
        self._patience = patience.FEEDBACK

    @contextmanager
    def taken(self, seconds: float, *, durable: bool) -> Iterator[Connection]:
        """The connection, for this thread alone; `durable`: the disk itself has what is written.

        Parameters: `seconds` to wait for the other threads, and then again for other processes.
        Raises StoreUnavailableError if the other threads take longer.
        """
        if not self._turn.acquire(timeout=seconds):
            raise StoreUnavailableError("Busy")
        try:
            self._kept = self._kept or self._engine.connect()
            if seconds != self._patience:
                self._kept.connection.execute(f"PRAGMA busy_timeout={round(seconds * 1000)}")
                self._patience = seconds
            if durable:
                self._kept.connection.execute("PRAGMA synchronous=FULL")
            yield self._kept
            if durable:
                self._kept.connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            self._drop()  # who knows in which state it was left
            raise
        finally:
            self._turn.release()

    def close(self) -> None:
        """Give the connection back, once nobody writes."""
        with self._turn:
            self._drop()

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        self._patience = patience.FEEDBACK
        if kept is not None:
            kept.invalidate()
            kept.close()


@dataclass(frozen=True)
class Database:
    """One database, for SQLite and PostgreSQL alike.

    SQLite lets one write at a time, and who comes in between sleeps for longer and longer before trying again: up to a
    tenth of a second. So the threads of one process take turns at one line, and only processes ever meet there.
    """

    engine: Engine
    _line: Line | None = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at `url` and bring its tables up to date.

        Raises BadDatabaseError for an address of no known kind, StoreUnavailableError if it cannot be reached.
        """
        engine = _engine(url)
        database = cls(engine, Line(engine) if engine.dialect.name == "sqlite" else None)
        database.upgrade()
        return database

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
        except (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as failed:
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
        except SQLAlchemyError as failed:
            raise StoreUnavailableError(type(failed).__name__) from None

    def upgrade(self) -> None:
        """Bring the tables up to date; of several workers that start at once, one does it.

        Raises StoreUnavailableError.
        """
        with self.writing(durable=True) as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            head = ScriptDirectory.from_config(config).get_current_head()
            if MigrationContext.configure(connection).get_current_revision() != head:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")

    def answers(self) -> bool:
        """Whether the database can be read now."""
        try:
            with self.reading(patience.LOOK) as connection:
                connection.execute(text("SELECT 1"))
        except StoreUnavailableError:
            return False
        return True

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


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            # Its driver is there only where the extra is installed.
            from cds_hooks.store.postgresql import postgresql_engine  # noqa: PLC0415 - see the line above

            return postgresql_engine(parsed)
        if parsed.get_backend_name() != "sqlite":
            raise BadDatabaseError("the database must be sqlite or postgresql")
        engine = create_engine(parsed, connect_args={"timeout": patience.FEEDBACK, "check_same_thread": False})
    except (ArgumentError, ImportError) as refused:
        raise BadDatabaseError(f"the database address cannot be used: {type(refused).__name__}") from None
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are ours to begin: the driver's own way loses DDL and locks late
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    # To take the write lock at once is to wait for it; to take it late is to fail where two wait for each other.
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.connection.execute("BEGIN IMMEDIATE")
