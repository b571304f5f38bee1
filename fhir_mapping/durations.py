"""Finds the lengths of time in a sentence: exact ones in whole minutes, vague ones, blanks, and spans by the clock."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from fhir_mapping.clock import SPAN, minutes_of_span
from fhir_mapping.joined import ODD, UNKNOWN, Joined
from fhir_mapping.numerals import Numerals, any_of

_HOUR = r"(?:hours?(?:\(s\))?|hrs?(?:\(s\)|\.?)|h)"
_MINUTE = r"(?:minutes?(?:\(s\))?|mins?\b(?:\(s\)|\.?)|minuts?|mintues?|minuets?)"
_BLANK = (
    r"\*{2,}|_{2,}|\[\s*\]|\{[^{}]{0,40}\}|@\w{1,30}@|<<[^<>]{0,40}>>|\bx{2,}|\?{2,}|\[[a-z #_*]{1,30}\]|\ufffd{1,4}"
)
# Two looks before the long search, the cheap one first: most sentences tell no time.
_DIGITS = re.compile(r"\d ?h|\d:\d|\d['\u2019\u2032]")
_ANY = re.compile(
    r"\b(?:min|mintue)|[^\sa-z]min|\d['\u2019\u2032]|hour|\bhrs?\b|[^\sa-z]hrs?\b|\d ?h\d|[^\sa-z] ?h\b|\d:\d"
    r"|[\])}_*>@?\ufffd]\s*min"
)
_PRIME = "['\u2019\u2032]"  # 45' is read as minutes only beside the word total
_HEDGE = 40  # characters before a number in which it may be hedged
_HOUR_LONG = 60
DAY = 24 * 60
"""The most minutes that a length of time may have, and that a sum of them may."""
_ENDS_IN_HOUR = re.compile(r"(?:hours?|hrs?\.?|h|half)\W*$")
_BESIDE = re.compile(r"\s*(?:[,;(&]|\.{2,}|<>|and\b)?\s*")
_AT_THE_END = re.compile(r"(?:\s(?:on|for) this (?:visit|encounter))?(?:\stoday)?\W*$")
_CORRECTED = re.compile(
    r"[,;:.\s(-]*\b(?:no|sorry|i mean|make that|(?:or )?rather|correct(?:ed to|ion))\b[,;:.\s-]*(?:to )?"
)
_ADDED = re.compile(r"\band\b|&")
_HOUR_SPLIT = re.compile(rf"{_HOUR}(?![a-z])")


class Kind(StrEnum):
    """How well a length of time is told; the letter stands for it in the patterns of the note rules."""

    EXACT = "m"
    VAGUE = "v"
    BLANK = "b"
    CLOCK = "c"


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as told; `minutes` are whole minutes, 0 where they are vague or blank."""

    kind: Kind
    minutes: int
    said: str


class Told(NamedTuple):
    """A sentence in small letters with each length of time replaced by a mark: `⟦m0⟧` is the first, if exact."""

    text: str
    durations: tuple[Duration, ...]


@dataclass(slots=True)
class _Length:
    """A length of time where it stands; `joined`: it goes on behind what was read; `total`: it holds that word."""

    start: int
    end: int
    kind: Kind
    minutes: int
    joined: bool
    total: bool


