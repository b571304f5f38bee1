"""How cards fare: how often they are accepted, what they are overridden for, by code and basis, and over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Select, select

from cds_hooks.store.database import Database
from cds_hooks.store.tables import CARDS, FEEDBACK, OFFERS


@dataclass(frozen=True, slots=True)
class Tally:
    """Of `given` cards with this key so many were `accepted` and so many `overridden`; the rest were left alone."""

    key: str
    given: int
    accepted: int
    overridden: int

    @property
    def acceptance(self) -> float | None:
        """The share of answered cards that were accepted."""
        answered = self.accepted + self.overridden
        return self.accepted / answered if answered else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """All tallies of a span of time.

    `reasons` says why cards were overridden; `unknown` counts the feedback received in the span on cards that were
    never given.
    """

    total: Tally
    by_code: tuple[Tally, ...]
    by_basis: tuple[Tally, ...]
    by_outcome: tuple[Tally, ...]
    by_month: tuple[Tally, ...]
    reasons: tuple[tuple[str, int], ...]
    unknown: int


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
        answers = _last_answers(connection.execute(select(FEEDBACK).where(FEEDBACK.c.known)).mappings())
        offers = select(OFFERS.c.card, OFFERS.c.suggestion, OFFERS.c.recommended, OFFERS.c.code, OFFERS.c.basis)
        first: dict[str, tuple[str, str]] = {}
        chosen: dict[str, tuple[str, str]] = {}
        for card, suggestion, recommended, code, basis in connection.execute(offers.order_by(OFFERS.c.id)):
            if suggestion and suggestion in answers.get(card, {}).get("accepted", "").split():
                chosen.setdefault(card, (code, basis))
            elif recommended:
                first.setdefault(card, (code, basis))
        strange = select(FEEDBACK.c.digest).where(~FEEDBACK.c.known)
        unknown = len(connection.execute(_within(strange, FEEDBACK.c.received, since, until)).all())
    reasons: Counter[str] = Counter()
    for uuid, moment, outcome in given:
        answer = answers.get(uuid)
        code, basis = chosen.get(uuid) or first.get(uuid, ("", ""))
        keys = {"code": code or "none", "basis": basis or "none", "outcome": outcome, "month": moment.strftime("%Y-%m")}
        for name, key in keys.items():
            _count(counts[name].setdefault(key, Counter()), answer)
        _count(total, answer)
        if answer and answer["outcome"] == "overridden":
            reasons[answer["reason_code"] or "no reason"] += 1
    tallies = {name: tuple(_tally(key, found) for key, found in sorted(of.items())) for name, of in counts.items()}
    return Statistics(
        total=_tally("all", total),
        by_code=tallies["code"],
        by_basis=tallies["basis"],
        by_outcome=tallies["outcome"],
        by_month=tallies["month"],
        reasons=tuple(reasons.most_common()),
        unknown=unknown,
    )


def events(database: Database) -> Iterator[dict[str, Any]]:
    """Every feedback event, oldest first, as it is exported. Raises StoreUnavailableError."""
    with database.reading() as connection:
        for row in connection.execute(select(FEEDBACK).order_by(FEEDBACK.c.at, FEEDBACK.c.digest)).mappings():
            yield {str(column.name): _plain(row[column.name]) for column in FEEDBACK.columns}


def _within(rows: Select[Any], moment: Column[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    rows = rows.where(moment >= since) if since else rows
    return rows.where(moment < until) if until else rows


def _last_answers(rows: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - rows of a result
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        kept = found.get(row["card"])
        if kept is None or row["at"] >= kept["at"]:
            found[row["card"]] = dict(row)
    return found


def _count(counter: Counter[str], answer: dict[str, Any] | None) -> None:
    counter["given"] += 1
    if answer:
        counter[answer["outcome"]] += 1


def _tally(key: str, counter: Counter[str]) -> Tally:
    return Tally(key, counter["given"], counter["accepted"], counter["overridden"])


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
