"""Opens PostgreSQL so that nobody waits for it beyond their patience, be it locked, hung or cut off."""

from __future__ import annotations

from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from sqlalchemy import URL, Dialect, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from cds_hooks.store import patience

CONNECTING = 2
"""Seconds to lay a line, the least that the driver knows."""
POOL = 8
"""Connections kept, one for each thread of a worker; as many more may be opened when one is slow to come back."""
_T = TypeVar("_T")


class TimelyConnection(Connection[Any]):
    """A connection on which every wait ends with the caller's patience, after which it is of no more use."""

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """Wait for the server, as psycopg does at every step. Raises OperationalError when the time is over."""
        try:
            return super().wait(gen, interval, patience.left() if timeout is None else timeout)
        except OperationalError:
            self.close()  # nobody knows what the server was at; it drops that with the connection
            raise


def postgresql_engine(url: URL) -> Engine:
    """An engine for PostgreSQL by psycopg."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": CONNECTING},
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=POOL,
        pool_timeout=patience.LOOK,
    )
    event.listen(engine, "do_connect", _connect)
    return engine


def _connect(_: Dialect, __: ConnectionPoolEntry, args: tuple[Any, ...], named: dict[str, Any]) -> Connection[Any]:
    if patience.is_over():  # a line that was given up is replaced for the next caller, not for this one
        raise OperationalError("no time is left to lay a line")
    return TimelyConnection.connect(*args, **named)
