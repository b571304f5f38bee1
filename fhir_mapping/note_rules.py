"""The rows by which a note is read (config/vocabulary/note_rules.yaml), compiled once at start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from fhir_mapping.durations import DurationGrammar
from fhir_mapping.facts import AudioOnlyReason, ClinicianLocation, MdmLevel, Modality, PatientLocation
from fhir_mapping.tables import Place, Row, Source, Table, read_table

FILE = "note_rules.yaml"
TOTAL, PART, TAKEN_OUT = "total_minutes", "part_minutes", "taken_out"
MODE, SWITCHED, REASON = "modality", "switched", "audio_only_reason"
TIMES = (TOTAL, "discussion_minutes", "video_minutes", "audio_minutes", "cumulative_minutes")
_KEPT_ASIDE = ("not_counted", "already_out", TAKEN_OUT, PART)
ELEMENTS = ("mdm_problems", "mdm_data", "mdm_risk")
VALUES: Mapping[str, Mapping[Any, Any]] = {
    MODE: {word.value: word for word in Modality},
    "patient_location": {word.value: word for word in PatientLocation},
    "clinician_location": {word.value: word for word in ClinicianLocation},
    REASON: {word.value: word for word in AudioOnlyReason},
    SWITCHED: {True: True},
    "consent_documented": {True: True, False: False},
    "video_capable": {True: True, False: False},
    **{target: {word.value: word for word in MdmLevel} for target in ("mdm", *ELEMENTS)},
}
"""What each target may be read as; lengths of time are minutes."""

_MARKS = {"m": "⟦m\\d+⟧", "t": "⟦[mvb]\\d+⟧", "exact": "⟦[mc]\\d+⟧"}
_NUMBER = r"(?P<number>\d{1,3})(?![\d/.:%])"
_GAP = r"(?:\W+\w+){0,6}?\W+"
_CLAUSE = re.compile(
    r"[;:()\u2014\u2013\u2022|]|\.\s|,\s(?:but|and|while|then|which|so|however|not|excluding|plus|minus)\b|\s(?:but|however|while|whereas|although)\s"
)
_ENDS = {"phrase": re.compile(r"[,;:.()]"), "clause": _CLAUSE, "sentence": None}


class _Read(Row):
    target: str
    pattern: str
    value: str | bool | None = None
    when: str | None = None
    under: str | None = None
    unless: str | None = None
    number: bool = False
    soft: bool = False
    weak: bool = False
    vague: bool = False


class _Context(Row):
    targets: Annotated[list[str], Field(min_length=1)]
    values: list[str | bool] = Field(default=[])
    effect: Literal["drop", "ask"]
    direction: Literal["before", "after", "both"]
    scope: Literal["phrase", "clause", "sentence"]
    pattern: str
    terminators: str | None = None


class _Vague(Row):
    before: list[str]
    after: list[str]


class _Copied(Row):
    opens: str
    closes: str


class _NoteRules(Row):
    sources: list[Source] = Field(default=[])
    numbers: dict[str, int] = Field(default={})
    vague: _Vague | None = None
    words: dict[str, str] = Field(default={})
    triggers: dict[str, str] = Field(default={})
    reads: list[_Read] = Field(default=[])
    levels: dict[str, str] = Field(default={})
    contexts: list[_Context] = Field(default=[])
    copied: _Copied | None = None
    corrections: list[str] = Field(default=[])


@dataclass(frozen=True, slots=True)
class ReadRule:
    """One thing a clinician may write.

    `when` must stand in the sentence too, or `under` in the heading above it. `soft`: a total that may be one part of
    several; `vague`: what it finds is asked about.
    """

    target: str
    pattern: re.Pattern[str]
    value: Any
    when: re.Pattern[str] | None
    under: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    number: bool
    soft: bool
    weak: bool
    vague: bool

    @property
    def may_be_part(self) -> bool:
        """Whether the length of time it claims may still be one part of a sum."""
        return self.soft or self.target in {PART, "discussion_minutes", "video_minutes", "audio_minutes"}

    def find(self, sentence: str, heading: str) -> Iterator[re.Match[str]]:
        """Every place in a sentence where it is written, if the sentence or its heading is one where it counts."""
        if self._counts(sentence, heading):
            yield from self.pattern.finditer(sentence)

    def _counts(self, sentence: str, heading: str) -> bool:
        if self.unless and self.unless.search(sentence):
            return False
        if self.when is None and self.under is None:
            return True
        return bool((self.when and self.when.search(sentence)) or (self.under and self.under.search(heading)))


@dataclass(frozen=True, slots=True)
class ContextRule:
    """What, standing before or after a reading, drops it (`drop`) or makes it a question (`ask`)."""

    values: frozenset[Any]
    effect: str
    before: bool
    after: bool
    ends: re.Pattern[str] | None
    pattern: re.Pattern[str]
    terminators: re.Pattern[str] | None

    def holds(self, text: str, start: int, end: int, value: object) -> bool:
        """Whether the context stands around `text[start:end]`, which was read as `value`."""
        if self.values and value not in self.values:
            return False
        opens = _opens(text, start, self.ends) if self.before else end
        closes = _closes(text, end, self.ends) if self.after else end
        region = text[opens:closes]
        if self.terminators:
            region = self.terminators.split(region)[-1 if self.before else 0]
        return self.pattern.search(region) is not None


@dataclass(frozen=True, slots=True)
class NoteRules:
    """Every row, by what it reads."""

    grammar: DurationGrammar
    times: tuple[ReadRule, ...]
    others: Mapping[str, tuple[ReadRule, ...]]
    triggers: Mapping[str, re.Pattern[str]]
    contexts: Mapping[str, tuple[ContextRule, ...]]
    copy_opens: re.Pattern[str]
    copy_closes: re.Pattern[str]
    corrections: re.Pattern[str]
    levels: Mapping[str, MdmLevel]

    def effect(self, target: str, text: str, match: re.Match[str], value: object) -> str | None:
        """What the words around a reading do to it: drop it, ask about it, or nothing."""
        contexts = self.contexts.get(target, ())
        return next((c.effect for c in contexts if c.holds(text, match.start(), match.end(), value)), None)

    def level(self, said: str) -> MdmLevel:
        """The MDM level that a word stands for."""
        return self.levels[" ".join(said.split())]


def load_note_rules(folder: Path, *, site: Path | None = None) -> NoteRules:
    """Read the note rules of `folder` (config/vocabulary), and those of a `site`, whose rows go before ours.

    Raises TableError, with file and line, for a target or value nobody knows, or a pattern that is broken.
    """
    own = read_table(folder / FILE, root=folder.parent)
    files = [(own, own.as_model(_NoteRules))]
    if site is not None and (site / FILE).exists():
        added = read_table(site / FILE, root=site.parent)
        files.insert(0, (added, added.as_model(_NoteRules)))
    first = files[-1][1]
    if not first.sources or first.vague is None or first.copied is None:
        raise own.error((), "the note rules must say their sources, what is vague, and what is copied")
    words = {name: word for _, file in reversed(files) for name, word in file.words.items()}
    reads = [rule for table, file in files for rule in _reads(table, file, words)]
    contexts: dict[str, list[ContextRule]] = {}
    for table, file in files:
        for targets, rule in _contexts(table, file, words):
            for target in targets:
                contexts.setdefault(target, []).append(rule)
    times = {*TIMES, *_KEPT_ASIDE}
    others = {name: tuple(rule for rule in reads if rule.target == name) for name in VALUES}
    corrections = [entry for _, file in files for entry in file.corrections]
    return NoteRules(
        grammar=DurationGrammar.of(
            first.numbers, before="|".join(first.vague.before), after="|".join(first.vague.after)
        ),
        times=tuple(rule for rule in reads if rule.target in times),
        others={name: rules for name, rules in others.items() if rules},
        triggers={
            name: re.compile("|".join(file.triggers[name] for _, file in files if name in file.triggers))
            for name in VALUES
            if any(name in file.triggers for _, file in files)
        },
        contexts={target: tuple(rules) for target, rules in contexts.items()},
        copy_opens=_compile(own, ("copied", "opens"), first.copied.opens, words),
        copy_closes=_compile(own, ("copied", "closes"), first.copied.closes, words),
        corrections=_compile(own, ("corrections",), "|".join(corrections), words),
        levels={said: MdmLevel(word) for said, word in first.levels.items()},
    )


def _reads(table: Table, file: _NoteRules, words: Mapping[str, str]) -> Iterator[ReadRule]:
    for index, row in enumerate(file.reads):
        place = ("reads", str(index))
        if row.target not in {*TIMES, *_KEPT_ASIDE, *VALUES}:
            raise table.error((*place, "target"), f"nobody reads {row.target}")
        known = VALUES.get(row.target)
        if row.value is not None and (known is None or row.value not in known):
            raise table.error((*place, "value"), f"{row.target} is never {row.value}")
        yield ReadRule(
            row.target,
            _compile(table, (*place, "pattern"), row.pattern, words),
            known[row.value] if known is not None and row.value is not None else None,
            _compile(table, (*place, "when"), row.when, words) if row.when else None,
            _compile(table, (*place, "under"), row.under, words) if row.under else None,
            _compile(table, (*place, "unless"), row.unless, words) if row.unless else None,
            row.number,
            row.soft,
            row.weak,
            row.vague,
        )


def _contexts(table: Table, file: _NoteRules, words: Mapping[str, str]) -> Iterator[tuple[Sequence[str], ContextRule]]:
    for index, row in enumerate(file.contexts):
        place = ("contexts", str(index))
        yield (
            row.targets,
            ContextRule(
                frozenset(row.values),
                row.effect,
                row.direction in {"before", "both"},
                row.direction in {"after", "both"},
                _ENDS[row.scope],
                _compile(table, (*place, "pattern"), row.pattern, words),
                _compile(table, (*place, "terminators"), row.terminators, words) if row.terminators else None,
            ),
        )


def _compile(table: Table, place: Place, pattern: str, words: Mapping[str, str]) -> re.Pattern[str]:
    written = pattern
    for _ in range(3):  # a word may be made of words
        for name, word in words.items():
            written = written.replace("{" + name + "}", word)
    for name, mark in _MARKS.items():
        written = written.replace("{" + name + "}", mark)
    written = written.replace("{number}", _NUMBER, 1).replace("{number}", r"\d{1,3}").replace("{gap}", _GAP)
    try:
        return re.compile(written)
    except re.error as broken:
        raise table.error(place, f"the pattern is broken: {broken}") from None


def _opens(text: str, start: int, ends: re.Pattern[str] | None) -> int:
    """Where the clause or phrase that holds `start` opens."""
    return max((found.end() for found in ends.finditer(text, 0, start)), default=0) if ends else 0


def _closes(text: str, end: int, ends: re.Pattern[str] | None) -> int:
    """Where the clause or phrase that holds `end` closes."""
    found = ends.search(text, end) if ends else None
    return found.start() if found else len(text)
