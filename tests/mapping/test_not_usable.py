"""That nothing says a thing is told only where nothing was found: what was found and cannot be used is named."""

from base64 import b64encode
from typing import Any

import pytest

from tests.mapping.charts import (
    ACT,
    CPT,
    UCUM,
    Json,
    bundle,
    by_method,
    claim,
    concept,
    extended,
    facts,
    level,
    minutes,
    note,
    observed,
    visit,
)

DENIALS = (
    "neither an Observation nor an extension",
    "neither documentation",
    "no element of medical decision making is documented",
    "nor does a note",
    "no note was read",
    "no Coverage is at hand",
    "no claim, charge item",
    "no charge with",
    "no code says",
    "no other encounter was at hand",
    "no place of service and no location",
    "no type of a location",
    "no taxonomy and no degree",
)
MODIFIED: Json = {"modifierExtension": [{"url": "https://site.example/negated", "valueBoolean": True}]}
OTHERS: Json = {"subject": {"reference": "Patient/p2"}}
ELSEWHERE: Json = {"encounter": {"reference": "Encounter/e9"}}
TOTAL, BROKEN = "total-time", note("", content=[{"attachment": {"contentType": "text/plain", "data": "@@@"}}])


def quantity(**members: Any) -> Json:
    return {"valueQuantity": {"value": 34, "unit": "min", "system": UCUM, "code": "min"} | members}


def why(fact: str, *resources: Json, about: Json | None = None) -> str:
    return getattr(facts(visit(**(about or {})), *resources), fact).why_unknown or ""


@pytest.mark.parametrize(
    ("fact", "sent", "named"),
    [
        (
            "total_minutes",
            observed(TOTAL, quantity(comparator=">")),
            "Observation/o-total-time: the value is not exact",
        ),
        ("total_minutes", observed(TOTAL, {"valueRange": {"low": {"value": 30}}}), "not a quantity"),
        ("total_minutes", observed(TOTAL, {"valueSampledData": {"data": "34"}}), "not a quantity"),
        ("total_minutes", observed(TOTAL, {"valueRatio": {}}), "not a quantity"),
        ("total_minutes", observed(TOTAL, {"dataAbsentReason": {"text": "asked"}}), "its value is absent"),
        ("total_minutes", minutes(TOTAL, 34, "mL"), "the unit is not known"),
        ("total_minutes", minutes(TOTAL, -1), "no time within one day"),
        ("total_minutes", minutes(TOTAL, 34, status="entered-in-error"), "neither final nor preliminary"),
        ("total_minutes", minutes(TOTAL, 34, **ELSEWHERE), "it belongs to another encounter"),
        ("total_minutes", minutes(TOTAL, 34, encounter=None), "names no encounter and no day"),
        ("total_minutes", minutes(TOTAL, 34, **MODIFIED), "carries a modifier that is not understood"),
        ("total_minutes", minutes(TOTAL, 34, **OTHERS), "an Observation of another patient"),
        (
            "total_minutes",
            observed("panel") | {"component": [minutes(TOTAL, 34)]},
            "Observation/o-panel: it stands in a component",
        ),
        ("discussion_minutes", observed("medical-discussion-time", quantity(comparator="<")), "not exact"),
        ("video_minutes", minutes("video-time", 34, "mL"), "the unit is not known"),
        ("audio_minutes", minutes("audio-time", 34, "mL"), "the unit is not known"),
        ("mdm", level("mdm-level", "extreme"), "Observation/o-mdm-level: the value is not one of ours"),
        ("mdm", level("mdm-level", "low", **OTHERS), "an Observation of another patient"),
        ("mdm_elements", level("mdm-risk", "extreme"), "Observation/o-mdm-risk: the value is not one of ours"),
        ("audio_only_reason", observed("audio-only-reason", {"valueString": "?"}), "the value is not one of ours"),
        ("reported_code", claim("98006", status="cancelled"), "Claim/cl1 has the status cancelled"),
        ("reported_code", claim("98006", use="predetermination"), "Claim/cl1 is no bill but a predetermination"),
        ("reported_code", claim("98006", **MODIFIED), "Claim/cl1 carries a modifier"),
        ("reported_code", claim("98006", patient={"reference": "Patient/p2"}), "a Claim of another patient"),
        ("reported_modifiers", claim("98006", status="cancelled"), "Claim/cl1 has the status cancelled"),
        ("reported_place_of_service", claim("98006", status="cancelled"), "Claim/cl1 has the status cancelled"),
        ("service_kind", claim("98016", status="cancelled"), "Claim/cl1 has the status cancelled"),
        (
            "reported_code",
            {"resourceType": "ChargeItem", "id": "ch1", "status": "billable", "code": concept(CPT, "98006")},
            "ChargeItem/ch1 names no visit",
        ),
        ("patient_status", visit(id="e0", **OTHERS), "an Encounter of another patient"),
        ("patient_status", visit(id="e0", **MODIFIED), "Encounter/e0 carries a modifier that is not"),
        ("patient_status", visit(id="e0", period={"start": "last year"}), "Encounter/e0: its day cannot be told"),
        (
            "clinician",
            {"resourceType": "Practitioner", "id": "dr1", **MODIFIED},
            "Practitioner/dr1 carries a modifier that is not understood",
        ),
        ("setting", {"resourceType": "Organization", "id": "o1", **MODIFIED}, "Organization/o1 carries a modifier"),
    ],
)
def test_what_was_found_for_a_fact_and_cannot_be_used_is_named_with_the_reason(
    fact: str, sent: Json, named: str
) -> None:
    said = why(fact, sent)
    assert "found but not usable: " in said
    assert named in said
    assert not any(denial in said.removesuffix("; no note was read") for denial in DENIALS)


