"""Opens the database that remembers what was suggested: SQLite beside the service, PostgreSQL for many machines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

BUSY = 5.0
"""Seconds to wait for another worker's write."""
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
    tenth of a second. So the threads of one process take turns, and only processes ever meet there.
    """

    engine: Engine
    _turn: Lock = field(default_factory=Lock, repr=False, compare=False)

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at `url` and bring its tables up to date.

        Raises BadDatabaseError for an address of no known kind, StoreUnavailableError if it cannot be reached.
        """
        database = cls(_engine(url))
        database.upgrade()
        return database

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that is kept when the block ends, or not at all.

        `durable`: on SQLite the disk itself has it before the block ends, not only the operating system.
        Raises StoreUnavailableError.
        """
        try:
            with self._in_turn(), self.engine.connect() as connection:
                if self.engine.dialect.name == "sqlite":
                    connection.connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                with connection.begin():
                    yield connection
        except SQLAlchemyError as failed:
            raise StoreUnavailableError(type(failed).__name__) from None

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait for the other threads that write, where only one can. Raises StoreUnavailableError."""
        if self.engine.dialect.name != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=BUSY):
            raise StoreUnavailableError("Busy")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look without a lock. Raises StoreUnavailableError."""
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
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
            with self.reading() as connection:
                connection.execute(text("SELECT 1"))
        except StoreUnavailableError:
            return False
        return True

    def insert_new(self, connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
        """Insert a row unless it is there already, and say whether it was new: one step, whoever else inserts."""
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        key = next(iter(table.primary_key))
        inserted = dialect.insert(table).on_conflict_do_nothing().returning(key)  # a count is not told by every driver
        return connection.execute(inserted, row).first() is not None

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            return create_engine(parsed, pool_pre_ping=True, pool_size=8, max_overflow=8, pool_timeout=BUSY)
        if parsed.get_backend_name() != "sqlite":
            raise BadDatabaseError("the database must be sqlite or postgresql")
        engine = create_engine(parsed, connect_args={"timeout": BUSY, "check_same_thread": False})
    except (ArgumentError, ImportError) as refused:
        raise BadDatabaseError(f"the database address cannot be used: {type(refused).__name__}") from None
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are ours to begin: the driver's own way loses DDL and locks late
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    # To take the write lock at once is to wait for it; to take it late is to fail where two wait for each other.
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
