"""What is told is kept: once, whole, and only for the EHR that it belongs to. The same on SQLite and PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from cds_hooks.store.database import Database
from cds_hooks.store.ledger import Caller, CardGiven, Feedback, Ledger, OfferedCode
from cds_hooks.store.moments import StoredTime
from cds_hooks.store.seen_tokens import SeenTokens
from cds_hooks.store.statistics import events, statistics
from cds_hooks.store.tables import CARDS, FEEDBACK, OFFERS, TOKENS

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


def overridden(one: CardGiven, reason: str = "", at: datetime = NOON) -> Feedback:
    return Feedback(one.uuid, "overridden", at, (), "urn:reasons" if reason else "", reason)


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


@pytest.mark.parametrize(
    "change",
    [
        {"card": str(uuid4())},
        {"card": "another"},
        {"outcome": "accepted"},
        {"at": NOON + timedelta(microseconds=1)},
        {"accepted": (str(uuid4()),)},
        {"accepted": ("of another form",)},
        {"reason_code": "other"},
        {"reason_system": "urn:other"},
        {"commented": True},
    ],
    ids=str,
)
def test_f3_what_differs_in_one_thing_is_another_event_within_the_same_hour_too(
    ledger: Ledger, change: dict[str, object]
) -> None:
    one = overridden(given(ledger), "payer-rule")
    other = replace(one, **change)  # type: ignore[arg-type]  # any member
    for _ in range(2):
        ledger.hear([one, other], SERVICE, EPIC, NOON)
    assert rows(ledger, FEEDBACK) == 2


def test_instances_that_share_a_key_know_each_others_events_and_others_do_not(ledger: Ledger) -> None:
    one = overridden(given(ledger))
    first, second, stranger = (Ledger(ledger.database, key) for key in (b"k" * 32, b"k" * 32, b"x" * 32))
    assert [each.hear([one], SERVICE, EPIC, NOON) for each in (first, second, stranger, second)] == [1, 0, 1, 0]


def test_nothing_in_the_database_tells_when_in_the_hour_it_was_or_tests_a_guess(ledger: Ledger) -> None:
    """Who has the database and this code, and all but the key, tries every second of the hour."""
    at = NOON + timedelta(minutes=34, seconds=5)
    one = given(ledger, at=at)
    ledger.hear([overridden(one, at=at)], SERVICE, EPIC, at + timedelta(seconds=9))
    with ledger.database.reading() as connection:
        kept = dict(connection.execute(select(FEEDBACK)).mappings().one())
        cards = connection.execute(select(CARDS.c.given)).scalars().all()
    assert [kept["at"], kept["received"], *cards] == [NOON] * 3
    guesses = [overridden(one, at=NOON + timedelta(seconds=second)) for second in range(3600)]
    for key in (b"", b"telecode", kept["digest"].encode()):
        assert kept["digest"] not in {guess.digest(SERVICE, EPIC, key) for guess in guesses}
        assert kept["position"] not in {guess.position(key) for guess in guesses}


@pytest.mark.parametrize(
    ("stored", "at", "kept"),
    [
        (StoredTime.HOUR, "2026-11-20T12:59:59.999999+00:00", "2026-11-20T12:00:00+00:00"),
        (StoredTime.HOUR, "2026-11-20T13:00:00+00:00", "2026-11-20T13:00:00+00:00"),
        (StoredTime.HOUR, "2026-11-20T13:00:00.000001+00:00", "2026-11-20T13:00:00+00:00"),
        (StoredTime.HOUR, "2026-11-20T18:10:00+05:30", "2026-11-20T12:00:00+00:00"),
        (StoredTime.DAY, "2026-11-20T23:59:59+00:00", "2026-11-20T00:00:00+00:00"),
        (StoredTime.DAY, "2026-11-20T20:00:00-05:00", "2026-11-21T00:00:00+00:00"),
        (StoredTime.EXACT, "2026-11-20T12:59:59.999999+00:00", "2026-11-20T12:59:59.999999+00:00"),
    ],
)
def test_every_time_is_stored_in_the_unit_that_the_site_wants(
    ledger: Ledger, stored: StoredTime, at: str, kept: str
) -> None:
    moment, coarse = datetime.fromisoformat(at), Ledger(ledger.database, stored=stored)
    one = given(coarse, at=moment)
    coarse.hear([overridden(one, at=moment)], SERVICE, EPIC, moment)
    with ledger.database.reading() as connection:
        columns = (CARDS.c.given, FEEDBACK.c.at, FEEDBACK.c.received)
        times = [connection.scalars(select(column)).one() for column in columns]
    assert {time.isoformat() for time in times} == {kept}


@pytest.mark.parametrize("stored", StoredTime)
@pytest.mark.parametrize("late", [False, True])
def test_the_last_word_counts_though_it_fell_in_the_same_hour_and_came_first(
    ledger: Ledger, stored: StoredTime, *, late: bool
) -> None:
    coarse = Ledger(ledger.database, stored=stored)
    one = given(coarse)
    told = [overridden(one, "payer-rule", NOON + timedelta(minutes=4)), accepted(one, NOON + timedelta(minutes=5))]
    for event in told[::-1] if late else told:
        coarse.hear([event], SERVICE, EPIC, NOON + timedelta(hours=9))
    total = statistics(ledger.database).total
    assert (total.accepted, total.overridden) == (1, 0)
    assert [event["outcome"] for event in events(ledger.database)] == ["overridden", "accepted"]


def test_a_suggestion_that_the_card_never_had_is_kept_as_unknown_and_is_no_acceptance(ledger: Ledger) -> None:
    one, other = given(ledger), given(ledger)
    never, foreign = str(uuid4()), other.offers[0].suggestion
    told = Feedback(one.uuid, "accepted", NOON, (never, foreign, "Mrs.Canary"))
    ledger.hear([told, accepted(other)], SERVICE, EPIC, NOON)
    found = statistics(ledger.database)
    total = found.total
    assert (total.given, total.accepted, total.overridden, total.unknown, total.unanswered) == (2, 1, 0, 1, 0)
    assert (total.acceptance, found.unknown_suggestions, found.unknown) == (1.0, 3, 0)
    kept = {event["card"]: event for event in events(ledger.database)}[one.uuid]
    assert (kept["accepted"], kept["unknown_suggestions"]) == ("", f"{never} {foreign} other")


def test_a_suggestion_of_the_card_is_accepted_whatever_stands_beside_it(ledger: Ledger) -> None:
    one = given(ledger)
    own, never = one.offers[0].suggestion, str(uuid4())
    ledger.hear([Feedback(one.uuid, "accepted", NOON, (never, own))], SERVICE, EPIC, NOON)
    found = statistics(ledger.database)
    assert (found.total.accepted, found.total.unknown, found.unknown_suggestions) == (1, 0, 1)
    (kept,) = events(ledger.database)
    assert (kept["accepted"], kept["unknown_suggestions"]) == (own, never)


@pytest.mark.parametrize("whose", ["of another EHR", "forgotten", "never given"])
def test_suggestions_of_a_card_that_is_unknown_are_unknown_too(ledger: Ledger, whose: str) -> None:
    one = given(ledger, caller=ORACLE if whose == "of another EHR" else EPIC)
    told = accepted(one) if whose != "never given" else replace(accepted(one), card=str(uuid4()))
    if whose == "forgotten":
        ledger.forget(NOON + timedelta(hours=1))
    assert ledger.hear([told], SERVICE, EPIC, NOON) == 1
    (kept,) = events(ledger.database)
    assert (kept["known"], kept["accepted"], kept["unknown_suggestions"]) == (False, "", told.accepted[0])
    assert (statistics(ledger.database).unknown, statistics(ledger.database).unknown_suggestions) == (1, 0)


def test_an_override_that_names_suggestions_is_an_override(ledger: Ledger) -> None:
    one = given(ledger, offered("98006"), offered("98005", recommended=False))
    ledger.hear([replace(overridden(one), accepted=(one.offers[1].suggestion,))], SERVICE, EPIC, NOON)
    assert [(tally.key, tally.overridden) for tally in statistics(ledger.database).by_code] == [("98006", 1)]


def test_the_id_of_an_unknown_card_is_kept_only_in_the_form_that_telecode_gives(ledger: Ledger) -> None:
    known, one, other = given(ledger).uuid, str(uuid4()), str(uuid4())
    told = [Feedback(card, "overridden", NOON) for card in (known, one, "Mrs.Canary", other[:-1], f"{other}0", "")]
    assert ledger.hear(told, SERVICE, EPIC, NOON) == 6
    assert sorted(event["card"] for event in events(ledger.database)) == sorted([known, one, *["other"] * 4])


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


def test_of_a_comment_only_that_there_was_one_is_kept(ledger: Ledger) -> None:
    one = given(ledger)
    ledger.hear([replace(overridden(one), commented=True), overridden(one)], SERVICE, EPIC, NOON)
    assert sorted(event["commented"] for event in events(ledger.database)) == [False, True]


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


@pytest.mark.parametrize(
    ("stored", "expires", "kept"),
    [
        (StoredTime.HOUR, NOON - timedelta(seconds=1), NOON),
        (StoredTime.HOUR, NOON, NOON),
        (StoredTime.HOUR, NOON + timedelta(seconds=1), NOON + timedelta(hours=1)),
        (StoredTime.DAY, NOON + timedelta(seconds=1), NOON + timedelta(hours=1)),
        (StoredTime.EXACT, NOON + timedelta(seconds=1), NOON + timedelta(seconds=1)),
    ],
)
def test_a_used_token_is_remembered_to_the_end_of_the_hour_so_that_its_end_tells_no_call(
    ledger: Ledger, stored: StoredTime, expires: datetime, kept: datetime
) -> None:
    century = timedelta(days=36_525)  # so that nothing is swept
    assert SeenTokens(ledger.database, stored=stored).first_use("https://a.example", "t1", expires + century)
    with ledger.database.reading() as connection:
        assert connection.scalar(select(TOKENS.c.expires)) == kept + century