@pytest.mark.parametrize(
    ("extension", "named"),
    [
        (extended("em-total-time", valueDuration={"value": 34, "unit": "min", "comparator": ">"}), "is not exact"),
        (extended("em-total-time", valueString="about half an hour"), "not a quantity"),
    ],
)
@pytest.mark.parametrize("element", ["extension", "modifierExtension"])
def test_an_extension_that_cannot_be_used_is_named(extension: Json, named: str, element: str) -> None:
    said = why("total_minutes", about={element: [extension]})
    assert said.startswith("found but not usable: Encounter/e1: ")
    assert (named in said) is (element == "extension")


def attached(kind: str | None, **attachment: Any) -> Json:
    return note("", content=[{"attachment": ({"contentType": kind} if kind else {}) | attachment}])


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


UNREAD = [
    (BROKEN, "DocumentReference/d1: its text is broken"),
    (attached("text/plain", data="aGVsbG8"), "its text is broken"),
    (attached("text/plain", data=encoded(b"\x89PNG" + bytes(60))), "its text is broken"),
    (attached("text/plain", data=encoded(b" \n ")), "it has no text"),
    (attached("text/html", data=encoded(b"<html><body><img src='a.png'/></body></html>")), "it has no text"),
    (attached("application/pdf", data=encoded(b"%PDF")), "its format is application/pdf"),
    (attached(None, data=encoded(b"text")), "its format is not said"),
    (attached("text/plain", url="Binary/b1"), "its text was not sent"),
    (note("Total time: 34 minutes.", status="entered-in-error"), "its status is entered-in-error"),
    (note("Total time: 34 minutes.", docStatus="cancelled"), "its status is cancelled"),
    (note("Total time: 34 minutes.", **MODIFIED), "carries a modifier that is not understood"),
    (note("Total time: 34 minutes.", **OTHERS), "a DocumentReference of another patient"),
    (
        {"resourceType": "Composition", "id": "k1", "status": "final", "encounter": {"reference": "Encounter/e1"}},
        "Composition/k1: it has no text",
    ),
    (
        {
            "resourceType": "Composition",
            "id": "k1",
            "status": "entered-in-error",
            "encounter": {"reference": "Encounter/e1"},
        },
        "Composition/k1: its status is entered-in-error",
    ),
]
TOLD_BY_NOTES = (
    "total_minutes discussion_minutes video_minutes audio_minutes mdm mdm_elements patient_location "
    "clinician_location audio_only_reason video_capable consent_documented modality"
)


@pytest.mark.parametrize("fact", TOLD_BY_NOTES.split())
@pytest.mark.parametrize(("document", "named"), UNREAD)
def test_a_note_that_cannot_be_read_is_named_for_all_that_it_may_say(fact: str, document: Json, named: str) -> None:
    said = why(fact, document)
    assert "found but not usable: " in said
    assert named in said
    assert not any(denial in said for denial in (*DENIALS, "no note"))