@dataclass(frozen=True, slots=True)
class DurationGrammar:
    """How lengths of time are written, compiled from the words of the note rules."""

    numerals: Numerals
    joined: Joined
    written: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    _number: re.Pattern[str] = field(repr=False)
    _seconds: re.Pattern[str] = field(repr=False)
    _again: re.Pattern[str] = field(repr=False)

    @classmethod
    def of(
        cls,
        words: Mapping[str, int],
        before: str,
        after: str,
        others: Sequence[str] = (),
        labels: Sequence[str] = (),
    ) -> "DurationGrammar":
        """Compile it.

        Parameters: `words` for numbers ("twenty" -> 20); `before` and `after`, patterns of what makes a number vague;
        `others`, words of numbers that are not read ("point"); `labels`, what a number of something else stands behind.
        """
        numerals = Numerals.of(words)
        number = numerals.pattern
        twin = rf"(?:\s*\(\s*{number}\s*\))?"
        to = r"\s*(?:-|\u2013|\u2014|to|or|/)\s*"
        one = rf"(?:{number}|an?\b)"
        unit = rf"\s?-?\s?(?:{_MINUTE}|(?:hours?|hrs?|h)(?![\w/]))"
        behind = after.replace(" ", r"\ ")  # which the verbose pattern below would leave out
        note = rf"[*\u2020\u2021?{ODD}{UNKNOWN}]|\(\?\)|\[\d{{1,2}}\]|\^\S{{0,4}}?"
        unread = rf"(?:{behind}|{any_of(others)}|odd|some(?:thing)?|{note})"
        first = "".join(sorted({word[0] for word in words} | {*"abchqstx"}))  # and of the other ways below
        written = rf"""
            (?=(?<!\w)[\d{first}{ODD}]|[*_?@<{{\[\ufffd])(?:
            (?P<clock>{SPAN})
            |(?P<range>(?<![\w./])(?<!\d:){number}(?:\s*-?\s*{_MINUTE})?{to}{number}{twin}\s*[+-]?\s*(?:{_MINUTE}|{_HOUR}\b)
              |\bbetween\s+{number}(?:\s*{_MINUTE})?\s+(?:and|to)\s+{number}\s*{_MINUTE})
            |(?P<both>(?<![\w./])(?<!\d:){one}{twin}\s*-?\s*{_HOUR}\s*(?:,|and|&)?\s*{number}{twin}(?:\s*-?\s*{_MINUTE}|m\b))
            |(?P<halves>(?<![\w./])(?<!\d:){one}\s+{_HOUR}\s+and\s+(?:a|one)[\s-]+half\b|(?<![\w./])(?<!\d:){number}[\s-]+and[\s-]+(?:a|one)[\s-]+half[\s-]+{_HOUR}\b|(?<![\w./])(?<!\d:)\d\s+1/2\s*{_HOUR}\b)
            |(?P<half>\b(?:(?:a|one)[\s-]+)?half(?:\s+of)?[\s-]+(?:an?[\s-]+)?hour\b|(?<![\w./])1/2\s*(?:an?\s+)?{_HOUR}\b)
            |(?P<quarters>\b(?:three|3)[\s-]quarters\s+of\s+an\s+hour\b)
            |(?P<quarter>\b(?:(?:a|one|1)[\s-]+)?quarter[\s-]+(?:of\s+an\s+)?hour\b)
            |(?P<minutes>(?<![\w./$#])(?<!\d:){number}{twin}\s*\+?\s*-?\s*(?:total\s+)?{_MINUTE}(?:\s*\(\s*{number}\s*\))?
              |(?<![\w./$#])(?<!\d:)\d{{1,3}}{_PRIME}(?=\s*total\b)|(?:(?<=total\s)|(?<=total:\s)|(?<=time:\s))\d{{1,3}}{_PRIME}(?!{_PRIME}|[\"\u2033]|\s?\d))
            |(?P<hours>(?<![\w./$#])(?<!\d:){one}{twin}\s*-?\s*(?:{_HOUR})(?![\w/]))
            |(?P<unread>(?<![\w./$#])(?<!\d:)(?:{number}(?:\s*-?\s*(?:and[\s-])?(?:an?[\s-]|{number}[\s-])?{unread}){{1,3}}|(?!\d{{1,3}}(?:st|nd|rd|th)\b)[\d{ODD}][\w.,:/'\u2019^*\u2020\u2021~{ODD}{UNKNOWN}-]{{0,24}}?(?<=[\w*\u2020\u2021{UNKNOWN}])){unit}
              |(?<![\w./$#])(?<!\d:)\d{{1,2}}\s?(?:hours?|hrs?|h)\d{{1,2}}(?!\w))
            |(?P<blank>(?:{_BLANK})\s*{_MINUTE}))
        """
        return cls(
            numerals,
            Joined.of(numerals, others, labels, before),
            re.compile(written, re.VERBOSE),
            re.compile(rf"(?:{before})\s*$"),
            re.compile(rf",?\s*(?:{after})"),
            re.compile(number),
            re.compile(rf"[\s,]*(?:and\s|&\s?)?({number})\s?-?(?:s|secs?|seconds?)\b\.?"),
            re.compile(rf"\s*\(\s*\+?\s*({number})\s*{_MINUTE}\s*\)"),
        )

    def mark(self, sentence: str) -> Told:
        """Replace every length of time in a sentence by its mark, with what it is joined with or hedged by."""
        plain = sentence.casefold().replace("⟦", "[")
        if not may_tell_time(plain):
            return Told(plain, ())
        lengths: list[_Length] = []
        for match in self.written.finditer(plain):
            one = self._length(plain, match, lengths[-1].end if lengths else 0)
            if lengths and self._goes_on(plain, lengths[-1], one):
                lengths[-1].kind, lengths[-1].end = Kind.VAGUE, max(one.end, lengths[-1].end)
            else:
                lengths.append(one)
        parts: list[str] = []
        found: list[Duration] = []
        at = 0
        for one in lengths:
            # "25 total minutes" keeps the word for the rules
            parts += [plain[at : one.start], f"⟦{one.kind}{len(found)}⟧", " total" if one.total else ""]
            minutes = one.minutes if one.kind in {Kind.EXACT, Kind.CLOCK} else 0
            found.append(Duration(one.kind, minutes, plain[one.start : one.end].strip()))
            at = one.end
        return Told("".join((*parts, plain[at:])), tuple(found))

    def _length(self, plain: str, match: re.Match[str], floor: int) -> _Length:
        kind, minutes = self._read(match)
        start, end = match.span()
        read = end
        if kind is not Kind.BLANK:
            unit = "clock" if match.lastgroup == "clock" else "hour" if _ENDS_IN_HOUR.search(match[0]) else "minute"
            start = start if unit == "clock" else self.joined.opens(plain, start, floor, end)
            end = read = self._with_seconds(plain, end) if unit == "minute" else end
            end = self.joined.closes(plain, end, unit)
            again = self._again.match(plain, end) if unit == "hour" else None
            if again and self.numerals.read(again[1]) != minutes:  # 1 hour (65 minutes)
                end = again.end()
        hedge = self.before.search(plain[max(floor, start - _HEDGE) : start])
        vague = (
            hedge
            or self.joined.is_limited(plain, start)
            or "+" in match[0]
            or self.after.match(plain, end)
            or (start, end) != (match.start(), read)
        )
        if vague and kind is not Kind.BLANK:
            kind = Kind.VAGUE
        if hedge:  # "at least" is part of what the mark stands for
            start = max(floor, start - _HEDGE) + hedge.start()
        total = match.lastgroup == "minutes" and "total" in match[0]
        return _Length(start, end, kind, minutes, end > read, total)

    def _with_seconds(self, plain: str, end: int) -> int:
        """Where minutes end with the seconds behind them, of which less than sixty change no whole minutes."""
        seconds = self._seconds.match(plain, end)
        return seconds.end() if seconds and self.numerals.read(seconds[1]) < _HOUR_LONG else end

    @staticmethod
    def _goes_on(plain: str, before: _Length, one: _Length) -> bool:
        """Whether the length of time before goes on in this one, or is another than it: neither is then understood."""
        between = plain[before.end : one.start]
        if one.start < before.end or (before.joined and between.isspace()):
            return True
        differ = before.kind is one.kind is Kind.EXACT and before.minutes != one.minutes
        beside = _BESIDE.fullmatch(between) and _AT_THE_END.match(plain, one.end)
        return bool(differ and (beside or _CORRECTED.fullmatch(between)))

    def is_piece(self, text: str, start: int, end: int) -> bool:
        """Whether a bare number at `start` to `end` of a text in small letters is but a piece of what stands there."""
        alone = self.joined.opens(text, start, 0, end) == start and self.joined.closes(text, end, "") == end
        return not alone or self.joined.is_limited(text, start) or self.after.match(text, end) is not None

    def _read(self, match: re.Match[str]) -> tuple[Kind, int]:
        said = match[0]
        match match.lastgroup:
            case "clock":
                minutes = minutes_of_span(said)
                return (Kind.CLOCK, minutes) if minutes is not None else (Kind.VAGUE, 0)
            case "range" | "unread":
                return Kind.VAGUE, 0
            case "blank":
                return Kind.BLANK, 0
            case "half" | "quarters" | "quarter" as part:
                return Kind.EXACT, {"half": 30, "quarters": 45, "quarter": 15}[part]
        before, _, behind = _HOUR_SPLIT.sub("|", said, count=1).partition("|")
        hours, rest = self._numbers(before), self._numbers(behind)
        exact = -1.0
        if match.lastgroup == "minutes":
            exact = _only(hours)
        elif match.lastgroup == "hours":
            exact = _only(hours) * _HOUR_LONG
        elif match.lastgroup == "halves":
            exact = (hours[0] + 0.5) * _HOUR_LONG
        # "1 hour, 60 minutes" may be said twice, and so may "1.5 hours 30 minutes"
        elif 0 <= _only(rest) < _HOUR_LONG and (_only(hours) % 1 == 0 or _ADDED.search(said)):
            exact = _only(hours) * _HOUR_LONG + _only(rest)
        fits = 0 <= exact <= DAY
        return (Kind.EXACT, int(exact)) if fits else (Kind.VAGUE, 0)

    def _numbers(self, said: str) -> list[float]:
        numbers = [self.numerals.read(one) for one in self._number.findall(said.replace("1/2", ""))]
        return [1.0, *numbers] if re.match(r"an?\b", said) else numbers


def may_tell_time(plain: str) -> bool:
    """Whether a sentence in small letters is searched for lengths of time, which takes long."""
    may = "min" in plain or "hour" in plain or "hr" in plain or _DIGITS.search(plain)
    return bool(may and _ANY.search(plain))


def _only(numbers: Sequence[float]) -> float:
    """The one number that is told, be it twice; below zero where two differ: "34 (43) minutes" is no number."""
    return numbers[0] if len(set(numbers)) == 1 else -1.0
