"""Finds the notes of the visit and turns them into plain text: DocumentReference and Composition, text, HTML or RTF."""

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fhir_mapping.chart import Chart
from fhir_mapping.markup import from_html
from fhir_mapping.moments import LACKS_ZONE, moment_or_none, read_moment
from fhir_mapping.people import People
from fhir_mapping.resources import Json, name, quote, record, records, reference, text
from fhir_mapping.roster import surely_another
from fhir_mapping.rtf import from_rtf

_LARGEST = 2 * 1024 * 1024  # bytes of one attachment: a note of 200,000 characters in the wordiest of formats
_MOST = (
    16 * 1024 * 1024
)  # characters of all attachments as they were sent: more than a request and what is fetched hold
_NO_CLINICIANS = {"Organization", "Device", "Patient", "RelatedPerson"}  # who may write beside a clinician


@dataclass(frozen=True, slots=True)
class Document:
    """One note of the visit: the resource that holds it, its plain text, and whether it is not final yet.

    `by_another`: whether somebody else than the clinician of the visit wrote it, and that clinician did not sign it.
    """

    resource: Json
    text: str
    preliminary: bool
    by_another: bool


def documents(chart: Chart, who: People) -> tuple[list[Document], list[str]]:
    """List the notes of the visit, and say of those that cannot be read why.

    Parameters: `who` rendered the visit. Another one's note of the day that names no visit is not of this one.
    """
    found: list[Document] = []
    notes: list[str] = []
    attachments = _Attachments(chart)
    notes += _withdrawn(chart)
    for resource, early in _of_visit(chart):
        by_another = _is_by_another(who, resource)
        said = attachments.read(resource)
        if by_another and not _visits(resource):
            notes.append(f"{name(resource)}: it names no visit and is by another clinician; not read")
        elif isinstance(said, _Unread):
            notes.append(f"{name(resource)}: {said.why}; not read")
        else:
            found.append(Document(resource, said, early, by_another))
            if not _visits(resource) and read_moment(resource.get("date")).lacks_zone:
                notes.append(f"{name(resource)}.date {LACKS_ZONE}")
    for resource in chart.of("Composition"):
        state = chart.vocabulary.term("status", "doc-status", text(resource.get("status")))
        if state and chart.is_this_visit(resource.get("encounter"), resource):
            early = state == "preliminary"
            try:
                said = "\n\n".join(_sections(resource.get("section")))
            except ValueError:
                notes.append(f"{name(resource)}: {_BROKEN.why}; not read")
                continue
            if said.strip():
                found.append(Document(resource, said, early, _is_by_another(who, resource)))
            else:
                notes.append(f"{name(resource)}: {_EMPTY.why}; not read")
    return found, notes


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
    lying, attachments = [], _Attachments(chart)
    for resource, _ in _of_visit(chart):
        said = attachments.read(resource)
        if isinstance(said, _Unread) and said.lies:
            lying.append((text(resource.get("date")), said.lies))
    return [lies for _, lies in sorted(lying, reverse=True)]


def note_types(chart: Chart, resource: Json) -> Iterator[tuple[str, str]]:
    """What the type of a document hints about the mode, with the code that says so."""
    for word, coding in chart.vocabulary.words("modality", resource.get("type")):
        yield word, coding.said


@dataclass(frozen=True, slots=True)
class _Unread:
    why: str
    lies: str = ""


_BROKEN = _Unread("its text is broken")
_EMPTY = _Unread("it has no text")


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


class _Attachments:
    """The attachments of a chart's documents. Each is decoded once, however many documents share it."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._decoded: dict[tuple[str, str, str], str | _Unread] = {}
        self._left = _MOST

    def read(self, resource: Json) -> str | _Unread:
        """Read the text of a document: of its attachments the first that can be read."""
        why, lies = _EMPTY.why, ""
        for content in records(resource.get("content")):
            attachment = record(content.get("attachment"))
            kind, _, settings = text(attachment.get("contentType")).partition(";")
            kind, url = kind.strip().casefold(), text(attachment.get("url"))
            if kind not in _READERS:
                why = f"its format is {quote(kind, 40) or 'not said'}"
                continue
            data = text(attachment.get("data"))
            data = data or text(record(self._chart.find({"reference": url}, resource)).get("data"))
            if not data:
                why, lies = "its text was not sent", lies or url
                continue
            said = self._decode(data, kind, settings.partition("charset=")[2].strip(' "') or "utf-8")
            if isinstance(said, str):
                return said
            why = said.why
        return _Unread(why, lies)

    def _decode(self, data: str, kind: str, charset: str) -> str | _Unread:
        key = data, kind, charset
        if key not in self._decoded:
            self._left -= len(data)
            if self._left < 0:
                return _Unread("the notes together are too long")
            try:
                said = _READERS[kind](b64decode("".join(data.split())[: _LARGEST * 2], validate=True), charset)
                self._decoded[key] = _BROKEN if _is_binary(said) else said if said.strip() else _EMPTY
            except (binascii.Error, ValueError, LookupError):
                self._decoded[key] = _BROKEN
        return self._decoded[key]


def _is_binary(said: str) -> bool:
    """Whether what was decoded is no text: a picture, say, that is called one. A stray NUL makes none."""
    return said.count("\0") > len(said) // 20


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data[:_LARGEST].decode(charset)
    except (UnicodeDecodeError, LookupError):
        return data[:_LARGEST].decode("cp1252", errors="replace")


def _plain(data: bytes, charset: str) -> str:
    return _decoded(data, charset).replace("\r\n", "\n").replace("\r", "\n")


def _html(data: bytes, charset: str) -> str:
    return from_html(_decoded(data, charset))


def _rtf(data: bytes, charset: str) -> str:
    return from_rtf(_decoded(data, charset))


_READERS: dict[str, Callable[[bytes, str], str]] = {
    "text/plain": _plain,
    "text/html": _html,
    "application/xhtml+xml": _html,
    "text/rtf": _rtf,
    "text/richtext": _rtf,
    "application/rtf": _rtf,
}


def _sections(value: object, depth: int = 0) -> Sequence[str]:
    """The sections of a composition, each under its title."""
    found: list[str] = []
    for section in records(value) if depth < 4 else []:  # noqa: PLR2004 - deeper nesting is no note
        title, said = text(section.get("title")), from_html(text(record(section.get("text")).get("div")))
        if said.strip():
            found.append(f"{title}:\n{said}" if title else said)
        found += _sections(section.get("section"), depth + 1)
    return found
