"""How they met: each place that may tell, and the traps that would put a wrong code on the bill."""

from typing import Any

import pytest

from fhir_mapping.facts import How, Modality, ServiceKind
from tests.mapping.charts import (
    ACT,
    CPT,
    DELIVERY,
    EPIC_CLASS,
    EPIC_TYPE,
    EPIC_VISIT,
    HCPCS,
    PHYSICAL,
    POS,
    ROLE,
    SNOMED,
    Json,
    by_method,
    claim,
    concept,
    extended,
    facts,
    minutes,
    observed,
    visit,
)

VIDEO, PHONE, WRITTEN, OFFICE = Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY, Modality.ASYNCHRONOUS, Modality.IN_PERSON


def test_class_virtual_alone_never_becomes_video() -> None:
    modality = facts(visit("VR")).modality
    assert modality.value is None
    assert modality.why_unknown == 'virtual, but video or audio-only is not said: Encounter.class "VR"'
    assert modality.evidence[0].said == "VR"


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("video", VIDEO),
        ("phone", PHONE),
        ("sms", WRITTEN),
        ("app", WRITTEN),
        ("web", WRITTEN),
        ("carrier-pigeon", None),
    ],
)
def test_the_modality_extension_says_the_mode(code: str, meant: Modality | None) -> None:
    assert facts(visit(extension=[by_method(code)])).modality.value is meant


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "http://hospital.example/fhir/StructureDefinition/telehealth-modality", "valueCode": "video"},
        extended("telehealth-modality", valueCoding={"system": DELIVERY, "code": "video"}),
        extended("telehealth-modality", valueCodeableConcept={"text": "Video visit"}),
        extended("telehealth-modality", valueCodeableConcept=concept(SNOMED, "453131000124105")),
    ],
)
def test_the_modality_extension_is_read_in_every_shape_and_under_another_base(extension: Json) -> None:
    assert facts(visit(extension=[extension])).modality.value is VIDEO


def test_a_text_telephone_is_asked_about_even_where_the_type_says_video() -> None:
    types = [concept(SNOMED, "453131000124105")]
    modality = facts(visit(extension=[by_method("tdd")], type=types)).modality
    assert modality.value is None
    assert modality.why_unknown == 'no coding rule covers this mode: Encounter.extension(telehealth-modality) "tdd"'


def test_two_modality_extensions_that_differ_are_a_conflict_and_neither_is_used() -> None:
    modality = facts(visit(extension=[by_method("video"), by_method("phone")])).modality
    assert modality.value is None
    assert {rival.value for rival in modality.conflict} == {VIDEO, PHONE}


def test_one_extension_with_two_codes_that_differ_is_a_conflict_too() -> None:
    both = {"coding": [{"system": DELIVERY, "code": "video"}, {"system": DELIVERY, "code": "phone"}]}
    modality = facts(visit(extension=[extended("telehealth-modality", valueCodeableConcept=both)])).modality
    assert {rival.value for rival in modality.conflict} == {VIDEO, PHONE}


@pytest.mark.parametrize(
    ("system", "code", "meant"),
    [
        (CPT, "98000", VIDEO),
        (CPT, "98007", VIDEO),
        (CPT, "98008", PHONE),
        (CPT, "98015", PHONE),
        (CPT, "98966", PHONE),
        (CPT, "98968", PHONE),
        (CPT, "99441", PHONE),
        (CPT, "99443", PHONE),
        (CPT, "99421", WRITTEN),
        (CPT, "99423", WRITTEN),
        (CPT, "98970", WRITTEN),
        (CPT, "98972", WRITTEN),
        (HCPCS, "G2010", WRITTEN),
        (CPT, "98016", None),
        (HCPCS, "G2012", None),
        (HCPCS, "G2252", None),
        (CPT, "99202", None),
        (CPT, "99215", None),
        (SNOMED, "185317003", PHONE),
        (SNOMED, "386472008", PHONE),
        (SNOMED, "386473003", PHONE),
        (SNOMED, "314849005", PHONE),
        (SNOMED, "401267002", PHONE),
        (SNOMED, "453131000124105", VIDEO),
        (SNOMED, "448337001", None),
        (SNOMED, "1197766005", WRITTEN),
        (SNOMED, "445450000", WRITTEN),
        (SNOMED, "11429006", None),
        (EPIC_TYPE, "70", PHONE),
        (EPIC_TYPE, "76", None),
        (EPIC_TYPE.replace("999.2", "5.3"), "70", PHONE),
        ("urn:oid:1.2.840.114350.1.13.999.2.7.10.698084.18886", "70", None),
    ],
)
def test_a_type_code_says_the_mode_or_leaves_it_open(system: str, code: str, meant: Modality | None) -> None:
    assert facts(visit("VR", type=[concept(system, code)])).modality.value is meant


