"""A promise: whatever JSON stands anywhere in a request, reading it raises nothing but the two errors it names."""

import copy
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mapping.facts import Fact
from fhir_mapping.gather import MissingEncounter, WrongPatient
from fhir_mapping.resources import check
from tests.mapping.charts import (
    ACT,
    CPT,
    DEGREE,
    NPI,
    NUCC,
    PARTICIPATION,
    POS,
    ROLE,
    Json,
    bundle,
    by_method,
    claim,
    concept,
    coverage,
    earlier,
    extended,
    level,
    minutes,
    observed,
    read,
    visit,
)

CHANNEL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.virtualService"

R4: list[Any] = [
    visit(
        extension=[
            by_method("video"),
            extended("em-total-time", valueDuration={"value": 32, "unit": "min"}),
            extended("em-mdm-level", valueCodeableConcept={"text": "low"}),
            {"url": CHANNEL, "extension": [{"url": "channelType", "valueCoding": {"code": "zoom"}}]},
        ],
        type=[concept(CPT, "98006"), {"text": "Video Visit"}],
        serviceType={"text": "Telehealth"},
        appointment=[{"reference": "Appointment/a1"}],
        participant=[{"type": [concept(PARTICIPATION, "PPRF")], "individual": {"reference": "Practitioner/dr1"}}],
        location=[
            {"location": {"reference": "#home", "display": "Patient's home"}, "physicalType": concept(ROLE, "x")}
        ],
        contained=[{"resourceType": "Location", "id": "home", "mode": "kind", "type": [concept(POS, "10")]}],
        serviceProvider={"reference": "Organization/o1"},
    ),
    bundle(
        minutes("total-time", 34),
        minutes("video-time", 12.5, encounter=None, effectiveDateTime="2026-11-23"),
        level("mdm-level", "moderate"),
        level("mdm-risk", "high"),
        observed("audio-only-reason", {"valueCodeableConcept": {"text": "patient declined"}}, status="preliminary"),
        link=[{"relation": "self", "url": "https://ehr.example/Observation?patient=p1"}],
    ),
    bundle(
        coverage(
            "121", order=1, period={"start": "2020", "end": "2030-01"}, identifier=[{"system": NPI, "value": "1"}]
        ),
        coverage(None, "c2", order=2, payor=[{"reference": "Organization/o1", "display": "Aetna"}]),
        {"resourceType": "Organization", "id": "o1", "name": "Aetna", "type": [concept(NUCC, "261QF0400X")]},
        {"resourceType": "Account", "coverage": [{"coverage": {"reference": "Coverage/c1"}, "priority": 1}]},
    ),
    bundle(earlier("e0", "2025-01-01"), earlier("e9", "2020-01-01", type=[{"text": "Telephone"}])),
    claim(
        "98006", "95", place="10", billablePeriod={"start": "2026-11-23"}, provider={"reference": "Practitioner/dr1"}
    ),
    {"resourceType": "Practitioner", "id": "dr1", "qualification": [{"code": concept(DEGREE, "MD")}]},
    {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/dr1"}},
    {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "fulfilled",
        "start": "2026-11-23T20:00:00Z",
        "serviceType": [{"text": "Video Visit"}],
    },
    {"resourceType": "Patient", "id": "p1"},
    bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "processing"}]}),
]

R5: list[Any] = [
    visit(
        None,
        **{"class": [{"coding": [{"system": ACT, "code": "VR"}]}]},
        period=None,
        actualPeriod={"start": "2026-11-23T15:00:00Z", "end": "2026-11-23T15:32:00Z"},
        participant=[{"actor": {"reference": "PractitionerRole/r1"}}],
        virtualService=[{"channelType": {"code": "zoom"}, "addressContactPoint": {"system": "phone"}}],
        serviceType=[{"concept": {"text": "Telephone"}}],
        location=[{"location": {"reference": "Location/l1"}, "form": concept(ROLE, "x")}],
    ),
    {"resourceType": "Location", "id": "l1", "form": concept(ROLE, "x"), "identifier": [{"value": "1"}]},
    {
        "resourceType": "ChargeItem",
        "status": "planned",
        "code": concept(CPT, "99214"),
        "encounter": {"reference": "Encounter/e1"},
        "extension": [{"url": "https://x/StructureDefinition/charge-modifier", "valueCoding": {"code": "95"}}],
    },
    coverage(None, payor=None, insurer={"display": "Aetna"}, kind="insurance", paymentBy=[{"party": {"display": "x"}}]),
]

