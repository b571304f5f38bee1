"""The database opens where it can, says plainly where it cannot, and is safe for many who start and write at once."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, delete, select

from cds_hooks.store import patience, schema
from cds_hooks.store.database import BadDatabaseError, Database, StoreUnavailableError
from cds_hooks.store.ledger import Caller, Feedback, Ledger
from cds_hooks.store.moments import StoredTime
from cds_hooks.store.seen_tokens import WATCHED, SeenTokens
from cds_hooks.store.tables import FEEDBACK, METADATA, TOKENS
from tests.exchange.signers import Clock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

TELL_AND_DIE = """
import os, signal, sys
from datetime import datetime, timezone
from cds_hooks.store.database import Database
from cds_hooks.store.ledger import Caller, Feedback, Ledger
ledger = Ledger(Database.open(sys.argv[1]))
noon = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
for number in range(20):
    card = f"00000000-0000-4000-8000-{number:012}"
    ledger.hear([Feedback(card, "overridden", noon)], "s", Caller(), noon)
    print(card, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

REPLAY = """
import sys
from datetime import datetime, timedelta, timezone
from cds_hooks.store.database import Database
from cds_hooks.store.seen_tokens import SeenTokens
seen = SeenTokens(Database.open(sys.argv[1]))
sys.stdin.readline()
print(sum(seen.first_use("i", f"t{n}", datetime.now(timezone.utc) + timedelta(minutes=5)) for n in range(50)))
"""


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    Ledger(Database.open(url)).hear([Feedback("c", "overridden", NOON)], "s", Caller(), NOON)
    with Database.open(url).reading() as connection:
        assert len(connection.execute(select(FEEDBACK)).all()) == 1


def test_many_workers_that_start_at_once_make_the_tables_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    with ThreadPoolExecutor(8) as pool:
        databases = list(pool.map(Database.open, [url] * 8))
    assert all(database.answers() for database in databases)


@pytest.mark.parametrize("revision", ["9999", "a\nb", ""])
def test_tables_of_a_newer_version_are_refused_in_one_line_that_says_what_to_do(tmp_path: Path, revision: str) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    with Database.open(url).writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))
    with pytest.raises(
        StoreUnavailableError, match=r"newer version of telecode .*: start that version, or restore"
    ) as e:
        Database.open(url)
    assert "\n" not in str(e.value)


def test_who_comes_while_another_migrates_waits_and_finds_the_tables_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    migrate, entered, release = schema.migrate, threading.Event(), threading.Event()
    migrations = []

    def slow(connection: Connection) -> None:
        entered.set()
        release.wait(20)
        migrate(connection)
        migrations.append(connection)

    monkeypatch.setattr(schema, "migrate", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Database.open, url)
        assert entered.wait(20)
        second = pool.submit(Database.open, url)
        release.set()
        assert first.result().answers()
        assert second.result().answers()
    assert len(migrations) in (1, 2)  # whoever looked before the other was done makes sure under the lock
    assert held(first.result()) == 0


def test_who_waits_too_long_for_another_that_migrates_is_told_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.store.patience.MIGRATION", 0.05)
    with sqlite3.connect(tmp_path / "telecode.db") as other:
        other.execute("PRAGMA journal_mode=WAL")
    holder = sqlite3.connect(tmp_path / "telecode.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="if another instance is doing so, start again once that is done"):
        Database.open(f"sqlite:///{tmp_path}/telecode.db")
    holder.execute("ROLLBACK")
    assert Database.open(f"sqlite:///{tmp_path}/telecode.db").answers()


def test_a_database_whose_tables_are_up_to_date_is_opened_though_another_holds_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    Database.open(url).close()
    holder = sqlite3.connect(tmp_path / "telecode.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    database = Database.open(url)
    assert database.fault(write=False) is None
    holder.execute("ROLLBACK")
    assert database.answers()


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/x", "nonsense", "", "sqlite:////no/such/folder/telecode.db"])
def test_an_address_that_cannot_be_used_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises((BadDatabaseError, StoreUnavailableError)) as refused:
        Database.open(url)
    assert not url or url not in str(refused.value)


def test_a_password_in_the_address_never_shows() -> None:
    with pytest.raises(StoreUnavailableError) as refused:
        Database.open("postgresql://telecode:hunter2@127.0.0.1:1/none?connect_timeout=1")
    assert "hunter2" not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_feedback_that_was_answered_survives_the_killing_of_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", TELL_AND_DIE, url], capture_output=True, check=False, text=True
    )
    assert told.returncode == -9
    with Database.open(url).reading() as connection:
        kept = set(connection.scalars(select(FEEDBACK.c.card)))
    assert kept == set(told.stdout.split())
    assert len(kept) == 20


def test_of_eight_processes_that_replay_a_token_exactly_one_is_admitted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    Database.open(url).close()
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", REPLAY, url]
    waiting = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) for _ in range(8)]  # noqa: S603 - our own interpreter
    admitted = [int(process.communicate("go\n")[0]) for process in waiting]
    assert sum(admitted) == 50


