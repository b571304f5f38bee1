"""The shape of a vocabulary table: what may stand in it, and the words each of its topics may use."""

from typing import Annotated

from pydantic import Field

from fhir_mapping.facts import AudioOnlyReason, Clinician, MdmLevel, Modality, PatientLocation, Setting
from fhir_mapping.tables import QuotedCode, Row, Source

_DOCUMENTED = "total_minutes discussion_minutes video_minutes audio_minutes audio_only_reason"
_DECIDED = "mdm mdm_problems mdm_data mdm_risk"
_ELSEWHERE = "inpatient emergency observation short-stay pre-admission"
_NOT_HELD = "cancelled entered-in-error planned"
_LINES = "medicare medicaid commercial tricare self-pay not-for-visits"
_OF_MEDICARE = "advantage original contractor supplement insurer"
_APPLIED_FOR = "pending"

TOPICS: dict[str, set[str] | None] = {
    "class": {"virtual", "outpatient", "away"},
    "not_ours": {*_ELSEWHERE.split(), *_NOT_HELD.split()},
    "outpatient": {"yes"},
    "ordinary_source": {"yes"},
    "stay": {"hint", "afterwards"},
    "status": {"counted", "preliminary"},
    "participant": {"rendering", "attending", "present"},
    "place": {"house", "virtual"},
    "unit": {"seconds", "minutes", "hours"},
    "documentation": {*_DOCUMENTED.split(), *_DECIDED.split()},
    "mdm": {*MdmLevel},
    "audio_only_reason": {*AudioOnlyReason},
    "no_visit": {"yes", "appointment"},
    "aside": {"virtual", "denied", "open"},
    "unrelated": {"yes"},
    "modality": {*Modality, "virtual", "unclear", "names_video", "denies"},
    "patient_location": {*PatientLocation},
    "setting": {*Setting},
    "reported": {"visit", "brief_check_in", "online"},
    "clinician": {*Clinician},
    "behavioral_health": {"yes"},
    "diagnosis": {"behavioral"},
    "payer": None,
    "payer_remark": None,
    "payer_sign": {*_LINES.split(), *_OF_MEDICARE.split(), _APPLIED_FOR},
    "payer_agency": {"agency"},
    "accident": {"yes"},
    "identifier": {"medicare"},
}
"""The words a topic may use; a topic with `None` takes any, because a site names its own payers and remarks."""


class Address(Row):
    """Where a code system or extension lives: fixed addresses, a pattern, or neither for an element of a resource."""

    urls: list[str] = Field(default=[])
    pattern: str | None = None


class Plan(Row):
    """A named plan: it pays under the policy `payer` when one of its `names` stands on a coverage of its `line`.

    `line_must_be_said` is for a name that other lines of business share.
    """

    payer: str
    line: str
    line_must_be_said: bool = False
    names: Annotated[list[str], Field(min_length=1)]


class VocabularyFile(Row):
    """One table of the vocabulary."""

    sources: list[Source] = Field(default=[])
    systems: dict[str, Address] = Field(default={})
    extensions: dict[str, Address] = Field(default={})
    codes: dict[str, dict[str, dict[str, list[QuotedCode]]]] = Field(default={})
    phrases: dict[str, dict[str, list[str]]] = Field(default={})
    plans: list[Plan] = Field(default=[])
