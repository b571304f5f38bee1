"""A promise: what looks valid is valid to fhir.resources, whatever it is; and what EHRs send looks valid."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.payloads import COVERAGE, SIZES, VISIT, request
from fhir_mapping.resources import check
from fhir_mapping.shapes import compile_shape
from fhir_mapping.tables import config_folder
from tests.conftest import REQUESTS
from tests.mapping.charts import Json, by_method, concept, coverage, visit
from tests.test_leaf_mutations import places

LOOKS_VALID = {kind: compile_shape(kind) for kind in ("Encounter", "Coverage")}
FAULTS = (ValidationError, KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)
TOLD: Json = {
    "valueBoolean": False,
    "valueCanonical": "http://example.org/StructureDefinition/x|2",
    "valueCode": "at home",
    "valueDate": "2026-11",
    "valueDateTime": "2026-11-20T15:00:00.123-05:00",
    "valueDecimal": 1.50,
    "valueId": "a-1.b",
    "valueInstant": "2026-11-20T20:00:00Z",
    "valueInteger": -4,
    "valueMarkdown": "*told*\n\n- by hand",
    "valueOid": "urn:oid:2.16.840.1",
    "valuePositiveInt": 1,
    "valueString": "an only word, and more ",
    "valueTime": "15:00:00",
    "valueUnsignedInt": 0,
    "valueUri": "urn:uuid:3f0c1bd0-3f1a-4a8e-9c5e-0c1de9a0a1b2",
    "valueUrl": "https://example.org/room?7",
    "valueAddress": {"use": "home", "line": ["1 Way"], "period": {"start": "2026"}},
    "valueAge": {"value": 44, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"},
    "valueAnnotation": {"authorString": "Dr. Beispiel", "time": "2026-11-20", "text": "told"},
    "valueCodeableConcept": concept("http://snomed.info/sct", "185317003", "Telephone encounter", text="by phone"),
    "valueCoding": {"system": "http://snomed.info/sct", "version": "1", "code": "1", "userSelected": True},
    "valueContactPoint": {"system": "phone", "value": "555-0100", "rank": 1},
    "valueDuration": {"value": 32, "comparator": "<", "unit": "min"},
    "valueHumanName": {"family": "Muster", "given": ["Erin", "A."], "prefix": ["Dr."]},
    "valueIdentifier": {"use": "usual", "system": "urn:oid:1.2", "value": "7", "assigner": {"display": "the clinic"}},
    "valueMoney": {"value": 12.5, "currency": "USD"},
    "valuePeriod": {"start": "2026-02-28", "end": "2028-02-29"},
    "valueQuantity": {"value": 1e-3, "unit": "h"},
    "valueRange": {"low": {"value": 1}, "high": {"value": 2}},
    "valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 2}},
    "valueReference": {"reference": "https://ehr.example.org/fhir/R4/Patient/1/_history/2", "type": "Patient"},
}
VALID: list[Json] = [
    VISIT,
    COVERAGE,
    visit(extension=[{"url": "http://example.org/told", name: value} for name, value in TOLD.items()]),
    visit(
        extension=[by_method("video"), {"url": "http://example.org/x", "extension": [{"url": "y", "valueCode": "z"}]}],
        implicitRules="http://example.org/rules",
        language="en-US",
        meta={
            "profile": ["http://example.org/p"],
            "tag": [{"code": "t"}],
            "source": "urn:x",
            "lastUpdated": TOLD["valueInstant"],
        },
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A visit</div>'},
        statusHistory=[{"status": "planned", "period": {"start": "2026-11-20"}}],
        classHistory=[{"class": {"code": "AMB"}, "period": {}}],
        hospitalization={"dischargeDisposition": {"text": "home"}},
        diagnosis=[{"condition": {"reference": "Condition/1"}, "use": {"text": "main"}, "rank": 1}],
        contained=[
            {"resourceType": "Practitioner", "id": "who", "name": [{"family": "Muster"}], "birthDate": "1970-02-28"},
            {"resourceType": "Organization", "id": "where", "active": True, "alias": ["The clinic"]},
            {"resourceType": "PractitionerRole", "id": "role", "code": [{"text": "physician"}]},
        ],
    ),
    coverage("121", order=1, payor=[{"display": "Medicare"}], period={"start": "2018", "end": "2027-01"}),
]
"""Visits and coverages as EHRs write them, with every simple kind of value in an extension."""

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, 10**40, -0.0, 1.5, 1e15, 1e300, 5e-324, float("nan")),
    *(float("inf"), "", " ", "\n", "x ", "x  y", "x\ny", "x\u00a0y", "\u2028", "\x00", "\ud800", "\U0001f600", "0"),
    *("\t x", "x" * 300, "2026", "2026-00", "2026-13", "2026-02-29", "2026-02-30", "2026-11-31", "0000-01-01"),
    *("20261120", "9999-12-31T23:59:59Z", "2026-11-20T15:00", "2026-11-20T15:00:00", "2026-11-20 15:00:00Z"),
    *("2026-11-20T24:00:00Z", "2026-11-20T23:59:60Z", "2026-11-20T15:00:00+14:00", "2026-11-20T15:00:00-14:01"),
    *("2026-11-20T15:00:00.1234567890123Z", "2026-11-20T15:00:00z", "2026-11-20T15:00:00Z\n", "15:00", "15:00:00\n"),
    *("\u0662\u0660\u0662\u0666-11-20", "1766000000", "http://", "//x", "#home", "urn:oid:3.1", "urn:uuid:x", "[::1"),
    *([], {}, [None], [[]], [{}], {"": ""}, {"extension": []}, {"id": 7}, {"extension": [{"valueString": "x"}]}),
    *({"resourceType": "Location"}, {"resourceType": "Bundle"}, {"resourceType": "Nothing"}, {"resourceType": []}),
    *({"reference": "Patient/1"}, {"url": "x", "valueCode": "y", "valueString": "z"}, {"given": [None]}),
]  # fmt: skip
KEYS = ["id", "_id", "_status", "status", "class", "class_fhir", "resource_type", "fhir_comments", "extension", "url"]
KEYS += ["resourceType", "modifierExtension", "contained", "valueString", "_valueString", "value", "x", "", "period"]


def is_valid(resource: Json) -> bool:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except FAULTS:
        return False
    return True


def looks_valid(resource: Json) -> bool:
    return LOOKS_VALID[resource["resourceType"]](resource)


def changed(resource: Json, where: int, key: str, value: object, *, add: bool) -> Json:
    """A resource with another value at one of its places, or with a key more in one of its objects."""
    found = copy.deepcopy(resource)
    sites = [path for path, held in places(found) if not add or isinstance(held, dict)]
    path = sites[where % len(sites)]
    holder: Any = found
    for step in path[:-1]:
        holder = holder[step]
    if add:
        holder[path[-1]][key] = value
    else:
        holder[path[-1]] = value
    return found


def sent() -> Iterator[Json]:
    """The visits and coverages of every request that the project ships."""
    files = [*config_folder().glob("samples/*.json"), *REQUESTS.glob("*.json")]
    waiting: list[Any] = [*(json.loads(file.read_bytes()) for file in files), request(SIZES["50 kB"])]
    while waiting:
        match waiting.pop():
            case {"resourceType": "Encounter" | "Coverage"} as found:
                yield found
            case dict() as branches:
                waiting += branches.values()
            case list() as entries:
                waiting += entries


def test_what_the_project_ships_looks_valid() -> None:
    every = list(sent())
    assert len(every) > 50
    assert [one for one in every if not looks_valid(one)] == []


@pytest.mark.parametrize("resource", VALID, ids=range(len(VALID)))
def test_what_ehrs_write_looks_valid_and_is(resource: Json) -> None:
    assert is_valid(resource)
    assert looks_valid(resource)


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_no_odd_value_in_any_place_looks_valid_unless_it_is(value: object) -> None:
    for resource in VALID:
        for where in range(sum(1 for _ in places(resource))):
            odd = changed(resource, where, "", value, add=False)
            if odd["resourceType"] == resource["resourceType"] and looks_valid(odd):
                assert is_valid(odd)


@given(
    st.sampled_from(VALID),
    st.lists(
        st.tuples(
            st.integers(0, 2**16),
            st.sampled_from(KEYS),
            st.sampled_from(ODD) | st.text(max_size=12) | st.floats() | st.integers(),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_nothing_looks_valid_that_the_model_refuses(
    resource: Json, changes: list[tuple[int, str, object, bool]]
) -> None:
    odd = resource
    for where, key, value, add in changes:
        odd = changed(odd, where, key, value, add=add)
    if odd.get("resourceType") == resource["resourceType"] and looks_valid(odd):
        assert is_valid(odd)


def test_an_element_given_in_two_ways_is_for_the_model_to_word() -> None:
    twice = visit(extension=[{"url": "http://example.org/x", "valueCode": "y", "valueString": "z"}])
    assert not looks_valid(twice)
    assert check(twice) == "Encounter/e1 is not valid FHIR R4: extension.0: value error; read tolerantly"


@pytest.mark.parametrize("said", [{}, {"id": "s"}, {"extension": [{"url": "http://example.org/why"}]}])
def test_what_stands_beside_a_value_is_for_the_model_to_judge(said: Json) -> None:
    assert not looks_valid(visit(_status=said))


def test_a_resource_that_only_the_model_knows_to_be_valid_gets_no_note() -> None:
    rare = visit(extension=[{"url": "http://example.org/x", "valueAttachment": {"data": "eA=="}}], length=None)
    assert not looks_valid(rare)
    assert check(rare) is None
