"""The calculator: the facts of a visit as a form, and the answer of the rules with the ladder it is read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from cds_hooks.cards.words import FACT_LABELS, basis, claim_line, said, supposition
from cds_hooks.coding.citation import Items
from cds_hooks.coding.ladders import OpenLadder, open_ladders
from cds_hooks.coding.mdm import bounds
from cds_hooks.coding.outcome import Candidate, Kind, Outcome
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import Options, select
from cds_hooks.exchange.facts_json import FactsRefused, read_facts
from cds_hooks.exchange.facts_query import read_query, write_query
from cds_hooks.web.ladder import Picture, draw
from fhir_mapping.facts import EncounterFacts, MdmElements, MdmLevel
from fhir_mapping.tables import Row, read_table

TOO_FEW = "below_lowest_threshold"
"""The one refusal that a ladder explains: how much the lowest code still needs."""
MOST_PICTURES = 3
"""More ladders than these are no picture but a puzzle: then the questions come first."""
MOST_CANDIDATES = 8


class Asked(Row):
    """How one fact is asked for; `nth` of a fact that may be told more than once, `only` for one modality."""

    fact: str
    by: Literal["date", "choice", "pick", "minutes", "days", "text", "yes_no", "payer"]
    label: str
    hint: str = ""
    answers: dict[str, str] = Field(default_factory=dict)
    nth: int = 1
    only: str | None = None
    longest: int | None = None


class Group(Row):
    """Facts that are asked for together."""

    id: str
    title: str
    facts: Items[Asked]


class Example(Row):
    """A visit to start from; its date is the day it is opened."""

    title: str
    facts: dict[str, Any]

    @property
    def query(self) -> str:
        """Its facts as a query string."""
        return write_query(self.facts)


class Form(Row):
    """The whole form: what is always asked, what is folded away, the MDM elements, and examples."""

    groups: Items[Group]
    more: Items[Group]
    elements: dict[Literal["problems", "data", "risk"], str]
    examples: Annotated[Items[Example], Field(min_length=1)]


def load_form(folder: Path) -> Form:
    """Read `calculator.yaml`. Raises TableError, with file and line."""
    return read_table(folder / "calculator.yaml", root=folder).as_model(Form)


@dataclass(frozen=True, slots=True)
class Named:
    """A candidate in words: the claim line, what it rests on, and whose it is.

    `condition` says under which answers it would hold, and `query` states them beside the facts that are known.
    """

    candidate: Candidate
    line: str
    rests_on: str
    payer: str
    family: str
    condition: str
    query: str


@dataclass(frozen=True)
class Worked:
    """What the rules make of the facts that stand in the form.

    `given` are the facts as they were typed, by name, for the form to show again; `fault` says what does not fit, and
    there is no outcome then. `started` is false as long as nothing but a date is known.
    """

    given: Mapping[str, tuple[str, ...]]
    query: str
    started: bool
    outcome: Outcome | None = None
    fault: str = ""
    headline: str = ""
    named: tuple[Named, ...] = ()
    pictures: tuple[Picture, ...] = ()
    elements: str = ""

    def first(self, name: str, nth: int = 1) -> str:
        """What was typed for a fact, or nothing."""
        told = self.given.get(name, ())
        return told[nth - 1] if len(told) >= nth else ""

    def touches(self, group: Group) -> bool:
        """Whether any fact of a group is stated, so that it is not folded away."""
        return any(self.first(asked.fact, asked.nth) for asked in group.facts)


def work(pairs: Iterable[tuple[str, str]], book: PolicyBook, options: Options, today: date) -> Worked:
    """The outcome for a query string.

    Parameters: `pairs` of names and values, hostile until read; `today` stands for a date of service that is not told
    at all, and never for one that was left blank.
    """
    pairs = list(pairs)
    given: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if value.strip():
            given[name] = (*given.get(name, ()), value.strip())
    if "service_date" not in dict(pairs):
        given["service_date"] = (today.isoformat(),)
    started = bool(given.keys() - {"service_date"})
    try:
        body = _body(given)
        facts = read_facts(body, book)
    except FactsRefused as refused:
        label = FACT_LABELS.get(refused.where.partition(".")[0], refused.where)
        return Worked(given, "", started, fault=f"{label}: {refused.why}" if label else refused.why)
    outcome = select(facts, book, options)
    return Worked(
        given=given,
        query=write_query(body),
        started=started,
        outcome=outcome,
        headline=_headline(outcome),
        named=tuple(_named(one, body, facts, book) for one in outcome.candidates[:MOST_CANDIDATES]),
        pictures=_pictures(facts, book, outcome),
        elements=_elements(facts.mdm_elements.value),
    )


def _body(given: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    if "service_date" not in given:
        raise FactsRefused("service_date", "a date picks the law: state one")
    return read_query((name, value) for name, values in given.items() for value in values)


def _headline(outcome: Outcome) -> str:
    match outcome.kind:
        case Kind.SELECTION:
            return claim_line(outcome.candidates[0])
        case Kind.UNDETERMINED:
            return "One question first" if len(outcome.questions) == 1 else f"{len(outcome.questions)} questions first"
        case _:
            return "Not reportable"


def _named(candidate: Candidate, body: Mapping[str, Any], facts: EncounterFacts, book: PolicyBook) -> Named:
    return Named(
        candidate,
        claim_line(candidate),
        basis(candidate, facts, book),
        book.payers[candidate.payer].name,
        book.families[candidate.family].title,
        supposition(candidate),
        write_query({**body, **candidate.supposing}),
    )


def _pictures(facts: EncounterFacts, book: PolicyBook, outcome: Outcome) -> tuple[Picture, ...]:
    """The ladders of the outcome, unless they would say more than it does.

    None where nothing may be reported, but for what the lowest code still needs; none while two visits of a day are two
    answers, for each would have a ladder of its own minutes.
    """
    refused = {reason.id for reason in outcome.reasons} if outcome.kind is Kind.NOT_REPORTABLE else set()
    two_visits = facts.same_day_visit.value is not None and outcome.kind is Kind.UNDETERMINED
    ladders = open_ladders(facts, book)
    if refused - {TOO_FEW} or two_visits or len(ladders) > MOST_PICTURES:
        return ()
    alike = Counter(map(_title, ladders))
    return tuple(draw(one, _title(one) + (_whose(one, book) if alike[_title(one)] > 1 else "")) for one in ladders)


def _whose(ladder: OpenLadder, book: PolicyBook) -> str:
    """The payer whose ladder it is, or by whose rules it may go."""
    supposed = ladder.supposing.get("payers", (ladder.payer,))
    return ": " + ", ".join(book.payers[payer].name if payer in book.payers else payer for payer in supposed)


def _title(ladder: OpenLadder) -> str:
    title = ladder.family.title.removeprefix("the ")
    who = f", {said(ladder.status)} patient" if ladder.status else ""
    return f"{title[:1].upper()}{title[1:]}{who}"


def _elements(elements: MdmElements | None) -> str:
    """What the three elements come to, in words."""
    if elements is None:
        return ""
    lowest, highest = bounds(elements)
    if lowest is highest:
        return f"{said(lowest).capitalize()}: two of the three elements meet it."
    told = sum(level is not None for level in (elements.problems, elements.data, elements.risk))
    if told < 2:  # noqa: PLR2004 - two of three elements make a level
        return "A level needs two of the three elements."
    return f"Between {said(lowest)} and {said(highest)}, until the third is known."


LEVELS = tuple(MdmLevel)
"""The columns of the MDM grid."""
