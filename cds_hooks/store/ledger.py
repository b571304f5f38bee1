"""The ledger: which cards were given and what became of them; kept once, however often it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock

from sqlalchemy import delete, func, select, tuple_

from cds_hooks.store import patience
from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.tables import CARDS, FEEDBACK, OFFERS, TOKENS

BATCH = 1000
"""Rows dropped in one transaction: so few that nobody waits for it."""
REST = 0.01
"""Seconds between two batches at least."""
KEPT = timedelta(days=1, minutes=10)
"""How long a used token is kept after it has expired: longer than any may live."""
WATCHED = 3600.0
"""Seconds for which the time is watched before tokens are dropped by it."""
_LAST = datetime.max.replace(tzinfo=UTC)


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
    """What a clinician did with a card: `accepted` holds suggestion ids; a comment is only counted."""

    card: str
    outcome: str
    at: datetime
    accepted: tuple[str, ...] = ()
    reason_system: str = ""
    reason_code: str = ""
    comment: str = ""

    def digest(self, service: str, caller: Caller) -> str:
        """What makes two tellings the same event."""
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
            self.comment,
        )
        return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Ledger:
    """What the service remembers, in one database."""

    database: Database

    def give(self, card: CardGiven, caller: Caller, now: datetime) -> None:
        """Remember a card that goes out. Raises StoreUnavailableError."""
        with self.database.writing(patience.CARD) as connection:
            self.database.insert(
                connection,
                CARDS,
                {
                    "uuid": card.uuid,
                    "given": now,
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

        A card that this caller was never given is kept and flagged. Raises StoreUnavailableError.
        """
        cards = {event.card for event in events}
        mine = (CARDS.c.issuer == caller.issuer) & (CARDS.c.tenant == caller.tenant)
        with self.database.writing(patience.FEEDBACK, durable=True) as connection:
            known = set(connection.scalars(select(CARDS.c.uuid).where(CARDS.c.uuid.in_(cards), mine)))
            rows = [
                {
                    "digest": event.digest(service, caller),
                    "received": now,
                    "card": event.card,
                    "known": event.card in known,
                    "service": service,
                    "issuer": caller.issuer,
                    "tenant": caller.tenant,
                    "outcome": event.outcome,
                    "at": event.at,
                    "accepted": " ".join(event.accepted),
                    "reason_system": event.reason_system,
                    "reason_code": event.reason_code,
                    "commented": bool(event.comment),
                }
                for event in events
            ]
            return sum(self.database.insert_new(connection, FEEDBACK, row) for row in rows)

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


@dataclass
class SeenTokens:
    """Which client tokens were used already, shared by all workers and machines of one database.

    Parameters: `seconds` to wait for the database; `now`, the time of day; `forward`, a clock that only goes forward.
    """

    database: Database
    seconds: float = patience.TOKEN
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    forward: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock, repr=False)
    _since: float | None = None
    _earliest: datetime = _LAST
    _before: datetime | None = None

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether this is the first use of a token: one step, so that of many who ask at once one hears yes.

        Parameters: `jti` of the token, kept as a digest; `expires`, from when on it would be refused anyway.
        Raises StoreUnavailableError: whether the token was used before is then not known.
        """
        with self.database.writing(self.seconds) as connection:
            row = {"issuer": issuer[:255], "digest": sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()}
            fresh = self.database.insert_new(connection, TOKENS, {**row, "expires": expires})
        with suppress(StoreUnavailableError):  # what is not dropped now is dropped another time
            self._sweep(min(self.now(), expires))
        return fresh

    def _sweep(self, moment: datetime) -> None:
        """Drop tokens that have expired for good, some at a time.

        A clock may be set forward and back, and a token that was dropped meanwhile would be believed once more. So a
        token is dropped only a day after the earliest time that was seen within a whole hour, which is measured by the
        clock that only goes forward; and to that the tokens' own times belong, which are by the clocks of the EHRs.
        """
        with self._lock:
            passed = self.forward()
            if self._since is None:
                self._since = passed
            self._earliest = min(self._earliest, moment)
            if passed - self._since >= WATCHED:
                self._before = self._earliest - KEPT
                self._since, self._earliest = passed, moment
            before = self._before
        if before is None:
            return
        old = select(TOKENS.c.issuer, TOKENS.c.digest).where(TOKENS.c.expires < before).order_by(TOKENS.c.expires)
        some = old.limit(BATCH).with_for_update(skip_locked=True)
        with self.database.writing(patience.CARD) as connection:
            dropped = connection.execute(delete(TOKENS).where(tuple_(TOKENS.c.issuer, TOKENS.c.digest).in_(some)))
        if dropped.rowcount < BATCH:
            self._before = None


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