Path = tuple[str | int, ...]


def leaves(value: object, path: Path = ()) -> Iterator[Path]:
    """Every place in a request, containers included."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from leaves(member, (*path, key))


GARBAGE: list[Any] = [
    None,
    "",
    " ",
    "x",
    "NO",
    "\u202e\u0000",
    "\ud800",
    "0" * 300,
    "#",
    "/",
    "?",
    "urn:uuid:",
    "Patient/p2",
    "2026-13-45T99:99:99Z",
    0,
    -1,
    1.5,
    10**400,
    float("nan"),
    float("inf"),
    True,
    [],
    [None],
    [[]],
    ["x"],
    {},
    {"reference": 7},
    {"coding": "x"},
    {"coding": [7, {"system": [], "code": {}}]},
    {"resourceType": "Encounter"},
]
PLACES = [(request, path) for request in (R4, R5) for path in leaves(request)]


DELETED = object()


def changed(value: Any, path: Path, garbage: object) -> Any:
    """A request with garbage in one place; a path that leads nowhere changes nothing."""
    key, *rest = path
    copied: Any = copy.copy(value) if isinstance(value, dict | list) else {}
    try:
        held = copied[key]
    except (LookupError, TypeError):
        return value
    if rest:
        copied[key] = changed(held, tuple(rest), garbage)
    elif garbage is DELETED:
        del copied[key]
    else:
        copied[key] = garbage
    return copied


def survives(resources: list[Any], user: str | None = "Practitioner/dr1") -> None:
    try:
        found = read(*resources, user=user)
    except (MissingEncounter, WrongPatient):
        return
    told = [getattr(found.facts, field.name) for field in fields(found.facts) if field.name != "notes"]
    quoted = [one for fact in told for one in (*fact.evidence, *(rival.evidence for rival in fact.conflict))]
    assert all(one.said.isprintable() and len(one.said) <= 80 for one in quoted)
    assert all(one.resource.isprintable() and one.path.isprintable() for one in quoted)
    sentences = [
        *found.facts.notes,
        *(fact.why_unknown or "" for fact in told),
        *(n for fact in told for n in fact.notes),
    ]
    assert all(one.isprintable() and len(one) < 1000 for one in sentences)
    assert all(fact.known or fact.why_unknown for fact in told if fact != Fact())


def test_the_good_requests_are_good() -> None:
    assert read(*R4, user="Practitioner/dr1").facts.total_minutes.value == 34
    assert check(R4[0]) is None
    assert read(*R5).facts.service_date.known


@pytest.mark.parametrize("garbage", [DELETED, None, [], "x", 10**400, {"reference": 7}])
def test_any_one_place_may_be_missing_or_hold_garbage(garbage: object) -> None:
    for request, path in PLACES:
        survives(changed(request, path, garbage))


JSON = st.recursive(
    st.sampled_from(GARBAGE) | st.text(max_size=20) | st.floats() | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["reference", "coding", "code", "system", "display", "value", "url", "resourceType", "extension"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(request=st.sampled_from([R4, R5]), where=st.lists(st.sampled_from(PLACES), min_size=1, max_size=4), garbage=JSON)
def test_any_json_may_stand_in_any_places_of_a_request(request: list[Any], where: list[Any], garbage: Any) -> None:
    for _, path in where:
        request = changed(request, path, garbage)
    survives(request)


@settings(max_examples=200, deadline=None)
@given(
    resources=st.lists(JSON, max_size=5),
    encounter=JSON,
    user=st.sampled_from([None, "", "x", "#", "Practitioner/dr1", "urn:x"]),
)
def test_a_prefetch_may_be_nothing_but_garbage(resources: list[Any], encounter: Any, user: str | None) -> None:
    good: Json = visit()
    survives([*resources, good | {"participant": encounter, "extension": encounter, "type": encounter}], user=user)
