"""Whoever asks whether the store can be used is told how it is now, and his asking is no load."""

import threading
from pathlib import Path

import pytest

from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.readiness import WRITTEN, Readiness
from tests.exchange.signers import Clock


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(f"sqlite:///{tmp_path}/telecode.db")


def pages(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0)


def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each look at the database from now on, whether it wrote."""
    found: list[bool] = []
    fault = Database.fault

    def noted(self: Database, *, write: bool = True) -> str | None:
        found.append(write)
        return fault(self, write=write)

    monkeypatch.setattr(Database, "fault", noted)
    return found


def test_a_database_that_is_asked_often_does_not_grow(database: Database) -> None:
    assert database.fault() is None
    before = pages(database)
    for _ in range(200):
        assert database.fault() is None
    assert pages(database) == before


def test_a_write_is_tried_once_a_while_and_the_tables_are_looked_at_each_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, clock = looks(monkeypatch), Clock(0)
    readiness = Readiness(database, clock)
    for moment in (0, WRITTEN - 0.1, WRITTEN, WRITTEN + 0.1):
        clock.at = moment
        assert readiness.fault() is None
    assert found == [True, False, True, False]


def test_after_a_request_that_could_not_write_the_next_look_tries_to(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, readiness = looks(monkeypatch), Readiness(database, Clock(0))
    assert readiness.fault() is None
    with pytest.raises(StoreUnavailableError), database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO no_such_table VALUES (1)")
    assert readiness.fault() is None
    assert readiness.fault() is None
    assert found == [True, True, False]


@pytest.mark.parametrize("table", ["card", "offer", "feedback", "seen_token", "alembic_version"])
def test_every_table_is_missed(database: Database, table: str) -> None:
    readiness = Readiness(database, Clock(0))
    assert readiness.fault() is None
    with database.writing() as connection:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    assert readiness.fault()


def test_a_missing_column_is_missed(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE feedback DROP COLUMN commented")
    assert Readiness(database).fault()


def test_a_database_that_may_only_be_read_is_not_ready(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    assert Readiness(database).fault() == "the store cannot be written (OperationalError)"


def test_tables_of_a_newer_version_are_not_ready(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "newer version of telecode (revision '9999')" in str(Readiness(database).fault())


def test_tables_that_nobody_brought_up_to_date_are_not_ready(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    assert "older version" in str(Readiness(database).fault())


def test_of_many_who_ask_at_once_one_looks_and_all_hear_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    readiness, entered, release = Readiness(database, Clock(0)), threading.Event(), threading.Event()
    asked: list[bool] = []

    def held(self: Database, *, write: bool = True) -> str | None:
        asked.append(write)
        entered.set()
        release.wait(20)
        return f"a fault of {self.engine.dialect.name}"

    monkeypatch.setattr(Database, "fault", held)
    heard: list[str | None] = []
    threads = [threading.Thread(target=lambda: heard.append(readiness.fault())) for _ in range(8)]
    threads[0].start()
    assert entered.wait(20)
    for thread in threads[1:]:
        thread.start()
    release.set()
    for thread in threads:
        thread.join()
    assert heard == ["a fault of sqlite"] * 8
    assert len(asked) <= 2  # a thread that came only after the answer asks for itself


def test_who_asks_while_another_waits_in_vain_waits_no_longer_than_a_look(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.store.patience.LOOK", 0.05)
    readiness, entered, release = Readiness(database, Clock(0)), threading.Event(), threading.Event()

    def hung(self: Database, *, write: bool = True) -> str | None:
        entered.set()
        release.wait(20)
        return None if self.engine and write else ""

    monkeypatch.setattr(Database, "fault", hung)
    first = threading.Thread(target=readiness.fault)
    first.start()
    assert entered.wait(20)
    assert readiness.fault() == "the store does not answer"
    release.set()
    first.join()
