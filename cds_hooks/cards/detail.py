"""The detail of a card: what is suggested, why not the next code up or down, the evidence, and the law."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cds_hooks.cards.markdown import escaped, table
from cds_hooks.cards.words import (
    ALWAYS_SHOWN,
    FACT_LABELS,
    basis,
    claim_line,
    confidence,
    minutes_counted,
    needs,
    said,
    supposition,
)
from cds_hooks.coding.citation import Citation
from cds_hooks.coding.levels import above, below, by_mdm, by_time
from cds_hooks.coding.mdm import documented_levels
from cds_hooks.coding.outcome import Candidate, Kind, Outcome
from cds_hooks.coding.policy import PolicyBook
from fhir_mapping.facts import EncounterFacts, Evidence, Fact, RecordShows

MOST_EVIDENCE = 3
MOST_CHOICES = 4
LONG = 400
MOST_CITATIONS = 1024
"""So many are kept as they are written; a book of policy has far fewer."""
MORE = "More is known than there is room for here."


def detail(  # noqa: PLR0913 - all that is told, and how
    outcome: Outcome,
    facts: EncounterFacts,
    book: PolicyBook,
    shows: RecordShows,
    *,
    links: bool = True,
    longest: int | None = None,
) -> str:
    """The whole detail as GitHub-flavoured Markdown without HTML.

    Parameters: `links`, whether sources are told with their addresses; `longest`, in characters: of a longer detail the
    last paragraphs are left out, all but the very last.
    """
    parts = [part for part in _parts(outcome, facts, book, shows, links=links) if part]
    whole = "\n\n".join(parts)
    if longest is None or len(whole) <= longest:
        return whole
    *body, last = parts
    kept = f"{MORE}\n\n{last}"
    for count in range(1, len(body)):
        longer = "\n\n".join((*body[:count], MORE, last))
        if len(longer) > longest:
            break
        kept = longer
    return kept


def _parts(
    outcome: Outcome, facts: EncounterFacts, book: PolicyBook, shows: RecordShows, *, links: bool
) -> Iterator[str]:
    for title, notes in (("Please answer", outcome.questions), ("Why not", outcome.reasons)):
        if notes:
            lines = [
                f"- {escaped(note.text, LONG)}" + (f" See {', '.join(note.see)}." if note.see else "") for note in notes
            ]
            yield f"**{title}**\n\n" + "\n".join(lines)
    if few(outcome):
        yield _candidates(outcome, facts, book)
    elif outcome.candidates:
        yield f"{len(outcome.candidates)} codes stay possible until these questions are answered."
    first = next((c for c in outcome.candidates if not c.supposing), None)
    if first is not None:
        yield _side_by_side(first, facts, book, outcome)
    asked = {note.id for note in outcome.questions}
    if "mdm" in asked:
        yield _shown(shows, book)
    yield _facts(facts, book)
    remarks = [f"- {escaped(note.text, LONG)}" for note in outcome.warnings if note.id not in asked]
    if remarks:
        yield "**Note**\n\n" + "\n".join(remarks)
    if facts.notes:
        yield "**Left out, or not final**\n\n" + "\n".join(f"- {escaped(note, LONG)}" for note in facts.notes)
    if outcome.steps and (few(outcome) or not outcome.candidates):
        yield _sources(outcome, links=links)
    rules = f"rules of {outcome.service_date}" if outcome.service_date else "date of service unknown"
    yield f"Policy {outcome.fingerprint[:19]}, {rules}. A suggestion: the clinician decides."


def few(outcome: Outcome) -> bool:
    """Whether the candidates are few enough to be a choice; more of them are a question that is still open."""
    count = len(outcome.candidates)
    return count > 0 and (outcome.kind is Kind.SELECTION or count <= MOST_CHOICES)


def _candidates(outcome: Outcome, facts: EncounterFacts, book: PolicyBook) -> str:
    rows = []
    for c in outcome.candidates:
        when = supposition(c) or _standing(c, outcome)
        optional = f" (optional: {', '.join(c.optional_modifiers)})" if c.optional_modifiers else ""
        payer = book.payers[c.payer].name
        rows.append(
            (
                claim_line(c) + optional,
                basis(c, facts, book),
                c.lower_code or "none",
                escaped(payer),
                escaped(when, LONG),
            )
        )
    return table(("Code", "Level", "Next lower", "Payer", "When"), rows)


def _standing(candidate: Candidate, outcome: Outcome) -> str:
    if candidate.recommended:
        return "recommended"
    return "also supported" if outcome.kind is Kind.SELECTION else "once the question is answered"


def _side_by_side(first: Candidate, facts: EncounterFacts, book: PolicyBook, outcome: Outcome) -> str:
    """MDM and time side by side, and what the next code up or down would need."""
    family, status = book.families[first.family], facts.patient_status.value
    edition = family.on(outcome.service_date) if outcome.service_date else None
    if edition is None or status is None or facts.same_day_visit.known:
        return ""  # two visits combined have no minutes and no MDM of their own to lay side by side
    ladder = edition.ladder(status)
    rung = next((rung for rung in ladder if rung.code == first.code), None)
    if rung is None or (rung.mdm is None and rung.least is None):
        return ""
    stated = documented_levels(facts)
    mdm = stated[0] if len(stated) == 1 else None
    minutes = minutes_counted(first.family, facts, book)
    mdm_rung, time_rung = by_mdm(ladder, mdm), by_time(ladder, minutes)
    documented = f"{minutes} min" if minutes is not None else "not documented"
    rows = [("Time", documented, time_rung.code if time_rung else "none")]
    if any(rung.mdm for rung in ladder):
        rows.insert(0, ("MDM", mdm or " or ".join(stated) or "not documented", mdm_rung.code if mdm_rung else "none"))
    near = [
        f"- {where}: {needs(other, status)}"
        for where, other in (("Next up", above(ladder, rung)), ("Next down", below(ladder, rung)))
        if other
    ]
    return table(("Path", "Documented", "Supports"), rows) + ("\n\n" + "\n".join(near) if near else "")


def _facts(facts: EncounterFacts, book: PolicyBook) -> str:
    rows = []
    for name, label in FACT_LABELS.items():
        fact: Fact[object] = _named(facts.payers, book) if name == "payers" else getattr(facts, name)
        if fact.value is not None or fact.conflict or name in ALWAYS_SHOWN:
            rows.append((label, *_fact_cells(fact)))
    return table(("Fact", "Record", "Evidence"), rows)


def _named(payers: Fact[tuple[str, ...]], book: PolicyBook) -> Fact[Any]:
    """The payers by the names of their policies, not by our ids."""

    def names(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(book.payers[one].name if one in book.payers else one for one in ids)

    conflict = tuple(replace(rival, value=names(rival.value)) for rival in payers.conflict)
    return replace(payers, value=names(payers.value) if payers.value else payers.value, conflict=conflict)


def _shown(shows: RecordShows, book: PolicyBook) -> str:
    """What the record holds for each MDM element: an aid to state the level, never a level."""
    rows = [
        (name, "; ".join(escaped(line) for line in lines), escaped(element.title, LONG))
        for name, element in book.mdm.elements.items()
        if (lines := getattr(shows, name))
    ]
    if not rows:
        return ""
    title = "**What the record shows for each MDM element** (it states no level: please state it in the note)"
    return title + "\n\n" + table(("Element", "Record", "What counts"), rows)


def _fact_cells(fact: Fact[object]) -> tuple[str, str]:
    evidence = fact.evidence or [rival.evidence for rival in fact.conflict]
    shown = "; ".join([_quoted(piece) for piece in evidence[:MOST_EVIDENCE]])
    if fact.conflict:
        return "contradicts itself: " + " or ".join([escaped(said(r.value)) for r in fact.conflict]), shown
    notes = "".join([f" ({escaped(note)})" for note in fact.notes])
    if fact.value is None:
        return "**unknown**", escaped(fact.why_unknown or "not found in what was sent") + notes
    return escaped(said(fact.value)), shown + notes


def _quoted(piece: Evidence) -> str:
    return f"{escaped(piece.resource)} {escaped(piece.path)}: {escaped(piece.said)}"


def _sources(outcome: Outcome, *, links: bool) -> str:
    cited = outcome.sources.cited
    rows = [
        (escaped(step.says, LONG), _where(cited(step.sources, step.sure), links=links), step.edition.isoformat())
        for step in outcome.steps
    ]
    return "**Why**\n\n" + table(("Rule", "Source", "In force since"), rows)


@lru_cache(MOST_CITATIONS)
def _where(citation: Citation, *, links: bool) -> str:
    source = citation.first
    others = f" and {citation.others} more" if citation.others else ""
    title = f"[{escaped(source.title)}]({source.url})" if source.url and links else escaped(source.title)
    return f"{title}, {escaped(source.publisher)}{others}; {confidence(citation.sure)}"
