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
_SIGNS = "-\u2212\ufe63\uff0d\u00b1"
_CONTROL = "\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f"  # often a dash or a quotation mark that was lost in decoding
_LIMITS = "\u00b1\u221d\u223c\u2243-\u224d\u2260-\u2277\u2a7d-\u2aa6\uff1c\uff1e"  # about, at most, at least, unequal
_WINDOW = 48  # characters that are looked at before a number
_BULLETS = "\uf0b7\uf0a7\uf0d8\uf0fc\uf076"  # of lists that were pasted out of a word processor
_TYPO = 0.8  # from this likeness on a word is a slip of another
_UNIT = r"\s*-?\s*(?:m\b|min|hours?\b|hrs?\b|h\b)"
# A count of things, or a share, and no length of time that goes on: "1 hour, 3 problems".
_COUNTED = (
    r"(?!\s?%|\s?percent\b|\s(?:out )?of\b|[- ]?(?:on[- ]one|to[- ]one|way)\b|:\d|\s?(?:mg|ml|mcg|kg|lbs?|cm|mm)\b"
    r"|\s(?!m[inu]|sec|hou|hr|(?:this|was|has|plus|less|minus|discuss|across|address)\b)[a-z]{3,}s\b)"
)
_WORD_BEFORE = re.compile(r"(?<!\w)([^\W_]{1,24})([-\s]|[\s)\]\"'\u2019\u201d]{2})$")
_ROMAN = re.compile(r"(?=..)c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
# What a share is said to be spent on: "20 of 40 minutes were spent counseling" tells of a whole of 40.
_SPENT_ON = re.compile(
    r"[\s,]*(?:(?:were|was|is|are|being|spent|went|used|dedicated|devoted|in|on|for|to|with|doing|face to face|direct"
    r"|patient|the|time|visit|total)\s)*(?:counsel|coordinat|educat|discuss|face[- ]to[- ]face)"
)
_LIMITED = re.compile(rf"[<{_LIMITS}]=?\s?[a-z]+(?:\s[a-z]+){{0,4}}\s?[:=]\s?$")
_LISTED = re.compile(r"(?<![\w.,])\(?(\d)\)\s$")
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
            rf"\b(?:{'|'.join(labels)})(?:\s(?:of|is|was))?[\s#:.=(\[]{{0,3}}[\d.,]+[)\]]?",
            r"\b(?:this|that|the|some|any|no|each|every|which|what)\s(?:one|point)",
            r"\b(?:after|office|business|work)[- ]hours?",
            r"\b[a-z]?\d{4,5}[- ]\d{2}",  # a code with its modifier
            r"\d{1,4}[-.]\d{1,2}[-.]\d{2,4}",  # a date
        ]
        share = (
            rf"(?:\b(?:part|most|bulk|majority|fraction|rest|much|less|percent|(?:fif|six|seven|nin|twelf)ths?|{other}|{numerals.word})|[\d%{ODD}]+)"
            r"(?:\s(?:minutes?|mins?))?[\s-]*(?:out\s)?of[\s-]+$"
        )
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

    def opens(self, text: str, start: int, floor: int, end: int) -> int:
        """Where the number that stands at `start` to `end` begins in truth: at `start` where nothing is joined with it.

        Parameters: `text` in small letters; nothing before `floor` is looked at.
        """
        joined = self._opens(text, start, floor, end)
        while joined < start:
            start, joined = joined, self._opens(text, joined, floor, 0)
        return start

    def _opens(self, text: str, start: int, floor: int, end: int) -> int:
        at = max(floor, start - _WINDOW)
        before = text[at:start]
        share = self._share.search(before)
        if share and not (end and _SPENT_ON.match(text, end)):
            return at + share.start()
        found = self._before.search(before)
        named = found and found["number"] and self._named.search(before[: found.end("number")])
        if found and not named and not _is_in_a_list(text, start):
            return at + found.start()
        slip = _WORD_BEFORE.search(before)
        if slip and self._may_follow_a_slip(text, start, slip):
            return at + slip.start()
        return start

    @staticmethod
    def is_limited(text: str, start: int) -> bool:
        """Whether a limit stands before the label of the number that begins at `start`: "\u2264 total time: 39"."""
        return _LIMITED.search(text, max(0, start - _WINDOW), start) is not None

    def _may_follow_a_slip(self, text: str, start: int, word: re.Match[str]) -> bool:
        """Whether the word before a number may be a misspelt piece of it: "thrity five", "tow hundred"."""
        if self._hundred.match(text, start):
            return word[1] != "a"
        plain = "".join(one for one in unicodedata.normalize("NFKD", word[1]) if not unicodedata.combining(one))
        joined = word[2] == "-" or not word[1].isascii() or _ROMAN.fullmatch(plain) is not None
        joined = joined or bool(get_close_matches(plain, self._large, 1, _TYPO))
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


def _is_in_a_list(text: str, start: int) -> bool:
    """Whether what stands before `start` only counts the items of a list: "1) 10 minutes, 2) 24 minutes"."""
    item = _LISTED.search(text, max(0, start - _WINDOW), start)
    return bool(item and (f"{int(item[1]) - 1})" in text[: item.start()] or f"{int(item[1]) + 1})" in text[start:]))


