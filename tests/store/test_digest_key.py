"""The key of the digests is made once, for one user alone, beside the database and never in it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cds_hooks.store.database import BadDatabaseError, Database
from cds_hooks.store.digest_key import SHORTEST, digest_key, key_file


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    with ThreadPoolExecutor(8) as workers:
        keys = set(workers.map(lambda _: digest_key(url, None), range(32)))
    (path,) = tmp_path.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("telecode.key", 0o600)
    assert keys == {path.read_bytes().strip()}
    assert len(keys.pop()) >= SHORTEST


def test_two_databases_have_two_keys(tmp_path: Path) -> None:
    assert digest_key(f"sqlite:///{tmp_path}/a.db", None) != digest_key(f"sqlite:///{tmp_path}/b.db", None)


def test_the_key_that_a_site_chose_is_taken_and_no_file_is_made(tmp_path: Path) -> None:
    assert digest_key(f"sqlite:///{tmp_path}/telecode.db", "k" * 32) == b"k" * 32
    assert list(tmp_path.iterdir()) == []


def test_the_key_stands_in_no_file_of_the_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    database, key = Database.open(url), digest_key(url, None)
    database.close()
    assert key not in (tmp_path / "telecode.db").read_bytes()


@pytest.mark.parametrize("kept", ["", "short", "k" * 31 + "\n"])
def test_a_file_that_holds_no_key_stops_the_start_and_is_left_alone(tmp_path: Path, kept: str) -> None:
    (tmp_path / "telecode.key").write_text(kept, encoding="ascii")
    with pytest.raises(BadDatabaseError, match=r"telecode\.key"):
        digest_key(f"sqlite:///{tmp_path}/telecode.db", None)
    assert (tmp_path / "telecode.key").read_text(encoding="ascii") == kept


def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadDatabaseError, match="FileNotFoundError"):
        digest_key(f"sqlite:///{tmp_path}/none/telecode.db", None)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///telecode.db", "telecode.key"),
        ("sqlite:////var/lib/telecode/telecode.db", "/var/lib/telecode/telecode.key"),
        ("sqlite:////var/lib/telecode/cards", "/var/lib/telecode/cards.key"),
        ("sqlite:////var/lib/telecode/cards.key", "/var/lib/telecode/cards.key.key"),
        ("sqlite:///file:/var/lib/telecode/telecode.db?uri=true", "/var/lib/telecode/telecode.key"),
        ("postgresql://telecode@127.0.0.1/telecode", "telecode.key"),
    ],
)
def test_the_file_of_the_key_stands_beside_that_of_the_database(url: str, file: str) -> None:
    assert key_file(url) == Path(file)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_in_memory_has_a_key_that_goes_with_it(url: str) -> None:
    assert key_file(url) is None
    assert digest_key(url, None) != digest_key(url, None)
