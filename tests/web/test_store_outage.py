"""While the store is down nobody is told that its token is bad, nothing is said to be kept, and all comes back."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.app import create_app
from cds_hooks.settings import Settings
from tests.exchange.signers import OTHER_EC_KEY, claims, signed
from tests.web.test_operations import of, samples
from tests.web.trusting import MEMBERS, trusting_app

PATH = "/cds-services/telehealth-em-note-sign"
TOLD = {"feedback": [{"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T20:30:00Z"}]}
Json = dict[str, Any]
Outage = Callable[[Path], Any]


def other(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    holder = other(file)
    holder.execute("BEGIN EXCLUSIVE")
    yield
    holder.close()


@contextmanager
def dropped(file: Path) -> Iterator[None]:
    """Without the table of used tokens, nor that of feedback."""
    hand = other(file)
    for table in ("seen_token", "feedback"):
        hand.execute(f"ALTER TABLE {table} RENAME TO mislaid_{table}")
    yield
    for table in ("seen_token", "feedback"):
        hand.execute(f"ALTER TABLE mislaid_{table} RENAME TO {table}")
    hand.close()


@contextmanager
def moved(file: Path) -> Iterator[None]:
    """Without any file, and then with the same one again."""
    parts = [Path(f"{file}{part}") for part in ("", "-wal", "-shm")]
    for part in parts:
        part.rename(f"{part}.away")
    yield
    for part in parts:
        Path(f"{part}.away").replace(part)


@contextmanager
def replaced(file: Path, by: Callable[[Path], object]) -> Iterator[None]:
    """With something else in the place of the file."""
    with moved(file):
        by(file)
        yield
        if file.is_dir():
            file.rmdir()
        for left in file.parent.glob(f"{file.name}*"):
            if left.suffix != ".away":
                left.unlink()


def directory(file: Path) -> Any:
    return replaced(file, Path.mkdir)


def empty(file: Path) -> Any:
    return replaced(file, Path.touch)


def garbage(file: Path) -> Any:
    return replaced(file, lambda path: path.write_bytes(b"this is not a database" * 500))


@contextmanager
def full(_: Path) -> Iterator[None]:
    """With no room for a file of more than one page of the database."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


OUTAGES: list[Outage] = [locked, dropped, moved, directory, empty, garbage, full]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "LOOK", "FEEDBACK", "CARD"):
        monkeypatch.setattr(f"cds_hooks.store.patience.{name}", 0.05)


def post(client: FlaskClient, path: str, body: Json, **signer: Any) -> Any:
    authorization = {"Authorization": f"Bearer {signed(claims(path), **signer)}"}
    return client.post(path, json=body, headers=authorization | {"X-Request-Id": "0" * 32})


def put_off(answer: Any) -> bool:
    """Whether an answer is the honest one to what cannot be done now."""
    issue = answer.get_json()["issue"][0]
    return answer.status_code == 503 and issue["code"] == "transient" and int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("outage", OUTAGES)
def test_signed_calls_are_put_off_strangers_are_refused_and_nothing_needs_a_restart(
    tmp_path: Path, good: Json, outage: Outage
) -> None:
    ehr = trusting_app(tmp_path).test_client()
    assert post(ehr, PATH, good).status_code == 200
    with outage(tmp_path / "telecode.db"):
        assert put_off(post(ehr, PATH, good))
        assert put_off(post(ehr, f"{PATH}/feedback", TOLD))
        assert put_off(ehr.get("/readyz"))
        for stranger in (post(ehr, PATH, good, key=OTHER_EC_KEY), ehr.post(PATH, json=good)):
            assert stranger.status_code == 401
            assert "Retry-After" not in stranger.headers
        assert ehr.get("/healthz").status_code == 200
        assert ehr.get("/cds-services").status_code == 200
    assert post(ehr, PATH, good).status_code == 200
    assert post(ehr, f"{PATH}/feedback", TOLD).status_code == 200
    assert ehr.get("/readyz").status_code == 200


@pytest.mark.parametrize("outage", OUTAGES)
def test_without_authentication_hooks_are_answered_and_feedback_is_put_off(
    tmp_path: Path, good: Json, outage: Outage
) -> None:
    ehr = create_app(Settings(database_url=f"sqlite:///{tmp_path}/telecode.db")).test_client()
    assert ehr.post(PATH, json=good).status_code == 200
    with outage(tmp_path / "telecode.db"):
        assert len(ehr.post(PATH, json=good).get_json()["cards"]) == 1
        assert put_off(ehr.post(f"{PATH}/feedback", json=TOLD))
    assert ehr.post(f"{PATH}/feedback", json=TOLD).status_code == 200


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_site_may_have_hooks_answered_meanwhile_and_each_is_logged_and_counted(
    tmp_path: Path, good: Json, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    ehr = trusting_app(tmp_path, answer_without_replay_check=True).test_client()
    once = {"Authorization": f"Bearer {signed(claims(PATH))}"}
    assert [ehr.post(PATH, json=good, headers=once).status_code for _ in range(2)] == [200, 401]
    before = of(samples(ehr), "telecode_unchecked_tokens_total")
    with outage(tmp_path / "telecode.db"):
        assert post(ehr, PATH, good).status_code == 200
        assert put_off(post(ehr, f"{PATH}/feedback", TOLD))
        assert post(ehr, PATH, good, key=OTHER_EC_KEY).status_code == 401
    assert of(samples(ehr), "telecode_unchecked_tokens_total") - before == 1
    assert caplog.text.count("without knowing whether its token was used before") == 1
    assert ehr.post(PATH, json=good, headers=once).status_code == 401


@pytest.mark.parametrize("jti", ["report", "off"])
def test_where_a_site_does_not_refuse_replays_an_outage_refuses_no_hook_either(
    tmp_path: Path, good: Json, jti: str
) -> None:
    ehr = trusting_app(tmp_path, members=f"{MEMBERS}, jti: {jti}").test_client()
    with dropped(tmp_path / "telecode.db"):
        assert post(ehr, PATH, good).status_code == 200
        assert put_off(post(ehr, f"{PATH}/feedback", TOLD))


def test_a_token_that_is_bad_in_any_way_is_refused_and_not_put_off(tmp_path: Path, good: Json) -> None:
    ehr = trusting_app(tmp_path).test_client()
    with dropped(tmp_path / "telecode.db"):
        for lie in ({"exp": 1, "iat": 1}, {"aud": "https://elsewhere.example"}, {"tenant": "south"}, {"jti": None}):
            token = signed(claims(PATH, **lie))
            assert ehr.post(PATH, json=good, headers={"Authorization": f"Bearer {token}"}).status_code == 401