def _before(numeral: str, other: str) -> str:
    """A number or a sign that stands directly before another number, of which that is then but the tail."""
    kinds = [
        rf"(?<![a-z])(?:{numeral}|{other}){{1,4}}",
        r"(?<![\w/.:#$])(?<![a-z]-)\d{1,3}(?:[.,]\d{1,3}){0,3}",
        f"[{ODD}]",
        r"(?<![\w/])[1-9]/[2-9](?=[\s-])",
        r"(?<![a-z])(?:hours?|hrs?\.?|h)\b",
        r"[(\[\"\u201c]\s?\d{1,3}\s?[)\]\"\u201d]",
    ]
    signs = rf"[{_HYPHENS},/+&\u00b1\u00d7*\u00b7^|'\u2019_]|\.{{2,}}|\u2026"
    words = "to|or|and|by|through|thru|until|till|plus|minus|less|times|x|comma|past|oh?"
    lists = r",\s?(?:and|or|&|plus)\s"
    quoted = rf"(?<=[a-z])\s?[^\w\s=]{{1,2}}\s?(?:(?:{words})[^\w\s]?\s)?"
    point = r"(?<=\d)(?:[^\w\s:=)\]>}\"]\s?|\s\.\s?|\)\s)"
    between = rf"(?:\s*(?:{signs}){{1,3}}\s*|{lists}|{quoted}|{point}|\s|\s(?:{words})\s)(?:an?\s)?"
    sign = (
        rf"(?<=[\s(:=])[{_SIGNS}]|[{_LIMITS}]\s*|[\^\u221a?\u00a3\u20ac\u00a5]|[{ODD}]|(?![{_BULLETS}])[{UNKNOWN}]\s?"
        rf"|(?<=\w)[{_CONTROL}]\s?|\u00b7|[(\[\"]\d{{1,3}}[)\]\"]|(?:\d|\b{numeral})\s?days?\s(?:and\s)?|\b(?:double|triple|treble|quadruple)\s"
    )
    return rf"(?:(?P<number>{'|'.join(kinds)}){between}|{sign})$"


def _after(numeral: str, other: str, hedges: str) -> dict[str, list[str]]:
    """How a length of time may go on, by its last unit: with more of it, with another limit, or with a footnote."""
    said = rf"{numeral}\b(?:[ -](?:and\s)?{numeral}\b){{0,4}}"
    number = rf"(?:\d{{1,3}}(?![\d,/:]?\d|\.\d|[a-z]{{2}})(?:\s?m\b)?|{said}|[{ODD}])"
    limit = rf"(?:an?\s(?=hour|half|quarter)|{number}(?:(?={_UNIT})|{_ENDS}))"
    to = rf"\s*(?:\b(?:to|or)\b|/|[{_HYPHENS}])\s*(?:{hedges})?\s*{limit}|\s(?:to|or)\s{number}{_COUNTED}"
    many = r"(?!(?:1|one)(?![\w/]|[.,]\d|\s(?:\d|half|and)))"
    less = (
        rf",?\s*\b(?:less|minus)\s(?:the\s)?{number}(?={_UNIT})|\s?(?:x\s?|[\u00d7*]\s?|times\s){many}(?:{number}|\d)"
    )
    less += rf"|\s(?:short of|shy of|before|past)\s{limit}"
    marks = rf"[.,]?\s?(?:\^|[\u2020\u2021{ODD}{UNKNOWN}]|\[\d{{1,2}}\])|\s?\(?\?"
    part = rf"(?:half|{other}|[1-9]/[2-9](?![\d/]))\b(?!\s(?:of|by)\b)"
    fraction = rf"[\s-]*(?:and\s|&\s?)?(?:an?\s|{numeral}[\s-])?(?:{part}|[{ODD}])"
    few = rf"(?:\d{{1,3}}|{said}|some|(?:a )?few|several)"
    seconds = rf"[\s,]*(?:and\s|&\s?)?{few}\s?-?(?:s|secs?|seconds?)\b"
    bare = rf"\s*(?:\b(?:to|or|point|of|out of|plus|minus|less|times|x)\b|[+/*=&\u00b1\u00d7^|{_HYPHENS}])\s*"
    more = (
        r"\s*(?:[,;.]\s?)?(?:(?:and then|and|plus|then|followed by|oh?)\s|[&+]\s?)?(?:another\s|(?:an\s)?additional\s)?"
    )
    ends = rf"(?:{_ENDS}|(?=\s(?:(?:on|for|in)\s)?(?:this\b|today|total\b)))"
    last = rf"\s?(?:[;:.|\u2022\u00b7]\s?|with\s)(?:0\d\b|{number})(?:\s?-?\s?min\w*\.?)?{ends}"
    return {
        "hour": [to, less, marks, seconds, fraction, last, rf"{more}(?:(?:{hedges})\s*)?{number}{_COUNTED}"],
        "minute": [
            *(to, less, marks, seconds),
            r"\s(?:and\s)?(?:an?\s)?half\b(?!\s(?:of|by)\b)",
            rf"\s(?:{other}\s)?{number}{_COUNTED}(?!{_UNIT})",
        ],
        "clock": [marks, rf"\s*(?:\b(?:to|or|until|till)\b|/|[{_HYPHENS}])\s*(?:{hedges})?\s*\d{{1,2}}:\d{{2}}"],
        "": [
            *(marks, fraction),
            rf",\d|\s(?:and\s)?{number}{_COUNTED}|,\s{number}{_ENDS}|\s?\(\d{{1,3}}\)|\s?\.\s?\d",
            r"\s?(?:<>|''|\u2019\u2019|\u2032\u2032|\u2033)|,\s(?:or rather|rather|no|i mean|make that)\b",
            rf"{bare}(?:{number}|\u27e6)",
        ],
    }
