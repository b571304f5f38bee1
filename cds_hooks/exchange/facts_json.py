"""Facts as a caller states them in JSON: the shape of `POST /api/v1/select`, checked before anything is decided."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from cds_hooks.coding.policy import PolicyBook
from fhir_mapping.facts import (
    NO_RELATED_VISIT,
    AudioOnlyReason,
    Clinician,
    ClinicianLocation,
    EncounterFacts,
    Evidence,
    Fact,
    Initiator,
    MdmElements,
    MdmLevel,
    Modality,
    PatientClass,
    PatientLocation,
    PatientStatus,
    SameDayVisit,
    ServiceKind,
    Setting,
)

E = TypeVar("E")
Word = Annotated[E, Field(strict=False)]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9]{5}$")]
Pair = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]


def _plain_day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("must be a date as YYYY-MM-DD, the visit's own calendar date")
    return date.fromisoformat(value)


def _not_true(value: object) -> object:
    if value is True:
        raise ValueError("true does not say how many days ago; state the days")
    return value


def _whole(value: object) -> object:
    """JSON knows one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Minutes = Annotated[int, Field(ge=0, le=1440), BeforeValidator(_whole)]
Days = Annotated[int, Field(ge=0, le=36_500), BeforeValidator(_whole)]
KIND = re.compile(r"int|bool|[a-z-]+\[.*\]")
"""What pydantic puts into the place of a fault besides the names: which of several kinds it had tried."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ElementsJson(_Strict):
    """The three MDM elements."""

    problems: Word[MdmLevel] | None = None
    data: Word[MdmLevel] | None = None
    risk: Word[MdmLevel] | None = None


class SameDayJson(_Strict):
    """Another E/M visit on the same date."""

    modality: Word[Modality] | None = None
    total_minutes: Minutes | None = None
    mdm: Word[MdmLevel] | None = None
    overlap_minutes: Minutes | None = None


Related = Annotated[Days | Literal[False], BeforeValidator(_not_true)]
"""Days first: to a list of words 0 is the same as false, and a visit of today would be no visit."""


_TOLD_ONE_WAY: list[JsonValue] = [
    {"properties": {"related_visit": {"const": None}}},
    {"properties": {"related_visit_days_ago": {"const": None}}},
    {"properties": {"related_visit": {"const": False}, "related_visit_days_ago": {"const": False}}},
    {"properties": {"related_visit": {"const": True}, "related_visit_days_ago": {"type": "integer"}}},
]
"""The related visit is told in one member, or in both alike (the same days in both are taken too)."""


class FactsJson(_Strict):
    """The facts of one visit; what is absent or null is unknown, and nothing is assumed for it."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _TOLD_ONE_WAY})

    service_date: Annotated[date, BeforeValidator(_plain_day)]
    patient_class: Word[PatientClass] | None = None
    modality: Word[Modality] | None = None
    video_minutes: Minutes | None = None
    audio_minutes: Minutes | None = None
    patient_status: Word[PatientStatus] | None = None
    total_minutes: Minutes | None = None
    discussion_minutes: Minutes | None = None
    mdm: Word[MdmLevel] | None = None
    mdm_elements: ElementsJson | None = None
    payers: Annotated[list[str], Field(max_length=8), AfterValidator(lambda ids: list(dict.fromkeys(ids)))] | None = (
        None
    )
    patient_location: Word[PatientLocation] | None = None
    clinician_location: Word[ClinicianLocation] | None = None
    setting: Word[Setting] | None = None
    behavioral_health: bool | None = None
    clinician: Word[Clinician] | None = None
    initiated_by: Word[Initiator] | None = None
    audio_only_reason: Word[AudioOnlyReason] | None = None
    video_capable: bool | None = None
    service_kind: Word[ServiceKind] | None = None
    same_day_visit: SameDayJson | None = None
    related_visit: bool | Days | None = None
    related_visit_days_ago: Related | None = None
    leads_to_visit_within_24h: bool | None = None
    leads_to_visit_within_7d: bool | None = None
    consent_documented: bool | None = None
    reported_code: Code | None = None
    reported_modifiers: Annotated[list[Pair], Field(max_length=8)] | None = None
    reported_place_of_service: Pair | None = None


class FactsRefused(ValueError):
    """Facts that do not fit the schema: `where` the fault lies and `why`."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.where = where
        self.why = why


def read_facts(body: Mapping[str, Any], book: PolicyBook) -> EncounterFacts:
    """Facts JSON to facts, each with the request as its evidence.

    Parameters: `body`, facts by their names in the API; `book`, for the payers it knows.
    Raises FactsRefused naming the first key or value that does not fit.
    """
    try:
        said = FactsJson.model_validate(body)
    except ValidationError as refused:
        first = refused.errors()[0]
        unknown = first["type"] == "extra_forbidden"
        where = ".".join(str(part) for part in first["loc"] if unknown or not KIND.fullmatch(str(part)))
        why = "is not a known fact" if unknown else _why(first["msg"], first["input"])
        raise FactsRefused(where, why) from None
    known = book.selectable_payers()
    for index, payer in enumerate(said.payers or ()):
        if payer not in known:
            raise FactsRefused(f"payers.{index}", f"{payer[:40]} is not a known payer; known are {', '.join(known)}")
    if _contradicts_itself(said):
        raise FactsRefused("related_visit", "contradicts related_visit_days_ago")
    values: dict[str, Any] = {name: getattr(said, name) for name in FactsJson.model_fields}
    del values["related_visit"], values["related_visit_days_ago"]
    for name, kind in (("mdm_elements", MdmElements), ("same_day_visit", SameDayVisit)):
        part = values[name]
        values[name] = kind(**dict(part)) if part is not None else None
    values["payers"] = tuple(said.payers) if said.payers else None
    values["reported_modifiers"] = None if said.reported_modifiers is None else tuple(said.reported_modifiers)
    facts: dict[str, Any] = {name: _fact(name, value) for name, value in values.items()}
    return EncounterFacts(**facts, related_visit_days=_related_visit(said))


def _why(message: str, value: object) -> str:
    message = message.removeprefix("Value error, ").replace(" or instance of SameDayJson", "")
    message = message.replace(" or instance of ElementsJson", "")
    plain = isinstance(value, str | int | float)
    return f"{str(value)[:40]} does not fit: {message}" if plain else message


UNKNOWN: Fact[Any] = Fact()


def _fact(name: str, value: Any) -> Fact[Any]:  # noqa: ANN401 - a fact of any kind
    if value is None:
        return UNKNOWN
    return Fact(value, (Evidence("request", name, _said(value)),))


def _said(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, MdmElements | SameDayVisit):
        return ", ".join(
            f"{name} {getattr(value, name)}" for name in value.__slots__ if getattr(value, name) is not None
        )
    return str(value)


def _contradicts_itself(said: FactsJson) -> bool:
    related, days = said.related_visit, said.related_visit_days_ago
    if related is None or days is None:
        return False
    if related is True:
        return days is False
    return related is not days if related is False or days is False else related != days


def _related_visit(said: FactsJson) -> Fact[int]:
    """Days since the related visit, quoted as the request put them; `False` in either place says there was none."""
    for name in ("related_visit_days_ago", "related_visit"):
        stated = getattr(said, name)
        if stated is not None and stated is not True:
            days = NO_RELATED_VISIT if stated is False else stated
            return Fact(days, (Evidence("request", name, _said(stated)),))
    return UNKNOWN
