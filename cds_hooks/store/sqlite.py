"""Opens SQLite: a file that its owner alone may read, and that must stay where it was opened."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from cds_hooks.store import patience

PRIVATE = 0o600
_FILE = "file"
_IDENTITY = "identity"
_CREATING = Lock()
_LOG = logging.getLogger("telecode")


class Line:
    """The connection on which a process writes to SQLite: kept open, and taken by one thread at a time.

    Parameters: `engine` of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Lock()
        self._kept: Connection | None = None
        self._patience: float | None = None

    @contextmanager
    def taken(self, seconds: float, *, durable: bool) -> Iterator[Connection]:
        """The connection, for this thread alone; `durable`: the disk itself has what is written.

        Parameters: `seconds` to wait for the other threads and for other processes together.
        Raises TimeoutError if the other threads take longer.
        """
        if not self._turn.acquire(blocking=False):
            if not self._turn.acquire(timeout=seconds):
                raise TimeoutError
            seconds = min(seconds, patience.left() or seconds)
        try:
            if self._kept is not None and _is_replaced(self._kept.connection.info):
                self._drop()
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
        self._patience = None
        if kept is not None:
            kept.invalidate()
            kept.close()


def sqlite_engine(url: URL) -> Engine:
    """An engine for SQLite. A file that is not there yet is created here, and never again while the engine is used.

    A connection to a file that was deleted or replaced since is dropped: what is written there nobody would ever read.
    """
    engine = create_engine(url, connect_args={"check_same_thread": False})
    (name, *_), _ = engine.dialect.create_connect_args(url)
    if not name.startswith((":memory:", "file:")):
        _create(Path(name))
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkout", _check)
    event.listen(engine, "begin", _begin)
    return engine


def _create(path: Path) -> None:
    """Create the file as its owner's alone, or close it to others; SQLite gives the files beside it the same mode.

    What cannot be created is left to SQLite to complain of. A file that exists is not opened here: to close it again
    would release the locks that this process holds on it (POSIX). For the same reason one thread at a time creates.
    """
    with _CREATING, suppress(OSError):
        try:
            created = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE)
        except FileExistsError:
            for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                _close_to_others(file)
        else:
            os.fchmod(created, PRIVATE)  # a umask may have left the owner less
            os.close(created)


def _close_to_others(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            path.chmod(stat.S_IMODE(mode) & PRIVATE)
            _LOG.warning("the database file could be read by others than its owner: its mode is now 0600")
    except FileNotFoundError:
        return
    except OSError:
        _LOG.warning("the database file can be read by others than its owner, and its mode cannot be changed")


def _identity(path: str) -> tuple[int, int] | None:
    """What tells a file from one that was later put in its place; `None` where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_replaced(info: dict[Any, Any]) -> bool:
    return _FILE in info and _identity(info[_FILE]) != info[_IDENTITY]


def _connect(_: Dialect, entry: ConnectionPoolEntry, args: list[Any], named: dict[str, Any]) -> sqlite3.Connection:
    left = patience.left()
    named["timeout"] = patience.FEEDBACK if left is None else left
    name: str = args[0]
    if name.startswith((":memory:", "file:")):
        plain: sqlite3.Connection = sqlite3.connect(name, **named)
        return plain
    identity = _identity(name)
    # An empty file in place of one that is gone would take feedback as if nothing were lost: "rw" creates none.
    found: sqlite3.Connection = sqlite3.connect(f"{Path(name).as_uri()}?mode=rw", uri=True, **named)
    entry.info.update({_FILE: name, _IDENTITY: identity})
    return found


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are ours to begin: the driver's own way loses DDL and locks late
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _check(connection: sqlite3.Connection, entry: ConnectionPoolEntry, _: object) -> None:
    if _is_replaced(entry.info):
        raise DisconnectionError
    left = patience.left()
    connection.execute(f"PRAGMA busy_timeout={round((patience.FEEDBACK if left is None else left) * 1000)}")


def _begin(connection: Connection) -> None:
    # To take the write lock at once is to wait for it; to take it late is to fail where two wait for each other.
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.connection.execute("BEGIN IMMEDIATE")
