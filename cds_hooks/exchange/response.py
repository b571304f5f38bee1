"""The last look before a card goes out: one that breaks a rule of CDS Hooks is never sent, and the log says which rule.

Strict under 2.0.1 and under the ballot of 3.0.0: what only one of them allows is refused.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks import meters

LONGEST_SUMMARY = 139
"""Characters, in code points and in UTF-16 units alike: clients count either way."""
ACTIVE = tuple(map(re.compile, (r"<[A-Za-z/!?]", r"!\[", r"\]\((?!https?://)")))
"""What detail must not hold: a tag, an image, a link to anything but an address of the web."""
HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
LINE = rf"^[^{HIDDEN}]*[^{HIDDEN}\s][^{HIDDEN}]*$"
LINES = rf"^([^{HIDDEN}]|\n)*[^{HIDDEN}\s]([^{HIDDEN}]|\n)*$"
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
TARGET = re.compile(r"^[A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64}$")
RULES = {
    "summary": "C3",
    "indicator": "C4",
    "source": "C5",
    "uuid": "C6",
    "detail": "C7",
    "suggestions": "C9",
    "selectionBehavior": "C8",
    "overrideReasons": "C12",
    "links": "C13",
    "extension": "J4",
}
"""The rule that each member of a card is under."""
FORBIDDEN = {"actionSelectionBehavior": "C10", "systemActions": "C14"}
"""Members that CDS Hooks knows and telecode never sends; what it does not know belongs under `extension` (J4)."""
_LOG = logging.getLogger("telecode")


def _summary(text: str) -> str:
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_SUMMARY:
        raise PydanticCustomError("summary", "must be shorter than 140 characters")
    return text


def _detail(text: str) -> str:
    if any(one.search(text) for one in ACTIVE):
        raise PydanticCustomError("detail", "must hold no HTML, image or odd link")
    return text


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.password:
        raise PydanticCustomError("address", "must be an absolute address of the web")
    return url


Line = Annotated[str, Field(pattern=LINE)]
Lines = Annotated[str, Field(pattern=LINES)]
Address = Annotated[str, AfterValidator(_address)]
Uuid = Annotated[str, Field(pattern=UUID)]
Resource = Annotated[dict[str, Any], Field(min_length=2)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Coding(_Part):
    system: Line
    code: Line
    display: Line | None = None


class _Reason(_Coding):
    display: Line


class _Source(_Part):
    label: Line
    url: Address | None = None
    icon: Address | None = None
    topic: _Coding | None = None


class _Action(_Part):
    type: Literal["create", "update", "delete"]
    description: Line
    resource: Resource | None = None
    target: Annotated[str, Field(pattern=TARGET)] | None = Field(None, alias="resourceId")

    @model_validator(mode="after")
    def _has_its_resource(self) -> _Action:
        if (self.resource is None) != (self.type == "delete") or (self.target is None) == (self.type == "delete"):
            raise PydanticCustomError("action", "a delete names what it deletes, any other action holds a resource")
        if self.resource is not None and not isinstance(self.resource.get("resourceType"), str):
            raise PydanticCustomError("action", "a resource says its type")
        return self


class _Suggestion(_Part):
    label: Line
    uuid: Uuid | None = None
    recommended: bool = Field(False, alias="isRecommended")
    actions: Annotated[list[_Action], Field(min_length=1)] | None = None


class _Link(_Part):
    label: Line
    url: Address
    type: Literal["absolute", "smart"]
    context: str | None = Field(None, alias="appContext")

    @model_validator(mode="after")
    def _tells_apps_alone(self) -> _Link:
        if self.context is not None and self.type != "smart":
            raise PydanticCustomError("link", "only an app is told a context")
        return self


class _Card(_Part):
    summary: Annotated[Line, AfterValidator(_summary)]
    indicator: Literal["info", "warning", "critical"]
    source: _Source
    uuid: Uuid | None = None
    detail: Annotated[Lines, AfterValidator(_detail)] | None = None
    suggestions: list[_Suggestion] | None = None
    behavior: Literal["at-most-one", "any"] | None = Field(None, alias="selectionBehavior")
    reasons: list[_Reason] | None = Field(None, alias="overrideReasons")
    links: list[_Link] | None = None
    extension: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _lets_one_be_chosen(self) -> _Card:
        if (self.suggestions is None) != (self.behavior is None):
            raise PydanticCustomError("C8", "suggestions and their selectionBehavior go together")
        if self.behavior == "at-most-one" and sum(one.recommended for one in self.suggestions or ()) > 1:
            raise PydanticCustomError("C8", "of several suggestions at most one is recommended")
        return self


class _Answer(_Part):
    """All that an answer may hold: no systemActions, for a code is billed by a person and never by itself."""

    cards: list[_Card]

    @model_validator(mode="after")
    def _names_each_once(self) -> _Answer:
        named = [part.uuid for card in self.cards for part in (card, *(card.suggestions or ())) if part.uuid]
        if len(set(named)) < len(named):
            raise PydanticCustomError("C6", "each card and suggestion has a uuid of its own")
        return self


def sendable(cards: Sequence[Mapping[str, Any]], service: str) -> list[dict[str, Any]]:
    """The cards of a service as they may be sent: as they are, or none at all if one of them breaks a rule.

    Parameters: `service`, the id under which a broken rule is logged and counted. Nothing of a card is ever logged.
    """
    found = [dict(card) for card in cards]
    rule = broken_rule({"cards": found})
    if rule is None:
        return found
    _LOG.error("an answer of %s was withheld: it breaks rule %s", service, rule)
    meters.withheld(rule, service)
    return []


def broken_rule(answer: object) -> str | None:
    """The first rule of CDS Hooks that an answer breaks, by its id in docs/capability.md, or `None`."""
    try:
        _Answer.model_validate(answer)
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_context=False, include_input=False)[0]
        return _rule([part for part in first["loc"] if isinstance(part, str)], first["type"])
    except (RecursionError, ValueError):  # nested beyond reason, or an address that cannot be taken apart
        return "C1"
    return "J2" if isinstance(answer, dict) and _holds_blanks(answer["cards"]) else None


def _rule(path: list[str], kind: str) -> str:
    if kind in RULES.values():
        return kind
    if kind == "extra_forbidden":
        return FORBIDDEN.get(path[-1], "J4")
    if "actions" in path:
        return "C11"
    return RULES[path[1]] if len(path) > 1 else "C1"


def _holds_blanks(cards: list[object]) -> bool:
    """Whether anything in cards is null, "", [] or {}; to have no cards is the one blank that the protocol wants."""
    waiting: list[Any] = [cards]
    for inner in waiting:  # what holds more is put behind it
        for member in inner.values() if isinstance(inner, dict) else inner:
            if not member:
                if member != 0:
                    return True
            elif type(member) is dict or type(member) is list:
                waiting.append(member)
    return False
