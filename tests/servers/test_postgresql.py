"""On PostgreSQL the store keeps its promises as on SQLite, with many processes and a server that comes and goes."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, make_url, select, text

from cds_hooks.store.database import MIGRATING, Database, StoreUnavailableError
from cds_hooks.store.ledger import Caller, CardGiven, Feedback, Ledger, OfferedCode
from cds_hooks.store.seen_tokens import SeenTokens
from cds_hooks.store.statistics import events, statistics
from cds_hooks.store.tables import FEEDBACK, METADATA
from cds_hooks.web.activity import look_back
from tests.documents import ROOT
from tests.servers.conftest import new_database, postgres_binary
from tests.store import test_migrations
from tests.store.test_database import REPLAY, TELL_AND_DIE, Memory, held

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def database_url(postgres: str) -> str:
    return new_database(postgres)


def test_the_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    database = Database.open(database_url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_a_database_of_the_first_version_keeps_what_this_one_would_keep(database_url: str) -> None:
    test_migrations.test_times_are_rounded_and_the_last_word_within_an_hour_stays_the_last(database_url)


def test_what_would_not_be_kept_now_is_not_kept_from_before(postgres: str) -> None:
    told = {"known": False, "card": "Canary", "accepted": "own", "reason_system": "urn:r", "reason_code": "Canary"}
    database = test_migrations.migrated(new_database(postgres), told)
    (event,) = events(database)
    kept = ("card", "accepted", "unknown_suggestions", "reason_system", "reason_code")
    assert [event[name] for name in kept] == ["other", "", "other", "", "other"]
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
    assert kept == set(told.stdout.split())
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


def test_a_page_does_not_wait_for_a_database_that_does_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.store.patience.FEEDBACK", 0.2)
    database = Database.open(database_url)
    with stopped(database_url):
        assert look_back({}, database, {}).status == 503
    assert look_back({}, database, {}).status == 200
    database.close()


def test_a_database_that_does_nothing_is_said_not_to_answer(database_url: str) -> None:
    database = Database.open(database_url)
    assert database.answers()
    with stopped(database_url):
        assert not database.answers()
    assert database.answers()
    database.close()


def as_owner(database_url: str, *statements: str) -> None:
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


class Outage(NamedTuple):
    """What is done to the database, and undone again."""

    begins: tuple[str, ...]
    ends: tuple[str, ...]


DROP_LINES = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
OUTAGES = {
    "read-only, as a standby is": Outage(
        ("ALTER ROLE service SET default_transaction_read_only = on", DROP_LINES),
        ("ALTER ROLE service RESET default_transaction_read_only", DROP_LINES),
    ),
    "a table dropped": Outage(
        ("ALTER TABLE seen_token RENAME TO t", "ALTER TABLE feedback RENAME TO f"),
        ("ALTER TABLE t RENAME TO seen_token", "ALTER TABLE f RENAME TO feedback"),
    ),
    "permission denied": Outage(
        ("REVOKE INSERT ON ALL TABLES IN SCHEMA public FROM service",),
        ("GRANT INSERT ON ALL TABLES IN SCHEMA public TO service",),
    ),
    "too many connections": Outage(
        ("ALTER ROLE service CONNECTION LIMIT 0", DROP_LINES), ("ALTER ROLE service CONNECTION LIMIT -1",)
    ),
    "no log in": Outage(("ALTER ROLE service NOLOGIN", DROP_LINES), ("ALTER ROLE service LOGIN",)),
    "every statement too slow": Outage(
        (
            "ALTER ROLE service SET statement_timeout = 20",
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END'",
            *(f"CREATE TRIGGER slow BEFORE INSERT ON {t} EXECUTE FUNCTION slow()" for t in ("feedback", "seen_token")),
            DROP_LINES,
        ),
        ("ALTER ROLE service RESET statement_timeout", "DROP FUNCTION slow CASCADE", DROP_LINES),
    ),
}


@pytest.fixture
def service_url(database_url: str) -> Iterator[str]:
    """The database as a role sees it that owns nothing of it."""
    Database.open(database_url).close()
    as_owner(
        database_url,
        "CREATE ROLE service LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO service",
    )
    yield make_url(database_url).set(username="service").render_as_string(hide_password=False)
    as_owner(database_url, "DROP OWNED BY service", "DROP ROLE service")


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_is_told_from_a_refusal_and_is_over_without_a_restart(
    database_url: str, service_url: str, name: str
) -> None:
    database = Database.open(service_url)
    ledger, seen, later = Ledger(database), SeenTokens(database), datetime.now(UTC) + timedelta(minutes=5)
    assert database.fault() is None
    assert seen.first_use("i", "before", later)
    as_owner(database_url, *OUTAGES[name].begins)
    try:
        with pytest.raises(StoreUnavailableError):
            seen.first_use("i", "meanwhile", later)
        with pytest.raises(StoreUnavailableError):
            ledger.hear([Feedback("c", "overridden", NOON)], "svc", Caller(), NOON)
        assert database.fault()
    finally:
        as_owner(database_url, *OUTAGES[name].ends)
    assert not seen.first_use("i", "before", later)
    assert seen.first_use("i", "meanwhile", later)
    assert ledger.hear([Feedback("c", "overridden", NOON)], "svc", Caller(), NOON) == 1
    assert database.fault() is None
    database.close()


def test_who_comes_while_another_migrates_waits_and_who_waits_too_long_is_told_so_in_one_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
        with monkeypatch.context() as hasty:
            hasty.setattr("cds_hooks.store.patience.MIGRATION", 0.2)
            with pytest.raises(StoreUnavailableError, match="if another instance is doing so, start again") as refused:
                Database.open(database_url)
        assert "\n" not in str(refused.value)
        waiting = pool.submit(Database.open, database_url)
        other.rollback()
        database = waiting.result()
    assert database.answers()
    database.close()
    engine.dispose()


def test_tables_of_a_newer_version_are_refused_in_one_line(database_url: str) -> None:
    database = Database.open(database_url)
    as_owner(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer version" in str(database.fault())
    with pytest.raises(
        StoreUnavailableError, match=r"newer version of telecode \(revision '9999'\): start that version"
    ):
        Database.open(database_url)
    database.close()


def test_being_asked_whether_it_can_be_used_does_not_make_it_grow(database_url: str) -> None:
    database = Database.open(database_url)

    def size() -> int:
        with database.reading() as connection:
            return int(connection.scalar(text("SELECT pg_relation_size('alembic_version')")) or 0)

    assert database.fault() is None
    before = size()
    for _ in range(500):
        assert database.fault() is None
    assert size() == before
    database.close()


def test_what_is_old_is_forgotten_in_batches_by_two_who_do_it_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.store.ledger.BATCH", 10)
    ledger = Ledger(Database.open(database_url))
    code = OfferedCode("s1", "medicare-ffs", "99214", "10", (), "mdm", recommended=True)
    for number in range(95):
        ledger.give(CardGiven(f"c{number}", "svc", "selection", (), "sha256:f", (code,)), Caller(), NOON)
    ledger.give(CardGiven("new", "svc", "selection", (), "sha256:f", (code,)), Caller(), NOON + timedelta(days=1))
    with ThreadPoolExecutor(2) as pool:
        dropped = sum(pool.map(ledger.forget, [NOON + timedelta(hours=1)] * 2))
    assert dropped + ledger.forget(NOON + timedelta(hours=1)) == 95
    assert statistics(ledger.database).total.given == 1
    ledger.database.close()


def test_used_tokens_are_dropped_when_their_time_is_long_over(database_url: str) -> None:
    database = Database.open(database_url)
    memory = Memory(database)
    for token, left in (("old", 1), ("then", 2), ("later", 2)):
        assert memory.first_use(token)
        assert held(database) == left
        memory.later(days=2)
    database.close()


@pytest.mark.parametrize("anew", [True, False])
def test_the_restore_that_operators_are_shown_works_on_an_empty_database_and_on_a_full_one(
    postgres: str, database_url: str, tmp_path: Path, *, anew: bool
) -> None:
    database = Database.open(database_url)
    key = b"the same key for both databases"
    assert Ledger(database, key).hear([Feedback("c1", "overridden", NOON)], "svc", Caller(), NOON) == 1
    database.close()
    shown = re.findall(r"pg_(?:dump|restore) .*", (ROOT / "docs" / "operators.md").read_text(encoding="utf-8"))
    dump, restore = (shlex.split(line, comments=True) for line in shown)
    into = new_database(postgres) if anew else database_url
    with (tmp_path / "telecode.dump").open("wb") as file:
        command = [postgres_binary(dump[0]), *dump[1 : dump.index("telecode")], database_url]
        subprocess.run(command, stdout=file, check=True)  # noqa: S603 - as the operators are shown
    words = [into if word == "telecode" else word for word in restore[1:]]
    subprocess.run([postgres_binary(restore[0]), *words], cwd=tmp_path, check=True)  # noqa: S603 - as the operators are shown
    restored = Database.open(into)
    assert restored.answers()
    assert Ledger(restored, key).hear([Feedback("c1", "overridden", NOON)], "svc", Caller(), NOON) == 0
    restored.close()