@pytest.mark.parametrize("class_code", ["VR", "AMB", "HH"])
def test_a_telephone_type_beats_the_class(class_code: str) -> None:
    assert facts(visit(class_code, type=[concept(SNOMED, "185317003")])).modality.value is PHONE


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Telephonic", PHONE),
        ("MyChart Video", VIDEO),
        ("Tele-visit", None),
        ("Telemed follow up", None),
        ("Not a video visit", None),
        ("No video visit", None),
        ("Non-face-to-face", None),
        ("Telephone, not by video", None),
        ("E-consult", None),
        ("Office visit", Modality.IN_PERSON),
    ],
)
def test_a_type_in_words_is_taken_for_what_it_says_and_no_more(said: str, meant: Modality | None) -> None:
    assert facts(visit("AMB", type=[{"text": said}])).modality.value is meant


def test_an_office_code_says_nothing_about_the_mode() -> None:
    modality = facts(visit(None, type=[concept(CPT, "99213", "Office visit")])).modality
    assert modality.value is None
    assert modality.why_unknown
    assert modality.why_unknown.startswith("neither")


@pytest.mark.parametrize(
    ("modifier", "meant"), [("95", VIDEO), ("GT", VIDEO), ("93", PHONE), ("FQ", PHONE), ("GQ", WRITTEN)]
)
def test_a_modifier_on_a_charge_says_the_mode_of_an_office_code(modifier: str, meant: Modality) -> None:
    modality = facts(visit("AMB"), claim("99214", modifier)).modality
    assert modality.value is meant
    assert modality.evidence[0].path == "Claim.item.modifier"


def test_a_charge_of_another_encounter_says_nothing() -> None:
    other = claim("98006")
    other["item"][0]["encounter"] = [{"reference": "Encounter/e2"}]
    assert facts(visit("VR"), other).modality.value is None


def test_a_type_and_a_charge_that_differ_are_a_conflict() -> None:
    modality = facts(visit(type=[concept(SNOMED, "185317003")]), claim("98006")).modality
    assert {rival.value for rival in modality.conflict} == {VIDEO, PHONE}


def test_the_extension_outranks_the_type_and_the_type_is_noted() -> None:
    modality = facts(visit(extension=[by_method("video")], type=[concept(SNOMED, "185317003")])).modality
    assert modality.value is VIDEO
    assert modality.notes == (
        'Encounter/e1 Encounter.type says otherwise ("185317003"); it ranks lower and was not used',
    )


R4_CHANNEL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.virtualService"


@pytest.mark.parametrize(
    "members",
    [
        {"virtualService": [{"channelType": {"system": "http://hl7.org/fhir/virtual-service-type", "code": "zoom"}}]},
        {"extension": [{"url": R4_CHANNEL, "extension": [{"url": "channelType", "valueCoding": {"code": "zoom"}}]}]},
        {
            "extension": [
                {
                    "url": R4_CHANNEL.replace("http:", "https:"),
                    "extension": [{"url": "channelType", "valueCoding": {"code": "zoom"}}],
                }
            ]
        },
        {
            "extension": [
                {
                    "url": "https://extensions.fhir.zapehr.com/encounter-virtual-service-pre-release",
                    "extension": [{"url": "channelType", "valueCoding": {"code": "zoom"}}],
                }
            ]
        },
    ],
)
def test_a_video_channel_is_likely_video_but_no_proof(members: Json) -> None:
    modality = facts(visit("AMB", **members)).modality
    assert modality.value is None
    assert modality.why_unknown
    assert "zoom" in modality.why_unknown


