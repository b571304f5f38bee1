"""Tells whether a number is only a piece of what stands there: "five" of "one point five", "1 hour" of "1 hour 30".

A number of which only a piece is understood is no number. What is joined with it is taken into what is asked about.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fhir_mapping.numerals import HUNDRED, Numerals, any_of

ODD = "".join(one for one in map(chr, range(0x80, 0x3100)) if unicodedata.category(one) in {"No", "Nl"})
"""Letters that are numbers and no digits: fractions, raised and lowered digits, Roman and circled numbers."""
CUT = "\u22ef"
"""Stands where a sentence that is too long was cut: what is beside it may go on."""
UNKNOWN = f"{CUT}\ufffd\ue000-\uf8ff\u0300-\u036f\u20d0-\u20f0\u202d\u202e"
"""Letters that nobody can read: a cut, what was lost in decoding, what a font alone gives a meaning, what strikes out
or turns around the letters beside it."""
_HYPHENS = "\u2010-\u2015\u2043\u2053\u207b\u208b\u2212\u223c\u301c\ufe58\ufe63\uff0d\uff5e~\\-"
_SIGNS = "-\u2212\ufe63\uff0d+\u00b1"
_LIMITS = "\u00b1\u221d\u2243-\u224d\u2260-\u2277\u2a7d-\u2aa6\uff1c\uff1e"  # about, at most, at least, unequal
_WINDOW = 48  # characters that are looked at before a number
_BULLETS = "\uf0b7\uf0a7\uf0d8\uf0fc\uf076"  # of lists that were pasted out of a word processor
_TYPO = 0.8  # from this likeness on a word is a slip of another
_UNIT = r"\s*-?\s*(?:m\b|min|hours?\b|hrs?\b|h\b)"
# A count of things, or a share, and no length of time that goes on: "1 hour, 3 problems".
_COUNTED = (
    r"(?!\s?%|\s?percent\b|\s(?:out )?of\b|[- ]?(?:on[- ]one|to[- ]one|way)\b|:\d|\s?(?:mg|ml|mcg|kg|lbs?|cm|mm)\b"
    r"|\s(?!m[inu]|sec|hou|hr|(?:this|was|has|plus|less|minus|discuss|across|address)\b)[a-z]{3,}s\b)"
)
_WORD_BEFORE = re.compile(r"(?<!\w)([a-z]{1,24})([-\s])$")
_ENDS = r"(?=\s*(?:[.,;)]|$))"
_UNITS, _TENS = range(1, 10), 20


@dataclass(frozen=True, slots=True)
class Joined:
    """What a number may be joined with, before and behind it."""

    _before: re.Pattern[str]
    _named: re.Pattern[str]
    _share: re.Pattern[str]
    _small: re.Pattern[str]
    _hundred: re.Pattern[str]
    _large: Sequence[str]
    _after: Mapping[str, re.Pattern[str]]

    @classmethod
    def of(cls, numerals: Numerals, others: Sequence[str], labels: Sequence[str], hedges: str) -> "Joined":
        """Compile it.

        Parameters: `others`, words of numbers that are not read ("point", "dozen"); `labels`, patterns of what a number
        of something else stands behind ("level"); `hedges`, a pattern of what makes a number vague.
        """
        other = any_of(others)
        named = [
            rf"\b(?:{'|'.join(labels)})(?:\s(?:of|is|was))?[\s#:.=]{{0,3}}[\d.,]+",
            r"\b(?:this|that|the|some|any|no|each|every|which|what)\s(?:one|point)",
            r"\b(?:after|office|business|work)[- ]hours?",
            r"\b[a-z]?\d{4,5}[- ]\d{2}",  # a code with its modifier
            r"\d{1,4}[-.]\d{1,2}[-.]\d{2,4}",  # a date
        ]
        share = rf"(?:\b(?:part|most|bulk|majority|fraction|rest|much|less|{other})|[\d%{ODD}]+)[\s-]*of[\s-]+$"
        small = any_of(word for word, value in numerals.words.items() if value in _UNITS)
        large = (*(word for word, value in numerals.words.items() if value >= _TENS), *others)
        return cls(
            re.compile(_before(numerals.word, other)),
            re.compile(f"(?:{'|'.join(named)})$"),
            re.compile(share),
            re.compile(rf"{small}\b"),
            re.compile(rf"{any_of(word for word, value in numerals.words.items() if value == HUNDRED)}\b"),
            large,
            {unit: re.compile("|".join(ways)) for unit, ways in _after(numerals.word, other, hedges).items()},
        )

    def opens(self, text: str, start: int, floor: int) -> int:
        """Where the number that ends at `start` begins in truth: at `start` itself where nothing is joined with it.

        Parameters: `text` in small letters; nothing before `floor` is looked at.
        """
        joined = self._opens(text, start, floor)
        while joined < start:
            start, joined = joined, self._opens(text, joined, floor)
        return start

    def _opens(self, text: str, start: int, floor: int) -> int:
        at = max(floor, start - _WINDOW)
        before = text[at:start]
        if text.startswith(("a ", "an ", "a-", "an-"), start) and (share := self._share.search(before)):
            return at + share.start()
        found = self._before.search(before)
        if found and not (found["number"] and self._named.search(before[: found.end("number")])):
            return at + found.start()
        slip = _WORD_BEFORE.search(before)
        if slip and self._may_follow_a_slip(text, start, slip):
            return at + slip.start()
        return start

    def _may_follow_a_slip(self, text: str, start: int, word: re.Match[str]) -> bool:
        """Whether the word before a number may be a misspelt piece of it: "thrity five", "tow hundred"."""
        if self._hundred.match(text, start):
            return word[1] != "a"
        joined = word[2] == "-" or bool(get_close_matches(word[1], self._large, 1, _TYPO))
        return joined and self._small.match(text, start) is not None

    def closes(self, text: str, end: int, unit: str) -> int:
        """Where the length of time or number that ends at `end` ends in truth: at `end` itself if nothing goes on.

        Parameters: `text` in small letters; `unit`, the last that was read: "hour", "minute", "clock", or "" for a bare
        number.
        """
        found = self._after[unit].match(text, end)
        if found:
            return found.end()
        # One star is a footnote, unless it closes what another has opened: *34 minutes*.
        star = text.startswith("*", end) and not text.startswith("**", end) and text.find("*", 0, end) < 0
        return end + 1 if star else end


def _before(numeral: str, other: str) -> str:
    """A number or a sign that stands directly before another number, of which that is then but the tail."""
    kinds = [
        rf"(?<![a-z])(?:{numeral}|{other}){{1,4}}",
        r"(?<![\w/.:#$])(?<![a-z]-)\d{1,3}(?:[.,]\d{1,3}){0,3}",
        f"[{ODD}]",
        r"(?<![\w/])[1-9]/[2-9](?=[\s-])",
        r"(?<![a-z])(?:hours?|hrs?\.?|h)\b",
    ]
    signs = rf"[{_HYPHENS},/+&\u00b1\u00d7*\u00b7^|'\u2019_]|\.{{2,}}|\u2026"
    words = "to|or|and|by|through|thru|until|till|plus|minus|less|times|x|comma|oh?"
    between = rf"(?:\s*(?:{signs}){{1,3}}\s*|(?<=\d)[^\w\s:=)\]>}}\"]|\s|\s(?:{words})\s)(?:an?\s)?"
    sign = (
        rf"(?<=[\s(:=])[{_SIGNS}]|[{_LIMITS}]\s*|[\^\u221a?\u00a3\u20ac\u00a5]|[{ODD}]|(?![{_BULLETS}])[{UNKNOWN}]\s?"
    )
    return rf"(?:(?P<number>{'|'.join(kinds)}){between}|{sign})$"


def _after(numeral: str, other: str, hedges: str) -> dict[str, list[str]]:
    """How a length of time may go on, by its last unit: with more of it, with another limit, or with a footnote."""
    said = rf"{numeral}\b(?:[ -](?:and\s)?{numeral}\b){{0,4}}"
    number = rf"(?:\d{{1,3}}(?![\d,/:]?\d|\.\d|[a-z]{{2}})(?:\s?m\b)?|{said}|[{ODD}])"
    limit = rf"(?:an?\s(?=hour|half|quarter)|{number}(?:(?={_UNIT})|{_ENDS}))"
    to = rf"\s*(?:\b(?:to|or)\b|/|[{_HYPHENS}])\s*(?:{hedges})?\s*{limit}|\s(?:to|or)\s{number}{_COUNTED}"
    less = rf",?\s*\b(?:less|minus)\s(?:the\s)?{number}(?={_UNIT})|\s?(?:x\s?|[\u00d7*]\s?|times\s){number}"
    marks = rf"[.,]?\s?(?:\^|[\u2020\u2021{ODD}{UNKNOWN}]|\[\d{{1,2}}\])|\s?\(?\?"
    part = rf"(?:half|{other}|[1-9]/[2-9](?![\d/]))\b(?!\s(?:of|by)\b)"
    fraction = rf"[\s-]*(?:and\s|&\s?)?(?:an?\s|{numeral}[\s-])?(?:{part}|[{ODD}])"
    few = rf"(?:\d{{1,3}}|{said}|some|(?:a )?few|several)"
    seconds = rf"[\s,]*(?:and\s|&\s?)?{few}\s?-?(?:s|secs?|seconds?)\b"
    bare = rf"\s*(?:\b(?:to|or|point|of|out of|plus|minus|less|times|x)\b|[+/*=&\u00b1\u00d7^|{_HYPHENS}])\s*"
    more = r"\s*(?:,\s?)?(?:(?:and|plus|oh?)\s|&\s?)?"
    return {
        "hour": [to, less, marks, seconds, fraction, rf"{more}(?:(?:{hedges})\s*)?{number}{_COUNTED}"],
        "minute": [
            *(to, less, marks, seconds),
            r"\s(?:and\s)?(?:an?\s)?half\b(?!\s(?:of|by)\b)",
            rf"\s(?:{other}\s)?{number}{_COUNTED}(?!{_UNIT})",
        ],
        "clock": [marks, rf"\s*(?:\b(?:to|or|until|till)\b|/|[{_HYPHENS}])\s*(?:{hedges})?\s*\d{{1,2}}:\d{{2}}"],
        "": [
            *(marks, fraction),
            rf",\d|\s(?:and\s)?{number}{_COUNTED}|,\s{number}{_ENDS}|\s?\(\d{{1,3}}\)",
            rf"{bare}(?:{number}|\u27e6)",
        ],
    }
