"""The rows of `note_rules.yaml` as they are written, and how they become rules, once at start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fhir_mapping.durations import DurationGrammar
from fhir_mapping.facts import MdmLevel
from fhir_mapping.needles import Needles, bits
from fhir_mapping.note_rules import (
    KEPT_ASIDE,
    PART,
    TIMES,
    VALUES,
    ContextRule,
    NoteRules,
    ReadRule,
    Trigger,
)
from fhir_mapping.tables import Place, Row, Source, Table, read_table

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
    for table, file in files:
        for name, pattern in file.triggers.items():
            _compile(table, ("triggers", name), pattern, {})
    triggers = {
        name: re.compile("|".join(file.triggers[name] for _, file in files if name in file.triggers))
        for name in VALUES
        if any(name in file.triggers for _, file in files)
    }
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
            first.numbers, before="|".join(first.vague.before), after="|".join(first.vague.after)
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
        levels={said: MdmLevel(word) for said, word in first.levels.items()},
    )


def _reads(table: Table, file: _NoteRules, words: Mapping[str, str]) -> Iterator[ReadRule]:
    for index, row in enumerate(file.reads):
        place = ("reads", str(index))
        if row.target not in {*TIMES, *KEPT_ASIDE, *VALUES}:
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


def _must_match(rule: ReadRule) -> Iterator[re.Pattern[str]]:
    """The patterns that all match a sentence in which a rule finds something; a heading may stand in for `when`."""
    yield rule.pattern
    if rule.when and not rule.under:
        yield rule.when


def _contexts(table: Table, file: _NoteRules, words: Mapping[str, str]) -> Iterator[tuple[Sequence[str], ContextRule]]:
    for index, row in enumerate(file.contexts):
        place = ("contexts", str(index))
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
