"""Finds the lengths of time in a sentence: exact ones in whole minutes, vague ones, blanks, and spans by the clock."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_HOUR = r"(?:hours?|hrs?\.?|h)"
_MINUTE = r"(?:minutes?|mins?\b\.?|minuts?|mintues?|minuets?)"
_CLOCK = r"(?:[01]?\d|2[0-3])(?::[0-5]\d)(?::[0-5]\d)?\s*(?:[ap]\.?m\b\.?)?"
_BLANK = r"\*{2,}|_{2,}|\[\s*\]|\{[^{}]{0,40}\}|@\w{1,30}@|<<[^<>]{0,40}>>|\bx{2,}|\?{2,}|\[[a-z #_*]{1,30}\]"
# Two looks before the long search, the cheap one first: most sentences tell no time.
_DIGITS = re.compile(r"\d ?h|\d:\d|\d['\u2019\u2032]")
_ANY = re.compile(r"\b(?:min|mintue)|\dmin|\d['\u2019\u2032]|hour|\bhrs?\b|\dhrs?\b|\d ?h\b|\d:\d|[\])}_*>@?]\s*min")
_PRIME = "['\u2019\u2032]"  # 45' is read as minutes only beside the word total
_HEDGE = 40  # characters before a number in which it may be hedged
_HALF_DAY = 12 * 60
_MOST = 24 * 60


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


@dataclass(frozen=True, slots=True)
class DurationGrammar:
    """How lengths of time are written, compiled from the words of the note rules."""

    words: Mapping[str, int]
    written: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]

    @classmethod
    def of(cls, words: Mapping[str, int], before: str, after: str) -> "DurationGrammar":
        """Compile it.

        Parameters: `words` for numbers ("twenty" -> 20); `before` and `after`, patterns of what makes a number vague.
        """
        word = "|".join(sorted(words, key=len, reverse=True))
        number = rf"(?>\d{{1,4}}(?:\.\d{{1,2}})?|(?:(?:{word})\b(?:[ -](?:and\s)?(?=(?:{word})\b))?){{1,6}})"
        twin = rf"(?:\s*\(\s*{number}\s*\))?"
        to = r"\s*(?:-|\u2013|\u2014|to|or|/)\s*"
        one = rf"(?:{number}|an?\b)"
        first = "".join(sorted({word[0] for word in words} | {*"abchqsx"}))  # and of the other ways below
        written = rf"""
            (?=(?<!\w)[\d{first}]|[*_?@<{{\[])(?:
            (?P<clock>\b{_CLOCK}\s*(?:-|\u2013|\u2014|to|until|till|through|and)\s*(?:(?:end|stop|finish)(?:ed)?(?:\s+time)?\s*:?\s*(?:at\s+)?)?{_CLOCK}(?!\d)
              |\b(?:start|began|begin|connected)(?:ed)?(?:\s+time)?\s*:?\s*(?:at\s+)?{_CLOCK}[\s,;/|-]*(?:and\s+)?(?:end|stop|finish|disconnect|conclud)(?:ed)?(?:\s+time)?\s*:?\s*(?:at\s+)?{_CLOCK})
            |(?P<range>(?<![\w./])(?<!\d:){number}(?:\s*-?\s*{_MINUTE})?{to}{number}{twin}\s*[+-]?\s*(?:{_MINUTE}|{_HOUR}\b)
              |\bbetween\s+{number}(?:\s*{_MINUTE})?\s+(?:and|to)\s+{number}\s*{_MINUTE})
            |(?P<both>(?<![\w./])(?<!\d:){one}{twin}\s*-?\s*{_HOUR}\s*(?:,|and|&)?\s*{number}{twin}(?:\s*-?\s*{_MINUTE}|m\b))
            |(?P<halves>(?<![\w./])(?<!\d:){one}\s+{_HOUR}\s+and\s+(?:a|one)\s+half\b|(?<![\w./])(?<!\d:){number}\s+and\s+(?:a|one)\s+half\s+{_HOUR}\b|(?<![\w./])(?<!\d:)\d\s+1/2\s*{_HOUR}\b)
            |(?P<half>\b(?:a\s+)?half(?:\s+of)?[\s-]+(?:an?\s+)?hour\b|\b1/2\s*(?:an?\s+)?{_HOUR}\b)
            |(?P<quarters>\b(?:three|3)[\s-]quarters\s+of\s+an\s+hour\b)
            |(?P<quarter>\b(?:a\s+)?quarter\s+(?:of\s+an\s+)?hour\b)
            |(?P<minutes>(?<![\w./$#])(?<!\d:){number}{twin}\s*\+?\s*-?\s*(?:total\s+)?{_MINUTE}(?:\s*\(\s*{number}\s*\))?
              |(?<![\w./$#])(?<!\d:)\d{{1,3}}{_PRIME}(?=\s*total\b)|(?:(?<=total\s)|(?<=total:\s)|(?<=time:\s))\d{{1,3}}{_PRIME}(?!\s?\d))
            |(?P<hours>(?<![\w./$#])(?<!\d:){one}{twin}\s*-?\s*(?:{_HOUR})(?![\w/]))
            |(?P<blank>(?:{_BLANK})\s*{_MINUTE}))
        """
        return cls(
            words,
            re.compile(written, re.VERBOSE),
            re.compile(rf"(?:{before})\s*$"),
            re.compile(rf"\s*(?:{after})"),
        )

    def mark(self, sentence: str) -> Told:
        """Replace every length of time in a sentence by its mark."""
        plain = sentence.casefold().replace("⟦", "[")
        if not may_tell_time(plain):
            return Told(plain, ())
        parts: list[str] = []
        found: list[Duration] = []
        at = 0
        for match in self.written.finditer(plain):
            kind, minutes = self._read(match)
            lead = plain[at : match.start()]
            hedge = self.before.search(lead[-_HEDGE:])
            if kind is Kind.EXACT and (hedge or "+" in match[0] or self.after.match(plain, match.end())):
                kind = Kind.VAGUE
            if hedge:  # "at least" is part of what the mark stands for
                lead = lead[: len(lead) - len(lead[-_HEDGE:]) + hedge.start()]
            parts += [lead, f"⟦{kind}{len(found)}⟧"]
            if match.lastgroup == "minutes" and "total" in match[0]:  # "25 total minutes" keeps the word for the rules
                parts.append(" total")
            found.append(Duration(kind, minutes if kind in {Kind.EXACT, Kind.CLOCK} else 0, match[0].strip()))
            at = match.end()
        return Told("".join((*parts, plain[at:])), tuple(found))

    def number(self, said: str) -> float:
        """Read a number in digits or in words."""
        if said[:1].isdigit():
            return float(said)
        total = 0
        for word in re.findall("[a-z]+", said):
            value = self.words.get(word, 0)
            total = max(total, 1) * value if value == 100 else total + value  # noqa: PLR2004 - "one hundred" is no sum
        return float(total)

    def _read(self, match: re.Match[str]) -> tuple[Kind, int]:
        said = match[0]
        match match.lastgroup:
            case "clock":
                minutes = _span(said)
                return (Kind.CLOCK, minutes) if minutes is not None else (Kind.VAGUE, 0)
            case "range":
                return Kind.VAGUE, 0
            case "blank":
                return Kind.BLANK, 0
            case "half" | "quarters" | "quarter" as part:
                return Kind.EXACT, {"half": 30, "quarters": 45, "quarter": 15}[part]
        numbers = self._numbers(said)
        if match.lastgroup == "minutes":
            exact = numbers[0] if len(set(numbers)) == 1 else -1.0  # "34 (43) minutes" is no number
        elif match.lastgroup == "hours":
            exact = numbers[0] * 60
        elif match.lastgroup == "halves":
            exact = numbers[0] * 60 + 30
        else:
            exact = numbers[0] * 60 + numbers[-1]
        fits = 0 <= exact <= _MOST
        return (Kind.EXACT, int(exact)) if fits else (Kind.VAGUE, 0)

    def _numbers(self, said: str) -> list[float]:
        word = "|".join(self.words)
        found = re.findall(rf"\d+(?:\.\d+)?|\b(?:(?:{word})[ -]?(?:and )?)+(?![a-z])", said.replace("1/2", ""))
        numbers = [self.number(one) for one in found]
        return numbers if re.match(r"\d", said) or not re.match(r"an?\b", said) else [1.0, *numbers]


def may_tell_time(plain: str) -> bool:
    """Whether a sentence in small letters is searched for lengths of time, which takes long."""
    may = "min" in plain or "hour" in plain or "hr" in plain or _DIGITS.search(plain)
    return bool(may and _ANY.search(plain))


def _span(said: str) -> int | None:
    """Minutes between two times of the clock; none where they do not make a span within half a day."""
    times = []
    for hour, minute, half in re.findall(r"(\d{1,2}):(\d{2})(?::\d{2})?\s*(?:([ap])\.?m)?", said):
        times.append((int(hour), int(minute), half))
    if len(times) != 2:  # noqa: PLR2004 - a span has two ends
        return None
    (first, first_minute, first_half), (last, last_minute, last_half) = times
    begins = (first % 12 + 12 * ((first_half or last_half) == "p")) if (first_half or last_half) else first
    ends = (last % 12 + 12 * (last_half == "p")) if last_half else last
    minutes = (ends * 60 + last_minute) - (begins * 60 + first_minute)
    if minutes < 0 and (not first_half or not last_half):
        minutes += _HALF_DAY
    return minutes if 0 < minutes <= _HALF_DAY else None