class Memory:
    """Used tokens under clocks that a test sets; every token is used as it is made and lives for five minutes."""

    def __init__(self, database: Database) -> None:
        self.passed, self.day = Clock(0), NOON
        self.seen = SeenTokens(database, stored=StoredTime.EXACT, now=lambda: self.day, forward=self.passed)

    def first_use(self, jti: str) -> bool:
        return self.seen.first_use("i", jti, self.day + timedelta(minutes=5))

    def later(self, **time: float) -> None:
        """Let time pass, as both clocks see it."""
        self.day += timedelta(**time)
        self.passed.at += timedelta(**time).total_seconds()


def held(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(select(TOKENS)).all())


def test_a_token_is_dropped_a_day_after_its_time_and_no_sooner(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    memory = Memory(database)
    assert memory.first_use("old")
    memory.later(days=1, minutes=15)
    assert memory.first_use("then")  # an hour of watching begins at the edge of its time
    memory.later(hours=1)
    assert memory.first_use("later")
    assert held(database) == 3
    memory.later(hours=1)
    assert memory.first_use("last")
    assert held(database) == 3
    assert memory.first_use("old")


@pytest.mark.parametrize("away", [timedelta(hours=2), timedelta(days=400), timedelta(hours=-2), timedelta(days=-400)])
def test_a_used_token_stays_used_when_the_clock_was_wrong_for_a_while(tmp_path: Path, away: timedelta) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    memory = Memory(database)
    assert memory.first_use("once")
    memory.day += away
    for minute in range(59):
        memory.later(minutes=1)
        assert memory.first_use(f"while the clock is wrong {minute}")
    memory.day = NOON
    memory.later(minutes=2)
    assert memory.first_use("when it is right again")
    memory.later(hours=1)
    assert memory.first_use("and an hour later")
    memory.day = NOON
    assert not memory.first_use("once")


def test_a_clock_that_is_ahead_of_the_ehrs_drops_no_token_of_theirs(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    passed = Clock(0)
    seen = SeenTokens(database, now=lambda: NOON + timedelta(days=400), forward=passed)
    for hour in range(4):
        passed.at = hour * WATCHED
        assert seen.first_use("i", f"t{hour}", NOON + timedelta(minutes=5))
    assert held(database) == 4


def test_tokens_are_dropped_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_hooks.store.seen_tokens.BATCH", 3)
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    memory = Memory(database)
    for number in range(5):
        assert memory.first_use(f"old {number}")
    for token, days, left in (("first", 2, 6), ("second", 2, 4), ("third", 0, 3)):
        memory.later(days=days)
        assert memory.first_use(token)
        assert held(database) == left


def test_a_token_that_could_not_be_dropped_refuses_nobody(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    memory = Memory(database)
    with database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER keep BEFORE DELETE ON seen_token BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    for number in range(4):
        assert memory.first_use(f"t{number}")
        memory.later(days=2)
    assert held(database) == 4


def test_a_database_that_another_holds_locked_is_unavailable_and_nothing_is_half_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.store.patience.FEEDBACK", 0.05)
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    holder = sqlite3.connect(tmp_path / "telecode.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailableError):
        Ledger(database).hear([Feedback("c", "overridden", NOON)], "s", Caller(), NOON)
    holder.execute("ROLLBACK")
    assert Ledger(database).hear([Feedback("c", "overridden", NOON)], "s", Caller(), NOON) == 1


def test_only_what_must_be_on_the_disk_waits_for_the_disk(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    waits = []
    for durable in (False, True, False):
        with database.writing(durable=durable) as connection:
            waits.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    assert waits == [1, 2, 1]  # SQLite's numbers for NORMAL and FULL
    database.close()


def test_a_card_waits_for_another_process_a_quarter_of_a_second_and_feedback_five(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    waits = []
    for seconds in (patience.CARD, patience.FEEDBACK, patience.CARD):
        with database.writing(seconds) as connection:
            waits.append(connection.exec_driver_sql("PRAGMA busy_timeout").scalar())
    assert waits == [250, 5000, 250]  # milliseconds
    database.close()


@pytest.mark.parametrize("fault", [ValueError("a slip of ours"), sqlite3.OperationalError("disk I/O error")])
def test_after_a_write_that_failed_the_next_one_starts_anew(tmp_path: Path, fault: Exception) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")

    def fail(connection: Connection) -> None:
        connection.execute(delete(FEEDBACK))
        raise fault

    ledger, event = Ledger(database), Feedback("c", "overridden", NOON)
    assert ledger.hear([event], "s", Caller(), NOON) == 1
    with pytest.raises((ValueError, StoreUnavailableError)), database.writing(durable=True) as connection:
        fail(connection)
    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    assert ledger.hear([event], "s", Caller(), NOON) == 0
    database.close()


def test_a_thread_that_does_not_get_its_turn_in_time_is_told_that_the_store_is_down(
    tmp_path: Path,
) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")

    def write() -> None:
        with database.writing(0.01):
            pass

    with ThreadPoolExecutor(1) as other:
        with database.writing(), pytest.raises(StoreUnavailableError, match="Busy"):
            other.submit(write).result()
        other.submit(write).result()
    database.close()
