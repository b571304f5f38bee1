"""A read by id that brought another record: a card that says so, and no code; whoever made the read."""

import copy
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.protocol.checker import check_answer

Json = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
OUTCOME = "org.example.telecode.outcome"
MRN = "urn:oid:1.2.36.146.595.217.0.1"


def answered(client: FlaskClient, body: Json) -> Json:
    answer = client.post(NOTE_SIGN, json=body)
    assert answer.status_code == 200, answer.get_json()
    check_answer(answer.get_json())
    (card,) = answer.get_json()["cards"]
    assert isinstance(card, dict)
    return card


def is_mix_up(card: Json) -> bool:
    """Whether a card tells of a mix-up; one that does suggests no code and shows nothing that was read."""
    said = card["extension"][OUTCOME]
    if [question["id"] for question in said.get("questions", [])] != ["record_mix_up"]:
        return False
    assert said["outcome"] == "undetermined"
    assert not {"candidates", "steps"} & said.keys()
    assert "suggestions" not in card
    assert "nothing is suggested" in card["summary"]
    assert card["indicator"] == "warning"
    assert "992" not in card["summary"] + card["detail"]
    assert "2026-11-20" not in card["detail"]
    return True


def patient(own: str | None = "p-100", **members: Any) -> Json:
    return {"resourceType": "Patient", **({"id": own} if own else {}), **members}


def mrn(value: str, system: str | None = MRN) -> Json:
    return {"system": system, "value": value} if system else {"value": value}


def merged(how: str, other: str) -> Json:
    return {"link": [{"type": how, "other": {"reference": other}}]}


@pytest.mark.parametrize(
    ("record", "mixed"),
    [
        (patient(), False),
        (patient(None), False),
        (patient("p-2"), True),
        (patient("P-100"), True),
        (patient("p-1000"), True),
        (patient("p-2", **merged("replaces", "Patient/p-100")), False),
        (patient("p-2", **merged("replaced-by", "https://ehr.example/fhir/Patient/p-100")), False),
        (patient("p-2", **merged("seealso", "Patient/p-100")), True),
        (patient("p-2", **merged("refer", "Patient/p-100")), True),
        (patient("p-2", **merged("replaces", "Patient/p-3")), True),
        (patient("p-2", **merged("replaces", "RelatedPerson/p-100")), True),
        (patient("p-100", **merged("replaced-by", "Patient/p-2")), False),
        ({"resourceType": "Bundle", "entry": [{"resource": patient("p-2")}]}, True),
        ({"resourceType": "Bundle", "entry": [{"resource": patient("p-2")}, {"resource": patient()}]}, False),
        ([patient("p-2")], True),
        ({"resource": patient("p-2")}, True),
        ('{"resourceType": "Patient", "id": "p-2"}', True),
        (None, False),
        ({"resourceType": "Bundle"}, False),
        ({"resourceType": "OperationOutcome", "issue": [{"code": "not-found"}]}, False),
    ],
)
def test_the_record_of_another_patient_stops_every_suggestion(
    client: FlaskClient, good: Json, record: object, mixed: bool
) -> None:
    good["prefetch"]["patient"] = record
    card = answered(client, good)
    assert is_mix_up(card) is mixed
    assert card["summary"].startswith("99214, POS 10") is not mixed


