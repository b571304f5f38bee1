"""Code tables: families of codes with their ladders of MDM and minutes, and the prolonged services."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.coding.citation import Cited, Dated, Items, Level, Minutes, Scalar, Source
from fhir_mapping.facts import PatientStatus
from fhir_mapping.tables import Code, Day, Row


class Refusal(Row):
    """Why a contact is not reportable, and the codes to look at instead."""

    id: str
    text: str
    see: Items[Code] = ()
    rule: str | None = None
    """The guideline behind it, where no row of a table is."""


class Condition(Row):
    """A fact that must hold: one of `values`, or minutes or days within bounds.

    `supposing` is what the facts would say if the question were answered so that the condition holds.
    """

    fact: str
    values: Items[Scalar] = ()
    at_least: int | None = None
    at_most: int | None = None
    more_than: int | None = None
    rule: str
    question: str
    supposing: dict[str, Any]
    otherwise: Refusal

    def holds(self, value: Any) -> bool:  # noqa: ANN401 - a fact of any kind
        """Whether a known `value` satisfies the condition."""
        if self.values:
            return value in self.values
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.more_than is None or value > self.more_than)
        )


class Rung(Row):
    """One code of a ladder, with the MDM level and the minutes that reach it."""

    code: Code
    mdm: Level | None = None
    at_least: Minutes | None = None
    more_than: Minutes | None = None

    @cached_property
    def least(self) -> int | None:
        """The fewest whole minutes that reach this rung, or `None` where minutes never do."""
        return self.at_least if self.more_than is None else self.more_than + 1


class OpenQuestion(Row):
    """A point of law that the sources leave open: said aloud instead of decided."""

    id: str
    text: str


class Edition(Cited):
    """A code table's content from its start date until the next edition."""

    new: Items[Rung] = ()
    established: Items[Rung] = ()
    anyone: Items[Rung] = ()
    not_for_new: Refusal | None = None
    requires: Items[str] = ()
    """Names of conditions in the guidelines."""
    open_question: OpenQuestion | None = None

    @model_validator(mode="after")
    def _rises(self) -> Edition:
        for name in ("new", "established", "anyone"):
            rungs = getattr(self, name)
            for index in range(1, len(rungs)):
                below, rung = rungs[index - 1], rungs[index]
                if below.least is not None and (rung.least is None or rung.least <= below.least):
                    raise PydanticCustomError("ladder", "minutes do not rise", {"at": (name, index)})
                if below.mdm is not None and (rung.mdm is None or rung.mdm.rank <= below.mdm.rank):
                    raise PydanticCustomError("ladder", "MDM levels do not rise", {"at": (name, index)})
        if not (self.new or self.established or self.anyone):
            raise PydanticCustomError("ladder", "an edition needs at least one code")
        if not (self.new or self.anyone or self.not_for_new):
            raise PydanticCustomError("ladder", "a table without codes for new patients must say why: not_for_new")
        return self

    def ladder(self, status: PatientStatus) -> tuple[Rung, ...]:
        """The codes for a new or an established patient, lowest first."""
        return self.anyone or (self.new if status is PatientStatus.NEW else self.established)


class WorkRvus(Row):
    """Work RVUs of some codes in one year as a source prints them; `cms_data` if it republishes CMS's own file."""

    codes: dict[Code, float]
    source: str
    cms_data: bool


@dataclass(frozen=True, slots=True)
class WorkRvu:
    """One code's work RVU in one year."""

    value: float
    year: int
    source: Source
    source_id: str
    cms_data: bool

    def says(self) -> str:
        """The figure with how far it can be trusted."""
        if self.cms_data:
            return f"Work RVU {self.value:.2f} in {self.year}, CMS data as republished by {self.source.publisher}"
        return f"Work RVU {self.value:.2f}, as published by {self.source.publisher}; not verified against CMS"


class Family(Dated[Edition]):
    """A family of codes that share a ladder: audio-video visits, office visits, check-ins."""

    id: str
    title: str
    modality: str
    history_and_exam: str | None = None
    measure: Literal["total_minutes", "discussion_minutes", "none"]
    verified_through: Day
    work_rvus: dict[int, Items[WorkRvus]] = Field(default_factory=dict)


class ProlongedEdition(Cited):
    """From which minute each base code is prolonged, and in which steps."""

    step: Annotated[int, Field(ge=1)]
    after: dict[Code, Minutes]

    def units(self, code: str, minutes: int) -> int:
        """Full steps beyond the base code's minute: `floor((minutes - after) / step)`, never below 0."""
        base = self.after.get(code)
        return max(0, (minutes - base) // self.step) if base is not None else 0


class ProlongedTable(Dated[ProlongedEdition]):
    """One prolonged-service code."""

    code: Code
    title: str


class Prolonged(Row):
    """The prolonged-service codes and who takes which."""

    id: Literal["prolonged"]
    verified_through: Day
    tables: dict[str, ProlongedTable]
