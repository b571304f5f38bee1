"""The ledger: which cards were given and what became of them; kept once, however often it is told."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_bytes

from sqlalchemy import Connection, delete, func, select

from cds_hooks import meters
from cds_hooks.store import patience
from cds_hooks.store.database import Database
from cds_hooks.store.moments import StoredTime
from cds_hooks.store.tables import CARDS, FEEDBACK, OFFERS

BATCH = 1000
"""Rows dropped in one transaction: so few that nobody waits for it."""
REST = 0.01
"""Seconds between two batches at least."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The form of an id that telecode makes. What is written otherwise may be words about a patient, and is not kept."""
OTHER = "other"
"""Stands in the store for an id or a reason that is not kept as it was sent."""
UNKNOWN = "unknown"
"""What became of a card that is said to be accepted, with no suggestion that it had."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose EHR it is: issuer and tenant of its token, empty where nobody signs."""

    issuer: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class OfferedCode:
    """A code on a card; `suggestion` is the uuid under which it can be accepted, or empty."""

    suggestion: str
    payer: str
    code: str
    place_of_service: str
    modifiers: tuple[str, ...]
    basis: str
    recommended: bool


@dataclass(frozen=True, slots=True)
class CardGiven:
    """A card as it went out; `questions` are the ids of what it asks."""

    uuid: str
    service: str
    outcome: str
    questions: tuple[str, ...]
    fingerprint: str
    offers: tuple[OfferedCode, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a clinician did with a card: `accepted` holds suggestion ids; of a comment only that there was one."""

    card: str
    outcome: str
    at: datetime
    accepted: tuple[str, ...] = ()
    reason_system: str = ""
    reason_code: str = ""
    commented: bool = False

    def digest(self, service: str, caller: Caller, key: bytes) -> str:
        """What makes two tellings the same event: without the key nobody can test a guess of what it was made from."""
        parts = (
            service,
            caller.issuer,
            caller.tenant,
            self.card,
            self.outcome,
            self.at.astimezone(UTC).isoformat(),
            *sorted(self.accepted),
            self.reason_system,
            self.reason_code,
            str(bool(self.commented)),
        )
        return _keyed(key, "event", *parts).hex()

    def position(self, key: bytes) -> int:
        """Where the event stands among those of its card.

        It is the exact time, counted in microseconds from a start that only the key tells, another for each card: the
        order and the distance of a card's events can be read from it, and no time of day.
        """
        start = int.from_bytes(_keyed(key, "position", self.card)[:8]) >> 2
        return start + (self.at - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Ledger:
    """What the service remembers, in one database.

    `key` of the digests, the same for all instances of one database; a ledger that is given none knows repeated events
    for its own life. `stored` is the unit to which times are rounded.
    """

    database: Database
    key: bytes = field(default_factory=lambda: token_bytes(32), repr=False)
    stored: StoredTime = StoredTime.HOUR

    def give(self, card: CardGiven, caller: Caller, now: datetime) -> None:
        """Remember a card that goes out. Raises StoreUnavailableError."""
        with self.database.writing(patience.CARD) as connection:
            self.database.insert(
                connection,
                CARDS,
                {
                    "uuid": card.uuid,
                    "given": self.stored.down(now),
                    "service": card.service,
                    "issuer": caller.issuer,
                    "tenant": caller.tenant,
                    "outcome": card.outcome,
                    "questions": " ".join(card.questions)[:400],
                    "fingerprint": card.fingerprint,
                },
            )
            if card.offers:
                self.database.insert(connection, OFFERS, *(_row(card.uuid, offer) for offer in card.offers))

    def hear(self, events: Sequence[Feedback], service: str, caller: Caller, now: datetime) -> int:
        """Remember feedback, all of it or none: when this returns, the disk has it. Returns how many were new.

        A card that this caller was never given is kept and flagged, and so is a suggestion that the card never had.
        Raises StoreUnavailableError.
        """
        with self.database.writing(patience.FEEDBACK, durable=True) as connection:
            had = _suggestions(connection, {event.card for event in events}, caller)
            rows = [self._event(event, had, service, caller, now) for event in events]
            new = sum(self.database.insert_new(connection, FEEDBACK, row) for row in rows)
        for event, row in zip(events, rows, strict=True):
            meters.heard(service, became(event.outcome, accepted=bool(row["accepted"])))
        return new

    def _event(
        self, event: Feedback, had: Mapping[str, Collection[str]], service: str, caller: Caller, now: datetime
    ) -> dict[str, object]:
        own = had.get(event.card, ())
        return {
            "digest": event.digest(service, caller, self.key),
            "received": self.stored.down(now),
            "card": _kept(event.card, had),
            "known": event.card in had,
            "service": service,
            "issuer": caller.issuer,
            "tenant": caller.tenant,
            "outcome": event.outcome,
            "at": self.stored.down(event.at),
            "position": event.position(self.key),
            "accepted": " ".join(one for one in event.accepted if one in own),
            "unknown_suggestions": " ".join(_kept(one) for one in event.accepted if one not in own),
            "reason_system": event.reason_system,
            "reason_code": event.reason_code,
            "commented": bool(event.commented),
        }

    def forget(self, before: datetime) -> int:
        """Drop cards and feedback from before a moment. Returns how many. Raises StoreUnavailableError."""
        return sum(self.forgetting(before))

    def forgetting(self, before: datetime) -> Iterator[int]:
        """Drop cards and feedback from before a moment in batches, each in a transaction of its own; say how many.

        Whatever happens between two batches, what was dropped is dropped, and the rest is found the next time. After
        each the database is left to others for as long as the batch took. Raises StoreUnavailableError.
        """
        for key, moment in ((FEEDBACK.c.digest, FEEDBACK.c.received), (CARDS.c.uuid, CARDS.c.given)):
            some = select(key).where(moment < before).order_by(moment).limit(BATCH).with_for_update(skip_locked=True)
            dropped = BATCH
            while dropped == BATCH:
                began = time.monotonic()
                with self.database.writing(patience.FEEDBACK) as connection:
                    dropped = connection.execute(delete(key.table).where(key.in_(some))).rowcount
                yield dropped
                time.sleep(max(REST, time.monotonic() - began) if dropped == BATCH else 0)

    def batches(self, before: datetime) -> int:
        """How many batches it takes to forget what is from before a moment. Raises StoreUnavailableError."""
        with self.database.reading() as connection:
            found = [
                connection.scalar(select(func.count()).select_from(moment.table).where(moment < before)) or 0
                for moment in (FEEDBACK.c.received, CARDS.c.given)
            ]
        return sum(count // BATCH + 1 for count in found)


def became(outcome: str, *, accepted: bool) -> str:
    """What a card is counted as: one that is said to be accepted, with no suggestion that it had, is `UNKNOWN`."""
    return UNKNOWN if outcome == "accepted" and not accepted else outcome


def _suggestions(connection: Connection, cards: Collection[str], caller: Caller) -> dict[str, set[str]]:
    """The ids of the suggestions on each of these cards that was given to the caller."""
    given = select(CARDS.c.uuid, OFFERS.c.suggestion).join_from(CARDS, OFFERS, isouter=True)
    mine = (CARDS.c.issuer == caller.issuer) & (CARDS.c.tenant == caller.tenant)
    found: dict[str, set[str]] = {}
    for card, suggestion in connection.execute(given.where(CARDS.c.uuid.in_(cards), mine)):
        found.setdefault(card, set()).update({suggestion} - {None, ""})
    return found


def _kept(said: str, known: Collection[str] = ()) -> str:
    return said if said in known or UUID.fullmatch(said) else OTHER


def _keyed(key: bytes, purpose: str, *parts: str) -> bytes:
    return hmac.digest(key, "\x1f".join((purpose, *parts)).encode("utf-8", "surrogatepass"), "sha256")


def _row(card: str, offer: OfferedCode) -> dict[str, object]:
    return {
        "card": card,
        "suggestion": offer.suggestion,
        "payer": offer.payer,
        "code": offer.code,
        "place_of_service": offer.place_of_service,
        "modifiers": " ".join(offer.modifiers),
        "basis": offer.basis,
        "recommended": offer.recommended,
    }
