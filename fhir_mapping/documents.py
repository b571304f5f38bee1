"""Finds the notes of the visit and turns them into plain text: DocumentReference, Composition; text, HTML, RTF, CDA."""

import codecs
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.clinical_document import DocumentRefusedError, from_cda
from fhir_mapping.markup import from_html
from fhir_mapping.moments import LACKS_ZONE, moment_or_none
from fhir_mapping.people import People
from fhir_mapping.resources import Json, name, quote, record, records, reference, text
from fhir_mapping.roster import surely_another
from fhir_mapping.rtf import from_rtf
from fhir_mapping.unreadable import NOTE, Fault, fault_of

_LARGEST = 2 * 1024 * 1024  # bytes of one attachment: a note of 200,000 characters in the wordiest of formats
_MOST = (
    16 * 1024 * 1024
)  # characters of all attachments as they were sent: more than a request and what is fetched hold
_MOST_MARKUP = 2 * 1024 * 1024  # characters of markup of all notes: the slowest of it takes a second
_SECTION = 200  # characters of markup that each section of a composition counts for, beside its own
_PYTHONS_OWN = {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
"""Encodings that no text is written in; to decode some of them takes beyond measure."""
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
    attachments = _Attachments(chart)
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
    lying, attachments = [], _Attachments(chart)
    for resource, _ in _of_visit(chart):
        readable = [one for one in attachments.attached(resource) if one[0] in _READERS or one[0] in _CDA]
        lies = next((url for _, _, _, url in readable if url), "")
        if lies and not any(data for _, _, data, _ in readable):
            lying.append((text(resource.get("date")), lies))
    return [lies for _, lies in sorted(lying, reverse=True)]


def note_types(chart: Chart, resource: Json) -> Iterator[tuple[str, str]]:
    """What the type of a document hints about the mode, with the code that says so."""
    for word, coding in chart.vocabulary.words("modality", resource.get("type")):
        yield word, coding.said


@dataclass(frozen=True, slots=True)
class _Unread:
    why: str


class _Text(NamedTuple):
    """The text of a note, and whether more of it was sent than this."""

    text: str
    cut: bool = False


_BROKEN = _Unread("its text is broken")
_EMPTY = _Unread("it has no text")
_TOO_LONG = _Unread("the notes together are too long")


def _weight(resource: Json, early: bool, signed: str | None) -> tuple[bool, bool, str]:
    """What is to be read first. A draft has no date yet."""
    return text(resource.get("id")) == (signed or "-"), early, text(resource.get("date")) or "9"


def _read(attachments: "_Attachments", who: People, resource: Json, early: bool) -> Document | _Unread | Fault:
    """Read one note. Whatever goes wrong there costs this one alone."""
    try:
        by_another = _is_by_another(who, resource)
        is_composition = resource.get("resourceType") == "Composition"
        if by_another and not is_composition and not _visits(resource):
            return _Unread("it names no visit and is by another clinician")
        said = attachments.sections(resource) if is_composition else attachments.read(resource)
        return said if isinstance(said, _Unread) else Document(resource, said.text, early, by_another, said.cut)
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


class _Attachments:
    """The attachments of a chart's documents. Each is decoded once, however many documents share it."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._decoded: dict[tuple[str, str, str], _Text | _Unread] = {}
        self._left = _MOST
        self._markup_left = _MOST_MARKUP

    def read(self, resource: Json) -> _Text | _Unread:
        """Read the text of a document: of its attachments the first that can be read."""
        why = _EMPTY.why
        for kind, charset, data, _ in self.attached(resource):
            if kind not in _READERS and kind not in _CDA:
                why = f"its format is {quote(kind, 40) or 'not said'}"
                continue
            said = self._decode(data, kind, charset) if data else _Unread("its text was not sent")
            if isinstance(said, _Text):
                return said
            why = said.why
        return _Unread(why)

    def attached(self, resource: Json) -> Iterator[tuple[str, str, str, str]]:
        """The attachments of a document: format, encoding, the data if it was sent, and where it lies."""
        for content in records(resource.get("content")):
            attachment = record(content.get("attachment"))
            kind, _, settings = text(attachment.get("contentType")).partition(";")
            kind, url = kind.strip().casefold(), text(attachment.get("url"))
            data = text(attachment.get("data"))
            data = data or text(record(self._chart.find({"reference": url}, resource)).get("data"))
            yield kind, settings.partition("charset=")[2].strip(' "'), data, url

    def sections(self, composition: Json) -> _Text | _Unread:
        """Read the sections of a composition, each under its title."""
        pages = list(_pages(composition.get("section")))
        if self._takes(sum(len(page) + _SECTION for _, page in pages), is_markup=True):
            try:
                told = [(title, from_html(page)) for title, page in pages]
            except ValueError:
                return _BROKEN
            said = "\n\n".join(f"{title}:\n{said}" if title else said for title, said in told if said.strip())
            return _Text(said) if said else _EMPTY
        return _TOO_LONG

    def _decode(self, data: str, kind: str, charset: str) -> _Text | _Unread:
        key = data, kind, charset
        if key not in self._decoded:
            self._decoded[key] = self._decode_anew(data, kind, charset)
        return self._decoded[key]

    def _decode_anew(self, data: str, kind: str, charset: str) -> _Text | _Unread:
        if not self._takes(len(data), is_markup=False):
            return _TOO_LONG
        try:
            sent = b64decode("".join(data.split())[: _LARGEST * 2], validate=True)
            cut = len(sent) > _LARGEST
            if kind in _CDA:
                return self._clinical(sent, charset)
            return self._as_text(sent[:_LARGEST], kind, charset or "utf-8", cut=cut)
        except DocumentRefusedError as refused:
            return _Unread(str(refused))
        except (ValueError, LookupError):
            return _BROKEN

    def _clinical(self, sent: bytes, charset: str) -> _Text | _Unread:
        """Read a CDA document, which is broken if it is cut; its own encoding counts before that of the attachment."""
        if len(sent) > _LARGEST or not self._takes(len(sent), is_markup=True):
            return _TOO_LONG
        says_its_own = b"encoding" in sent[:_PROLOG] or sent[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        found = from_cda(sent, None if says_its_own else charset or None)
        if found.body and found.kind not in _READERS:
            return _Unread(f"its format is {quote(found.kind, 40) or 'not said'}")
        if found.body:
            return self._as_text(found.body, found.kind, "utf-8", cut=False)
        return _Text(found.text) if found.text else _Unread("it has no text")

    def _as_text(self, sent: bytes, kind: str, charset: str, *, cut: bool) -> _Text | _Unread:
        if not self._takes(len(sent), is_markup=_READERS[kind] is not _plain):
            return _TOO_LONG
        said = _READERS[kind](_decoded(sent, charset, cut=cut))
        if _is_binary(said):
            return _BROKEN
        return _Text(said, cut) if said.strip() else _EMPTY

    def _takes(self, size: int, *, is_markup: bool) -> bool:
        """Whether so much more may be turned into text; if so, it is counted."""
        left = self._markup_left if is_markup else self._left
        if size > left:
            return False
        if is_markup:
            self._markup_left -= size
        else:
            self._left -= size
        return True


def _is_binary(said: str) -> bool:
    """Whether what was decoded is no text: a picture, say, that is called one. A stray NUL makes none."""
    return said.count("\0") > len(said) // 20


def _decoded(data: bytes, charset: str, *, cut: bool) -> str:
    """The text in an encoding, or in the usual one where it is unknown or wrong; half a letter at a cut is left out."""
    with suppress(UnicodeDecodeError, LookupError):
        known = codecs.lookup(charset).name
        if known.replace("_", "-") not in _PYTHONS_OWN and " ".encode(known):
            return codecs.getincrementaldecoder(known)().decode(data, final=not cut)
    return data.decode("cp1252", errors="replace")


def _plain(said: str) -> str:
    return said.replace("\r\n", "\n").replace("\r", "\n")


_READERS: dict[str, Callable[[str], str]] = {
    "text/plain": _plain,
    "text/html": from_html,
    "application/xhtml+xml": from_html,
    "text/rtf": from_rtf,
    "text/richtext": from_rtf,
    "application/rtf": from_rtf,
}
_CDA = frozenset(
    {"application/xml", "text/xml", "application/hl7-v3+xml", "application/cda+xml", "application/hl7-cda+xml"}
)
_PROLOG = 200  # bytes in which an XML document says its encoding


def _pages(value: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The title and the HTML of each section of a composition."""
    for section in records(value) if depth < 4 else []:  # noqa: PLR2004 - deeper nesting is no note
        yield text(section.get("title")), text(record(section.get("text")).get("div"))
        yield from _pages(section.get("section"), depth + 1)
