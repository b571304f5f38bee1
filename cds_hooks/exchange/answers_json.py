"""The shapes of what goes out, for those who call: the outcome, facts with evidence, cards, and refusals.

They describe and do not build: tests hold every real answer against them, member by member.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cds_hooks.coding.citation import Sure
from cds_hooks.coding.outcome import Basis, Kind
from fhir_mapping.facts import How, MdmLevel

DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
Day = Annotated[str, Field(pattern=DAY)]


class _Said(BaseModel):
    """An answer has these members and no others."""

    model_config = ConfigDict(extra="forbid")


class ProlongedJson(_Said):
    """A prolonged-service code with its units."""

    code: str
    units: Annotated[int, Field(ge=1)]


class CandidateJson(_Said):
    """A code for one payer; `if` names the answers to open questions under which it would hold."""

    payer: str
    family: str
    code: str
    level: MdmLevel | None
    basis: Basis | None
    place_of_service: str | None
    modifiers: list[str]
    optional_modifiers: list[str]
    prolonged: ProlongedJson | None
    wrvu: float | None
    lower_code: str | None
    recommended: bool
    supposing: Annotated[dict[str, Any], Field(alias="if")] = {}


class NoteJson(_Said):
    """A question, a warning or a reason; `see` names codes to look at instead."""

    id: str
    text: str
    see: list[str] = []


class EvidenceJson(_Said):
    """Where a thing was read, and the words found there."""

    resource: str
    path: str
    said: str
    how: How


class SourceJson(_Said):
    """The page that a rule was read from; `agreed_by` counts the pages that say so."""

    title: str
    publisher: str
    url: str = ""
    locator: str = ""
    retrieved: Day
    sure: Sure
    agreed_by: int


class StepJson(_Said):
    """One step of the reasoning."""

    rule: str
    says: str
    evidence: list[EvidenceJson]
    source: SourceJson
    edition: Day


class PolicyJson(_Said):
    """Which law was asked."""

    service_date: Day | None
    fingerprint: str


class OutcomeJson(_Said):
    """The whole answer of the rules."""

    outcome: Kind
    candidates: list[CandidateJson]
    questions: list[NoteJson]
    warnings: list[NoteJson]
    reasons: list[NoteJson]
    steps: list[StepJson]
    policy: PolicyJson


class ReadingJson(_Said):
    """One of several readings that contradict each other."""

    value: Any
    evidence: EvidenceJson


class FactJson(_Said):
    """A fact of the visit; `value` is null where it is unknown."""

    value: Any
    evidence: list[EvidenceJson]
    conflict: list[ReadingJson]
    why_unknown: str | None
    notes: list[str]


class CodingJson(_Said):
    """A code of a code system."""

    system: str
    code: str
    display: str = ""


class CardSourceJson(_Said):
    """Who says so, and about what."""

    label: str
    url: str = ""
    topic: CodingJson


class ActionJson(_Said):
    """A resource that the EHR may make."""

    type: Literal["create"]
    description: str
    resource: dict[str, Any]


class SuggestionJson(_Said):
    """Something to accept."""

    label: str
    uuid: str
    is_recommended: Annotated[bool, Field(alias="isRecommended")] = False
    actions: list[ActionJson] = []


class LinkJson(_Said):
    """A page of the service that the clinician may open."""

    label: str
    url: str
    type: Literal["absolute"]


class CardJson(_Said):
    """A card; under `extension` stands the outcome without its empty members."""

    uuid: str
    summary: Annotated[str, Field(min_length=1, max_length=139)]
    indicator: Literal["info", "warning", "critical"]
    detail: str
    source: CardSourceJson
    override_reasons: Annotated[list[CodingJson], Field(alias="overrideReasons")] = []
    suggestions: list[SuggestionJson] = []
    links: list[LinkJson] = []
    selection_behavior: Annotated[Literal["at-most-one", "any"], Field(alias="selectionBehavior")] = "at-most-one"
    extension: dict[str, Any] = {}


class CardsJson(_Said):
    """The answer to a hook."""

    cards: list[CardJson]


class ExplanationJson(_Said):
    """A hook request explained."""

    facts: dict[str, FactJson]
    outcome: OutcomeJson
    cards: list[CardJson]


class ServiceJson(_Said):
    """A service as discovery lists it."""

    hook: str
    title: str
    description: str
    id: str
    prefetch: dict[str, str]
    usage_requirements: Annotated[str, Field(alias="usageRequirements")]
    version: str = ""
    hook_version: Annotated[str, Field(alias="hookVersion")] = ""


class ServicesJson(_Said):
    """The answer of discovery."""

    services: list[ServiceJson]


class IssueJson(_Said):
    """What went wrong, and at which member of the request."""

    severity: Literal["error"]
    code: str
    diagnostics: str = ""
    expression: list[str] = []


class RefusalJson(_Said):
    """A FHIR OperationOutcome."""

    resource_type: Annotated[Literal["OperationOutcome"], Field(alias="resourceType")]
    issue: Annotated[list[IssueJson], Field(min_length=1)]


class AliveJson(_Said):
    """The process lives."""

    status: Literal["ok"]


class ReadyJson(_Said):
    """The service can answer, by the law with this fingerprint; `warnings` name tables that are about to expire."""

    status: Literal["ready"]
    policy: str
    warnings: list[str]


class HeardJson(_Said):
    """Feedback was heard; there is nothing to say about it."""
