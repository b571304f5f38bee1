"""The database file is its owner's alone, whatever the umask, and one that was taken away is missed at once."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.ledger import Caller, Feedback, Ledger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENT = Feedback("c", "overridden", NOON)

OPEN_UNDER_UMASK = """
import os, sys
from cds_hooks.store.database import Database
os.umask(int(sys.argv[2], 8))
print(Database.open(sys.argv[1]).answers())
sys.stdin.readline()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "telecode.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[Ledger]:
    database = Database.open(f"sqlite:///{file}")
    yield Ledger(database)
    database.close()


def modes(file: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.glob(f"{file.name}*")}


PRIVATE = {"telecode.db": 0o600, "telecode.db-wal": 0o600, "telecode.db-shm": 0o600}


@pytest.mark.parametrize("umask", ["000", "022", "077", "777"])
def test_a_new_database_is_its_owners_alone_whatever_the_umask(file: Path, umask: str) -> None:
    command = [sys.executable, "-c", OPEN_UNDER_UMASK, f"sqlite:///{file}", umask]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    assert modes(file) == PRIVATE
    process.communicate("\n")


def test_a_database_that_others_could_read_is_closed_to_them_and_the_log_says_so(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = sqlite3.connect(file)
    old.execute("PRAGMA journal_mode=WAL")
    old.execute("CREATE TABLE earlier (id)")
    for part in file.parent.glob(f"{file.name}*"):
        part.chmod(0o664)
    database = Database.open(f"sqlite:///{file}")
    assert modes(file) == PRIVATE
    assert "its mode is now 0600" in caplog.text
    caplog.clear()
    Database.open(f"sqlite:///{file}").close()
    assert caplog.text == ""
    database.close()
    old.close()


def test_a_name_with_signs_of_an_address_in_it_is_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "a b#c&d%"
    folder.mkdir()
    database = Database.open(f"sqlite:///{folder}/telecode.db")
    assert database.answers()
    assert "telecode.db" in modes(folder / "telecode.db")
    database.close()


def test_a_database_in_memory_needs_no_file() -> None:
    database = Database.open("sqlite://")
    assert database.answers()
    database.close()


def test_feedback_is_not_taken_into_a_file_that_was_deleted(ledger: Ledger, file: Path) -> None:
    assert ledger.hear([EVENT], "s", Caller(), NOON) == 1
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            ledger.hear([Feedback("c2", "overridden", NOON)], "s", Caller(), NOON)
    assert not file.exists()
    assert not ledger.database.answers()


def test_a_backup_put_in_the_place_of_the_file_is_used_without_a_restart(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    assert ledger.hear([EVENT], "s", Caller(), NOON) == 1
    backup = sqlite3.connect(tmp_path / "backup.db")
    with sqlite3.connect(file) as current:
        current.backup(backup)
    backup.close()
    assert ledger.hear([Feedback("lost", "overridden", NOON)], "s", Caller(), NOON) == 1
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    shutil.move(tmp_path / "backup.db", file)
    assert ledger.database.answers()
    assert ledger.hear([EVENT], "s", Caller(), NOON) == 0
    assert ledger.hear([Feedback("lost", "overridden", NOON)], "s", Caller(), NOON) == 1


def test_a_file_that_another_process_creates_anew_is_not_taken_for_ours(ledger: Ledger, file: Path) -> None:
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    file.touch()
    with pytest.raises(StoreUnavailableError):
        ledger.hear([EVENT], "s", Caller(), NOON)
    assert not ledger.database.answers()
    Database.open(f"sqlite:///{file}").close()  # as a restart would
    assert ledger.hear([EVENT], "s", Caller(), NOON) == 1


def test_a_database_is_found_from_wherever_the_process_goes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    database = Database.open("sqlite:///telecode.db")
    monkeypatch.chdir(os.sep)
    assert database.answers()
    database.close()
