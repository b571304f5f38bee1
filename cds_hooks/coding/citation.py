"""How every row of law says where it comes from, how sure it is, and from which day it holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from fhir_mapping import tables
from fhir_mapping.facts import MdmLevel, PatientLocation
from fhir_mapping.tables import Day, Row

T = TypeVar("T")
Items = Annotated[tuple[T, ...], Field(strict=False)]
Level = Annotated[MdmLevel, Field(strict=False)]
Where = Annotated[PatientLocation, Field(strict=False)]
Scalar = bool | str | int
Minutes = Annotated[int, Field(ge=0, le=1440)]


class Sure(StrEnum):
    """How well a row is confirmed; what is not agreed says so on the card."""

    AGREED = "agreed"  # two or more independent sources
    SINGLE = "single"  # one source
    CONFLICT = "conflict"  # sources disagree
    UNCONFIRMED = "unconfirmed"  # practice as commonly described; no page confirmed it


class Source(tables.Source):
    """A page or document that a rule was read from, and that can be found again."""

    confirms: bool = True
    """Whether it is somebody's page at all; practice as commonly described confirms nothing."""

    @model_validator(mode="after")
    def _can_be_found(self) -> Source:
        if not (self.url or self.locator):
            raise PydanticCustomError("source", "a source needs a url or a locator")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Citation:
    """How an answer tells the sources of a rule: the `first` stands for all.

    `others` counts those behind it that confirm the rule; `said` is the citation as the API answers it.
    """

    first: Source
    sure: Sure
    others: int
    said: dict[str, Any]


class Sources(dict[str, Source]):
    """Every page that a rule was read from, by the name that rules cite it by."""

    def __init__(self, pages: Mapping[str, Source]) -> None:
        super().__init__(pages)
        self._citations: dict[tuple[tuple[str, ...], Sure], Citation] = {}

    def cited(self, names: tuple[str, ...], sure: Sure) -> Citation:
        """The citation of the sources called `names`, worked out once for all the rules that rest on them alike."""
        known = self._citations.get((names, sure))
        if known is None:
            known = self._citations[names, sure] = self._citation(names, sure)
        return known

    def more(self, names: tuple[str, ...]) -> int:
        """How many of the sources behind the first of `names` confirm what it says."""
        return sum(self[name].confirms for name in names[1:])

    def _citation(self, names: tuple[str, ...], sure: Sure) -> Citation:
        first, confirming = self[names[0]], self.more(names)
        said = {
            "title": first.title,
            "publisher": first.publisher,
            "url": first.url,
            "locator": first.locator,
            "retrieved": first.retrieved.isoformat(),
            "sure": sure,
            "agreed_by": first.confirms + confirming,
        }
        return Citation(first, sure, confirming, {name: value for name, value in said.items() if value is not None})


class Cited(Row):
    """A row that says where it comes from."""

    sources: Annotated[Items[str], Field(min_length=1)]
    sure: Annotated[Sure, Field(strict=False)]


class Dated(Row, Generic[T]):
    """Something whose content changes on known days: only starts are written.

    `null` withdraws it from that day; `expected` marks a known-coming change and never computes.
    """

    editions: dict[Day, T | Literal["expected"] | None]

    @cached_property
    def starts(self) -> tuple[date, ...]:
        """The start dates that compute, oldest first."""
        return tuple(sorted(day for day, edition in self.editions.items() if edition != "expected"))

    def at(self, day: date) -> tuple[date, T] | None:
        """The edition in force on `day` and its start date; `None` before the first or after a withdrawal."""
        index = bisect_right(self.starts, day)
        if not index:
            return None
        start = self.starts[index - 1]
        edition = self.editions[start]
        return (start, edition) if edition is not None else None  # type: ignore[return-value]  # `expected` is no start

    def start(self, day: date) -> date | None:
        """The start date of the edition in force on `day`."""
        found = self.at(day)
        return found[0] if found else None

    def on(self, day: date) -> T | None:
        """The edition in force on `day`."""
        found = self.at(day)
        return found[1] if found else None
