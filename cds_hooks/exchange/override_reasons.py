"""Why a card was overridden, however an EHR writes it: a reason that is known is kept, every other is only counted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from cds_hooks.exchange.lenient import Lenient, as_list
from cds_hooks.store.ledger import OTHER

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
"""How a reason is coded. What is written otherwise may be words about a patient, whatever system it names."""
EPIC = "epic"
EPIC_CATEGORY = re.compile(r"[0-9]{1,4}")
"""Epic's own reasons are numbers of a short list; a longer number may be a patient's."""
Reason = tuple[str, str]
"""Code system and code, as they are kept."""


class CodingJson(Lenient):
    """A reason as a code."""

    model_config = ConfigDict(extra="allow")

    system: str = Field("", max_length=255)
    code: str = Field("", max_length=100)
    display: Any = None


class ReasonJson(CodingJson):
    """A reason as a code, as a concept that has several, or in words; the words are never kept."""

    coding: Annotated[
        list[CodingJson],
        BeforeValidator(as_list(), json_schema_input_type=CodingJson | list[CodingJson] | None),
    ] = Field(default_factory=list)
    text: Any = None


class OverrideJson(ReasonJson):
    """Why a card was overridden: a reason, a comment, or both; some clients send the reason without its own member."""

    MEANT: ClassVar[Mapping[str, str]] = {"comment": "userComment"}

    reason: Annotated[
        list[ReasonJson],
        BeforeValidator(as_list("text"), json_schema_input_type=ReasonJson | str | list[ReasonJson | str] | None),
    ] = Field(default_factory=list)
    comment: str | None = Field(None, alias="userComment", max_length=10_000)
    extension: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reasons:
    """Which reasons are kept as they are sent.

    `own` are those that a card offers, their words by their codes, and `system` is theirs; `systems` are those of
    others of which the site wants every code. What is neither is counted as `other`.
    """

    system: str
    own: Mapping[str, str]
    systems: frozenset[str] = frozenset()

    def given(self, override: OverrideJson) -> list[Reason]:
        """The reasons of an override, each once."""
        found = [reason for one in override.reason for reason in self._read(one)]
        if not found:
            bare = ReasonJson.model_construct(**{name: getattr(override, name) for name in ReasonJson.model_fields})
            not_understood = () if override.comment else (override.model_extra or {}).values()
            other = [("", OTHER)] if any(not_understood) else []
            found = self._read(bare) or self._read(_from_epic(override)) or other
        return list(dict.fromkeys(found))

    def _read(self, reason: ReasonJson) -> list[Reason]:
        """A reason as it is kept, our own before all; nothing where nothing is said.

        One concept may say it in the codes of several systems, but two of our own are two reasons.
        """
        codings = (reason, *reason.coding)
        found = [kept for coding in codings if (kept := self._kept(coding))]
        if found:
            own = [kept for kept in found if kept[1] in self.own]
            return list({code: (system, code) for system, code in reversed(own)}.values()) or found[:1]
        words = {said.strip().casefold() for said in (reason.text, *(one.display for one in codings)) if _is_text(said)}
        for code, display in self.own.items():
            if display.casefold() in words or code in words:
                return [(self.system, code)]
        said = (reason.system, reason.code, words, reason.text, reason.display, reason.coding, reason.model_extra)
        return [("", OTHER)] if any(said) else []

    def _kept(self, coding: CodingJson) -> Reason | None:
        system, code = coding.system, coding.code
        if system in self.systems and CODE.fullmatch(code):
            return system, code
        if code in self.own:
            return (self.system if system in {"", self.system} else ""), code
        if system == EPIC and EPIC_CATEGORY.fullmatch(code):
            return system, code
        return None


def _from_epic(override: OverrideJson) -> ReasonJson:
    """The reason in Epic's extension, under whichever key it stands."""
    extension = override.extension or {}
    for value in (extension, *extension.values()):
        if not isinstance(value, Mapping):
            continue
        category, title = value.get("reasonCategory"), value.get("reasonTitle")
        code = category.get("code") if isinstance(category, Mapping) else category
        display = value.get("reasonDisplay")
        if category or title or display:
            said = str(code) if isinstance(code, str | int) else ""
            return ReasonJson.model_construct(system=EPIC, code=said, display=display, text=title)
    return ReasonJson.model_construct()


def _is_text(said: object) -> bool:
    return isinstance(said, str)
