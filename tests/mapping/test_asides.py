"""A word of telehealth anywhere in the chart keeps a visit from passing for an office visit, and never picks a mode."""

from typing import Any

import pytest

from fhir_mapping.facts import Modality
from tests.mapping.charts import ACT, EPIC_TYPE, SNOMED, Json, by_method, concept, facts, note, visit

VIDEO, OFFICE = Modality.AUDIO_VIDEO, Modality.IN_PERSON
ZAPEHR = "https://extensions.fhir.zapehr.com"
CLINIC: Json = {"resourceType": "Location", "id": "l1", "name": "Clinic 2"}
BOOKED: Json = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "fulfilled",
    "start": "2026-11-23T15:00:00-05:00",
    "participant": [{"actor": {"reference": "Patient/p1"}}],
}
AT: Json = {"location": [{"location": {"reference": "Location/l1"}}]}
LINKED: Json = {"appointment": [{"reference": "Appointment/a1"}]}


def office(*resources: Json, **members: Any) -> Any:
    """The modality of an ambulatory visit of which nothing outright says how they met."""
    return facts(visit("AMB", **members), *resources).modality


def test_without_any_such_word_an_ambulatory_visit_is_in_person() -> None:
    assert office(CLINIC, BOOKED, **AT, **LINKED).value is OFFICE


@pytest.mark.parametrize(
    ("resources", "members"),
    [
        ((), {"type": [concept(ACT, "VR")]}),
        ((), {"type": [concept(ACT, "vr")]}),
        ((), {"type": [concept("urn:oid:2.16.840.1.113883.5.4", "VR")]}),
        ((), {"serviceType": concept("2.16.840.1.113883.5.4", "VR")}),
        ((), {"type": [{"coding": [{"display": "virtual"}]}]}),
        ((), {"type": [{"text": "Office Visit - Video"}]}),
        ((), {"type": [{"text": "Follow Up Video"}]}),
        ((), {"type": [{"text": "FOLLOW-UP (ZOOM)"}]}),
        ((), {"serviceType": {"text": "Doximity follow up"}}),
        ((), {"reasonCode": [{"text": "Telehealth follow up of asthma"}]}),
        ((), {"reason": [{"value": [{"concept": {"text": "Video check of rash"}}]}]}),
        ((), {"location": [{"location": {"display": "Telemedicine Clinic 2"}}]}),
        ((), {"serviceProvider": {"display": "Virtual Care Clinic"}}),
        ((), {"extension": [{"url": "https://ehr.example/visit-mode", "valueString": "video"}]}),
        ((), {"extension": [{"url": "https://ehr.example/is-telehealth", "valueBoolean": True}]}),
        ((), {"extension": [{"url": f"{ZAPEHR}/appointment-virtual-service-pre-release"}]}),
        ((CLINIC | {"name": "Telemedicine Clinic 2"},), AT),
        ((CLINIC | {"alias": ["Virtual Visits East"]},), AT),
        ((CLINIC | {"description": "Video visits only"},), AT),
        ((CLINIC | {"type": [{"text": "Telehealth"}]},), AT),
        ((BOOKED | {"description": "Video Visit"},), LINKED),
        ((BOOKED | {"description": "Video Visit"},), {}),
        ((BOOKED | {"comment": "pt will join by Zoom"},), LINKED),
        ((BOOKED | {"note": [{"text": "televisit"}]},), LINKED),
        ((BOOKED | {"patientInstruction": "Join your MyChart video 10 minutes early"},), LINKED),
        ((BOOKED | {"patientInstruction": [{"concept": {"text": "Join your video visit"}}]},), LINKED),
        ((BOOKED | {"serviceCategory": [{"text": "Telehealth"}]},), LINKED),
        ((BOOKED | {"specialty": [{"coding": [{"display": "Telemedicine"}]}]},), LINKED),
        ((BOOKED | {"participant": [{"actor": {"reference": "Location/x", "display": "VIRTUAL ROOM"}}]},), LINKED),
        (
            (BOOKED | {"extension": [{"url": f"{ZAPEHR}/appointment-virtual-service-pre-release", "extension": []}]},),
            LINKED,
        ),
        (
            (
                BOOKED | {"participant": [{"actor": {"reference": "HealthcareService/h1"}}]},
                {"resourceType": "HealthcareService", "id": "h1", "name": "Telephone Visit Service"},
            ),
            LINKED,
        ),
        (
            (
                BOOKED | {"slot": [{"reference": "Slot/s1"}]},
                {"resourceType": "Slot", "id": "s1", "schedule": {"reference": "Schedule/c1"}},
                {"resourceType": "Schedule", "id": "c1", "comment": "Telehealth hours"},
            ),
            LINKED,
        ),
    ],
)
def test_a_word_of_telehealth_beside_the_mode_makes_it_a_question(resources: tuple[Json, ...], members: Json) -> None:
    modality = office(*resources, **members)
    assert modality.value is None
    assert modality.evidence
    assert (modality.why_unknown or "").startswith("virtual, but video or audio-only is not said")


