"""Feedback as an EHR sends it: what its clinicians did with the cards, one event or many, told once or often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cds_hooks.exchange.hook import HookRefused
from cds_hooks.exchange.lenient import Lenient, as_list, path_to
from cds_hooks.exchange.override_reasons import OverrideJson, Reasons
from cds_hooks.store.ledger import Feedback

MOST_EVENTS = 1000
"""Events of one call; a client with more sends them in parts."""
MOST_ACCEPTED = 40
UUID = re.compile(r"(?:urn:uuid:)?([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})", re.IGNORECASE)
"""Some clients write what telecode gave them in small letters in capital ones, or as a URN."""
CLASS = re.compile(r" or instance of \w+")
RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]


class AcceptedJson(Lenient):
    """A suggestion that was accepted, by its uuid, which some clients call so."""

    id: Word = Field(validation_alias=AliasChoices("id", "uuid"))


_Accepted = list[AcceptedJson | Word]
Overrides = Annotated[
    list[OverrideJson],
    BeforeValidator(as_list(), json_schema_input_type=OverrideJson | list[OverrideJson] | None),
]


class FeedbackJson(Lenient):
    """One event: what a clinician did with one card."""

    MEANT: ClassVar[Mapping[str, str]] = {
        "usercomment": "overrideReason.userComment",
        "reason": "overrideReason.reason",
    }
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"outcome": {"const": "accepted"}}},
            "then": {
                "required": ["acceptedSuggestions"],
                "properties": {"acceptedSuggestions": {"type": ["array", "object", "string"], "minItems": 1}},
            },
        }
    )

    card: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")
    outcome: Literal["accepted", "overridden"]
    at: AwareDatetime = Field(alias="outcomeTimestamp")
    accepted: Annotated[
        list[AcceptedJson],
        Field(max_length=MOST_ACCEPTED),
        BeforeValidator(
            as_list("id"),
            json_schema_input_type=AcceptedJson | Word | Annotated[_Accepted, Field(max_length=MOST_ACCEPTED)] | None,
        ),
    ] = Field(default=[], alias="acceptedSuggestions")
    override: Overrides = Field(default=[], alias="overrideReason")
    overrides: Overrides = Field(default=[], alias="overrideReasons")
    """Epic's spelling of the same."""

    @model_validator(mode="before")
    @classmethod
    def _written_as_a_moment(cls, event: Any) -> Any:  # noqa: ANN401 - JSON is any shape
        said = event.get("outcomeTimestamp") if isinstance(event, Mapping) else None
        if isinstance(event, Mapping) and not (isinstance(said, str) and RFC_3339.fullmatch(said)):
            raise PydanticCustomError(
                "moment",
                "needs an outcomeTimestamp with seconds and a time zone, such as 2026-11-20T20:30:00Z (RFC 3339)",
            )
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


def read_feedback(body: Mapping[str, Any], reasons: Reasons) -> tuple[Feedback, ...]:
    """Check a feedback body, and take the events out of it.

    Parameters: `reasons`, the override reasons that are kept as they are sent.
    Raises HookRefused naming the first member that does not fit (CDS Hooks 2.0, Feedback); never its value.
    """
    told = body.get("feedback")
    if not isinstance(told, list) or not told:
        raise HookRefused("feedback", "is required: an array of events")
    if len(told) > MOST_EVENTS:
        raise HookRefused("feedback", f"holds more than {MOST_EVENTS} events")
    return tuple(_events(told, reasons))


def _events(told: list[Any], reasons: Reasons) -> Iterator[Feedback]:
    for index, event in enumerate(told):
        try:
            read = FeedbackJson.model_validate(event)
        except ValidationError as refused:
            first = refused.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(("feedback", str(index), *path_to(first["loc"], event)))
            raise HookRefused(where, CLASS.sub("", first["msg"])) from None
        except RecursionError:
            raise HookRefused(f"feedback.{index}", "is nested too deep") from None
        yield _event(read, index, reasons)


def _event(read: FeedbackJson, index: int, reasons: Reasons) -> Feedback:
    overrides = (*read.override, *read.overrides)
    given = dict.fromkeys(reason for override in overrides for reason in reasons.given(override))
    if len(given) > 1:
        name = "overrideReasons" if read.overrides else "overrideReason"
        raise HookRefused(f"feedback.{index}.{name}", "holds several reasons: one is kept of an event")
    system, code = next(iter(given), ("", ""))
    return Feedback(
        card=_as_given(read.card),
        outcome=read.outcome,
        at=read.at,
        accepted=tuple(dict.fromkeys(_as_given(one.id) for one in read.accepted)),
        reason_system=system,
        reason_code=code,
        commented=any(override.comment for override in overrides),
    )


def _as_given(uuid: str) -> str:
    found = UUID.fullmatch(uuid)
    return found[1].lower() if found else uuid
