"""Reads who pays: each coverage in force on the day of the visit becomes a payer policy's id, the primary first.

What is at hand and does not pay this visit is named with the reason: a coverage of another visit, or a dental plan.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from fhir_mapping.accidents import may_be_for_an_accident
from fhir_mapping.chart import Chart
from fhir_mapping.facts import Fact
from fhir_mapping.payer_names import ACCIDENTS_ONLY, COMMERCIAL, HOSPITAL_PART, NOT_FOR_VISITS, ORIGINAL
from fhir_mapping.payers import Payer, has_medicare_number, names_its_payer, payer_of, unsent_payer, unsent_payers
from fhir_mapping.readings import unknown
from fhir_mapping.resources import Json, check, codings, name, quote, record, records, reference, text

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
    refused = [
        f"{name(coverage)} {why}" for coverage in chart.of("Coverage") if (why := _not_in_force(chart, coverage))
    ]
    refused += chart.left_out("Coverage")
    in_force = [coverage for coverage in chart.of("Coverage") if not _not_in_force(chart, coverage)]
    if chart.refused.get("Coverage"):
        return Coverages(unknown("", refused), (), ())
    if len(in_force) > _MOST:
        return Coverages(Fact(why_unknown=f"{len(in_force)} coverages are in force, too many to tell apart"), (), ())
    notes = [note for coverage in in_force if (note := check(coverage))]
    left: list[str] = []
    read = _without_accidents(chart, list(_read(chart, _of_this_visit(chart, in_force, left), left)), left)
    read = _without_parts(read, left)
    ordered = _primary_first(read)
    return Coverages(
        payers=_fact(chart, ordered) if read else _none_in_force(chart, [*left, *refused]),
        in_force=tuple((one.payer.policy or UNKNOWN, name(one.coverage)) for one in ordered or read),
        notes=(*notes, *(f"{one}; left out" for one in left)),
    )


def payers_to_fetch(chart: Chart) -> Iterator[str]:
    """List the references to payers that were not sent, where a coverage in force does not say in words who pays."""
    for coverage in _of_this_visit(chart, [one for one in chart.of("Coverage") if not _not_in_force(chart, one)], []):
        lacking = unsent_payers(chart, coverage)
        if lacking and (not names_its_payer(coverage) or payer_of(chart, coverage).policy is None):
            yield from lacking


def _of_this_visit(chart: Chart, in_force: Sequence[Json], left: list[str]) -> list[Json]:
    """Take the coverages that are filed for this visit, where any are: they are the whole of its registration.

    A coverage filed for another visit is never this one's.
    """
    filed: dict[int, bool] = {}
    for coverage in in_force:
        ties = [
            extension.get("valueReference")
            for extension in records(coverage.get("extension"))
            if chart.vocabulary.extension(text(extension.get("url"))) == "coverage_encounter"
        ]
        named = [tie for tie in ties if any(reference(tie))]
        if named:
            filed[id(coverage)] = any(chart.is_this_visit(tie, coverage) for tie in named)
    only = any(filed.values())
    for coverage in in_force:
        if id(coverage) in filed and not filed[id(coverage)]:
            left.append(f"{name(coverage)} is filed for another visit")
        elif only and id(coverage) not in filed:
            left.append(f"{name(coverage)} is filed for no visit, and another coverage is filed for this one")
    return [one for one in in_force if filed.get(id(one), not only)]


def _read(chart: Chart, in_force: Sequence[Json], left: list[str]) -> Iterator[_Read]:
    priorities = _account_priorities(chart)
    for coverage in in_force:
        payer = payer_of(chart, coverage)
        order = _number(coverage.get("order"))
        if payer.policy == NOT_FOR_VISITS:
            left.append(f"{name(coverage)}: {payer.why}")
        else:
            yield _Read(coverage, payer, priorities.get(name(coverage)) if order is None else order)


def _without_accidents(chart: Chart, read: list[_Read], left: list[str]) -> list[_Read]:
    """Leave out policies for accidents, which pay for nothing else, unless the visit may be for one: that is asked."""
    if all(one.payer.policy != ACCIDENTS_ONLY for one in read):
        return read
    asked = may_be_for_an_accident(chart)
    kept = []
    for one in read:
        if one.payer.policy != ACCIDENTS_ONLY:
            kept.append(one)
        elif asked or one.order in {0, 1}:
            kept.append(one._replace(payer=one.payer._replace(policy=None)))
        else:
            left.append(f"{name(one.coverage)}: {one.payer.why}, and nothing says that this visit is for one")
    return kept


def _without_parts(read: list[_Read], left: list[str]) -> list[_Read]:
    """Leave out Part A, and Part B too where a Part C is in force: its plan pays in their place."""
    replaced = any("c" in one.payer.parts and one.payer.policy not in {None, ORIGINAL} for one in read)
    kept = []
    for one in read:
        policy, parts = one.payer.policy, one.payer.parts
        if replaced and (policy == HOSPITAL_PART or (policy == ORIGINAL and not parts.isdisjoint("ab"))):
            left.append(f"{name(one.coverage)}: a Part C plan pays in its place")
        elif policy == HOSPITAL_PART:
            left.append(f"{name(one.coverage)}: {one.payer.why}")
        else:
            kept.append(one)
    return kept


def _fact(chart: Chart, ordered: Sequence[_Read] | None) -> Fact[tuple[str, ...]]:
    if ordered is None:
        return Fact(why_unknown="several coverages are in force, and which is primary is not said")
    primary, *others = ordered
    if primary.payer.policy is None:
        return Fact(why_unknown=f"{name(primary.coverage)}: {primary.payer.why}", evidence=primary.payer.evidence)
    known = [one.payer for one in ordered if one.payer.policy]
    notes = [_remark(chart, one) for one in ordered]
    notes += [f"{name(one.coverage)}: {one.payer.why}; left out" for one in others if not one.payer.policy]
    return Fact(
        tuple(dict.fromkeys(payer.policy for payer in known if payer.policy)),
        tuple(one for payer in known for one in payer.evidence),
        notes=tuple(filter(None, notes)),
    )


def _remark(chart: Chart, one: _Read) -> str:
    types = codings(one.coverage.get("type"))
    words = [chart.vocabulary.word("payer_remark", coding.system, coding.code) for coding in types]
    if one.payer.policy == COMMERCIAL and not names_its_payer(one.coverage):
        words.append(unsent_payer(chart, one.coverage))
    return next((f"{name(one.coverage)}: {word}" for word in words if word), "")


def _none_in_force(chart: Chart, refused: Sequence[str]) -> Fact[tuple[str, ...]]:
    supplied = len(chart.of("Coverage"))
    if supplied:
        why = f"none of the {supplied} coverages at hand pays visits and is active on the day of the visit"
        return unknown("", refused, reason=why)
    if any(has_medicare_number(chart, patient) for patient in chart.of("Patient")):
        why = "the patient has a Medicare number, but no Coverage says whether it is fee-for-service or Advantage"
        return unknown(why, refused)
    return unknown("no Coverage is at hand", refused)


def _not_in_force(chart: Chart, coverage: Json) -> str | None:
    """Say why a coverage does not pay on the day of the visit, if so."""
    said = text(coverage.get("status"))
    if chart.vocabulary.term("status", "coverage-status", said) != "counted":
        return f"has the status {quote(said)}" if said else "has no status"
    return None if chart.when is None else _outside(record(coverage.get("period")), chart.when.day)


def _outside(period: Json, day: date) -> str | None:
    """Say why a day is not within a period, if so. A bound may be a month or year; without a bound it is open."""
    start, end = text(period.get("start"))[:10], text(period.get("end"))[:10]
    for said, bound in ((period.get("start"), start), (period.get("end"), end)):
        if said is not None and not _BOUND.fullmatch(bound):
            return "has a period that cannot be read"
    written = day.isoformat()
    if start > written[: len(start)]:
        return f"begins after the visit, on {start}"
    return f"ended before the visit, on {end}" if end and written[: len(end)] > end else None


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
