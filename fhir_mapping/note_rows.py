"""The rows of `note_rules.yaml` as they are written, and how they become rules, once at start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fhir_mapping.durations import DurationGrammar
from fhir_mapping.facts import MdmLevel
from fhir_mapping.needles import Needles, bits
from fhir_mapping.note_rules import (
    KEPT_ASIDE,
    LEVELLED,
    PART,
    TIMES,
    VALUES,
    ContextRule,
    NoteRules,
    ReadRule,
    Trigger,
)
from fhir_mapping.tables import Place, Row, Source, Table, read_table
from fhir_mapping.wordings import always_holds, always_sets, texts_of

FILE = "note_rules.yaml"
_MARKS = {"m": "⟦m\\d+⟧", "t": "⟦[mvb]\\d+⟧", "exact": "⟦[mc]\\d+⟧"}
_NUMBER = r"(?P<number>\d{1,3})(?![\d/:%]|\.\d)"
_GAP = r"(?:\W+\w+){0,6}?\W+"


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
    effect: Literal["drop", "ask", "weak"]
    direction: Literal["before", "after", "both"]
    scope: Literal["phrase", "clause", "sentence"]
    pattern: str
    terminators: str | None = None


class _Vague(Row):
    before: list[str]
    after: list[str]
    numerals: list[str] = Field(default=[])
    labels: list[str] = Field(default=[])


class _Copied(Row):
    opens: str
    closes: str


class _NoteRules(Row):
    sources: list[Source] = Field(default=[])
    numbers: dict[Annotated[str, Field(pattern="^[a-z]+$")], Annotated[int, Field(ge=0)]] = Field(default={})
    vague: _Vague | None = None
    words: dict[str, str] = Field(default={})
    triggers: dict[str, str] = Field(default={})
    reads: list[_Read] = Field(default=[])
    levels: dict[str, str] = Field(default={})
    contexts: list[_Context] = Field(default=[])
    copied: _Copied | None = None
    corrections: list[str] = Field(default=[])


def load_note_rules(folder: Path, *, site: Path | None = None) -> NoteRules:
    """Read the note rules of `folder` (config/vocabulary), and those of a `site`, whose rows go before ours.

    Raises TableError, with file and line, for a target or value nobody knows, a pattern that is broken, and one
    that can match without a value: a word that stands in no table, or no number.
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
    levels = {said: level for table, file in reversed(files) for said, level in _levels(table, file)}
    reads = [rule for table, file in files for rule in _reads(table, file, words, levels.keys())]
    triggers = _triggers(files)
    for table, file in files:
        for number, entry in enumerate(file.corrections):
            _compile(table, ("corrections", str(number)), entry, words)
    corrections = _compile(
        own, ("corrections",), "|".join(entry for _, file in files for entry in file.corrections), words
    )
    needles = Needles.of([*map(_must_match, reads), *([one] for one in (*triggers.values(), corrections))])
    reads = [replace(rule, bit=1 << number) for number, rule in enumerate(reads)]
    contexts: dict[str, list[ContextRule]] = {}
    for table, file in files:
        for targets, rule in _contexts(table, file, words):
            for target in targets:
                contexts.setdefault(target, []).append(rule)
    times = {*TIMES, *KEPT_ASIDE}
    return NoteRules(
        grammar=DurationGrammar.of(
            first.numbers,
            before="|".join(first.vague.before),
            after="|".join(first.vague.after),
            others=first.vague.numerals,
            labels=first.vague.labels,
        ),
        rows=tuple(reads),
        triggers={
            name: Trigger(trigger, 1 << number, bits(rule.bit for rule in reads if rule.target == name))
            for number, (name, trigger) in enumerate(triggers.items(), len(reads))
        },
        needles=needles,
        every=bits(rule.bit for rule in reads),
        numbers=bits(rule.bit for rule in reads if rule.target in times and rule.number),
        claims=bits(rule.bit for rule in reads if rule.target in times and not rule.number),
        parts=bits(rule.bit for rule in reads if rule.target == PART and not rule.number),
        contexts={target: tuple(sorted(those, key=_last)) for target, those in contexts.items()},
        copy_opens=_compile(own, ("copied", "opens"), first.copied.opens, words),
        copy_closes=_compile(own, ("copied", "closes"), first.copied.closes, words),
        corrections=Trigger(corrections, 1 << len(reads) + len(triggers)),
        levels=levels,
    )


