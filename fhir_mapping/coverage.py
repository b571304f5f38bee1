"""Reads who pays: each coverage in force on the day of the visit becomes a payer policy's id, the primary first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Fact
from fhir_mapping.payers import NOT_FOR_VISITS, ORIGINAL, Payer, has_medicare_number, payer_of
from fhir_mapping.resources import Json, check, codings, name, record, records, text

UNKNOWN = "unknown"

_MOST = 50  # coverages in force: beyond that an interface repeats itself

_BOUND = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class Coverages:
    """The payer ids; every coverage in force with its payer, primary first where that is said; what is not valid."""

    payers: Fact[tuple[str, ...]]
    in_force: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


class _Read(NamedTuple):
    coverage: Json
    payer: Payer
    order: int | None


def coverages(chart: Chart) -> Coverages:
    """Read who pays for the visit."""
    every = chart.of("Coverage")
    in_force = [coverage for coverage in every if _is_in_force(chart, coverage)]
    if chart.refused.get("Coverage"):
        return Coverages(Fact(why_unknown="a Coverage carries a modifier that is not understood"), (), ())
    if len(in_force) > _MOST:
        return Coverages(Fact(why_unknown=f"{len(in_force)} coverages are in force, too many to tell apart"), (), ())
    priorities = _account_priorities(chart)
    read, notes = [], [note for coverage in in_force if (note := check(coverage))]
    for coverage in in_force:
        order = _number(coverage.get("order"))
        payer = payer_of(chart, coverage)
        if payer.policy == NOT_FOR_VISITS and payer.why:
            notes.append(f"{name(coverage)}: {payer.why}; left out")
        elif payer.policy != NOT_FOR_VISITS:
            read.append(_Read(coverage, payer, priorities.get(name(coverage)) if order is None else order))
    read = _without_parts(chart, read, notes)
    ordered = _primary_first(read)
    return Coverages(
        payers=_fact(chart, ordered) if read else Fact(why_unknown=_none_in_force(chart, len(every))),
        in_force=tuple((one.payer.policy or UNKNOWN, name(one.coverage)) for one in ordered or read),
        notes=tuple(notes),
    )


def _without_parts(chart: Chart, read: list[_Read], notes: list[str]) -> list[_Read]:
    """Leave out Parts A and B of Medicare where a Part C is in force too: its plan pays in their place."""
    parts = [chart.vocabulary.phrases("medicare_part", said) for said in (_said(one.payer) for one in read)]
    if not any("c" in part and one.payer.policy not in {None, ORIGINAL} for part, one in zip(parts, read, strict=True)):
        return read
    kept = []
    for part, one in zip(parts, read, strict=True):
        if "a-or-b" in part and one.payer.policy == ORIGINAL:
            notes.append(f"{name(one.coverage)}: a Part C plan pays in its place; left out")
        else:
            kept.append(one)
    return kept


def _said(payer: Payer) -> str:
    return " / ".join(one.said for one in payer.evidence)


def _fact(chart: Chart, ordered: Sequence[_Read] | None) -> Fact[tuple[str, ...]]:
    if ordered is None:
        return Fact(why_unknown="several coverages are in force, and which is primary is not said")
    primary, *others = ordered
    if primary.payer.policy is None:
        return Fact(why_unknown=f"{name(primary.coverage)}: {primary.payer.why}", evidence=primary.payer.evidence)
    known = [one.payer for one in ordered if one.payer.policy]
    notes = [_remark(chart, one.coverage) for one in ordered]
    notes += [f"{name(one.coverage)}: {one.payer.why}; left out" for one in others if not one.payer.policy]
    return Fact(
        tuple(dict.fromkeys(payer.policy for payer in known if payer.policy)),
        tuple(one for payer in known for one in payer.evidence),
        notes=tuple(filter(None, notes)),
    )


def _remark(chart: Chart, coverage: Json) -> str:
    types = codings(coverage.get("type"))
    words = [chart.vocabulary.word("payer_remark", coding.system, coding.code) for coding in types]
    return next((f"{name(coverage)}: {word}" for word in words if word), "")


def _none_in_force(chart: Chart, supplied: int) -> str:
    if supplied:
        return f"none of the {supplied} coverages at hand pays visits and is active on the day of the visit"
    if any(has_medicare_number(chart, patient) for patient in chart.of("Patient")):
        return "the patient has a Medicare number, but no Coverage says whether it is fee-for-service or Advantage"
    return "no Coverage is at hand"


def _is_in_force(chart: Chart, coverage: Json) -> bool:
    status = chart.vocabulary.term("status", "coverage-status", text(coverage.get("status")))
    return status == "counted" and (chart.when is None or _covers(record(coverage.get("period")), chart.when.day))


def _covers(period: Json, day: date) -> bool:
    """Tell whether a period covers a day. A bound may be a month or year; without a bound it is open."""
    start, end = text(period.get("start"))[:10], text(period.get("end"))[:10]
    for said, bound in ((period.get("start"), start), (period.get("end"), end)):
        if said is not None and not _BOUND.fullmatch(bound):
            return False
    written = day.isoformat()
    return start <= written[: len(start)] and written[: len(end)] <= end


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _account_priorities(chart: Chart) -> dict[str, int]:
    found: dict[str, int] = {}
    for account in chart.of("Account"):
        for entry in records(account.get("coverage")):
            coverage, priority = chart.find(entry.get("coverage"), account, "Coverage"), _number(entry.get("priority"))
            if coverage and priority is not None:
                found[name(coverage)] = priority
    return found


def _primary_first(read: Sequence[_Read]) -> list[_Read] | None:
    """Sort coverages, or give up where it is not said which one is primary."""
    orders = [one.order for one in read if one.order is not None]
    policies = {one.payer.policy for one in read}
    if len(read) > 1 and (len(policies) > 1 or None in policies):
        first = min(orders, default=0)
        # Where only some coverages carry an order, only an explicit 1 says which one is primary.
        if orders.count(first) != 1 or (len(orders) < len(read) and first != 1):
            return None
    return sorted(read, key=lambda one: (one.order is None, one.order or 0))
