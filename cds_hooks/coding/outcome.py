"""What the rules answer about a visit: a code, a question, or the reason why there is nothing to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from cds_hooks.coding.citation import Sources, Sure
from fhir_mapping.facts import Evidence, MdmLevel


class Kind(StrEnum):
    """The four ways an answer can go."""

    SELECTION = "selection"
    UNDETERMINED = "undetermined"
    NOT_REPORTABLE = "not_reportable"
    NOT_APPLICABLE = "not_applicable"


class Basis(StrEnum):
    """What a level rests on."""

    MDM = "mdm"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class ProlongedUnits:
    """A prolonged-service code with its units."""

    code: str
    units: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code for one payer; `supposing` names the answers under which it would hold."""

    payer: str
    family: str
    code: str
    level: MdmLevel | None
    basis: Basis | None
    place_of_service: str | None
    modifiers: tuple[str, ...]
    optional_modifiers: tuple[str, ...]
    prolonged: ProlongedUnits | None
    wrvu: float | None
    lower_code: str | None
    recommended: bool
    supposing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def billed(self) -> tuple[object, ...]:
        """What would stand on the claim line."""
        return (self.code, self.place_of_service, self.modifiers, self.optional_modifiers, self.prolonged)

    def as_json(self) -> dict[str, Any]:
        """The candidate as the API answers it."""
        prolonged = self.prolonged
        found: dict[str, Any] = {
            "payer": self.payer,
            "family": self.family,
            "code": self.code,
            "level": self.level,
            "basis": self.basis,
            "place_of_service": self.place_of_service,
            "modifiers": list(self.modifiers),
            "optional_modifiers": list(self.optional_modifiers),
            "prolonged": {"code": prolonged.code, "units": prolonged.units} if prolonged else None,
            "wrvu": self.wrvu,
            "lower_code": self.lower_code,
            "recommended": self.recommended,
        }
        if self.supposing:
            found["if"] = dict(self.supposing)
        return found


class Note(NamedTuple):
    """A question, a warning or a reason, with the codes to look at instead."""

    id: str
    text: str
    see: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The note as the API answers it; `see` only where there is something to see."""
        return {"id": self.id, "text": self.text} | ({"see": list(self.see)} if self.see else {})


class Step(NamedTuple):
    """One step of the reasoning: the rule, what it says here, what it looked at, and where the rule comes from."""

    rule: str
    says: str
    sources: tuple[str, ...]
    sure: Sure
    edition: date
    evidence: tuple[Evidence, ...] = ()

    def as_json(self, sources: Sources) -> dict[str, Any]:
        """The step as the API answers it; the first of its sources stands for all, `agreed_by` counts them."""
        return {
            "rule": self.rule,
            "says": self.says,
            "evidence": [{"resource": e.resource, "path": e.path, "said": e.said, "how": e.how} for e in self.evidence],
            "source": dict(sources.cited(self.sources, self.sure).said),
            "edition": self.edition.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole answer."""

    kind: Kind
    candidates: tuple[Candidate, ...]
    questions: tuple[Note, ...]
    warnings: tuple[Note, ...]
    reasons: tuple[Note, ...]
    steps: tuple[Step, ...]
    service_date: date | None
    fingerprint: str
    sources: Sources = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The outcome as the API answers it, ready for JSON."""
        return {
            "outcome": self.kind,
            "candidates": [candidate.as_json() for candidate in self.candidates],
            "questions": [note.as_json() for note in self.questions],
            "warnings": [note.as_json() for note in self.warnings],
            "reasons": [note.as_json() for note in self.reasons],
            "steps": [step.as_json(self.sources) for step in self.steps],
            "policy": {
                "service_date": self.service_date.isoformat() if self.service_date else None,
                "fingerprint": self.fingerprint,
            },
        }