@pytest.mark.parametrize("own", ["e-99", "E-100", "e-1000"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_another_visit_stops_every_suggestion_even_if_the_right_one_came_elsewhere(
    client: FlaskClient, good: Json, own: str, elsewhere: bool
) -> None:
    if elsewhere:
        good["prefetch"]["priorEncounters"]["entry"].append({"resource": copy.deepcopy(good["prefetch"]["encounter"])})
    good["prefetch"]["encounter"]["id"] = own
    card = answered(client, good)
    assert is_mix_up(card)
    assert "another visit" in card["summary"]


def test_another_note_than_the_one_that_is_signed_stops_every_suggestion(client: FlaskClient, good: Json) -> None:
    note = {"resourceType": "DocumentReference", "id": "n1", "status": "current"}
    good["context"]["documentReferenceId"] = "n1"
    good["prefetch"]["note"] = note
    assert not is_mix_up(answered(client, good))
    note["id"] = "n2"
    assert is_mix_up(answered(client, good))


def test_the_record_of_another_user_is_named_and_does_not_stop_the_suggestion(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["practitioner"] = {"resourceType": "Practitioner", "id": "dr-other"}
    card = answered(client, good)
    assert card["summary"].startswith("99214, POS 10")
    assert "the clinician's record could not be read: the EHR sent another record in its place" in card["detail"]


@pytest.mark.parametrize(
    ("own", "said", "mixed"),
    [
        (mrn("100"), {"identifier": mrn("100")}, False),
        (mrn("100"), {"identifier": mrn("200")}, True),
        (mrn("100"), {"reference": "Patient/p-100", "identifier": mrn("100")}, False),
        (mrn("100"), {"reference": "Patient/p-100", "identifier": mrn("200")}, True),
        (mrn("100"), {"reference": "Patient/p-100", "identifier": mrn("200", "urn:other")}, False),
        (mrn("100"), {"reference": "Patient/p-100", "identifier": mrn("200", None)}, False),
        (mrn("100"), {"reference": "Patient/p-100", "identifier": mrn("100", None)}, False),
        (mrn("100", None), {"reference": "Patient/p-100", "identifier": mrn("200", None)}, True),
        (mrn("100"), {"reference": "Patient/p-2", "identifier": mrn("100")}, True),
        (mrn("100"), {"reference": "#them"}, True),
        (mrn("200"), {"reference": "#them"}, False),
    ],
)
def test_a_visit_whose_patient_is_said_in_two_ways_that_do_not_agree_stops_every_suggestion(
    client: FlaskClient, good: Json, own: Json, said: Json, mixed: bool
) -> None:
    good["prefetch"]["patient"]["identifier"] = [mrn("secondary", "urn:elsewhere"), own]
    encounter = good["prefetch"]["encounter"]
    encounter["subject"] = said
    encounter["contained"].append({"resourceType": "Patient", "id": "them", "identifier": [mrn("200")]})
    card = answered(client, good)
    assert is_mix_up(card) is mixed


def test_an_identifier_of_another_patient_who_was_sent_contradicts_the_reference(
    client: FlaskClient, good: Json
) -> None:
    good["prefetch"]["encounter"]["subject"] = {"reference": "Patient/p-100", "identifier": mrn("200")}
    assert not is_mix_up(answered(client, copy.deepcopy(good)))
    others = [{"resource": patient(), "fullUrl": "a"}, {"resource": patient("p-2", identifier=[mrn("200")])}]
    good["prefetch"]["more"] = {"resourceType": "Bundle", "entry": others}
    assert is_mix_up(answered(client, good))


def test_records_of_the_patient_that_was_merged_with_this_one_are_this_ones(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["patient"] = patient("p-2", **merged("replaces", "Patient/p-100"))
    for place in (good["prefetch"]["encounter"], good["prefetch"]["observations"]["entry"][0]["resource"]):
        place["subject"] = {"reference": "Patient/p-2"}
    card = answered(client, good)
    assert card["summary"].startswith("99214, POS 10")
    assert "left out" not in card["detail"]


def test_other_strangers_are_left_out_and_named_as_ever(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["other"] = patient("p-2")
    good["prefetch"]["patient"]["identifier"] = [mrn("100")]
    good["prefetch"]["observations"]["entry"][0]["resource"]["subject"] = {"identifier": mrn("200")}
    card = answered(client, good)
    assert card["summary"].startswith("99214, POS 10: moderate by MDM")
    for stranger in ("1 Patient", "1 Observation"):
        assert f"left out, because of another patient: {stranger}" in card["detail"]


@pytest.mark.parametrize("key", ["patient", "encounter"])
def test_a_read_under_a_key_of_the_sites_own_is_checked_too(client: FlaskClient, good: Json, key: str) -> None:
    good["prefetch"][f"-{key.upper()}"] = good["prefetch"].pop(key)
    assert not is_mix_up(answered(client, good))
    good["prefetch"][f"-{key.upper()}"]["id"] = "another"
    assert is_mix_up(answered(client, good))


def test_a_user_who_is_a_patient_is_no_mix_up(client: FlaskClient, good: Json) -> None:
    good["context"]["userId"] = "Patient/p-7"
    good["prefetch"]["practitioner"] = patient("p-7")
    assert not is_mix_up(answered(client, good))
    good["prefetch"]["-USER"] = good["prefetch"].pop("practitioner")
    del good["prefetch"]["patient"]
    assert not is_mix_up(answered(client, good))


def test_a_visit_that_nobody_named_is_no_mix_up(app_with: Callable[..., FlaskClient], good: Json) -> None:
    del good["context"]["encounterId"]
    good |= {"hook": "patient-view"}
    good["prefetch"]["encounter"]["id"] = "latest"
    answer = app_with(client="sandbox").post("/cds-services/telehealth-em-patient-view", json=good)
    (card,) = answer.get_json()["cards"]
    assert card["summary"].startswith("Visit of 2026-11-20:")


def test_neither_card_nor_log_names_the_other_record(
    client: FlaskClient, good: Json, caplog: pytest.LogCaptureFixture
) -> None:
    good["prefetch"]["patient"] = patient("somebody-else", name=[{"family": "Roe"}])
    with caplog.at_level(logging.INFO):
        card = answered(client, good)
    assert "came as another one: patient" in caplog.text
    for secret in ("somebody-else", "Roe", "p-100"):
        assert secret not in str(card)
        assert secret not in caplog.text


def test_explain_says_of_every_fact_that_it_was_not_read(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["patient"] = patient("p-2")
    facts = client.post("/api/v1/explain", json=good).get_json()["facts"]
    assert {fact["value"] for fact in facts.values() if isinstance(fact, dict)} == {None}
    assert facts["total_minutes"]["why_unknown"] == "not read: the records that came do not belong together"