def test_a_channel_reached_by_telephone_alone_is_audio_only() -> None:
    service = {"addressContactPoint": {"system": "phone", "value": "555-0100"}}
    assert facts(visit(virtualService=[service])).modality.value is PHONE


def test_a_zoom_channel_with_a_dial_in_number_is_not_audio_only() -> None:
    service = {"channelType": {"code": "zoom"}, "addressContactPoint": {"system": "phone", "value": "555-0100"}}
    assert facts(visit(virtualService=[service])).modality.value is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Video Visit - Return", VIDEO),
        ("TELEHEALTH VIDEO", VIDEO),
        ("Audio/Video", VIDEO),
        ("Telephone", PHONE),
        ("Phone Call", PHONE),
        ("E-Visit", WRITTEN),
        ("Patient Portal", WRITTEN),
        ("Telehealth", None),
        ("Virtual Visit", None),
        ("Video or phone visit", None),
        ("Virtual or in person", None),
        ("Video capsule endoscopy", None),
        ("Portal vein ultrasound", None),
        ("Microphone check", None),
    ],
)
@pytest.mark.parametrize("element", ["type", "serviceType"])
def test_the_text_of_a_type_is_matched_with_caution(element: str, said: str, meant: Modality | None) -> None:
    assert facts(visit(None, **{element: [{"text": said}]})).modality.value is meant


def test_the_display_of_a_site_code_is_read_and_the_display_of_a_known_code_is_not() -> None:
    site = facts(visit(None, type=[concept(EPIC_VISIT, "2020", "Video Visit")]))
    known = facts(visit(None, type=[concept(SNOMED, "185317003", "Video visit")]))
    assert site.modality.value is VIDEO
    assert known.modality.value is PHONE


def test_an_epic_telemedicine_type_takes_its_mode_from_the_visit_type() -> None:
    video = [concept(EPIC_TYPE, "76", "Telemedicine"), concept(EPIC_VISIT, "1016", "Video Visit - Return")]
    class_ = {"system": EPIC_CLASS, "code": "13", "display": "Support OP Encounter"}
    assert facts(visit(None, type=video, **{"class": class_})).modality.value is VIDEO


def test_a_code_named_like_a_class_in_epics_own_system_says_nothing() -> None:
    assert facts(visit(None, **{"class": {"system": EPIC_CLASS, "code": "AMB"}})).modality.value is None


APPOINTMENT: Json = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "fulfilled",
    "start": "2026-11-23T20:00:00Z",
    "participant": [{"actor": {"reference": "Patient/p1"}}],
    "serviceType": [{"text": "Video Visit"}],
}
LINK = [{"reference": "Appointment/a1"}]


def test_a_linked_appointment_says_the_mode_where_the_visit_leaves_it_open() -> None:
    modality = facts(visit("AMB", appointment=LINK, type=[{"text": "Telehealth"}]), APPOINTMENT).modality
    assert modality.value is VIDEO
    assert modality.evidence[0].resource == "Appointment/a1"


def test_the_type_of_the_visit_outranks_the_appointment_it_was_booked_as() -> None:
    assert facts(visit(appointment=LINK, type=[concept(SNOMED, "185317003")]), APPOINTMENT).modality.value is PHONE


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ({}, VIDEO),
        ({"start": "2026-11-24T20:00:00Z"}, None),
        ({"start": None}, None),
        ({"status": "cancelled"}, None),
        ({"status": "noshow"}, None),
        ({"participant": [{"actor": {"reference": "Patient/p2"}}]}, None),
    ],
)
def test_the_only_appointment_counts_if_it_is_of_the_same_patient_and_local_day(change: Json, meant: Any) -> None:
    assert facts(visit("VR"), APPOINTMENT | change).modality.value is meant


