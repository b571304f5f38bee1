"""Finds the notes of the visit and turns them into plain text: DocumentReference, Composition; text, HTML, RTF, CDA."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from fhir_mapping.attachments import Attachments, Unread
from fhir_mapping.chart import Chart
from fhir_mapping.moments import LACKS_ZONE, moment_or_none
from fhir_mapping.people import People
from fhir_mapping.resources import Json, name, quote, records, reference, text
from fhir_mapping.roster import surely_another
from fhir_mapping.unreadable import NOTE, Fault, fault_of

_NO_CLINICIANS = {"Organization", "Device", "Patient", "RelatedPerson"}  # who may write beside a clinician


@dataclass(frozen=True, slots=True)
class Document:
    """One note of the visit: the resource that holds it, its plain text, and whether it is not final yet.

    `by_another`: whether somebody else than the clinician of the visit wrote it, and that clinician did not sign it.
    `cut`: whether more of it was sent than is turned into text. `turn`: the place among the notes as they are read, for
    the last are left where together they are too long.
    """

    resource: Json
    text: str
    preliminary: bool
    by_another: bool
    cut: bool = False
    turn: int = 0


class Documents(NamedTuple):
    """The notes of the visit, why others cannot be read, and what went wrong there that nobody foresaw."""

    found: list[Document]
    notes: list[str]
    faults: list[Fault]


def documents(chart: Chart, who: People, signed: str | None = None) -> Documents:
    """List the notes of the visit, and say of those that cannot be read why.

    Parameters: `who` rendered the visit; `signed`, the id of the note that is being signed. Another one's note of the
    day that names no visit is not of this one.
    """
    told = Documents([], [], [])
    attachments = Attachments(chart)
    told.notes.extend(_withdrawn(chart))
    sent = [*_of_visit(chart), *_compositions(chart)]
    # The note that is signed, drafts, and the newest go before others, for what is read is bounded.
    first = sorted(range(len(sent)), key=lambda number: _weight(*sent[number], signed), reverse=True)
    read = {number: (turn, _read(attachments, who, *sent[number])) for turn, number in enumerate(first)}
    for number, (resource, _) in enumerate(sent):
        turn, said = read[number]
        if isinstance(said, Document):
            told.found.append(replace(said, turn=turn))
            if _lacks_zone(resource):
                told.notes.append(f"{name(resource)}.date {LACKS_ZONE}")
            continue
        if isinstance(said, Fault):
            told.faults.append(said)
        told.notes.append(
            f"{name(resource)}: {'its text could not be read' if isinstance(said, Fault) else said.why}; not read"
        )
    return told


def _lacks_zone(resource: Json) -> bool:
    """Whether a document is of the visit by a date alone that says no time zone."""
    written = None if _visits(resource) else moment_or_none(resource.get("date"))
    return written is not None and written.lacks_zone


def documents_of_other_visits(chart: Chart) -> int:
    """Count the documents that are of another visit or day."""
    references = [one for one in chart.of("DocumentReference") if not _is_of_visit(chart, one)]
    compositions = [one for one in chart.of("Composition") if not chart.is_this_visit(one.get("encounter"), one)]
    return len(references) + len(compositions)


def _withdrawn(chart: Chart) -> Iterator[str]:
    """Say of the documents of the visit that do not stand what their status is."""
    for resource in chart.of("DocumentReference"):
        said = text(resource.get("status"))
        if _stands(chart, resource, "document-status"):
            said = text(resource.get("docStatus"))
            if not said or chart.vocabulary.term("status", "doc-status", said):
                continue
        if _is_of_visit(chart, resource):
            yield f"{name(resource)}: its status is {quote(said, 40) or 'not said'}; not read"
    for resource in chart.of("Composition"):
        said = text(resource.get("status"))
        stands = chart.vocabulary.term("status", "doc-status", said)
        if not stands and chart.is_this_visit(resource.get("encounter"), resource):
            yield f"{name(resource)}: its status is {quote(said, 40) or 'not said'}; not read"


def unsent_texts(chart: Chart) -> list[str]:
    """Where the texts of the visit's notes lie that were not sent along: references, of the newest note first."""
    lying, attachments = [], Attachments(chart)
    for resource, _ in _of_visit(chart):
        if lies := attachments.lies(resource):
            lying.append((text(resource.get("date")), lies))
    return [lies for _, lies in sorted(lying, reverse=True)]