def test_a_note_that_is_read_does_not_hide_another_one_that_is_not() -> None:
    said = why("total_minutes", note("Well.", own="d0"), BROKEN)
    assert said == "found but not usable: DocumentReference/d1: its text is broken"
    assert "d2" not in why("total_minutes", note("Well.", own="d0"), note("x", own="d2", **OTHERS))


@pytest.mark.parametrize(("documents", "silent"), [([], "no note was read"), ([note("Well.")], "no note says it")])
def test_beside_what_cannot_be_used_it_is_said_whether_a_note_was_read(documents: list[Json], silent: str) -> None:
    said = why("total_minutes", observed(TOTAL, quantity(comparator=">")), *documents)
    assert said == f"found but not usable: Observation/o-total-time: the value is not exact; {silent}"


@pytest.mark.parametrize(("count", "said"), [(1, "one document at hand names"), (2, "2 documents at hand name")])
def test_notes_of_other_visits_are_counted_and_no_note_of_this_one(count: int, said: str) -> None:
    elsewhere = {"encounter": [{"reference": "Encounter/e9"}]}
    others = [note("Total time: 34 minutes.", own=f"d{number}", context=elsewhere) for number in range(count)]
    assert (
        why("consent_documented", *others) == f"no note of the visit was read ({said} neither this visit nor its day)"
    )
    assert why("consent_documented", note("Well.", own="d9"), *others) == "no note says it"


def test_what_another_clinician_wrote_is_named_for_the_minutes_it_tells() -> None:
    theirs = note("Total time: 34 minutes. MDM: moderate.", author=[{"reference": "Practitioner/other"}])
    found = facts(visit(), theirs)
    for fact in (found.total_minutes, found.mdm):
        assert "found but not usable: DocumentReference/d1 is by another clinician" in (fact.why_unknown or "")
    assert found.discussion_minutes.why_unknown == (
        "neither an Observation nor an extension of the Encounter says it, nor does a note"
    )


def test_minutes_over_several_days_are_named_where_they_are_no_total_of_the_visit() -> None:
    said = why("total_minutes", note("Cumulative time over 7 days: 15 minutes."))
    assert "is a total over several days" in said


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (minutes("video-time", 34, "mL"), "Observation/o-video-time: the unit is not known"),
        (observed("audio-only-reason", {"valueString": "?"}), "the value is not one of ours"),
        (
            {"resourceType": "Appointment", "id": "a1", "status": "booked", **MODIFIED},
            "Appointment/a1 carries a modifier that is not understood",
        ),
    ],
)
def test_what_may_tell_the_mode_and_cannot_be_used_is_named(sent: Json, named: str) -> None:
    assert named in why("modality", sent, about={"class": {"system": "urn:site", "code": "x"}})
    known = facts(visit(extension=[by_method("video")]), sent).modality
    assert (known.value, known.refused) == ("audio_video", ())


def test_a_place_of_the_visit_that_was_not_sent_is_named() -> None:
    said = why("patient_location", about={"location": [{"location": {"reference": "Location/l1"}}]})
    assert said == "found but not usable: Location/l1 of the visit was not sent; no note was read"


def test_many_things_that_cannot_be_used_are_counted() -> None:
    sent = [observed(TOTAL, quantity(comparator=">"), id=f"o{number}") for number in range(7)]
    said = why("total_minutes", bundle(*sent))
    assert said.count("Observation/") == 4
    assert said.endswith("; and 3 more; no note was read")


def test_a_class_of_the_visit_alone_is_told_with_the_note_that_cannot_be_read() -> None:
    said = why("modality", BROKEN, about={"class": {"system": ACT, "code": "VR"}})
    assert said == (
        'virtual, but video or audio-only is not said: Encounter.class "VR"; '
        "found but not usable: DocumentReference/d1: its text is broken"
    )


def test_nothing_found_is_still_told_as_nothing() -> None:
    found = facts(visit())
    assert found.total_minutes.why_unknown == (
        "neither an Observation nor an extension of the Encounter says it, and no note was read"
    )
    assert found.payers.why_unknown == "no Coverage is at hand"
    assert (found.total_minutes.refused, found.payers.refused) == ((), ())


def test_what_cannot_be_used_stands_in_no_way_of_what_can() -> None:
    assert (
        facts(visit(), observed(TOTAL, quantity(comparator=">")), minutes(TOTAL, 20, id="o2")).total_minutes.value == 20
    )
    assert facts(visit(), BROKEN, note("Total time: 34 minutes.", own="d2")).total_minutes.value == 34
