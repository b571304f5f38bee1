"""Whole hook requests through HTTP: the right code on one card, a question where a fact is missing, or no card."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.claim import Claim
from flask.testing import FlaskClient

from fhir_mapping.sent import MOST_TEXTS

Request = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
OUTCOME = "org.example.telecode.outcome"
SAFE_TOKEN = re.compile(r"\{\{(context\.(userId|patientId|encounterId|documentReferenceId))\}\}")


def cards(client: FlaskClient, body: Request, service: str = NOTE_SIGN) -> list[dict[str, Any]]:
    answer = client.post(service, json=body)
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["cards"]
    return found


def outcome(card: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = card["extension"][OUTCOME]
    return found


def blanks(value: object, path: str = "") -> list[str]:
    if value is None or value in ("", [], {}):
        return [path]
    if isinstance(value, dict):
        return [hit for key, item in value.items() for hit in blanks(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [hit for index, item in enumerate(value) for hit in blanks(item, f"{path}[{index}]")]
    return []


def test_discovery_lists_the_three_services_with_safe_templates(client: FlaskClient) -> None:
    answer = client.get("/cds-services")
    assert answer.mimetype == "application/json"
    services = {service["id"]: service for service in answer.get_json()["services"]}
    assert {name: service["hook"] for name, service in services.items()} == {
        "telehealth-em-note-sign": "org.example.telecode.note-sign",
        "telehealth-em-encounter-discharge": "encounter-discharge",
        "telehealth-em-patient-view": "patient-view",
    }
    for service in services.values():
        assert all(service[name] for name in ("title", "description", "usageRequirements"))
        for template in service["prefetch"].values():
            without_tokens = SAFE_TOKEN.sub("", template)
            assert "{" not in without_tokens
            assert not re.search(
                r"[?&](?!patient=|encounter=|code=|status=|category=|_sort=-date|_count=)", without_tokens
            )


def test_a_medicare_video_visit_at_home_gets_its_office_code_on_one_card(client: FlaskClient, good: Request) -> None:
    (card,) = cards(client, good)
    assert card["summary"] == "99214, POS 10: moderate by MDM, established, audio-video; next lower 99213"
    assert card["indicator"] == "info"
    (candidate,) = outcome(card)["candidates"]
    assert (candidate["code"], candidate["place_of_service"]) == ("99214", "10")
    assert candidate["optional_modifiers"] == ["95"]
    (suggestion,) = card["suggestions"]
    assert suggestion["isRecommended"] is True
    (action,) = suggestion["actions"]
    claim = Claim.model_validate(action["resource"])
    assert claim.status == "draft"
    item = action["resource"]["item"][0]
    assert item["productOrService"]["coding"][0]["code"] == "99214"
    assert item["locationCodeableConcept"]["coding"][0]["code"] == "10"
    assert item["encounter"] == [{"reference": "Encounter/e-100"}]
    assert action["resource"]["provider"] == {"reference": "Practitioner/dr-lind"}
    assert action["resource"]["insurance"][0]["coverage"] == {"reference": "Coverage/c-100"}


def test_the_card_shows_evidence_sources_and_the_fingerprint(client: FlaskClient, good: Request) -> None:
    detail = cards(client, good)[0]["detail"]
    fingerprint = client.get("/readyz").get_json()["policy"]
    for words in (
        "Observation/minutes",
        "Observation/mdm",
        "99213 needs low MDM or 20 minutes",
        "Tatanka Ledger",
        fingerprint[:19],
    ):
        assert words in detail


@pytest.mark.parametrize("service", ["note-sign", "encounter-discharge", "patient-view"])
def test_each_service_answers_its_own_hook(client: FlaskClient, good: Request, service: str) -> None:
    good["hook"] = {"note-sign": "org.example.telecode.note-sign"}.get(service, service)
    (card,) = cards(client, good, f"/cds-services/telehealth-em-{service}")
    assert outcome(card)["outcome"] == "selection"


def test_patient_view_without_an_encounter_is_quiet(client: FlaskClient, good: Request) -> None:
    good["hook"] = "patient-view"
    del good["context"]["encounterId"]
    assert cards(client, good, "/cds-services/telehealth-em-patient-view") == []


def test_patient_view_heeds_the_triggers_a_site_has_set(app_with: Callable[..., FlaskClient], good: Request) -> None:
    client = app_with(patient_view_triggers="23, 7")
    good["hook"] = "patient-view"
    service = "/cds-services/telehealth-em-patient-view"
    assert cards(client, good, service) == []
    good["extension"] = {"com.epic.cdshooks.request.bpa-trigger-action": "60"}
    assert cards(client, good, service) == []
    good["extension"] = {"com.epic.cdshooks.request.bpa-trigger-action": "23"}
    assert len(cards(client, good, service)) == 1


def test_a_site_may_name_the_hook_its_own_way(app_with: Callable[..., FlaskClient], good: Request) -> None:
    client = app_with(hook_name="org.hospital.sign", hook_aliases="note-sign")
    assert client.post(NOTE_SIGN, json=good).status_code == 400
    for name in ("org.hospital.sign", "note-sign"):
        good["hook"] = name
        assert len(cards(client, good)) == 1


def test_nothing_blank_leaves_the_service_and_every_uuid_is_new(client: FlaskClient, good: Request) -> None:
    first, second = cards(client, good)[0], cards(client, good)[0]
    assert blanks(first) == []
    ids = [str(UUID(uuid)) for card in (first, second) for uuid in (card["uuid"], card["suggestions"][0]["uuid"])]
    assert len(set(ids)) == 4
    assert outcome(first) == outcome(second)


def test_a_missing_mode_is_asked_for_and_no_code_is_recommended(client: FlaskClient, good: Request) -> None:
    del good["prefetch"]["encounter"]["extension"]
    (card,) = cards(client, good)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Visit code open. Was the visit by video, or by audio only?")
    assert outcome(card)["outcome"] == "undetermined"
    assert not any(c["recommended"] for c in outcome(card)["candidates"])
    assert not any(s.get("isRecommended") for s in card["suggestions"])


def test_many_open_questions_are_asked_and_no_code_is_offered(client: FlaskClient, good: Request) -> None:
    del good["prefetch"]["encounter"]["extension"]
    for name in ("priorEncounters", "coverage"):
        good["prefetch"][name] = None
    (card,) = cards(client, good)
    assert "suggestions" not in card
    assert "12 codes stay possible until these questions are answered." in card["detail"]
    assert [question["id"] for question in outcome(card)["questions"]] == ["modality", "patient_status", "payers"]


def test_a_selection_offers_every_code_the_record_supports(client: FlaskClient, good: Request) -> None:
    good["prefetch"]["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = 45
    (card,) = cards(client, good)
    assert card["summary"].startswith("99215, POS 10: high by time, 45 min")
    assert [suggestion["label"] for suggestion in card["suggestions"]] == ["99215, POS 10", "99214, POS 10"]
    assert [suggestion.get("isRecommended") for suggestion in card["suggestions"]] == [True, None]
    assert "| Time | 45 min | 99215 |" in card["detail"]


def test_two_totals_are_a_conflict_that_is_shown_and_not_resolved(client: FlaskClient, good: Request) -> None:
    entries = good["prefetch"]["observations"]["entry"]
    del entries[1]
    other = {
        **entries[0]["resource"],
        "id": "later",
        "valueQuantity": {**entries[0]["resource"]["valueQuantity"], "value": 45},
    }
    entries.append({"resource": other})
    (card,) = cards(client, good)
    assert outcome(card)["outcome"] == "undetermined"
    assert "contradicts itself" in card["detail"]
    assert {c["code"] for c in outcome(card)["candidates"]} == {"99214", "99215"}


def test_an_office_visit_gets_no_card_unless_the_site_asks(
    client: FlaskClient, app_with: Callable[..., FlaskClient], good: Request
) -> None:
    encounter = good["prefetch"]["encounter"]
    encounter["class"]["code"] = "AMB"
    for name in ("extension", "location", "contained"):
        del encounter[name]
    assert cards(client, good) == []
    (card,) = cards(app_with(in_person_cards="true"), good)
    assert outcome(card)["candidates"][0]["code"] == "99214"
    assert "place_of_service" not in outcome(card)["candidates"][0]


@pytest.mark.parametrize(
    "change", [{"status": "cancelled"}, {"status": "entered-in-error"}, {"class": {"code": "IMP"}}]
)
def test_an_encounter_that_is_not_ours_gets_no_card(client: FlaskClient, good: Request, change: Request) -> None:
    encounter = good["prefetch"]["encounter"]
    if "class" in change:
        change["class"] = {**encounter["class"], **change["class"]}
    encounter.update(change)
    assert cards(client, good) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"value": -5},
        {"value": 100_000},
        {"value": "34-40"},
        {"value": None},
        {"value": 34, "unit": "fortnight", "code": "fortnight"},
    ],
)
def test_absurd_minutes_in_a_chart_are_noted_and_never_stop_the_hook(
    client: FlaskClient, good: Request, fault: Request
) -> None:
    entries = good["prefetch"]["observations"]["entry"]
    entries[0]["resource"]["valueQuantity"].update(fault)
    (card,) = cards(client, good)
    assert outcome(card)["candidates"][0]["basis"] == "mdm"
    assert "Observation/minutes" in card["detail"]
    del entries[1]
    assert outcome(cards(client, good)[0])["outcome"] == "undetermined"


def test_poison_in_the_chart_stays_text(client: FlaskClient, good: Request) -> None:
    poison = "<img src=x onerror=alert(1)> [click](javascript:alert(1)) | x\n# big\n"
    poison += "![i](http://e.example) \u202egnp `a` www.e.example"
    good["prefetch"]["observations"]["entry"][0]["resource"]["status"] = poison
    good["prefetch"]["coverage"]["entry"][0]["resource"]["payor"] = [{"display": poison}]
    del good["prefetch"]["coverage"]["entry"][0]["resource"]["type"]
    (card,) = cards(client, good)
    detail = card["detail"]
    assert "<img" not in detail
    assert "](javascript" not in detail
    assert "](http://e.example" not in detail
    assert "\u202e" not in detail
    assert "\n# big" not in detail
    assert len(card["summary"]) < 140


def test_a_code_already_chosen_and_supported_is_said_quietly(client: FlaskClient, good: Request) -> None:
    good["prefetch"]["encounter"]["type"] = [
        {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "99214"}]},
    ]
    (card,) = cards(client, good)
    assert card["summary"] == "The record supports the code already chosen, 99214."
    assert card["indicator"] == "info"
    assert "suggestions" not in card


def test_a_code_already_chosen_and_too_high_is_a_warning(client: FlaskClient, good: Request) -> None:
    good["prefetch"]["encounter"]["type"] = [
        {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "99215"}]},
    ]
    (card,) = cards(client, good)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("99214, POS 10, not 99215.")


def test_the_answer_explained_holds_facts_outcome_and_cards(client: FlaskClient, good: Request) -> None:
    answer = client.post("/api/v1/explain", json=good).get_json()
    assert set(answer) == {"facts", "outcome", "cards"}
    minutes = answer["facts"]["total_minutes"]
    assert minutes["value"] == 34
    assert minutes["evidence"][0]["resource"] == "Observation/minutes"
    assert minutes["evidence"][0]["how"] == "structured"
    assert answer["facts"]["clinician"]["value"] is None
    assert answer["outcome"]["candidates"][0]["modifiers"] == []
    assert answer["facts"]["service_date"]["value"] == "2026-11-20"


def test_a_slash_at_the_end_of_a_services_address_is_borne_and_elsewhere_refused_in_words(
    client: FlaskClient, good: Request
) -> None:
    assert len(cards(client, good, f"{NOTE_SIGN}/")) == 1
    told = {"feedback": [{"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T20:30:00Z"}]}
    assert client.post(f"{NOTE_SIGN}/feedback/", json=told).status_code == 200
    for nowhere in (client.post(f"{NOTE_SIGN}//", json=good), client.get("/cds-services/")):
        assert nowhere.status_code == 404
        said = nowhere.get_json()["issue"][0]["diagnostics"]
        assert said == "no such address; the services are listed at /cds-services"


def in_a_string(value: object) -> str:
    return json.dumps(value)


WRAPPED: dict[str, Callable[[Any], object]] = {
    "a list": lambda value: [value],
    "a list with nothing beside": lambda value: [None, value],
    "an entry": lambda value: {"resource": value},
    "an entry with its address": lambda value: {"fullUrl": "urn:uuid:5b0c2b86", "resource": value},
    "an entry of a batch": lambda value: {"response": {"status": "200"}, "resource": value},
    "a prefetch of CDS Hooks 1.0": lambda value: {"response": {"status": "200 OK"}, "resource": value},
    "JSON in a string": in_a_string,
    "JSON in a string in a string": lambda value: in_a_string(in_a_string(value)),
    "JSON of an entry in a string in a list": lambda value: [in_a_string({"resource": in_a_string([value])})],
    "a Bundle of strings": lambda value: {"resourceType": "Bundle", "entry": [{"resource": in_a_string(value)}]},
    "a Bundle without entries around": lambda value: {"resourceType": "Bundle", "entry": [value]},
}


@pytest.mark.parametrize("how", WRAPPED)
def test_a_resource_is_read_in_whatever_it_is_wrapped(client: FlaskClient, good: Request, how: str) -> None:
    plain = cards(client, copy.deepcopy(good))[0]["summary"]
    good["prefetch"] = {key: WRAPPED[how](value) for key, value in good["prefetch"].items()}
    (card,) = cards(client, good)
    assert card["summary"] == plain


@pytest.mark.parametrize("how", WRAPPED)
def test_another_visit_so_wrapped_is_a_mix_up_and_no_412(client: FlaskClient, good: Request, how: str) -> None:
    good["prefetch"]["encounter"]["id"] = "e-99"
    good["prefetch"]["encounter"] = WRAPPED[how](good["prefetch"]["encounter"])
    (card,) = cards(client, good)
    assert [question["id"] for question in outcome(card)["questions"]] == ["record_mix_up"]


def test_a_list_of_resources_is_read_as_a_bundle_of_them_is(client: FlaskClient, good: Request) -> None:
    plain = cards(client, copy.deepcopy(good))[0]["summary"]
    for key in ("observations", "coverage", "priorEncounters"):
        good["prefetch"][key] = [entry["resource"] for entry in good["prefetch"][key]["entry"]]
    assert cards(client, good)[0]["summary"] == plain


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType": "Encounter", "id": "e-100"',
        '{"resourceType": "Encounter", "id": "e-100", "id": "e-100"}',
        '{"resourceType": "Encounter", "id": "e-100", "length": NaN}',
        '{"resourceType": "Encounter", "id": "e-100", "a": ' + "[" * 64 + "1" + "]" * 64 + "}",
        "Encounter/e-100",
    ],
)
def test_json_in_a_string_is_read_as_strictly_as_a_body(client: FlaskClient, good: Request, text: str) -> None:
    good["prefetch"]["encounter"] = text
    answer = client.post(NOTE_SIGN, json=good)
    assert answer.status_code == 412
    assert "send the resource in prefetch" in answer.get_json()["issue"][0]["diagnostics"]


def test_broken_json_in_a_string_is_named_by_what_it_should_hold(client: FlaskClient, good: Request) -> None:
    good["prefetch"]["coverage"] = in_a_string(good["prefetch"]["coverage"])[:-1]
    (card,) = cards(client, good)
    assert "the patient's coverage could not be read: the EHR sent what is not valid JSON" in card["detail"]


@pytest.mark.parametrize(("strings", "read"), [(MOST_TEXTS, True), (MOST_TEXTS + 1, False)])
def test_so_many_strings_are_read_as_json_and_what_is_beyond_is_named(
    client: FlaskClient, good: Request, strings: int, read: bool
) -> None:
    last = in_a_string(good["prefetch"].pop("coverage"))
    good["prefetch"]["a"] = ["{"] * (strings - 1)  # keys are sent in their order
    good["prefetch"]["coverage"] = last
    (card,) = cards(client, good)
    assert card["summary"].startswith("99214, POS 10") is read
    assert ("coverage could not be read: there was too much of it" in card["detail"]) is not read


@pytest.mark.parametrize(("status", "why"), [("404 Not Found", "the EHR does not have it"), ("500", "an error")])
def test_an_entry_whose_read_failed_is_named(client: FlaskClient, good: Request, status: str, why: str) -> None:
    good["prefetch"]["coverage"] = {"response": {"status": status}}
    (card,) = cards(client, good)
    assert "the patient's coverage could not be read: " in card["detail"]
    assert why in card["detail"]


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ({"class": {"system": "urn:oid:1.2.3", "code": "7"}}, True),
        ({"class": {"system": "urn:oid:1.2.3", "code": "7"}, "hospitalization": {"admitSource": {"text": "ER"}}}, True),
        ({"class": "inpatient"}, False),
        ({"class": {"system": "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode|1", "code": "IMP"}}, False),
        (
            {
                "class": None,
                "type": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0004", "code": "I"}]}],
            },
            False,
        ),
    ],
)
def test_no_code_is_recommended_where_the_visit_may_not_be_outpatient(
    client: FlaskClient, good: Request, members: dict[str, Any], *, asked: bool
) -> None:
    good["prefetch"]["encounter"] |= members
    found = cards(client, good)
    assert len(found) == asked
    for card in found:
        told = outcome(card)
        assert told["outcome"] == "undetermined"
        assert told["questions"][0]["id"] == "patient_class"
        assert told["candidates"]
        assert not [one for one in told["candidates"] if one.get("recommended")]
        assert {one["if"]["patient_class"] for one in told["candidates"]} == {"outpatient"}
