"""Reads draft orders: in some EHRs the code of a visit is itself an order that is signed."""

from collections.abc import Iterator

from fhir_mapping.chart import Chart
from fhir_mapping.resources import Coding, Json, codings, record, records, text
from fhir_mapping.vocabulary import Vocabulary


def has_visit_code(bundle: object, vocabulary: Vocabulary) -> bool:
    """Tell whether a Bundle of draft orders holds one whose code is an E/M service."""
    orders = (record(entry.get("resource")) for entry in records(record(bundle).get("entry")))
    return any(order.get("resourceType") == "ServiceRequest" and _visit_codes(order, vocabulary) for order in orders)


def draft_orders(chart: Chart) -> Iterator[Json]:
    """List the draft orders of an E/M service for this visit."""
    for order in chart.of("ServiceRequest"):
        draft = chart.vocabulary.term("status", "order-status", text(order.get("status"))) == "preliminary"
        # What is drafted while the visit is signed, and names no visit, is drafted for this one.
        about = order.get("encounter") is None or chart.is_this_visit(order.get("encounter"), order)
        if draft and about and _visit_codes(order, chart.vocabulary):
            yield order


def _visit_codes(order: Json, vocabulary: Vocabulary) -> list[Coding]:
    return [one for one in codings(order.get("code")) if vocabulary.word("reported", one.system, one.code)]
