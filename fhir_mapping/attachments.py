"""Turns the attachments of documents and the sections of compositions into plain text: text, HTML, RTF and CDA."""

import codecs
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.clinical_document import DocumentRefusedError, from_cda
from fhir_mapping.markup import from_html
from fhir_mapping.resources import Json, quote, record, records, text
from fhir_mapping.rtf import from_rtf

_LARGEST = 2 * 1024 * 1024  # bytes of one attachment: a note of 200,000 characters in the wordiest of formats
_MOST = 16 * 1024 * 1024  # characters of all attachments as they were sent: more than a request and its fetches hold
_MOST_MARKUP = 2 * 1024 * 1024  # characters of markup of all notes: the slowest of it takes a second
_COMMAND, _MARKS = 4, (b"\\", b"{", b"}")  # bytes that each command or brace of rich text counts for
_PROLOG = 200  # bytes in which an XML document says its encoding
_SECTION = 200  # characters of markup that each section of a composition counts for, beside its own
_PYTHONS_OWN = {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
"""Encodings that no text is written in; to decode some of them takes beyond measure."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a text could not be read."""

    why: str


class Text(NamedTuple):
    """The text of a note, and whether more of it was sent than this."""

    text: str
    cut: bool = False


_BROKEN = Unread("its text is broken")
_EMPTY = Unread("it has no text")
_TOO_LONG = Unread("the notes together are too long")


class Attachments:
    """The attachments of a chart's documents. Each is decoded once, however many documents share it."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._decoded: dict[tuple[str, str, str], Text | Unread] = {}
        self._left = _MOST
        self._markup_left = _MOST_MARKUP

    def read(self, resource: Json) -> Text | Unread:
        """Read the text of a document: of its attachments the first that can be read."""
        why = _EMPTY.why
        for kind, charset, data, _ in self._attached(resource):
            if not _is_readable(kind):
                why = f"its format is {quote(kind, 40) or 'not said'}"
                continue
            said = self._decode(data, kind, charset) if data else Unread("its text was not sent")
            if isinstance(said, Text):
                return said
            why = said.why
        return Unread(why)

    def lies(self, resource: Json) -> str:
        """Where the text of a document is to be had, if it could be read and none of it was sent."""
        readable = [(data, url) for kind, _, data, url in self._attached(resource) if _is_readable(kind)]
        return "" if any(data for data, _ in readable) else next((url for _, url in readable if url), "")

    def _attached(self, resource: Json) -> Iterator[tuple[str, str, str, str]]:
        """The attachments of a document: format, encoding, the data if it was sent, and where it lies."""
        for content in records(resource.get("content")):
            attachment = record(content.get("attachment"))
            kind, _, settings = text(attachment.get("contentType")).partition(";")
            kind, url = kind.strip().casefold(), text(attachment.get("url"))
            data = text(attachment.get("data"))
            data = data or text(record(self._chart.find({"reference": url}, resource)).get("data"))
            yield kind, settings.partition("charset=")[2].strip(' "'), data, url

    def sections(self, composition: Json) -> Text | Unread:
        """Read the sections of a composition, each under its title."""
        pages = list(_pages(composition.get("section")))
        if self._takes(sum(len(page) + _SECTION for _, page in pages), is_markup=True):
            try:
                told = [(title, from_html(page)) for title, page in pages]
            except ValueError:
                return _BROKEN
            said = "\n\n".join(f"{title}:\n{said}" if title else said for title, said in told if said.strip())
            return Text(said) if said else _EMPTY
        return _TOO_LONG

    def _decode(self, data: str, kind: str, charset: str) -> Text | Unread:
        key = data, kind, charset
        if key not in self._decoded:
            self._decoded[key] = self._decode_anew(data, kind, charset)
        return self._decoded[key]

    def _decode_anew(self, data: str, kind: str, charset: str) -> Text | Unread:
        if not self._takes(len(data), is_markup=False):
            return _TOO_LONG
        try:
            sent = b64decode("".join(data.split())[: _LARGEST * 2], validate=True)
            cut = len(sent) > _LARGEST
            if kind in _CDA:
                return self._clinical(sent, charset)
            return self._as_text(sent[:_LARGEST], kind, charset or "utf-8", cut=cut)
        except DocumentRefusedError as refused:
            return Unread(str(refused))
        except (ValueError, LookupError):
            return _BROKEN

    def _clinical(self, sent: bytes, charset: str) -> Text | Unread:
        """Read a CDA document, which is broken if it is cut; its own encoding counts before that of the attachment."""
        if len(sent) > _LARGEST or not self._takes(len(sent), is_markup=True):
            return _TOO_LONG
        says_its_own = b"encoding" in sent[:_PROLOG] or sent[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        found = from_cda(sent, None if says_its_own else charset or None)
        if found.body and found.kind not in _READERS:
            return Unread(f"its format is {quote(found.kind, 40) or 'not said'}")
        if found.body:
            return self._as_text(found.body, found.kind, "utf-8", cut=False)
        return Text(found.text) if found.text else _EMPTY

    def _as_text(self, sent: bytes, kind: str, charset: str, *, cut: bool) -> Text | Unread:
        if not self._takes(_size(sent, kind), is_markup=_READERS[kind] is not _plain):
            return _TOO_LONG
        said = _READERS[kind](_decoded(sent, charset, cut=cut))
        if _is_binary(said):
            return _BROKEN
        return Text(said, cut) if said.strip() else _EMPTY

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


def _size(sent: bytes, kind: str) -> int:
    """What a text counts for: its bytes, or of rich text its commands and groups, which take longer than letters."""
    return len(sent) if _READERS[kind] is not from_rtf else max(len(sent), _COMMAND * sum(map(sent.count, _MARKS)))


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


def _is_readable(kind: str) -> bool:
    return kind in _READERS or kind in _CDA


def _pages(value: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The title and the HTML of each section of a composition."""
    for section in records(value) if depth < 4 else []:  # noqa: PLR2004 - deeper nesting is no note
        yield text(section.get("title")), text(record(section.get("text")).get("div"))
        yield from _pages(section.get("section"), depth + 1)