def test_the_slot_of_an_evening_visit_may_be_written_in_utc() -> None:
    evening = visit("VR", period={"start": "2026-11-23T22:00:00-05:00"})
    assert facts(evening, APPOINTMENT | {"start": "2026-11-24T03:00:00Z"}).modality.value is VIDEO


def test_a_slot_without_a_time_zone_is_of_its_day_as_written_and_noted() -> None:
    fact = facts(visit("VR"), APPOINTMENT | {"start": "2026-11-23T15:00:00"}).modality
    assert fact.value is VIDEO
    assert fact.notes == ("Appointment/a1.start has a time without a time zone; the day is taken as written",)
    assert facts(visit("VR"), APPOINTMENT | {"start": "2026-11-24T00:00:00"}).modality.value is None


def actors(*said: str) -> Json:
    return {"participant": [{"actor": {"reference": one}} for one in said]}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (actors("Practitioner/dr1"), None),
        (actors("Practitioner/dr9"), "with another clinician"),
        (actors("Practitioner/dr1", "Practitioner/dr9"), "with another clinician"),
        (
            actors("PractitionerRole/r9", "Location/l1", "HealthcareService/h1"),
            None,
        ),  # which may be the clinician's role
        ({"start": "2026-11-23T08:00:00-05:00"}, "at another time"),
        ({"start": "2026-11-23T13:30:00-05:00", "end": "2026-11-23T13:59:00-05:00"}, "at another time"),
        ({"start": "2026-11-23T13:30:00-05:00", "end": "2026-11-23T14:00:00-05:00"}, None),
        ({"start": "2026-11-23T16:25:00-05:00"}, None),
        ({"start": "2026-11-23T16:26:00-05:00"}, "at another time"),
        ({"start": "2026-11-23"}, None),
    ],
)
def test_an_appointment_nobody_linked_must_be_of_the_clinician_and_of_the_time(change: Json, why: str | None) -> None:
    fact = facts(visit("VR"), APPOINTMENT | change).modality
    assert fact.known is (why is None)
    assert fact.notes == ((f"Appointment/a1 is of the same day, but {why}; not used",) if why else ())


def test_a_linked_appointment_of_another_patient_is_not_read() -> None:
    other = APPOINTMENT | {"participant": [{"actor": {"reference": "Patient/p2"}}]}
    assert facts(visit("VR", appointment=LINK), other).modality.value is None


def test_of_two_appointments_that_nobody_linked_none_is_used() -> None:
    assert facts(visit("VR"), APPOINTMENT, APPOINTMENT | {"id": "a2"}).modality.value is None


@pytest.mark.parametrize("class_code", ["AMB"])
def test_an_ambulatory_class_without_any_telehealth_hint_is_in_person_but_weakly(class_code: str) -> None:
    modality = facts(visit(class_code)).modality
    assert modality.value is OFFICE
    assert modality.evidence[0].how is How.DERIVED
    assert modality.notes
    assert modality.notes[0].startswith("weak")


HOME = {"resourceType": "Location", "id": "l1", "type": [concept(ROLE, "PTRES")]}
AT = [{"location": {"reference": "Location/l1"}}]


