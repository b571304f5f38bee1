"""Reads the note in a CDA document (C-CDA): the text of its sections, or of the one body that is not XML."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from lxml.etree import XMLParser, XMLSyntaxError

from fhir_mapping.markup import from_html

_DEEPEST = 128  # elements in one another; sections and tables of real documents stand about 25 deep
_PIECE = 4096  # bytes that are read between two looks at what they were
_ROOT, _SECTIONS, _BODY = "ClinicalDocument", "structuredBody", "nonXMLBody"
_AS_HTML = {
    **{
        tag: tag for tag in ("table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "br", "sub", "sup", "del")
    },
    "paragraph": "p",
    "list": "ul",
    "item": "li",
    "s": "del",
    "strike": "del",
    **dict.fromkeys(("footnote", "footnoteRef"), "sup"),
    "renderMultiMedia": "img",
}
"""What shows an element of CDA narrative on a page; all others are shown as the words in them."""
_PLAIN = frozenset({"bold", "italics", "underline", "emphasis"})
_LIKE_OTHERS = "content"  # an element that is no formatting: what it holds is parted from a number beside it
_OUT_OF_SIGHT = ("strike", "line-through", "linethrough", "hidden", "noprint", "invisible")  # within a styleCode


class DocumentRefusedError(ValueError):
    """XML that is not read, and why."""


class Read(NamedTuple):
    """The text of the sections, or a `body` that is no XML, with its media type."""

    text: str
    kind: str
    body: bytes


def from_cda(data: bytes, encoding: str | None = None) -> Read:
    """The note in a CDA document.

    Parameters: `data`, the file; `encoding`, where it does not say its own. No entity is resolved, and nothing is
    fetched. The time grows with the length alone.
    Raises DocumentRefusedError for other XML and for one that declares a document type, and ValueError where it is
    broken or its elements stand too deep in one another.
    """
    reader = _Reader()
    parser = XMLParser(
        target=reader,
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for start in range(0, len(data), _PIECE):
            parser.feed(data[start : start + _PIECE])
            if reader.why is not None:
                raise reader.why
        parser.close()
    except XMLSyntaxError as broken:
        raise reader.why or ValueError(f"no well-formed XML: error {broken.code}") from None
    if reader.why is not None:
        raise reader.why
    return Read("\n\n".join(reader.sections), reader.kind, reader.body())


class _Reader:
    """Collects the sections while the parser tells where elements start and end."""

    def __init__(self) -> None:
        self.sections: list[str] = []
        self.kind = ""
        self.why: ValueError | None = None
        self._path: list[str] = []
        self._titles: list[str] = []
        self._page: list[str] | None = None  # the text of a section, as HTML
        self._ends: list[str] = []
        self._raw: list[str] | None = None  # a title, or a body that is no XML
        self._body = ""
        self._is_text = False

    def doctype(self, name: str, public: str | None, system: str | None) -> None:  # noqa: ARG002 - the parser gives them
        self.why = DocumentRefusedError("it declares a document type")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        local = tag.rpartition("}")[2]
        self._path.append(local)
        if self._path[0] != _ROOT:
            self.why = DocumentRefusedError("it is XML, but no clinical document")
        elif len(self._path) > _DEEPEST:
            self.why = ValueError("nested too deep")
        if self.why is not None:
            return
        if self._page is not None:
            otherwise = "span" if _is_plain(local, attributes) else _LIKE_OTHERS
            shown = "del" if _is_out_of_sight(attributes) else _AS_HTML.get(local, otherwise)
            self._page.append(f"<{shown}>")
            self._ends.append("" if shown in {"br", "img"} else f"</{shown}>")
        elif local == "section":
            self._titles.append("")
        elif self._path[-2:] == ["section", "title"]:
            self._raw = []
        elif self._path[2:3] == [_SECTIONS] and self._path[-2:] == ["section", "text"]:
            self._page = []
        elif self._path[2:] == [_BODY, "text"]:
            self.kind = attributes.get("mediaType", "").partition(";")[0].strip().casefold()
            self._is_text = attributes.get("representation", "TXT") != "B64"
            self._raw = []

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser gives it
        local = self._path.pop()
        if self.why is not None:
            return
        if self._page is not None and self._ends:
            self._page.append(self._ends.pop())
        elif self._page is not None:
            self._add(from_html("".join(self._page)))
            self._page = None
        elif self._raw is not None and local == "title":
            self._titles[-1:] = [" ".join("".join(self._raw).split())]
            self._raw = None
        elif self._raw is not None and local == "text":
            self._body, self._raw = "".join(self._raw), None
        elif local == "section":
            self._titles.pop()

    def data(self, said: str) -> None:
        if self._page is not None:
            self._page.append(escape(said))
        elif self._raw is not None:
            self._raw.append(said)

    def close(self) -> None:
        """Nothing is left to do at the end of the document."""

    def body(self) -> bytes:
        """The body that is no XML, if there is one. Raises ValueError for broken base64."""
        return self._body.encode() if self._is_text else b64decode(self._body)

    def _add(self, said: str) -> None:
        title = self._titles[-1] if self._titles else ""
        if said.strip():
            self.sections.append(f"{title}:\n{said}" if title else said)


def _is_plain(tag: str, attributes: Mapping[str, str]) -> bool:
    return tag == "content" and _PLAIN.issuperset(attributes.get("styleCode", "").casefold().split())


def _is_out_of_sight(attributes: Mapping[str, str]) -> bool:
    style = attributes.get("styleCode", "").casefold()
    return attributes.get("revised") == "delete" or any(word in style for word in _OUT_OF_SIGHT)
