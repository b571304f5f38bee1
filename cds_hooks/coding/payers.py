"""Payer policies: what a payer takes for which contact, with which place of service and modifiers."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.coding.citation import Cited, Dated, Items, Where
from cds_hooks.coding.families import OpenQuestion
from fhir_mapping.facts import Clinician, ClinicianLocation, PatientLocation, Setting
from fhir_mapping.tables import Code, Day, Row

Contact = Literal["audio_video", "audio_only", "asynchronous", "in_person", "brief_check_in"]
"""The kinds of contact a payer has rules for: the modality that counts, or a brief check-in."""


class When(Row):
    """The facts under which a row applies; each named fact must have one of the values; `null` stands for unknown."""

    contact: Items[Contact] = ()
    family: Items[str] = ()
    patient_location: Items[Where] = ()
    clinician_location: Items[Annotated[ClinicianLocation, Field(strict=False)]] = ()
    setting: Items[Annotated[Setting, Field(strict=False)]] = ()
    clinician: Items[Annotated[Clinician, Field(strict=False)] | None] = ()
    behavioral_health: Items[bool | None] = ()

    @cached_property
    def tests(self) -> tuple[tuple[str, frozenset[Any]], ...]:
        """The conditions that are set."""
        return tuple((name, frozenset(values)) for name in type(self).model_fields if (values := getattr(self, name)))

    def of(self, contact: str | None, family: str | None = None) -> When | None:
        """What is left to be asked once the contact is known, and with the route the family; `None` if they differ."""
        if (self.contact and contact not in self.contact) or (self.family and family not in self.family):
            return None
        left = type(self).model_fields.keys() - {"contact", "family"}
        return When(**{name: getattr(self, name) for name in left})

    def matches(self, case: Any) -> bool:  # noqa: ANN401 - anything with the attributes named
        """Whether `case` has one of the values for each fact named."""
        for name, values in self.tests:  # noqa: SIM110 - the innermost loop of every answer; a generator costs twice it
            if getattr(case, name) not in values:
                return False
        return True


class Route(Row):
    """Which family a payer takes for a kind of contact."""

    when: When
    family: str | None = None
    instead: OpenQuestion | None = None
    """A question put where no table is loaded."""
    place: Literal["patient", "usual"] = "patient"
    requires: Items[str] = ()
    """Names of conditions in the guidelines."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Route:
        if (self.family is None) == (self.instead is None):
            raise PydanticCustomError("route", "a route leads to a family, or to a question instead")
        if self.when.family:
            raise PydanticCustomError("route", "a route cannot depend on the family that it is to find")
        return self


class ModifierRule(Cited):
    """A modifier a payer wants, under which facts, and how strongly."""

    modifier: Code
    use: Literal["required", "optional"]
    when: When = When()
    ask_place_of_service: str | None = None


class Remark(Row):
    """Something a payer's policy wants said, under which facts and for which dates of service."""

    id: str
    text: str
    when: When = When()
    first: Day | None = None
    last: Day | None = None

    def applies(self, day: date, case: Any) -> bool:  # noqa: ANN401 - anything with the attributes named
        """Whether it is to be said for a visit on `day`."""
        return (
            (self.first is None or day >= self.first)
            and (self.last is None or day <= self.last)
            and self.when.matches(case)
        )


class PayerEdition(Cited):
    """What a payer takes from a date on.

    `either` names the policies that may apply where adoption is unknown; what else is set here then overrides them.
    """

    either: Items[str] = ()
    either_question: str | None = None
    routes: Items[Route] = ()
    place_of_service: dict[Where, Code] = Field(default_factory=dict)
    modifiers: Items[ModifierRule] | None = None
    prolonged: str | None = None
    crossover: str | None = None
    declines: dict[Contact, str] = Field(default_factory=dict)
    """What it does not take, in words, by kind of contact."""
    remarks: Items[Remark] = ()

    @model_validator(mode="after")
    def _complete(self) -> PayerEdition:
        if self.either:
            if not self.either_question:
                raise PydanticCustomError("payer", "a payer of unknown adoption needs its question: either_question")
        elif not self.routes:
            raise PydanticCustomError("payer", "a payer needs routes, or the policies of which either may apply")
        elif set(self.place_of_service) != set(PatientLocation):
            raise PydanticCustomError("payer", "place_of_service needs home and not_home")
        return self

    def over(self, other: PayerEdition) -> PayerEdition:
        """The other policy's content with what this one says laid over it."""
        return other.model_copy(
            update={
                "place_of_service": self.place_of_service or other.place_of_service,
                "modifiers": other.modifiers if self.modifiers is None else self.modifiers,
                "prolonged": self.prolonged or other.prolonged,
                "routes": self.routes + other.routes,
                "remarks": other.remarks + self.remarks,
                "crossover": None,
            }
        )


class Payer(Dated[PayerEdition]):
    """A payer policy."""

    id: str
    name: str
    verified_through: Day
    selectable: bool = True
    always_ask: bool = False
