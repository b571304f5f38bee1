"""Feedback as an EHR sends it: what its clinicians did with the cards, one event or many, told once or often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.exchange.hook import HookRefused
from cds_hooks.store.ledger import Feedback

MOST_EVENTS = 1000
"""Events of one call; a client with more sends them in parts."""
MOST_ACCEPTED = 40
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
    comment: str = Field("", alias="userComment", max_length=10_000)
    extension: dict[str, Any] | None = None


class AcceptedJson(_Lenient):
    """A suggestion that was accepted, by its uuid."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")


class FeedbackJson(_Lenient):
    """One event: what a clinician did with one card."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"outcome": {"const": "accepted"}}},
            "then": {"required": ["acceptedSuggestions"], "properties": {"acceptedSuggestions": {"minItems": 1}}},
        }
    )

    card: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")
    outcome: Literal["accepted", "overridden"]
    at: AwareDatetime = Field(alias="outcomeTimestamp")
    accepted: list[AcceptedJson] = Field(default=[], alias="acceptedSuggestions", max_length=MOST_ACCEPTED)
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
            raise HookRefused(where, first["msg"]) from None
        except RecursionError:
            raise HookRefused(f"feedback.{index}", "is nested too deep") from None
        yield _event(read)


def _event(read: FeedbackJson) -> Feedback:
    override = read.reason or read.reasons
    reason = override.reason if override else None
    if override and reason is None and override.extension:
        reason = _from_epic(override.extension)
    at: datetime = read.at
    return Feedback(
        card=read.card,
        outcome=read.outcome,
        at=at,
        accepted=tuple(dict.fromkeys(one.id for one in read.accepted)) if read.outcome == "accepted" else (),
        reason_system=reason.system if reason else "",
        reason_code=reason.code if reason else "",
        comment=override.comment if override else "",
    )


def _from_epic(extension: Mapping[str, Any]) -> ReasonJson | None:
    """The reason in Epic's extension, under whichever key it stands."""
    for value in (extension, *extension.values()):
        category = value.get("reasonCategory") if isinstance(value, Mapping) else None
        if isinstance(category, Mapping):
            category = category.get("code")
        if isinstance(category, str) and category:
            return ReasonJson(system="epic", code=category[:100])
    return None
