"""Reads the charges of the visit: the billing code a draft already carries, its modifiers and place of service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Evidence, Fact, ServiceKind
from fhir_mapping.orders import draft_orders
from fhir_mapping.readings import Reading, weigh
from fhir_mapping.resources import Coding, Json, codings, evidence, name, quote, records, text

_SHAPE = re.compile(r"[A-Z0-9]{2}")  # of a modifier and of a place of service; anything else is a note of the site


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a charge: its codes, and its modifiers and place of service where the resource can say them."""

    resource: Json
    path: str
    codes: tuple[Coding, ...]
    modifiers: tuple[Coding, ...] | None
    places: tuple[tuple[Coding, Evidence], ...]


@dataclass(frozen=True, slots=True)
class Charges:
    """What the charges and draft orders say; the lines of the charges are for the readers of modality and place too.

    `ordered` tells whether there is a draft order of an E/M service.

    An order says what its writer wants to bill, not how the visit was held: it would prove itself.
    """

    lines: tuple[Line, ...]
    reported_code: Fact[str]
    reported_modifiers: Fact[tuple[str, ...]]
    reported_place_of_service: Fact[str]
    service_kind: Fact[ServiceKind]
    ordered: bool


def charges(chart: Chart) -> Charges:
    """Read the open claims, charge items and draft orders of the visit, and billing codes among its types."""
    lines, orders = (*_claim_lines(chart), *_charge_items(chart)), tuple(_orders(chart))
    types = Line(chart.encounter, "Encounter.type", tuple(codings(chart.encounter.get("type"))), None, ())
    codes, modifiers, places, kinds = [], [], [], []
    for line in (*lines, *orders, types):
        for coding in line.codes:
            kind = chart.vocabulary.word("reported", coding.system, coding.code)
            if kind is None:
                continue
            proof = evidence(line.resource, line.path, coding.code)
            codes.append(Reading(coding.code, proof))
            if kind == ServiceKind.BRIEF_CHECK_IN:
                kinds.append(Reading(ServiceKind.BRIEF_CHECK_IN, proof))
            if line.modifiers is not None:
                said = tuple(modifier.code for modifier in line.modifiers)
                modifiers.append(Reading(said, evidence(line.resource, line.path, " ".join((coding.code, *said)))))
            places += [Reading(place.code, where) for place, where in line.places]
    refused = list(dict.fromkeys(_refused(chart)))
    code = weigh(
        [codes], why="no claim, charge item, draft order or type of the visit carries an E/M code", refused=refused
    )
    return Charges(
        lines=lines,
        reported_code=code,
        reported_modifiers=weigh([modifiers], why="no charge with an E/M code can say modifiers", refused=refused),
        reported_place_of_service=weigh(
            [places], why="no charge with an E/M code says the place of service", refused=refused
        ),
        service_kind=weigh(
            [kinds if code.known else []], why="no code says what kind of service it was", refused=refused
        ),
        ordered=bool(orders),
    )


def _refused(chart: Chart) -> Iterator[str]:
    """Name the charges of an E/M service for this visit that do not count, and why."""
    for claim in chart.of("Claim"):
        lines = [item for item in records(claim.get("item")) if _is_reported(chart, item.get("productOrService"))]
        visits = [visit for item in lines for visit in records(item.get("encounter"))]
        if lines and (why := _does_not_count(chart, claim, visits, "claim-status")):
            yield f"{name(claim)} {why}"
    for charge in chart.of("ChargeItem"):
        visits = records(charge.get("context") or charge.get("encounter"))
        if _is_reported(chart, charge.get("code")) and (why := _does_not_count(chart, charge, visits, "charge-status")):
            yield f"{name(charge)} {why}"
    for kind in ("Claim", "ChargeItem", "ServiceRequest"):
        yield from chart.left_out(kind)


def _does_not_count(chart: Chart, charge: Json, visits: list[Json], system: str) -> str | None:
    """Say why a charge that may be of this visit does not count; nothing if it does, or is of another visit."""
    if visits and not any(chart.is_this_visit(visit, charge) for visit in visits):
        return None
    if not is_open(chart, charge, system):
        return f"has the status {quote(text(charge.get('status'))) or 'unknown'}"
    if not is_bill(chart, charge):
        return f"is no bill but a {quote(text(charge.get('use')))}"
    return None if visits else "names no visit"


def _is_reported(chart: Chart, code: object) -> bool:
    return bool(chart.vocabulary.words("reported", code))


def _claim_lines(chart: Chart) -> Iterator[Line]:
    for claim in chart.of("Claim"):
        if not is_open(chart, claim, "claim-status") or not is_bill(chart, claim):
            continue
        for item in records(claim.get("item")):
            if not any(chart.is_this_visit(visit, claim) for visit in records(item.get("encounter"))):
                continue
            path = "Claim.item.locationCodeableConcept"
            places = codings(item.get("locationCodeableConcept"))
            yield Line(
                claim,
                "Claim.item.productOrService",
                tuple(codings(item.get("productOrService"))),
                _modifiers(codings(item.get("modifier"))),
                tuple((place, evidence(claim, path, place.code)) for place in _places(chart, places)),
            )


def _charge_items(chart: Chart) -> Iterator[Line]:
    for charge in chart.of("ChargeItem"):
        if not is_open(chart, charge, "charge-status"):
            continue
        if not chart.is_this_visit(charge.get("context") or charge.get("encounter"), charge):
            continue
        said: dict[str, list[Coding]] = {}
        for extension in records(charge.get("extension")):
            value = extension.get("valueCodeableConcept") or extension.get("valueCoding")
            said.setdefault(chart.vocabulary.extension(text(extension.get("url"))), []).extend(codings(value))
        modifiers, path = said.get("charge_modifier"), "ChargeItem.extension(place of service)"
        yield Line(
            charge,
            "ChargeItem.code",
            tuple(codings(charge.get("code"))),
            _modifiers(modifiers) if modifiers else None,
            tuple(
                (place, evidence(charge, path, place.code))
                for place in _places(chart, said.get("charge_place_of_service", []))
            ),
        )


def _orders(chart: Chart) -> Iterator[Line]:
    for order in draft_orders(chart):
        details = records(order.get("orderDetail"))
        named = [one.get("valueCodeableConcept") for each in details for one in records(each.get("parameter"))]
        modifiers = _modifiers(codings(order.get("orderDetail")) + codings(named))
        element = "locationCode" if "locationCode" in order else "location"
        yield Line(
            order,
            "ServiceRequest.code",
            tuple(codings(order.get("code"))),
            modifiers or None,
            tuple(
                (place, evidence(order, f"ServiceRequest.{element}", place.code))
                for place in _places(chart, codings(order.get(element)))
            ),
        )


def is_open(chart: Chart, charge: Json, system: str) -> bool:
    """Tell whether a charge stands: drafted or sent, not cancelled or entered in error."""
    return chart.vocabulary.term("status", system, text(charge.get("status"))) is not None


def is_bill(chart: Chart, claim: Json) -> bool:
    """Tell whether a claim asks for payment; a predetermination only asks what would be paid."""
    use = text(claim.get("use"))
    return not use or chart.vocabulary.term("status", "claim-use", use) is not None


def _modifiers(said: list[Coding]) -> tuple[Coding, ...]:
    return tuple(coding for coding in said if _SHAPE.fullmatch(coding.code))


def _places(chart: Chart, said: list[Coding]) -> list[Coding]:
    known = [coding for coding in said if chart.vocabulary.system(coding.system) == "place-of-service"]
    return [coding for coding in known if _SHAPE.fullmatch(coding.code)]
