"""Measures the note reader against notes that a person has labelled: how much it finds, and how much it makes up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mapping.note import Found, read_note
from fhir_mapping.note_rules import NoteRules

FIELDS: Mapping[str, str] = {
    "minutes_total": "total_minutes",
    "discussion_minutes": "discussion_minutes",
    "modality": "modality",
    "patient_location": "patient_location",
    "consent": "consent_documented",
    "audio_only_reason": "audio_only_reason",
    "mdm_level": "mdm",
}
"""The fields of a labelled note, and what the reader calls them."""


@dataclass(slots=True)
class Score:
    """How one field was read: of `notes` labelled for it, so many `right`.

    `stated` of them have a value and the reader `read` one; `found` counts where both agree, `invented` where the
    reader read a value and the label says there is none.
    """

    field: str
    notes: int = 0
    right: int = 0
    stated: int = 0
    read: int = 0
    found: int = 0
    invented: int = 0

    def count(self, label: object, said: object) -> None:
        """Count one note."""
        self.notes += 1
        self.right += said == label
        self.stated += label is not None
        self.read += said is not None
        self.found += label is not None and said == label
        self.invented += label is None and said is not None

    @property
    def accuracy(self) -> float | None:
        """The share of notes read right."""
        return self.right / self.notes if self.notes else None

    @property
    def precision(self) -> float | None:
        """Of what was read, the share that is right."""
        return self.found / self.read if self.read else None

    @property
    def recall(self) -> float | None:
        """Of what is stated, the share that was read right."""
        return self.found / self.stated if self.stated else None


@dataclass(frozen=True, slots=True)
class Miss:
    """One note whose field was read otherwise than labelled; `number` of its line."""

    number: int
    field: str
    label: object
    said: object


def stated(found: Iterable[Found], target: str) -> object:
    """The one value a note states for `target`; none where it states none, or several."""
    values = {one.value for one in found if one.target == target}
    return values.pop() if len(values) == 1 else None


def score(notes: Iterable[Mapping[str, Any]], rules: NoteRules) -> tuple[list[Score], list[Miss]]:
    """Read labelled notes and count.

    Parameters: `notes`, each with `text` and some of FIELDS (`null`: the note does not say it); `rules` to read by.
    """
    scores = {field: Score(field) for field in FIELDS}
    misses: list[Miss] = []
    for number, note in enumerate(notes, start=1):
        found = read_note(note["text"], rules)
        for field, said in _read(found, note):
            scores[field].count(note[field], said)
            if said != note[field]:
                misses.append(Miss(number, field, note[field], said))
    return list(scores.values()), misses


def _read(found: tuple[Found, ...], note: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for field, target in FIELDS.items():
        if field in note:
            yield field, stated(found, target)
