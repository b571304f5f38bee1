"""Keeps what is raised or lowered on the page apart from the number beside it: a footnote mark is none of its digits.

In plain text a caret parts the two: "34^1 minutes". What a number means that has a footnote is then asked about.
"""

import re

MARK = "^"
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)
_SIGNS = frozenset("\u00ae\u2122\u2120\u00a9\u00ba\u00aa\u00b0")  # of brands, ordinals and degrees: no footnotes
_ENDS = frozenset(".,;:)]%'\"\u2019\u201d")
_OPENINGS = frozenset("*\u2020\u2021([")
_NUMBER_GOES_ON = re.compile(r"[.,]?\d")
_NUMBER_BEFORE = re.compile(r"\d[.,]?$")
_REFERENCE = re.compile(r"\s*[\[(]?(?:\d{1,3}|[a-z*\u2020\u2021\u00a7]{1,2})[\])]?\s*", re.IGNORECASE)


def between(before: str, said: str, *, lowered: bool) -> str:
    """What parts two texts on the page of which one is raised or lowered, where nothing else does.

    Parameters: `before`, the last letter of the first; `said`, the second, not empty; `lowered`, whether one is: it
    belongs to a letter beside it ("CO2"), and never to a digit.
    """
    after = said[0]
    if not before or before.isspace() or after.isspace() or after in _SIGNS or before in _SIGNS:
        return ""
    if lowered:
        return MARK if before.isdigit() and (after.isdigit() or after in _OPENINGS) else ""
    if before.isdigit() and _ORDINAL.match(said):
        return ""
    return MARK if before.isalnum() or before in _ENDS else ""


def parts_a_number(before: str, said: str) -> bool:
    """Whether two texts that something parts on the page would read as one number if they were joined."""
    return _NUMBER_GOES_ON.match(said) is not None and _NUMBER_BEFORE.search(before[-2:]) is not None


def is_reference(said: str) -> bool:
    """Whether the words of a link within the page are no words but the mark of a footnote: "1", "[2]", "*"."""
    return _REFERENCE.fullmatch(said) is not None