@pytest.mark.parametrize(
    "said",
    [
        "Video EEG monitoring",
        "Video-EEG, ambulatory",
        "Videofluoroscopy",
        "Video swallow study",
        "Video capsule endoscopy",
        "Video-assisted thoracoscopic surgery",
        "Video urodynamics",
        "Virtual reality therapy",
        "Virtual colonoscopy",
        "Office visit with video interpreter",
        "Zoom whitening",
        "Virtua Health Cardiology",
        "Telemetry follow up",
        "Televox reminder list",
        "Teleangiectasia treatment",
        "Webextension study",
        "No video",
        "Not a video visit",
        "Video declined, in person",
        "Converted to in person from video",
        "Telehealth declined",
        "Video visits are available upon request",
        "Phone: 555-0100",
        "Appointment confirmed by phone, video reminder sent",
        "Headphones",
    ],
)
@pytest.mark.parametrize("place", ["name", "description", "display", "reason"])
def test_what_only_looks_like_telehealth_or_denies_it_raises_no_question(place: str, said: str) -> None:
    shown: dict[str, Any] = {
        "name": lambda: office(CLINIC | {"name": said}, **AT),
        "description": lambda: office(BOOKED | {"description": said}, **LINKED),
        "display": lambda: office(location=[{"location": {"display": said}}]),
        "reason": lambda: office(reasonCode=[{"text": said}]),
    }
    assert shown[place]().value is OFFICE


@pytest.mark.parametrize(
    "said",
    [
        "Video EEG monitoring",
        "Virtual reality therapy",
        "Videofluoroscopy",
        "Virtual colonoscopy",
        "Video swallow study",
    ],
)
def test_a_type_that_only_looks_like_telehealth_stays_an_office_visit(said: str) -> None:
    assert office(type=[{"text": said}]).value is OFFICE


@pytest.mark.parametrize("said", ["Video or in person", "Telehealth, not in person", "In person or virtual"])
def test_a_choice_that_was_open_is_asked_about(said: str) -> None:
    assert office(BOOKED | {"description": said}, **LINKED).value is None


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_an_appointment_that_was_not_kept_says_nothing(status: str) -> None:
    assert office(BOOKED | {"description": "Video Visit", "status": status}, **LINKED).value is OFFICE


def test_an_aside_never_overrules_a_mode_that_is_said() -> None:
    by_phone = facts(
        visit("AMB", type=[concept(SNOMED, "185317003")], **AT, **LINKED),
        CLINIC | {"name": "Video Clinic"},
        BOOKED | {"description": "Video Visit"},
    ).modality
    assert by_phone.value is Modality.AUDIO_ONLY
    by_video = facts(visit("AMB", extension=[by_method("video")], **AT), CLINIC | {"name": "Telephone Visit Clinic"})
    assert by_video.modality.value is VIDEO


def test_a_note_of_a_visit_in_person_outweighs_an_aside_and_a_type_does_not() -> None:
    seen = note("Patient seen in person today in the clinic.")
    assert office(BOOKED | {"description": "Video Visit"}, seen, **LINKED).value is OFFICE
    typed = office(BOOKED | {"description": "Video Visit"}, type=[concept(EPIC_TYPE, "101")], **LINKED)
    assert (typed.why_unknown or "").startswith("in person and virtual at once")


@pytest.mark.parametrize("written", ["virtual", {"text": "Telehealth"}, [{"text": "Video visit"}]])
def test_a_class_in_words_is_virtual_and_no_more(written: object) -> None:
    assert facts(visit(None, **{"class": written})).modality.why_unknown
    assert office(**{"class": written}).value is None