def _levels(table: Table, file: _NoteRules) -> Iterator[tuple[str, MdmLevel]]:
    for said, word in file.levels.items():
        if word not in {*MdmLevel}:
            raise table.error(("levels", said), f"there is no level {word}")
        yield said, MdmLevel(word)


def _triggers(files: Sequence[tuple[Table, _NoteRules]]) -> dict[str, re.Pattern[str]]:
    found: dict[str, list[str]] = {}
    for table, file in files:
        for name, pattern in file.triggers.items():
            if name not in VALUES:
                raise table.error(("triggers", name), f"nobody searches for {name}")
            _compile(table, ("triggers", name), pattern, {})
            found.setdefault(name, []).append(pattern)
    return {name: re.compile("|".join(found[name])) for name in VALUES if name in found}


def _reads(table: Table, file: _NoteRules, words: Mapping[str, str], levels: AbstractSet[str]) -> Iterator[ReadRule]:
    for index, row in enumerate(file.reads):
        place = ("reads", str(index))
        if row.target not in {*TIMES, *KEPT_ASIDE, *VALUES}:
            raise table.error((*place, "target"), f"nobody reads {row.target}")
        known = VALUES.get(row.target)
        if row.value is not None and (known is None or row.value not in known):
            raise table.error((*place, "value"), f"{row.target} is never {row.value}")
        pattern = _compile(table, (*place, "pattern"), row.pattern, words)
        if row.value is None and not row.vague and (lacks := _lacks(row, pattern, levels)):
            raise table.error((*place, "pattern"), lacks)
        yield ReadRule(
            row.target,
            pattern,
            known[row.value] if known is not None and row.value is not None else None,
            _compile(table, (*place, "when"), row.when, words) if row.when else None,
            _compile(table, (*place, "under"), row.under, words) if row.under else None,
            _compile(table, (*place, "unless"), row.unless, words) if row.unless else None,
            row.number,
            row.soft,
            row.weak,
            row.vague,
        )


def _lacks(row: _Read, pattern: re.Pattern[str], levels: AbstractSet[str]) -> str:
    """What a row may find without a value for it, in words; nothing where every match has one."""
    if row.target not in VALUES:
        if row.number:
            return "" if always_sets(pattern, "number") else "the pattern may match without a {number}"
        return (
            ""
            if all(always_holds(pattern, mark) for mark in "⟦⟧")
            else "the pattern may match without a length of time"
        )
    if row.target not in LEVELLED or not always_sets(pattern, "level"):
        return f"the row has no value, and its pattern may match without a level of {row.target}"
    said = texts_of(pattern, "level")
    if said is None:
        return "what its level may be is not a list of words"
    return f"levels has no {min(said - levels)!r}, which the pattern may match" if said - levels else ""


def _must_match(rule: ReadRule) -> Iterator[re.Pattern[str]]:
    """The patterns that all match a sentence in which a rule finds something; a heading may stand in for `when`."""
    yield rule.pattern
    if rule.when and not rule.under:
        yield rule.when


def _contexts(table: Table, file: _NoteRules, words: Mapping[str, str]) -> Iterator[tuple[Sequence[str], ContextRule]]:
    for index, row in enumerate(file.contexts):
        place = ("contexts", str(index))
        for target in row.targets:
            if target not in {*TIMES, *KEPT_ASIDE, *VALUES}:
                raise table.error((*place, "targets"), f"nobody reads {target}")
        for value in row.values:
            if not any(value in VALUES.get(target, ()) for target in row.targets):
                raise table.error((*place, "values"), f"{' and '.join(row.targets)} is never {value}")
        if row.effect == "weak" and not {*row.targets} <= VALUES.keys():
            raise table.error((*place, "effect"), "a length of time is never weak")
        yield (
            row.targets,
            ContextRule(
                frozenset(row.values),
                row.effect,
                row.direction in {"before", "both"},
                row.direction in {"after", "both"},
                row.scope,
                _compile(table, (*place, "pattern"), row.pattern, words),
                _compile(table, (*place, "terminators"), row.terminators, words) if row.terminators else None,
            ),
        )


def _last(rule: ContextRule) -> bool:
    """What is dropped or asked about is so whatever else would make it a passing mention."""
    return rule.effect == "weak"


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
