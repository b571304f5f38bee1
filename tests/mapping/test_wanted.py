"""What the records of a visit point at and was not sent is asked for: little of it, and only what is read."""

from base64 import b64encode
from typing import Any

import pytest

from fhir_mapping.chart import MissingEncounter, WrongPatient
from fhir_mapping.wanted import MOST_PAYERS, MOST_PLACES, MOST_TEXTS, wanted
from tests.mapping.charts import SOPT, Json, bundle, concept, coverage, note, visit, vocabulary


def asked(*resources: object) -> tuple[str, ...]:
    return wanted(resources, patient_id="p1", encounter_id="e1", vocabulary=vocabulary())


def lying(url: str = "Binary/b1", kind: str = "text/plain", **changes: Any) -> Json:
    """A note of the visit whose text lies elsewhere."""
    return note("", content=[{"attachment": {"contentType": kind, "url": url}}], **changes)


def test_the_text_of_a_note_is_asked_for_where_it_lies() -> None:
    assert asked(visit(), lying()) == ("Binary/b1",)
    assert asked(visit(), bundle(lying("https://ehr.example/r4/Binary/b1"))) == ("https://ehr.example/r4/Binary/b1",)


@pytest.mark.parametrize(
    "document",
    [
        note("It was by video."),
        lying(kind="application/pdf"),
        lying(url=""),
        lying(status="entered-in-error"),
        lying(context={"encounter": [{"reference": "Encounter/other"}]}),
        lying(subject={"reference": "Patient/p2"}),
    ],
)
def test_what_would_not_be_read_or_is_there_is_not_asked_for(document: Json) -> None:
    assert asked(visit(), document) == ()


def test_a_text_that_was_sent_is_not_asked_for_again() -> None:
    binary = {"resourceType": "Binary", "id": "b1", "data": b64encode(b"By video.").decode()}
    assert asked(visit(), lying(), binary) == ()


@pytest.mark.parametrize(("notes", "texts"), [(MOST_TEXTS - 1, 2), (MOST_TEXTS, 3), (MOST_TEXTS + 1, 3)])
def test_so_many_texts_are_asked_for_the_newest_first(notes: int, texts: int) -> None:
    written = [lying(f"Binary/b{n}", id=f"d{n}", date=f"2026-11-23T20:0{n}:00-05:00") for n in range(notes)]
    assert asked(visit(), *written) == tuple(f"Binary/b{n}" for n in reversed(range(notes)))[:texts]


def stay(*references: str) -> Json:
    return visit(location=[{"location": {"reference": reference}} for reference in references])


def test_a_place_of_the_visit_is_asked_for_unless_it_was_sent() -> None:
    assert asked(stay("Location/l1", "Location/l2"), {"resourceType": "Location", "id": "l2"}) == ("Location/l1",)


@pytest.mark.parametrize("reference", ["#home", "Organization/o1", "", "urn:uuid:5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11"])
def test_what_is_no_location_elsewhere_is_not_asked_for(reference: str) -> None:
    assert asked(stay(reference)) == ()


def test_few_places_are_asked_for() -> None:
    places = [f"Location/l{number}" for number in range(MOST_PLACES + 1)]
    assert asked(stay(*places)) == tuple(places[:MOST_PLACES])


@pytest.mark.parametrize(
    ("sent", "payers"),
    [
        (coverage(), ("Organization/x",)),
        (coverage(type=concept(SOPT, "512")), ("Organization/x",)),
        (coverage(payor=[{"reference": "Organization/x", "display": "Aetna"}]), ("Organization/x",)),
        (coverage("121", payor=[{"reference": "Organization/x", "display": "Medicare"}]), ()),
        (coverage(payor=None, insurer={"reference": "Organization/x"}), ("Organization/x",)),
        (coverage(payor=[{"reference": "Patient/p1"}]), ()),
        (coverage(payor=[{"reference": "#x"}]), ()),
        (coverage(payor=[{"display": "Aetna"}]), ()),
        (coverage(status="cancelled"), ()),
        (coverage(period={"end": "2020-12-31"}), ()),
        (coverage(beneficiary={"reference": "Patient/p2"}), ()),
    ],
)
def test_a_payer_known_by_reference_alone_is_asked_for(sent: Json, payers: tuple[str, ...]) -> None:
    assert asked(visit(), sent) == payers
    assert asked(visit(), sent, {"resourceType": "Organization", "id": "x", "name": "Aetna"}) == ()


def test_few_payers_are_asked_for_and_each_once() -> None:
    numbers = [*range(MOST_PAYERS + 1), 0]
    sent = [coverage(own=f"c{n}", payor=[{"reference": f"Organization/o{i}"}]) for n, i in enumerate(numbers)]
    assert asked(visit(), *sent) == tuple(f"Organization/o{n}" for n in range(MOST_PAYERS))


@pytest.mark.parametrize(
    "odd", [None, [], "x", [None], [{"location": "Location/l1"}], [{"location": {"reference": 5}}]]
)
def test_locations_of_odd_shape_ask_for_nothing(odd: object) -> None:
    assert asked(visit(location=odd)) == ()


def test_without_the_visit_or_with_another_patients_nothing_is_asked_for() -> None:
    with pytest.raises(MissingEncounter):
        asked(lying())
    with pytest.raises(WrongPatient):
        asked(visit(subject={"reference": "Patient/p2"}))
