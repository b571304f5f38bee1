"""On PostgreSQL the store keeps its promises as on SQLite, with many processes and a server that comes and goes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, make_url, select, text

from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.ledger import Caller, CardGiven, Feedback, Ledger, OfferedCode
from cds_hooks.store.statistics import events, statistics
from cds_hooks.store.tables import FEEDBACK, METADATA
from tests.servers.conftest import new_database
from tests.store.test_database import REPLAY, TELL_AND_DIE

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def database_url(postgres: str) -> str:
    return new_database(postgres)


def test_the_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    database = Database.open(database_url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_many_machines_that_start_at_once_make_the_tables_once(database_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        databases = list(pool.map(Database.open, [database_url] * 8))
    assert all(database.answers() for database in databases)
    for database in databases:
        database.close()


def test_cards_and_feedback_are_kept_once_and_tallied(database_url: str) -> None:
    ledger = Ledger(Database.open(database_url))
    code = OfferedCode("s1", "medicare-ffs", "99214", "10", ("95",), "mdm", recommended=True)
    ledger.give(CardGiven("c1", "svc", "selection", (), "sha256:f", (code,)), Caller("i", "t"), NOON)
    told = [Feedback("c1", "accepted", NOON, ("s1",)), Feedback("elsewhere", "overridden", NOON)]
    assert ledger.hear(told, "svc", Caller("i", "t"), NOON) == 2
    assert ledger.hear(told, "svc", Caller("i", "t"), NOON) == 0
    found = statistics(ledger.database)
    assert (found.total.given, found.total.accepted, found.unknown) == (1, 1, 1)
    assert [event["at"] for event in events(ledger.database)] == ["2026-11-20T12:00:00+00:00"] * 2
    assert ledger.forget(datetime(2026, 11, 21, tzinfo=UTC)) == 3
    ledger.database.close()


def test_feedback_that_was_answered_survives_the_killing_of_the_process(database_url: str) -> None:
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", TELL_AND_DIE, database_url], capture_output=True, check=False, text=True
    )
    database = Database.open(database_url)
    with database.reading() as connection:
        kept = set(connection.scalars(select(FEEDBACK.c.card)))
    database.close()
    assert told.returncode == -9
    assert kept == {f"card-{number}" for number in told.stdout.split()}
    assert len(kept) == 20


def test_of_eight_processes_that_replay_a_token_exactly_one_is_admitted(database_url: str) -> None:
    Database.open(database_url).close()
    pipe, command = subprocess.PIPE, [sys.executable, "-c", REPLAY, database_url]
    waiting = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) for _ in range(8)]  # noqa: S603 - our own interpreter
    assert sum(int(process.communicate("go\n")[0]) for process in waiting) == 50


def test_connections_that_the_server_dropped_are_made_anew(database_url: str) -> None:
    database = Database.open(database_url)
    ledger = Ledger(database)
    assert ledger.hear([Feedback("c1", "overridden", NOON)], "svc", Caller(), NOON) == 1
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()
    assert ledger.hear([Feedback("c2", "overridden", NOON)], "svc", Caller(), NOON) == 1
    database.close()


@contextmanager
def stopped(database_url: str) -> Iterator[None]:
    """Let the processes of the server that serve this database do nothing, as behind a network that swallows all."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        pids = list(connection.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        engine.dispose()


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Hold the table of cards, as one who rebuilds it does."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE card IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


@pytest.mark.parametrize("held", [stopped, locked])
def test_a_card_is_not_waited_for_where_the_database_does_nothing(
    database_url: str, held: Callable[[str], AbstractContextManager[None]]
) -> None:
    database = Database.open(database_url)
    ledger, card = Ledger(database), CardGiven("c1", "svc", "selection", (), "sha256:f", ())
    with held(database_url), pytest.raises(StoreUnavailableError):
        ledger.give(card, Caller(), NOON)  # that this comes back at all is the test: nobody lets go before
    ledger.give(card, Caller(), NOON)
    assert database.answers()
    database.close()


def test_a_database_that_does_nothing_is_said_not_to_answer(database_url: str) -> None:
    database = Database.open(database_url)
    assert database.answers()
    with stopped(database_url):
        assert not database.answers()
    assert database.answers()
    database.close()
