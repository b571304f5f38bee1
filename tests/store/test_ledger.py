"""What is told is kept: once, whole, and only for the EHR that it belongs to. The same on SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from cds_hooks.store.database import Database
from cds_hooks.store.ledger import Caller, CardGiven, Feedback, Ledger, OfferedCode, SeenTokens
from cds_hooks.store.statistics import events, statistics
from cds_hooks.store.tables import CARDS, FEEDBACK, OFFERS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EPIC, ORACLE = Caller("https://epic.example", "north"), Caller("https://oracle.example")
SERVICE = "telehealth-em-note-sign"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    database = Database.open(f"sqlite:///{tmp_path}/telecode.db")
    yield Ledger(database)
    database.close()


def offered(code: str = "99214", basis: str = "mdm", *, recommended: bool = True) -> OfferedCode:
    return OfferedCode(str(uuid4()), "medicare-ffs", code, "10", ("95",), basis, recommended)


def card(*codes: OfferedCode, outcome: str = "selection") -> CardGiven:
    return CardGiven(str(uuid4()), SERVICE, outcome, ("patient_location",), "sha256:f", codes)


def given(ledger: Ledger, *codes: OfferedCode, at: datetime = NOON, caller: Caller = EPIC) -> CardGiven:
    one = card(*(codes or (offered(),)))
    ledger.give(one, caller, at)
    return one


def accepted(one: CardGiven, at: datetime = NOON) -> Feedback:
    return Feedback(one.uuid, "accepted", at, (one.offers[0].suggestion,))


def overridden(one: CardGiven, reason: str = "", at: datetime = NOON, comment: str = "") -> Feedback:
    return Feedback(one.uuid, "overridden", at, (), "urn:reasons" if reason else "", reason, comment)


def rows(ledger: Ledger, table: object) -> int:
    with ledger.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]  # any table


def test_a_card_is_remembered_with_its_codes_and_nothing_of_the_chart(ledger: Ledger) -> None:
    one = given(ledger, offered(), offered("99213", recommended=False))
    with ledger.database.reading() as connection:
        (kept,) = connection.execute(select(CARDS)).mappings()
        codes = connection.execute(select(OFFERS).order_by(OFFERS.c.id)).mappings().all()
    assert dict(kept) == {
        "uuid": one.uuid,
        "given": NOON,
        "service": SERVICE,
        "issuer": EPIC.issuer,
        "tenant": EPIC.tenant,
        "outcome": "selection",
        "questions": "patient_location",
        "fingerprint": "sha256:f",
    }
    assert [(row["code"], row["recommended"], row["modifiers"]) for row in codes] == [
        ("99214", True, "95"),
        ("99213", False, "95"),
    ]


def test_f3_feedback_told_twice_is_kept_once_and_every_distinct_event_is_kept(ledger: Ledger) -> None:
    one = given(ledger)
    assert ledger.hear([overridden(one, "payer-rule")], SERVICE, EPIC, NOON) == 1
    assert (
        ledger.hear([overridden(one, "payer-rule"), accepted(one, NOON + timedelta(minutes=1))], SERVICE, EPIC, NOON)
        == 1
    )
    assert rows(ledger, FEEDBACK) == 2


def test_a_moment_written_in_another_zone_is_the_same_event(ledger: Ledger) -> None:
    one = given(ledger)
    elsewhere = NOON.astimezone(tz=datetime.strptime("-0500", "%z").tzinfo)
    assert ledger.hear([overridden(one, at=NOON), overridden(one, at=elsewhere)], SERVICE, EPIC, NOON) == 1


def test_feedback_on_a_card_of_another_ehr_is_kept_and_flagged(ledger: Ledger) -> None:
    one = given(ledger)
    assert ledger.hear([accepted(one)], SERVICE, ORACLE, NOON) == 1
    assert ledger.hear([Feedback("no-such-card", "overridden", NOON)], SERVICE, EPIC, NOON) == 1
    assert [event["known"] for event in events(ledger.database)] == [False, False]
    assert statistics(ledger.database).unknown == 2
    assert statistics(ledger.database).total.accepted == 0
    assert statistics(ledger.database, since=NOON, until=NOON + timedelta(seconds=1)).unknown == 2
    assert statistics(ledger.database, since=NOON + timedelta(seconds=1)).unknown == 0
    assert statistics(ledger.database, until=NOON).unknown == 0


def test_a_comment_is_counted_and_its_words_are_not_kept(ledger: Ledger) -> None:
    one = given(ledger)
    ledger.hear([overridden(one, comment="Mrs. Canary said no")], SERVICE, EPIC, NOON)
    (event,) = events(ledger.database)
    assert event["commented"] is True
    assert "Canary" not in str(event)


def test_the_last_word_on_a_card_counts(ledger: Ledger) -> None:
    first, second, third = (given(ledger) for _ in range(3))
    later = NOON + timedelta(hours=1)
    ledger.hear([overridden(first, "payer-rule"), accepted(first, later)], SERVICE, EPIC, NOON)
    ledger.hear([overridden(second, "different-level", later), accepted(second)], SERVICE, EPIC, NOON)
    found = statistics(ledger.database)
    assert (found.total.given, found.total.accepted, found.total.overridden) == (3, 1, 1)
    assert found.total.acceptance == 0.5
    assert found.reasons == (("different-level", 1),)
    assert third.uuid


def test_f4_a_card_that_is_left_alone_was_given_and_neither_accepted_nor_overridden(ledger: Ledger) -> None:
    given(ledger)
    total = statistics(ledger.database).total
    assert (total.given, total.accepted, total.overridden, total.acceptance) == (1, 0, 0, None)


def test_cards_are_tallied_by_code_basis_outcome_and_month(ledger: Ledger) -> None:
    given(ledger, offered("99213", "time"), at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    one = given(ledger, offered("99214"), offered("99213", recommended=False))
    ledger.give(card(outcome="undetermined"), EPIC, NOON)
    ledger.hear([accepted(one)], SERVICE, EPIC, NOON)
    found = statistics(ledger.database)
    assert [(tally.key, tally.given, tally.accepted) for tally in found.by_code] == [
        ("99213", 1, 0),
        ("99214", 1, 1),
        ("none", 1, 0),
    ]
    assert [tally.key for tally in found.by_basis] == ["mdm", "none", "time"]
    assert [tally.key for tally in found.by_outcome] == ["selection", "undetermined"]
    assert [(tally.key, tally.given) for tally in found.by_month] == [("2026-10", 1), ("2026-11", 2)]


@pytest.mark.parametrize("recommended", [True, False])
def test_an_acceptance_is_counted_under_the_code_that_was_accepted(ledger: Ledger, *, recommended: bool) -> None:
    one = given(ledger, offered("98006", recommended=recommended), offered("98005", "time", recommended=False))
    lower = Feedback(one.uuid, "accepted", NOON, (one.offers[1].suggestion,))
    ledger.hear([lower], SERVICE, EPIC, NOON)
    found = statistics(ledger.database)
    assert [(tally.key, tally.accepted) for tally in found.by_code] == [("98005", 1)]
    assert [(tally.key, tally.accepted) for tally in found.by_basis] == [("time", 1)]


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [
        (NOON, None, 1),
        (NOON + timedelta(seconds=1), None, 0),
        (None, NOON, 0),
        (None, NOON + timedelta(seconds=1), 1),
    ],
)
def test_a_span_holds_its_first_moment_and_not_its_last(
    ledger: Ledger, since: datetime | None, until: datetime | None, count: int
) -> None:
    given(ledger)
    assert statistics(ledger.database, since, until).total.given == count


def test_what_is_older_than_a_site_keeps_is_forgotten_with_its_codes(ledger: Ledger) -> None:
    old, new = given(ledger, at=NOON - timedelta(seconds=1)), given(ledger)
    ledger.hear([accepted(old)], SERVICE, EPIC, NOON - timedelta(seconds=1))
    ledger.hear([accepted(new)], SERVICE, EPIC, NOON)
    assert ledger.forget(NOON) == 2
    assert (rows(ledger, CARDS), rows(ledger, OFFERS), rows(ledger, FEEDBACK)) == (1, 1, 1)


@pytest.mark.parametrize("old", [0, 2, 3, 4, 6, 7])
def test_what_is_old_is_forgotten_in_batches_and_nothing_else(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, old: int
) -> None:
    monkeypatch.setattr("cds_hooks.store.ledger.BATCH", 3)
    for _ in range(old):
        one = given(ledger, at=NOON - timedelta(seconds=1))
        ledger.hear([accepted(one)], SERVICE, EPIC, NOON - timedelta(seconds=1))
    given(ledger)
    dropped = list(ledger.forgetting(NOON))
    assert sum(dropped) == 2 * old
    assert max(dropped) <= 3
    assert (rows(ledger, CARDS), rows(ledger, OFFERS), rows(ledger, FEEDBACK)) == (1, 1, 0)
    assert len(dropped) == 2 * (old // 3 + 1)


def test_between_two_batches_others_write_and_what_was_dropped_stays_dropped(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.store.ledger.BATCH", 1)
    cards = [given(ledger, at=NOON - timedelta(seconds=1)) for _ in range(3)]
    assert list(islice(ledger.forgetting(NOON), 2)) == [0, 1]  # no feedback, and a card; then interrupted
    new = given(ledger)
    assert ledger.hear([overridden(one) for one in (*cards, new)], SERVICE, EPIC, NOON) == 4
    assert [event["known"] for event in events(ledger.database)].count(False) == 1
    assert ledger.batches(NOON) == 4
    assert ledger.forget(NOON) == 2
    assert rows(ledger, CARDS) == 1


def test_a_token_is_used_once_for_each_issuer(ledger: Ledger) -> None:
    seen = SeenTokens(ledger.database)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    assert seen.first_use("https://a.example", "t1", soon)
    assert not seen.first_use("https://a.example", "t1", soon)
    assert seen.first_use("https://b.example", "t1", soon)
    assert seen.first_use("https://a.example", "t2", soon)