def note_types(chart: Chart, resource: Json) -> Iterator[tuple[str, str]]:
    """What the type of a document hints about the mode, with the code that says so."""
    for word, coding in chart.vocabulary.words("modality", resource.get("type")):
        yield word, coding.said


def _weight(resource: Json, early: bool, signed: str | None) -> tuple[bool, bool, str]:
    """What is to be read first. A draft has no date yet."""
    return text(resource.get("id")) == (signed or "-"), early, text(resource.get("date")) or "9"


def _read(attachments: Attachments, who: People, resource: Json, early: bool) -> Document | Unread | Fault:
    """Read one note. Whatever goes wrong there costs this one alone."""
    try:
        by_another = _is_by_another(who, resource)
        is_composition = resource.get("resourceType") == "Composition"
        if by_another and not is_composition and not _visits(resource):
            return Unread("it names no visit and is by another clinician")
        said = attachments.sections(resource) if is_composition else attachments.read(resource)
        return said if isinstance(said, Unread) else Document(resource, said.text, early, by_another, said.cut)
    except Exception as error:  # noqa: BLE001 - as said above
        return fault_of(NOTE, error)


def _compositions(chart: Chart) -> Iterator[tuple[Json, bool]]:
    """The compositions of the visit that stand, each with whether it is preliminary."""
    for resource in chart.of("Composition"):
        state = chart.vocabulary.term("status", "doc-status", text(resource.get("status")))
        if state and chart.is_this_visit(resource.get("encounter"), resource):
            yield resource, state == "preliminary"


def _of_visit(chart: Chart) -> Iterator[tuple[Json, bool]]:
    """The notes of the visit that stand, each with whether it is preliminary."""
    for resource in chart.of("DocumentReference"):
        written = text(resource.get("docStatus")) or "final"
        state = chart.vocabulary.term("status", "doc-status", written)
        if state and _stands(chart, resource, "document-status") and _is_of_visit(chart, resource):
            yield resource, state == "preliminary"


def _is_of_visit(chart: Chart, resource: Json) -> bool:
    """Whether a document belongs to this visit: it names it, or names none and is of its day."""
    visits = _visits(resource)
    if visits:
        return any(chart.is_this_visit(one, resource) for one in visits)
    written = moment_or_none(resource.get("date"))
    return bool(written and chart.when and written.falls_on(chart.when))


def _visits(resource: Json) -> list[Json]:
    """The visits that a document names."""
    context = resource.get("context")
    named = [one for held in records(context) for one in records(held.get("encounter"))]  # R4
    named += [one for one in records(context) if any(reference(one))]  # R5
    return [one for one in named if any(reference(one))]


def _is_by_another(who: People, resource: Json) -> bool:
    """Whether a document is surely not the clinician's own: all who wrote it are others, and none who signed it is."""
    written = [author for author in records(resource.get("author")) if reference(author).kind not in _NO_CLINICIANS]
    authors = [who.roster.identities(author, resource) for author in written]
    if not authors or not all(surely_another(who.identities, names) for names in authors):
        return False
    parties = [signer.get("party") for signer in records(resource.get("attester"))]  # R5, and a Composition
    signers = [who.roster.identities(one, resource) for one in (*records(resource.get("authenticator")), *parties)]
    return all(map(who.identities.isdisjoint, signers))


def _stands(chart: Chart, resource: Json, system: str) -> bool:
    return chart.vocabulary.term("status", system, text(resource.get("status"))) is not None
