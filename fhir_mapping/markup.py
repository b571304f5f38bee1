"""Turns the HTML of a note into plain text, as a reader of the page sees it: without what is struck out or hidden."""

import re
from collections.abc import Mapping
from contextlib import suppress

from lxml.etree import HTMLParser, XMLSyntaxError

from fhir_mapping.raised import MARK, between, is_reference, parts_a_number
from fhir_mapping.symbols import drawn, draws_signs

_HIDDEN = frozenset({"script", "style", "head", "title", "template", "del", "rp"})
# What stands raised, lowered, or, in a formula, over, under or beside another number.
_RAISED = frozenset({"sup", "sub", "small", "rt", "mn", "mi"})
_IN_TABLES = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "col"})  # aligned with their row
_SHIFTED = re.compile(
    r"vertical-align\s*:\s*(?:super|sub|text-top|text-bottom|-?[\d.]*[1-9])"
    r"|font-variant-position\s*:\s*su|(?:mso-text-raise|baseline-shift)\s*:\s*(?:su|-?[\d.]*[1-9])",
    re.IGNORECASE,
)
_LOWERED = re.compile(r":\s*(?:sub|text-bottom|-)", re.IGNORECASE)
_NOTED = re.compile(r"footnote|endnote|noteref|superscript", re.IGNORECASE)
_FONT = re.compile(
    r"(?:font-family\s*:\s*|font\s*:[^;,]{0,80}?\d[\w.%/]{0,20}\s+)['\"]?([a-z][a-z \d]{0,40})", re.IGNORECASE
)
# Which the parser would end where a paragraph begins in it.
_STRUCK_OUT = re.compile(r"(?<=<)(/?)(?:s|strike)(?=[\s/>])", re.IGNORECASE)
_OUT_OF_SIGHT = re.compile(
    r"line-through|display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?![\d.]*[1-9])",
    re.IGNORECASE,
)
# Within which the digits of a number may change: formatting that neither moves what it holds nor takes its place.
_PLAIN = frozenset({"b", "strong", "i", "em", "u", "ins", "mark", "tt", "font", "span", "wbr"})
_PLAIN_ATTRIBUTES = frozenset({"color", "face", "lang", "xml:lang", "dir", "title", "cite", "datetime"})
_PLAIN_STYLE = re.compile(
    r"(?:(?:background-)?color|font-weight|font-style|font-family)\s*:[^;]*"
    r"|text-decoration(?:-line)?\s*:\s*(?:underline|none)\s*|font-size\s*:\s*(?:0?\.9\d*|1(?:\.0*)?)em\s*",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    {
        *("p", "div", "li", "ul", "ol", "dt", "dd", "section", "table", "caption", "tr"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    }
)
_BEHIND = {**dict.fromkeys((*_BLOCKS, "br", "hr"), "\n"), "td": " ", "th": " "}
_DEEPEST = 256  # elements in one another; the parser goes through all that stand open at every end it cannot place
_PIECE = 4096  # bytes that are read between two looks at the depth


def from_html(markup: str) -> str:
    """The text of an HTML or XHTML page or fragment, a block a line.

    A box that is ticked reads `[x]`, an open one `[ ]`; of a list to choose from only the choice is read. The time
    grows with the length alone, however tangled the markup is: it is read as it comes, and no tree of it is built.
    Raises ValueError where elements stand too deep in one another.
    """
    reader = _Reader()
    parser = HTMLParser(target=reader, encoding="utf-8")
    sent = _STRUCK_OUT.sub(r"\1del", markup).encode("utf-8", errors="replace")
    for start in range(0, len(sent), _PIECE):
        parser.feed(sent[start : start + _PIECE])
        if reader.depth > _DEEPEST:
            raise ValueError("nested too deep")
    with suppress(XMLSyntaxError):  # of nothing but blanks and comments
        parser.close()
    return reader.said()


class _Reader:
    """Collects the text while the parser tells where elements start and end, the ends that are left out among them."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self.depth = 0
        self._hidden_at = 0  # the depth of the element that hides all within it, 0 for none
        self._parted_at: list[int] = []  # the depths of elements that are no plain formatting
        self._shifted: list[tuple[int, str]] = []  # the depths of elements that are raised or lowered, and which
        self._fonts: list[tuple[int, str]] = [(0, "")]  # the depths of elements that have a font, and its name
        self._is_parted = False  # whether an element that is no plain formatting began or ended since the last words
        self._edge: str | None = None  # what began or ended since the last words: "raised", "lowered" or "link"

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self._hidden_at:
            return
        not_chosen = tag == "option" and "selected" not in attributes
        if tag in _HIDDEN or not_chosen or (attributes and _is_out_of_sight(attributes)):
            self._hidden_at = self.depth
            return
        if not _is_plain(tag, attributes):
            self._parted_at.append(self.depth)
            self._is_parted = True
        if shift := _shift(tag, attributes):
            self._shifted.append((self.depth, shift))
            self._edge = shift
        if attributes and (font := _font(attributes)):
            self._fonts.append((self.depth, font))
        if tag == "input":
            self.data(_box(attributes))
        elif tag in _BLOCKS and self._said and not self._said[-1].endswith((" ", "\n", "\t", "\xa0")):
            self._said.append("\n")

    def end(self, tag: str) -> None:
        if self._hidden_at == self.depth:
            self._hidden_at = 0
        if self._parted_at and self._parted_at[-1] == self.depth:
            self._parted_at.pop()
            self._is_parted = True
        if self._shifted and self._shifted[-1][0] == self.depth:
            self._edge = self._shifted.pop()[1]
        if self._fonts[-1][0] == self.depth:
            self._fonts.pop()
        self.depth -= 1
        self.data(_BEHIND.get(tag, ""))

    def data(self, said: str) -> None:
        if not said or self._hidden_at:
            return
        if draws_signs(self._fonts[-1][1]):
            said = drawn(self._fonts[-1][1], said)
        if self._edge and self._said and (self._edge != "link" or is_reference(said)):
            parts = between(self._said[-1][-1:], said, lowered=self._edge == "lowered")
            self._is_parted = self._is_parted and not parts
            self._said.append(parts)
        if self._is_parted and self._said and parts_a_number("".join(self._said[-2:]), said):
            self._said.append(MARK)
        self._edge = None
        self._is_parted = False
        self._said.append(said)

    def close(self) -> None:
        """Nothing is left to do at the end of the markup."""

    def said(self) -> str:
        return "".join(self._said)


def _is_out_of_sight(attributes: Mapping[str, str]) -> bool:
    return "hidden" in attributes or bool(_OUT_OF_SIGHT.search(attributes.get("style", "")))


def _is_plain(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element changes no more than how its letters look, in the line and at the size that they stand at."""
    if tag not in _PLAIN:
        return False
    return all(
        name in _PLAIN_ATTRIBUTES or (name == "style" and _is_plain_style(attributes[name])) for name in attributes
    )


def _is_plain_style(style: str) -> bool:
    return all(not one.strip() or _PLAIN_STYLE.fullmatch(one.strip()) for one in style.split(";"))


def _box(attributes: Mapping[str, str]) -> str:
    if attributes.get("type", "").casefold() not in {"checkbox", "radio"}:
        return ""
    return "[x]" if "checked" in attributes else "[ ]"


def _shift(tag: str, attributes: Mapping[str, str]) -> str:
    """Whether an element stands "raised" or "lowered" beside the line, or may be the "link" to a footnote."""
    if tag in _RAISED:
        return "lowered" if tag in {"sub", "small"} else "raised"
    if not attributes:
        return ""
    if any(_NOTED.search(attributes.get(name, "")) for name in ("class", "role", "epub:type")):
        return "raised"
    if tag == "a" and attributes.get("href", "").startswith("#"):
        return "link"
    found = None if tag in _IN_TABLES else _SHIFTED.search(attributes.get("style", ""))
    if found is None:
        return ""
    return "lowered" if _LOWERED.search(found[0]) else "raised"


def _font(attributes: Mapping[str, str]) -> str:
    """The font that an element sets: the first of those it names, for the others stand in where that lacks."""
    found = _FONT.search(attributes.get("style", ""))
    return found[1] if found else attributes.get("face", "").partition(",")[0]
