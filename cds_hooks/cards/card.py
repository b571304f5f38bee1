"""The one card a clinician sees: the code in a line, the reasons below it, and a draft claim to accept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from cds_hooks.cards.coded import Json, Visit
from cds_hooks.cards.detail import detail, few
from cds_hooks.cards.extension import without_blanks
from cds_hooks.cards.markdown import plain
from cds_hooks.cards.profile import ClientProfile
from cds_hooks.cards.suggestions import LONGEST, Offered, named_only, suggest
from cds_hooks.cards.words import basis, claim_line, said
from cds_hooks.coding.citation import Items
from cds_hooks.coding.outcome import Kind, Outcome
from cds_hooks.coding.policy import PolicyBook
from fhir_mapping.facts import EncounterFacts, Parties, RecordShows, Release
from fhir_mapping.tables import QuotedCode, Row, read_table

LONGEST_SUMMARY = 139
"""CDS Hooks wants fewer than 140 characters."""
SUPPORTED = "reported_code_supported"


class _Reason(Row):
    code: QuotedCode
    display: str


class _Topic(Row):
    system: str
    code: QuotedCode
    display: str


class CardTable(Row):
    """What stands on a card besides the answer."""

    label: str
    calculator: str
    topic: _Topic
    extension: str
    systems: dict[str, str]
    override_system: str
    override_reasons: Items[_Reason]

    def source(self, url: str | None) -> Json:
        """Who made the card; `url`, the service's public address, stands on it where there is one."""
        topic = {"system": self.topic.system, "code": self.topic.code, "display": self.topic.display}
        return {"label": self.label, "url": url, "topic": topic} if url else {"label": self.label, "topic": topic}


def load_card_table(folder: Path, *, base: str) -> CardTable:
    """Read `cards.yaml`, with `base` as the base of telecode's own code systems. Raises TableError."""
    found = read_table(folder / "cards.yaml", root=folder).as_model(CardTable)
    topic = found.topic.model_copy(update={"system": found.topic.system.replace("{base}", base)})
    systems = {name: address.replace("{base}", base) for name, address in found.systems.items()}
    override = found.override_system.replace("{base}", base)
    return found.model_copy(update={"topic": topic, "override_system": override, "systems": systems})


@dataclass(frozen=True)
class Card:
    """The card as it goes out, and the codes on it."""

    body: Json
    offered: tuple[Offered, ...]


def render(  # noqa: PLR0913 - everything that stands on a card
    outcome: Outcome,
    facts: EncounterFacts,
    parties: Parties,
    book: PolicyBook,
    cards: CardTable,
    profile: ClientProfile,
    *,
    shows: RecordShows,
    release: Release,
    dated: bool = False,
    source_url: str | None = None,
    calculator: str | None = None,
    new_id: Callable[[], object] = uuid4,
) -> Card | None:
    """The card for an outcome; none for a visit that is not ours.

    Parameters: `profile`, what the EHR takes of a card; `shows`, what the record holds for MDM where no level is
    documented; `release` of FHIR that the EHR writes; `dated` if the EHR did not say which visit it means, so that the
    card has to; `source_url`, the service's public address, and `calculator`, that of the calculator with these facts;
    `new_id` makes the uuids of card and suggestions.
    """
    if outcome.kind is Kind.NOT_APPLICABLE:
        return None
    contradicted = _contradicted(outcome)
    quiet = not contradicted and any(note.id == SUPPORTED for note in outcome.warnings)
    card: Json = {
        "uuid": str(new_id()),
        "summary": summary(outcome, facts, book, dated=dated),
        "indicator": "info" if outcome.kind is Kind.SELECTION and not contradicted else "warning",
        "detail": detail(outcome, facts, book, shows, links=profile.links, longest=profile.longest_detail),
        "source": cards.source(source_url),
    }
    if profile.override_reasons == "coded":
        card["overrideReasons"] = [
            {"system": cards.override_system, "code": reason.code, "display": reason.display}
            for reason in cards.override_reasons
        ]
    if calculator and profile.links:
        card["links"] = [{"label": cards.calculator, "url": calculator, "type": "absolute"}]
    if profile.extension:
        card["extension"] = {cards.extension: without_blanks(outcome)}
    day = outcome.service_date
    visit = Visit(parties, day.isoformat(), cards.systems, release) if day else None
    suggestions, offered = (
        suggest(outcome, visit, profile, new_id)
        if few(outcome) and not quiet and profile.suggestions != "none"
        else ([], named_only(outcome))
    )
    if suggestions:
        card |= {"suggestions": suggestions, "selectionBehavior": profile.selection_behavior}
    return Card(card, offered)


def summary(outcome: Outcome, facts: EncounterFacts, book: PolicyBook, *, dated: bool = False) -> str:
    """The answer in one line under 140 characters; `dated`, with the date of service before it."""
    before = f"Visit of {outcome.service_date}: " if dated and outcome.service_date else ""
    match outcome.kind:
        case Kind.SELECTION:
            return _fit(before + _selection_summary(outcome, facts, book))
        case Kind.NOT_REPORTABLE:
            return _fit(f"{before}Not reportable as recorded: {outcome.reasons[0].text}")
        case _:
            asked = (
                outcome.questions[0].text.split("?")[0] + "?"
                if "?" in outcome.questions[0].text
                else outcome.questions[0].text
            )
            return _fit(f"{before}Visit code open. {asked}")


def _selection_summary(outcome: Outcome, facts: EncounterFacts, book: PolicyBook) -> str:
    first = outcome.candidates[0]
    reported = facts.reported_code.value
    chosen = [note for note in outcome.warnings if note.id.startswith("reported_")]
    for note in chosen:
        if note.id.startswith("reported_code") and note.id != SUPPORTED:
            return f"{claim_line(first)}, not {reported}. {note.text}"
    for note in chosen:
        if note.id != SUPPORTED:
            return f"{claim_line(first)}. {note.text}"
    if chosen:
        return chosen[0].text
    parts = [basis(first, facts, book), *(said(f.value) for f in (facts.patient_status, facts.modality) if f.value)]
    line = f"{claim_line(first)}: " + ", ".join(part for part in parts if part)
    if outcome.questions:
        return f"{line}. {outcome.questions[0].text}"
    return line + (f"; next lower {first.lower_code}" if first.lower_code else "")


def _fit(text: str) -> str:
    """At most 139 characters, counted as code points and as UTF-16 units."""
    line = plain(text, LONGEST)
    if len(line.encode("utf-16-le")) // 2 <= LONGEST_SUMMARY:
        return line
    words = line.split(" ")
    while len(" ".join(words).encode("utf-16-le")) // 2 >= LONGEST_SUMMARY and len(words) > 1:
        words.pop()
    return plain(f"{' '.join(words).rstrip('.,;:')}…", LONGEST_SUMMARY // 2 if len(words) == 1 else LONGEST_SUMMARY)


def _contradicted(outcome: Outcome) -> bool:
    return any(note.id.startswith("reported_") and note.id != SUPPORTED for note in outcome.warnings)
