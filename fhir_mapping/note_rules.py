"""The rules by which a note is read: what each finds, and which words around it drop it or make it a question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mapping.durations import DurationGrammar
from fhir_mapping.facts import AudioOnlyReason, ClinicianLocation, MdmLevel, Modality, PatientLocation
from fhir_mapping.needles import Needles

TOTAL, PART, TAKEN_OUT = "total_minutes", "part_minutes", "taken_out"
MODE, SWITCHED, REASON, CONSENT = "modality", "switched", "audio_only_reason", "consent_documented"
TIMES = (TOTAL, "discussion_minutes", "video_minutes", "audio_minutes", "cumulative_minutes")
KEPT_ASIDE = ("not_counted", "already_out", TAKEN_OUT, PART)
ELEMENTS = ("mdm_problems", "mdm_data", "mdm_risk")
LEVELLED = ("mdm", *ELEMENTS)
"""What has a level: the one that the group `level` of a pattern finds."""
VALUES: Mapping[str, Mapping[Any, Any]] = {
    MODE: {word.value: word for word in Modality},
    "patient_location": {word.value: word for word in PatientLocation},
    "clinician_location": {word.value: word for word in ClinicianLocation},
    REASON: {word.value: word for word in AudioOnlyReason},
    SWITCHED: {True: True},
    CONSENT: {True: True, False: False},
    "video_capable": {True: True, False: False},
    **{target: {word.value: word for word in MdmLevel} for target in LEVELLED},
}
"""What each target may be read as; lengths of time are minutes."""

_CLAUSE = re.compile(
    r"[;:()\u2014\u2013\u2022|]|\.\s|,\s(?:but|and|while|then|which|so|however|not|excluding|plus|minus)\b|\s(?:but|however|while|whereas|although)\s"
)
SCOPES = {"phrase": re.compile(r"[,;:.()]"), "clause": _CLAUSE, "sentence": None}
"""What ends a context's reach, by its scope."""


@dataclass(frozen=True, slots=True)
class ReadRule:
    """One thing a clinician may write.

    `when` must stand in the sentence too, or `under` in the heading above it. `soft`: a total that may be one part of
    several; `vague`: what it finds is asked about; `bit` stands for the row in `NoteRules.needles`.
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
    bit: int = 0

    @property
    def may_be_part(self) -> bool:
        """Whether the length of time it claims may still be one part of a sum."""
        return self.soft or self.target in {PART, "discussion_minutes", "video_minutes", "audio_minutes"}

    def find(self, sentence: str, heading: str) -> Iterator[re.Match[str]]:
        """Every place in a sentence where it is written, if the sentence or its heading is one where it counts."""
        found = self.pattern.finditer(sentence)
        first = next(found, None)
        if first is not None and self._counts(sentence, heading):
            yield first
            yield from found

    def _counts(self, sentence: str, heading: str) -> bool:
        if self.unless and self.unless.search(sentence):
            return False
        if self.when is None and self.under is None:
            return True
        return bool((self.when and self.when.search(sentence)) or (self.under and self.under.search(heading)))


@dataclass(frozen=True, slots=True)
class ContextRule:
    """What, standing before or after a reading, drops it (`drop`), asks about it (`ask`) or makes it `weak`."""

    values: frozenset[Any]
    effect: str
    before: bool
    after: bool
    scope: str
    pattern: re.Pattern[str]
    terminators: re.Pattern[str] | None

    def holds(self, around: Around, value: object) -> bool:
        """Whether the context stands around what was read as `value`."""
        if self.values and value not in self.values:
            return False
        opens = around.opens(self.scope) if self.before else around.end
        closes = around.closes(self.scope) if self.after else around.end
        region = around.text[opens:closes]
        if self.terminators:
            region = self.terminators.split(region)[-1 if self.before else 0]
        return self.pattern.search(region) is not None


class Around:
    """The words around a reading in its sentence; where its clause or phrase opens and closes is looked up once."""

    __slots__ = ("_closes", "_opens", "end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        """Parameters: `text`, the sentence; the reading stands at `start` to `end`."""
        self.text, self.start, self.end = text, start, end
        self._opens: dict[str, int] = {}
        self._closes: dict[str, int] = {}

    def opens(self, scope: str) -> int:
        """Where the clause or phrase that holds the reading opens."""
        if scope not in self._opens:
            ends = SCOPES[scope]
            found = ends.finditer(self.text, 0, self.start) if ends else ()
            self._opens[scope] = max((one.end() for one in found), default=0)
        return self._opens[scope]

    def closes(self, scope: str) -> int:
        """Where the clause or phrase that holds the reading closes."""
        if scope not in self._closes:
            ends = SCOPES[scope]
            found = ends.search(self.text, self.end) if ends else None
            self._closes[scope] = found.start() if found else len(self.text)
        return self._closes[scope]


@dataclass(frozen=True, slots=True)
class Trigger:
    """The words without which a sentence says nothing of a target; `bit` stands for it, `rows` for all of its rows.

    Those by which a sentence corrects another stand for no target: they have no rows.
    """

    pattern: re.Pattern[str]
    bit: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class NoteRules:
    """Every row, those with the lowest bits first; `every` are the bits of all.

    Of lengths of time `numbers` are the bits of the rows that read a bare number, `claims` of those that read one with
    its unit, and `parts` of those among them that read the time of one activity.
    """

    grammar: DurationGrammar
    rows: tuple[ReadRule, ...]
    triggers: Mapping[str, Trigger]
    needles: Needles
    every: int
    numbers: int
    claims: int
    parts: int
    contexts: Mapping[str, tuple[ContextRule, ...]]
    copy_opens: re.Pattern[str]
    copy_closes: re.Pattern[str]
    corrections: Trigger
    levels: Mapping[str, MdmLevel]

    def among(self, bits: int) -> Iterator[ReadRule]:
        """The rows that some bits stand for, in order."""
        while bits:
            lowest = bits & -bits
            yield self.rows[lowest.bit_length() - 1]
            bits ^= lowest

    def effect(self, target: str, text: str, match: re.Match[str], value: object) -> str | None:
        """What the words around a reading do to it: drop it, ask about it, weaken it, or nothing."""
        around = Around(text, match.start(), match.end())
        return next((one.effect for one in self.contexts.get(target, ()) if one.holds(around, value)), None)

    def level(self, said: str) -> MdmLevel:
        """The MDM level that a word stands for."""
        return self.levels[" ".join(said.split())]
