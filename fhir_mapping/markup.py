"""Turns the HTML of a note into plain text, as a reader of the page sees it: without what is struck out or hidden."""

import re
from collections.abc import Mapping
from contextlib import suppress

from lxml.etree import HTMLParser, XMLSyntaxError

_HIDDEN = frozenset({"script", "style", "head", "title", "template", "del"})
# Which the parser would end where a paragraph begins in it.
_STRUCK_OUT = re.compile(r"(?<=<)(/?)(?:s|strike)(?=[\s/>])", re.IGNORECASE)
_OUT_OF_SIGHT = re.compile(r"line-through|display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
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

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self._hidden_at:
            return
        not_chosen = tag == "option" and "selected" not in attributes
        if tag in _HIDDEN or not_chosen or (attributes and _is_out_of_sight(attributes)):
            self._hidden_at = self.depth
        elif tag == "input":
            self.data(_box(attributes))
        elif tag in _BLOCKS and self._said and not self._said[-1].endswith((" ", "\n", "\t", "\xa0")):
            self._said.append("\n")

    def end(self, tag: str) -> None:
        if self._hidden_at == self.depth:
            self._hidden_at = 0
        self.depth -= 1
        self.data(_BEHIND.get(tag, ""))

    def data(self, said: str) -> None:
        if said and not self._hidden_at:
            self._said.append(said)

    def close(self) -> None:
        """Nothing is left to do at the end of the markup."""

    def said(self) -> str:
        return "".join(self._said)


def _is_out_of_sight(attributes: Mapping[str, str]) -> bool:
    return "hidden" in attributes or bool(_OUT_OF_SIGHT.search(attributes.get("style", "")))


def _box(attributes: Mapping[str, str]) -> str:
    if attributes.get("type", "").casefold() not in {"checkbox", "radio"}:
        return ""
    return "[x]" if "checked" in attributes else "[ ]"
