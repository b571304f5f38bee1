"""Reads whether the visit may be for a work injury or an accident, which another policy pays first."""

from collections.abc import Iterator

from fhir_mapping.chart import Chart
from fhir_mapping.resources import concepts, records, text


def may_be_for_an_accident(chart: Chart) -> bool:
    """Tell whether a bill of the visit, the visit itself, or a type or reason of it speaks of an accident."""
    return (
        _is_billed(chart) or _is_marked(chart) or any(chart.vocabulary.phrases("accident", one) for one in _said(chart))
    )


def _is_billed(chart: Chart) -> bool:
    for claim in chart.of("Claim"):
        visits = [visit for item in records(claim.get("item")) for visit in records(item.get("encounter"))]
        if claim.get("accident") and any(chart.is_this_visit(visit, claim) for visit in visits):
            return True
    return False


def _is_marked(chart: Chart) -> bool:
    return any(
        extension.get("valueBoolean") is True and chart.vocabulary.extension(text(extension.get("url"))) == "accident"
        for extension in records(chart.encounter.get("extension"))
    )


def _said(chart: Chart) -> Iterator[str]:
    visit = chart.encounter
    for value in (visit.get("type"), visit.get("serviceType"), visit.get("reasonCode")):
        for concept in concepts(value):
            yield from (concept.text, *(coding.display for coding in concept.codings))
    for reason in records(visit.get("reason")):  # R5
        for concept in concepts(reason.get("value")):
            yield from (concept.text, *(coding.display for coding in concept.codings))
