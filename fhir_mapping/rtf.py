"""Turns rich text (RTF) into plain text, without what is struck out or hidden in it."""

import re
from collections.abc import Iterator

from striprtf.striprtf import font_table_group, rtf_to_text

_TOKEN = re.compile(r"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|([{}])|\\'[0-9a-fA-F]{2}|\\.|[^\\{}]+|\\", re.DOTALL)
_OUT_OF_SIGHT = ("strike", "striked", "v", "deleted")  # each begins with the bare word or a 1, and ends with a 0
_MAY_HIDE = re.compile(rf"\\(?:{'|'.join(_OUT_OF_SIGHT)})(?![a-zA-Z])")
# striprtf looks for links and fonts by patterns that take a broken text apart in every way there is.
_LINK = re.compile(r"(\\fldinst)\{", re.IGNORECASE)
_FONT = re.compile(r"\\f([0-9]{1,6})[0-9]*", re.IGNORECASE)
_CHARSET = re.compile(r"(\\fcharset[0-9]{1,6})[0-9]*", re.IGNORECASE)


def from_rtf(markup: str) -> str:
    """The plain text of a rich text.

    Raises ValueError if it is broken.
    """
    seen = "".join(_shown(markup)) if _MAY_HIDE.search(markup) else markup
    try:
        return str(rtf_to_text(_bounded(seen), errors="replace"))  # type: ignore[no-untyped-call]  # striprtf has no types
    except Exception as broken:  # noqa: BLE001 - striprtf names none of its own: a number that lacks is a TypeError
        raise ValueError(f"striprtf ended in {type(broken).__name__}") from None


def _shown(markup: str) -> Iterator[str]:
    """Leave out the letters that a reader does not see; groups, line breaks and all other commands stay."""
    hidden: frozenset[str] = frozenset()
    outer: list[frozenset[str]] = []
    for token in _TOKEN.finditer(markup):
        word, number, brace = token.groups()
        if brace == "{":
            outer.append(hidden)
        elif brace:
            hidden = outer.pop() if outer else frozenset()
        elif word == "plain":
            hidden = frozenset()
        elif word in _OUT_OF_SIGHT:
            hidden = hidden - {word} if number == "0" else hidden | {word}
        elif hidden and (word is None or word == "u"):
            continue
        yield token[0]


def _bounded(markup: str) -> str:
    """Write each font on a line of its own, with its end, and no link as one: then striprtf reads every text once."""
    markup = _LINK.sub(r"\1 {", markup)
    fonts: str = font_table_group(markup)  # type: ignore[no-untyped-call]  # striprtf has no types
    if not fonts:
        return markup
    ended = _FONT.sub(r";\n\\f\1", _CHARSET.sub(r"\1", fonts.rstrip("}")))
    return markup.replace(fonts, ended + ";" + fonts[len(fonts.rstrip("}")) :], 1)