@pytest.mark.parametrize(
    "chart",
    [
        (visit("AMB", type=[{"text": "Telehealth"}]),),
        (visit("AMB"), claim("99214", place="10")),
        (visit("AMB"), claim("99214", place="02")),
        (visit("AMB", location=AT), HOME),
        (visit("AMB", location=AT), HOME | {"type": [concept(POS, "10")]}),
        (visit("AMB", location=AT), HOME | {"type": [], "physicalType": concept(PHYSICAL, "vi")}),
        (visit("AMB"), minutes("video-time", 12)),
        (visit("AMB"), minutes("audio-time", 12)),
        (visit("AMB"), minutes("medical-discussion-time", 12)),
        (visit("AMB"), observed("audio-only-reason", {"valueCodeableConcept": {"text": "patient declined"}})),
        (visit("AMB", extension=[by_method("something-new")]),),
        (visit("AMB", **{"class": [{"coding": [{"system": ACT, "code": c}]} for c in ("AMB", "VR")]}),),
    ],
)
def test_any_telehealth_hint_keeps_an_ambulatory_class_from_being_in_person(chart: tuple[Json, ...]) -> None:
    assert facts(*chart).modality.value is None


@pytest.mark.parametrize("class_code", ["HH", "FLD"])
def test_a_home_or_field_class_is_an_in_person_visit_at_home(class_code: str) -> None:
    assert facts(visit(class_code, location=AT), HOME).modality.value is OFFICE


@pytest.mark.parametrize(
    ("system", "code"), [(SNOMED, "1258986006"), (SNOMED, "439708006"), (EPIC_TYPE, "101"), (EPIC_TYPE, "91")]
)
def test_an_in_person_type_is_in_person(system: str, code: str) -> None:
    assert facts(visit(None, type=[concept(system, code)])).modality.value is OFFICE


def test_an_office_type_with_a_video_visit_type_is_asked_about_not_taken_for_an_office_visit() -> None:
    modality = facts(visit(None, type=[concept(EPIC_TYPE, "101"), {"text": "Video Visit"}])).modality
    assert {rival.value for rival in modality.conflict} == {OFFICE, VIDEO}


def test_an_office_type_on_a_virtual_class_is_asked_about() -> None:
    modality = facts(visit("VR", type=[concept(EPIC_TYPE, "101")])).modality
    assert modality.value is None
    assert modality.why_unknown
    assert modality.why_unknown.startswith("in person and virtual at once")


@pytest.mark.parametrize(
    ("video", "audio", "meant"),
    [(12, 9, Modality.INTERRUPTED), (12, 0, VIDEO), (0, 9, PHONE), (0, 0, None), (12, None, None), (None, 9, None)],
)
def test_minutes_in_both_modes_make_an_interrupted_visit(video: int | None, audio: int | None, meant: Any) -> None:
    spent = {"video-time": video, "audio-time": audio}
    modality = facts(visit("VR"), *(minutes(code, said) for code, said in spent.items() if said is not None)).modality
    assert modality.value is meant


def test_minutes_that_contradict_each_other_only_hint_at_telehealth() -> None:
    spent = minutes("video-time", 12, id="o1"), minutes("video-time", 14, id="o2"), minutes("audio-time", 9)
    found = facts(visit("AMB"), *spent)
    assert found.video_minutes.conflict
    assert found.modality.value is None


def test_an_interrupted_visit_outranks_the_extension_and_is_marked_as_derived() -> None:
    spent = (minutes("video-time", 12), minutes("audio-time", 9))
    modality = facts(visit(extension=[by_method("video")]), *spent).modality
    assert modality.value is Modality.INTERRUPTED
    assert {one.how for one in modality.evidence} == {How.DERIVED}


@pytest.mark.parametrize(("system", "code"), [(CPT, "98016"), (HCPCS, "G2012"), (HCPCS, "G2252")])
def test_a_check_in_code_says_what_kind_of_service_it_was(system: str, code: str) -> None:
    assert facts(visit(type=[concept(system, code)])).service_kind.value is ServiceKind.BRIEF_CHECK_IN


def test_a_visit_without_any_sign_is_unknown_and_says_where_it_was_looked_for() -> None:
    why = facts(visit(None)).modality.why_unknown
    assert why == "neither documentation, codes, channel, appointment nor class of the visit says how they met"


def test_a_class_is_read_as_r5_writes_it() -> None:
    r5 = visit(None, **{"class": [{"coding": [{"system": ACT, "code": "AMB"}]}]})
    assert facts(r5).modality.value is OFFICE
