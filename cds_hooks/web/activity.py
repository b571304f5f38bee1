"""The activity tab: how cards fare, in pictures and in the same numbers as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from cds_hooks.charts import as_part_of_a_page, by_code, by_month, by_reason, height_of
from cds_hooks.store import patience
from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.statistics import Statistics, statistics
from cds_hooks.web.days import asked_day

DOWN = 503
UNFIT = 400


@dataclass(frozen=True)
class Activity:
    """What the store tells of a span of days; `charts` are SVG by name, empty where there is nothing to draw.

    `since` and `until` are the days asked for, `until` not included; `fault` says what went wrong, and `status` is
    HTTP's word for it.
    """

    since: date | None = None
    until: date | None = None
    found: Statistics | None = None
    charts: Mapping[str, str] | None = None
    fault: str = ""
    status: int = 200


def look_back(query: Mapping[str, str], database: Database, reasons: Mapping[str, str]) -> Activity:
    """The figures that a query asks for.

    Parameters: `query` with the members `since` and `until`, hostile until read; `reasons` for overrides by their
    codes, in the words of the card.
    """
    try:
        since, until = (asked_day(query, name) for name in ("since", "until"))
    except ValueError as refused:
        return Activity(fault=str(refused), status=UNFIT)
    try:
        with patience.at_most(patience.FEEDBACK):
            found = statistics(database, _midnight(since), _midnight(until))
    except StoreUnavailableError:
        fault = "The store does not answer. Look at TELECODE_DATABASE_URL and at /readyz, then load this page again."
        return Activity(since, until, fault=fault, status=DOWN)
    found = replace(found, reasons=tuple((reasons.get(code, code), count) for code, count in found.reasons))
    return Activity(since, until, found, _charts(found))


def _charts(found: Statistics) -> Mapping[str, str]:
    if not found.total.given:
        return {}
    charts = {
        "month": as_part_of_a_page(by_month(found.by_month)),
        "code": as_part_of_a_page(by_code(found.by_code), height_of(len(found.by_code))),
    }
    if found.reasons:
        charts["reason"] = as_part_of_a_page(by_reason(found.reasons), height_of(len(found.reasons)))
    return charts


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
