"""A database of an older version becomes one of this version, and keeps nothing that this version would not keep."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

import cds_hooks.store
from cds_hooks.store.database import Database
from cds_hooks.store.ledger import Caller, Feedback, Ledger
from cds_hooks.store.statistics import events, statistics

AT = datetime(2026, 11, 20, 12, 34, 56, 789, tzinfo=UTC)
CARD, OTHER_CARD = "7f0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11", "7f0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f12"
OWN = "https://north.example/CodeSystem/override-reason"
GUESSED = sha256(b"a comment about Mrs. Canary").hexdigest()
EVENT = {
    "received": AT,
    "card": CARD,
    "known": True,
    "service": "s",
    "issuer": "",
    "tenant": "",
    "outcome": "overridden",
    "at": AT,
    "accepted": "",
    "reason_system": "",
    "reason_code": "",
    "commented": True,
}
CARDS = "INSERT INTO card VALUES (:uuid, :given, 's', '', '', 'selection', '', 'sha256:f')"
OFFERS = "INSERT INTO offer VALUES (:id, :card, :suggestion, 'medicare-ffs', '99214', '10', '', 'mdm', :recommended)"


def older(connection: Connection, told: list[dict[str, Any]]) -> None:
    """The tables of the first version, with a card that was given and what was told of it."""
    config = Config()
    config.set_main_option("script_location", str(Path(cds_hooks.store.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    postgresql = connection.dialect.name == "postgresql"
    written = [
        {name: _as_stored(value, postgresql=postgresql) for name, value in (EVENT | one).items()} for one in told
    ]
    connection.execute(text(CARDS), {"uuid": CARD, "given": _as_stored(AT, postgresql=postgresql)})
    connection.execute(text(OFFERS), {"id": 1, "card": CARD, "suggestion": "own", "recommended": True})
    for number, row in enumerate(written):
        names = ["digest", *row]
        values = ", ".join(f":{name}" for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        digest = GUESSED[:-4] + f"{number:04}"
        connection.execute(text(f"INSERT INTO feedback ({columns}) VALUES ({values})"), {"digest": digest, **row})  # noqa: S608 - our own names


def _as_stored(value: object, *, postgresql: bool) -> object:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) and not postgresql else value


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/telecode.db"


def migrated(url: str, *told: dict[str, Any]) -> Database:
    """A database of the first version, opened by this one."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        older(connection, list(told))
    engine.dispose()
    return Database.open(url)


def test_times_are_rounded_and_the_last_word_within_an_hour_stays_the_last(url: str) -> None:
    earlier, later = {"at": AT - timedelta(minutes=9)}, {"outcome": "accepted", "accepted": "own"}
    database = migrated(url, later, earlier)
    with database.reading() as connection:
        rounded = connection.execute(text('SELECT given, received, "at" FROM card, feedback')).all()
    assert {str(moment)[:26].removesuffix("+00:00") for row in rounded for moment in row} <= {
        "2026-11-20 12:00:00.000000",
        "2026-11-20 12:00:00",
    }
    assert [event["outcome"] for event in events(database)] == ["overridden", "accepted"]
    assert statistics(database).total.accepted == 1
    ledger = Ledger(database)
    ledger.hear([Feedback(CARD, "overridden", AT + timedelta(minutes=1))], "s", Caller(), AT)
    assert statistics(database).total.overridden == 1
    database.close()


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"reason_system": "urn:r", "reason_code": "Canary.1961"}, {"reason_system": "", "reason_code": "other"}),
        ({"reason_system": "", "reason_code": "not-a-code"}, {"reason_system": "", "reason_code": "other"}),
        ({"reason_system": "urn:r", "reason_code": "payer-rule"}, {"reason_system": "", "reason_code": "payer-rule"}),
        ({"reason_system": OWN, "reason_code": "of-the-site"}, {"reason_system": OWN, "reason_code": "of-the-site"}),
        ({"reason_system": "epic", "reason_code": "7"}, {"reason_system": "epic", "reason_code": "7"}),
        ({"reason_system": "epic", "reason_code": "1234567"}, {"reason_code": "other"}),
        ({"reason_system": "", "reason_code": ""}, {"reason_system": "", "reason_code": ""}),
        ({"known": False, "card": "Canary"}, {"card": "other"}),
        ({"known": False, "card": OTHER_CARD}, {"card": OTHER_CARD}),
        ({"outcome": "accepted", "accepted": "own"}, {"accepted": "own", "unknown_suggestions": ""}),
        ({"outcome": "accepted", "accepted": "x own"}, {"accepted": "own", "unknown_suggestions": "other"}),
        ({"accepted": f"Canary {CARD} owner"}, {"accepted": "", "unknown_suggestions": f"other {CARD} other"}),
        ({"known": False, "card": OTHER_CARD, "accepted": "own"}, {"accepted": "", "unknown_suggestions": "other"}),
    ],
)
def test_what_would_not_be_kept_now_is_not_kept_from_before(
    url: str, told: dict[str, Any], kept: dict[str, Any]
) -> None:
    database = migrated(url, told)
    (event,) = events(database)
    assert {name: event[name] for name in kept} == kept
    database.close()


def test_no_digest_from_which_a_comment_can_be_guessed_is_left_in_the_file(url: str, tmp_path: Path) -> None:
    database = migrated(url, *({"card": OTHER_CARD, "known": False, "at": AT + timedelta(1)} for _ in range(200)), {})
    assert len({event["digest"] for event in events(database)}) == 201
    database.close()
    for path in tmp_path.glob("telecode.db*"):
        assert GUESSED[:-4].encode() not in path.read_bytes()
