"""Feedback as an EHR sends it: what its clinicians did with the cards, one event or many, told once or often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.exchange.hook import HookRefused
from cds_hooks.store.ledger import Feedback

MOST_EVENTS = 1000
"""Events of one call; a client with more sends them in parts."""
MOST_ACCEPTED = 40
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
"""How a reason is coded. What is written otherwise may be words about a patient, and is not kept."""
SYSTEM = re.compile(r"[A-Za-z][!-~]*")
NO_CODE = "not-a-code"
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""Some clients write what telecode gave them in small letters in capital ones."""
CLASS = re.compile(r" or instance of \w+")
RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


class _Lenient(BaseModel):
    """What is not known is let pass: vendors and later versions add members."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ReasonJson(_Lenient):
    """Why a card was overridden, as a code."""

    system: str = Field("", max_length=255)
    code: str = Field("", max_length=100)


class OverrideJson(_Lenient):
    """Why a card was overridden."""

    reason: ReasonJson | None = None
    comment: str | None = Field(None, alias="userComment", max_length=10_000)
    extension: dict[str, Any] | None = None


class AcceptedJson(_Lenient):
    """A suggestion that was accepted, by its uuid."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")


class FeedbackJson(_Lenient):
    """One event: what a clinician did with one card."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"outcome": {"const": "accepted"}}},
            "then": {
                "required": ["acceptedSuggestions"],
                "properties": {"acceptedSuggestions": {"type": "array", "minItems": 1}},
            },
        }
    )

    card: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")
    outcome: Literal["accepted", "overridden"]
    at: AwareDatetime = Field(alias="outcomeTimestamp")
    accepted: list[AcceptedJson] | None = Field(None, alias="acceptedSuggestions", max_length=MOST_ACCEPTED)
    reason: OverrideJson | None = Field(None, alias="overrideReason")
    reasons: OverrideJson | None = Field(None, alias="overrideReasons")
    """Epic's spelling of the same."""

    @model_validator(mode="before")
    @classmethod
    def _written_as_a_moment(cls, event: Any) -> Any:  # noqa: ANN401 - JSON is any shape
        said = event.get("outcomeTimestamp") if isinstance(event, Mapping) else None
        if isinstance(event, Mapping) and not (isinstance(said, str) and RFC_3339.fullmatch(said)):
            raise PydanticCustomError("moment", "needs an outcomeTimestamp in RFC 3339")
        return event

    @field_validator("at")
    @classmethod
    def _within_the_calendar(cls, at: datetime) -> datetime:
        try:
            return at.astimezone(UTC)
        except OverflowError:
            raise PydanticCustomError("moment", "lies outside the calendar") from None

    @model_validator(mode="after")
    def _accepted_something(self) -> FeedbackJson:
        if self.outcome == "accepted" and not self.accepted:
            raise PydanticCustomError("accepted", "an accepted card needs acceptedSuggestions")
        return self


def read_feedback(body: Mapping[str, Any]) -> tuple[Feedback, ...]:
    """Check a feedback body, and take the events out of it.

    Raises HookRefused naming the first member that does not fit (CDS Hooks 2.0, Feedback); never its value.
    """
    told = body.get("feedback")
    if not isinstance(told, list) or not told:
        raise HookRefused("feedback", "is required: an array of events")
    if len(told) > MOST_EVENTS:
        raise HookRefused("feedback", f"holds more than {MOST_EVENTS} events")
    return tuple(_events(told))


def _events(told: list[Any]) -> Iterator[Feedback]:
    for index, event in enumerate(told):
        try:
            read = FeedbackJson.model_validate(event)
        except ValidationError as refused:
            first = refused.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in ("feedback", index, *first["loc"]))
            raise HookRefused(where, CLASS.sub("", first["msg"])) from None
        except RecursionError:
            raise HookRefused(f"feedback.{index}", "is nested too deep") from None
        yield _event(read)


def _event(read: FeedbackJson) -> Feedback:
    override = read.reason or read.reasons
    reason = override.reason if override else None
    if override and reason is None and override.extension:
        reason = _from_epic(override.extension)
    accepted = (one.id for one in read.accepted or ()) if read.outcome == "accepted" else ()
    return Feedback(
        card=_as_given(read.card),
        outcome=read.outcome,
        at=read.at,
        accepted=tuple(dict.fromkeys(map(_as_given, accepted))),
        reason_system=_kept(reason.system, SYSTEM, "") if reason else "",
        reason_code=_kept(reason.code, CODE, NO_CODE) if reason else "",
        comment=(override.comment or "") if override else "",
    )


def _as_given(uuid: str) -> str:
    return uuid.lower() if UUID.fullmatch(uuid) else uuid


def _kept(said: str, form: re.Pattern[str], otherwise: str) -> str:
    return said if not said or form.fullmatch(said) else otherwise


def _from_epic(extension: Mapping[str, Any]) -> ReasonJson | None:
    """The reason in Epic's extension, under whichever key it stands."""
    for value in (extension, *extension.values()):
        category = value.get("reasonCategory") if isinstance(value, Mapping) else None
        if isinstance(category, Mapping):
            category = category.get("code")
        if isinstance(category, str) and category:
            return ReasonJson(system="epic", code=category[:100])
    return None
