"""How cards fare: how often they are accepted, what they are overridden for, by code and basis, and over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Select, select

from cds_hooks.store.database import Database
from cds_hooks.store.ledger import UNKNOWN, became
from cds_hooks.store.tables import CARDS, FEEDBACK, OFFERS

GIVEN, ACCEPTED, OVERRIDDEN = "given", "accepted", "overridden"
ORDER = (FEEDBACK.c.at, FEEDBACK.c.card, FEEDBACK.c.position, FEEDBACK.c.digest)
"""How events are told: the oldest first, as far as times are stored, and those of one card as they were."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of `given` cards with this key so many were `accepted` and so many `overridden`; the rest were left alone.

    `unknown` are those that are said to be accepted with a suggestion that they never had: neither one nor the other.
    """

    key: str
    given: int
    accepted: int
    overridden: int
    unknown: int = 0

    @property
    def unanswered(self) -> int:
        """How many were left alone."""
        return self.given - self.accepted - self.overridden - self.unknown

    @property
    def acceptance(self) -> float | None:
        """The share of accepted cards among those accepted or overridden."""
        answered = self.accepted + self.overridden
        return self.accepted / answered if answered else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """All tallies of a span of time.

    `reasons` says why cards were overridden; `unknown` counts the feedback received in the span on cards that were
    never given, `unknown_suggestions` the accepted suggestions, told in the span, that their cards never had.
    """

    total: Tally
    by_code: tuple[Tally, ...]
    by_basis: tuple[Tally, ...]
    by_outcome: tuple[Tally, ...]
    by_month: tuple[Tally, ...]
    reasons: tuple[tuple[str, int], ...]
    unknown: int
    unknown_suggestions: int


def statistics(database: Database, since: datetime | None = None, until: datetime | None = None) -> Statistics:
    """Tally the cards given from `since` on and before `until`. Raises StoreUnavailableError.

    A card's last feedback counts: a clinician may override first and accept then. It is counted under the code that
    was accepted, else under the one that was recommended.
    """
    counts: dict[str, dict[str, Counter[str]]] = {name: {} for name in ("code", "basis", "outcome", "month")}
    total: Counter[str] = Counter()
    with database.reading() as connection:
        cards = select(CARDS.c.uuid, CARDS.c.given, CARDS.c.outcome)
        given = connection.execute(_within(cards, CARDS.c.given, since, until)).all()
        in_order = select(FEEDBACK).where(FEEDBACK.c.known).order_by(FEEDBACK.c.at, FEEDBACK.c.position)
        answers = {row["card"]: row for row in connection.execute(in_order).mappings()}
        offers = select(OFFERS.c.card, OFFERS.c.suggestion, OFFERS.c.recommended, OFFERS.c.code, OFFERS.c.basis)
        first: dict[str, tuple[str, str]] = {}
        chosen: dict[str, tuple[str, str]] = {}
        for card, suggestion, recommended, code, basis in connection.execute(offers.order_by(OFFERS.c.id)):
            answer = answers.get(card)
            if answer and answer["outcome"] == ACCEPTED and suggestion and suggestion in answer["accepted"].split():
                chosen.setdefault(card, (code, basis))
            elif recommended:
                first.setdefault(card, (code, basis))
        told = select(FEEDBACK.c.known, FEEDBACK.c.unknown_suggestions)
        strange = (FEEDBACK.c.outcome == ACCEPTED) & (FEEDBACK.c.unknown_suggestions != "")
        told = told.where(~FEEDBACK.c.known | strange)
        odd = connection.execute(_within(told, FEEDBACK.c.received, since, until)).all()
    reasons: Counter[str] = Counter()
    for uuid, moment, outcome in given:
        answer = answers.get(uuid)
        end = became(answer["outcome"], accepted=uuid in chosen) if answer else ""
        code, basis = chosen.get(uuid) or first.get(uuid, ("", ""))
        keys = {"code": code or "none", "basis": basis or "none", "outcome": outcome, "month": moment.strftime("%Y-%m")}
        for name, key in keys.items():
            counts[name].setdefault(key, Counter()).update((GIVEN, end))
        total.update((GIVEN, end))
        if answer and end == OVERRIDDEN:
            reasons[answer["reason_code"] or "no reason"] += 1
    tallies = {name: tuple(_tally(key, found) for key, found in sorted(of.items())) for name, of in counts.items()}
    return Statistics(
        total=_tally("all", total),
        by_code=tallies["code"],
        by_basis=tallies["basis"],
        by_outcome=tallies["outcome"],
        by_month=tallies["month"],
        reasons=tuple(reasons.most_common()),
        unknown=sum(not known for known, _ in odd),
        unknown_suggestions=sum(len(ids.split()) for known, ids in odd if known),
    )


def events(database: Database) -> Iterator[dict[str, Any]]:
    """Every feedback event, oldest first, as it is exported. Raises StoreUnavailableError."""
    with database.reading() as connection:
        for row in connection.execute(select(FEEDBACK).order_by(*ORDER)).mappings():
            yield {str(column.name): _plain(row[column.name]) for column in FEEDBACK.columns}


def _within(rows: Select[Any], moment: Column[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    rows = rows.where(moment >= since) if since else rows
    return rows.where(moment < until) if until else rows


def _tally(key: str, counter: Counter[str]) -> Tally:
    return Tally(key, *(counter[end] for end in (GIVEN, ACCEPTED, OVERRIDDEN, UNKNOWN)))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
