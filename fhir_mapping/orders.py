"""Reads draft orders: in some EHRs the code of a visit is itself an order that is signed."""

from collections.abc import Iterator

from fhir_mapping.chart import Chart
from fhir_mapping.moments import moment_or_none
from fhir_mapping.resources import Json, record, records, text
from fhir_mapping.vocabulary import Vocabulary

_OCCURRENCES = ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming")


def has_visit_code(bundle: object, vocabulary: Vocabulary) -> bool:
    """Tell whether a Bundle of draft orders holds one whose code is an E/M service."""
    orders = (record(entry.get("resource")) for entry in records(record(bundle).get("entry")))
    return any(order.get("resourceType") == "ServiceRequest" and _is_visit(order, vocabulary) for order in orders)


def draft_orders(chart: Chart) -> Iterator[Json]:
    """List the draft orders of an E/M service for this visit.

    An order names the visit in which it was written. One for another day is of a visit to come, and one not to perform
    something orders nothing.
    """
    for order in chart.of("ServiceRequest"):
        draft = chart.vocabulary.term("status", "order-status", text(order.get("status"))) == "preliminary"
        mine = chart.is_this_visit(order.get("encounter"), order) and _is_for_its_day(chart, order)
        if draft and mine and order.get("doNotPerform") is not True and _is_visit(order, chart.vocabulary):
            yield order


def _is_for_its_day(chart: Chart, order: Json) -> bool:
    said = [order[name] for name in _OCCURRENCES if name in order]
    meant = [moment_or_none(record(one).get("start") if isinstance(one, dict) else one) for one in said]
    return all(one is not None and chart.when is not None and one.falls_on(chart.when) for one in meant)


def _is_visit(order: Json, vocabulary: Vocabulary) -> bool:
    return bool(vocabulary.words("reported", order.get("code")))
