"""What a coder looks up beside the code tables: the criteria of each MDM element, and which minutes count."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.coding.citation import Cited, Items, Level
from fhir_mapping.facts import MdmLevel
from fhir_mapping.tables import Day, Row


class Element(Cited):
    """One MDM element: what each level of it asks for, in our own words; any one line of a level is enough."""

    title: str
    levels: dict[Level, Items[str]]

    @model_validator(mode="after")
    def _every_level(self) -> Element:
        if tuple(self.levels) != tuple(MdmLevel):
            raise PydanticCustomError("levels", "each level must stand once, lowest first")
        return self


class MdmTable(Row):
    """The three elements of medical decision making."""

    id: Literal["mdm"]
    since: Day
    verified_through: Day
    elements: dict[Literal["problems", "data", "risk"], Element]


class Activities(Cited):
    """Activities whose minutes count, or never do."""

    items: Items[str]


class TimeTable(Row):
    """Which minutes count toward total time."""

    id: Literal["time"]
    since: Day
    verified_through: Day
    counts: Activities
    never: Activities
