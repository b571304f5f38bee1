"""What the record shows for each element of MDM, for the clinician to judge: it never sets a level."""

from collections.abc import Iterator

from fhir_mapping.chart import Chart
from fhir_mapping.facts import RecordShows
from fhir_mapping.moments import moment_or_none
from fhir_mapping.resources import Json, codings, concepts, name, quote, record, records, reference, text

_MOST = 8  # lines an element: more is no longer read


def record_shows(chart: Chart) -> RecordShows:
    """Lay out the diagnoses, orders, results and prescriptions of this visit.

    A diagnosis is no proof that the problem was addressed, an order and its result count once, and a prescription is no
    proof of a decision: the clinician says which level the note supports. Source: config/codes/mdm.yaml.
    """
    return RecordShows(_shortened(_problems(chart)), _shortened(_data(chart)), _shortened(_drugs(chart)))


def _problems(chart: Chart) -> Iterator[str]:
    diagnosed = [record(one).get("condition") for one in records(chart.encounter.get("diagnosis"))]
    named = {id(chart.find(target, chart.encounter, "Condition")) for target in diagnosed}
    for condition in chart.of("Condition"):
        of_visit = id(condition) in named or chart.is_this_visit(condition.get("encounter"), condition)
        if of_visit and not _is_wrong(condition):
            yield _line(condition, condition.get("code"))


def _data(chart: Chart) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for line, codes in _tests(chart):
        if not codes or seen.isdisjoint(codes):
            yield line
        seen |= codes


def _tests(chart: Chart) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Orders and results, each with the codes by which an order and its result are one test."""
    for kind in ("ServiceRequest", "DiagnosticReport"):
        for one in chart.of(kind):
            if _belongs(chart, one, ("authoredOn", "effectiveDateTime")) and not _is_wrong(one):
                code = one.get("code")
                yield _line(one, code), {(coding.system, coding.code) for coding in codings(code) if coding.code}


def _drugs(chart: Chart) -> Iterator[str]:
    for one in chart.of("MedicationRequest"):
        if _belongs(chart, one, ("authoredOn",)) and not _is_wrong(one):
            yield _line(one, one.get("medicationCodeableConcept") or one.get("medication"))


def _belongs(chart: Chart, resource: Json, days: tuple[str, ...]) -> bool:
    visit = resource.get("encounter")
    if any(reference(visit)):
        return chart.is_this_visit(visit, resource)
    written = moment_or_none(next((resource[day] for day in days if resource.get(day)), None))
    return bool(written and chart.when and written.falls_on(chart.when))


def _is_wrong(resource: Json) -> bool:
    verification = {coding.code for coding in codings(resource.get("verificationStatus"))}
    return bool({"entered-in-error", "refuted", "revoked", "cancelled"} & {text(resource.get("status")), *verification})


def _line(resource: Json, code: object) -> str:
    """A resource and what it is called: its text, else the display of a code, else the code."""
    said = next((c.text or next((d.display or d.code for d in c.codings), "") for c in concepts(code)), "")
    return f"{name(resource)}: {quote(said) or 'not named'}"


def _shortened(lines: Iterator[str]) -> tuple[str, ...]:
    found = list(dict.fromkeys(lines))
    return (*found[:_MOST], f"and {len(found) - _MOST} more") if len(found) > _MOST else tuple(found)
