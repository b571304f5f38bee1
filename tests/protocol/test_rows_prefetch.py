"""Rows P1 to P18: what the service asks to be sent along, and what it makes of what clients do with that."""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.chart_server import NOTHING_FOUND, ChartServer
from tests.protocol.checker import check_answer, check_template

Json = dict[str, Any]
App = Callable[..., FlaskClient]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
OUTCOME = "org.example.telecode.outcome"
FAILED: Json = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
EPIC_EMPTY: Json = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "entry": [
        {
            "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "processing"}]},
            "search": {"mode": "outcome"},
        }
    ],
}
FOREIGN = "http://127.0.0.1:9/fhir/Encounter?page=2"


def templates(client: FlaskClient) -> Iterator[tuple[str, str, str]]:
    for service in client.get("/cds-services").get_json()["services"]:
        for key, template in service["prefetch"].items():
            yield service["hook"], key, template


def cards(client: FlaskClient, body: Json) -> list[Json]:
    answer = client.post(NOTE_SIGN, json=body)
    assert answer.status_code == 200, answer.get_json()
    check_answer(answer.get_json())
    found: list[Json] = answer.get_json()["cards"]
    return found


def code(client: FlaskClient, body: Json) -> str:
    (card,) = cards(client, body)
    return str(card["summary"])


@pytest.fixture
def listing(app_with: App) -> FlaskClient:
    return app_with(order_sign="true")


def test_p1_each_template_is_a_relative_read_or_search(listing: FlaskClient) -> None:
    for _, _, template in templates(listing):
        assert re.match(r"[A-Z][A-Za-z]+(/|\?)|\{\{context\.userId\}\}$", template)
        assert "://" not in template.partition("?")[0]


def test_p2_templates_use_only_tokens_that_their_hook_defines(listing: FlaskClient) -> None:
    for hook, _, template in templates(listing):
        check_template(template, hook)
        assert "draft" not in template
        assert "selections" not in template


def test_p2_the_stored_note_is_asked_for_only_by_the_hook_that_names_one(listing: FlaskClient) -> None:
    assert {hook for hook, key, _ in templates(listing) if key == "note"} == {"org.example.telecode.note-sign"}


def test_p3_no_template_needs_more_than_a_client_of_2_0_can_do(listing: FlaskClient) -> None:
    for _, _, template in templates(listing):
        assert not re.search(r"today\(|ofType|resolve\(|%|_maxresults|\{\{[^}]*[|+(]", template)


def test_p4_searches_keep_to_the_safe_subset(listing: FlaskClient) -> None:
    for hook, _, template in templates(listing):
        check_template(template, hook)
        assert "sort:" not in template


def test_p5_every_search_is_about_one_patient_and_every_long_list_is_bounded(listing: FlaskClient) -> None:
    for _, key, template in templates(listing):
        if "?" in template:
            assert "?patient={{context.patientId}}" in template
            assert "encounter=" in template or "_count=" in template or key == "coverage"


def test_p6_observations_are_asked_for_by_code_and_diagnoses_by_their_category(listing: FlaskClient) -> None:
    asked = {key: template for _, key, template in templates(listing)}
    assert "&code=https://example.org/fhir/telecode/CodeSystem/em-documentation|total-time," in asked["observations"]
    assert asked["conditions"].endswith("&category=encounter-diagnosis")


def test_p7_keys_that_an_analyst_has_named_otherwise_are_found_by_what_they_hold(
    client: FlaskClient, good: Json
) -> None:
    plain = code(client, copy.deepcopy(good))
    good["prefetch"] = {f"-{key.upper()}": value for key, value in good["prefetch"].items()}
    assert code(client, good) == plain


def test_p7_a_profile_may_name_the_ehrs_own_keys(app_with: App, good: Json) -> None:
    chart = ChartServer()
    good["prefetch"]["-user"] = {"resourceType": "Practitioner", "id": "dr-lind"}
    with chart.running() as base:
        client = app_with(client="epic", fhir_allow=base, fhir_deadline="10")
        cards(client, good | {"fhirServer": base})
    assert "Practitioner" not in chart.kinds()


@pytest.mark.parametrize("user", ["Practitioner/dr-lind", "PractitionerRole/dr-lind-at-north"])
def test_p8_the_user_is_a_whole_reference_of_either_kind(app_with: App, good: Json, user: str) -> None:
    good["context"]["userId"] = user
    chart = ChartServer()
    with chart.running() as base:
        cards(app_with(fhir_allow=base, fhir_deadline="10"), good | {"fhirServer": base})
    assert user in chart.asked


@pytest.mark.parametrize("honoured", [set(), {"encounter"}, {"encounter", "coverage"}, {"observations", "patient"}])
def test_p10_whichever_templates_a_client_honours_the_rest_is_fetched(
    app_with: App, good: Json, honoured: set[str]
) -> None:
    sent = good["prefetch"]
    chart = ChartServer(
        **{
            "Encounter/e-100": sent["encounter"],
            "Patient/p-100": sent["patient"],
            "Observation": sent["observations"],
            "Coverage": sent["coverage"],
            "Encounter": sent["priorEncounters"],
        }
    )
    good["prefetch"] = {key: value for key, value in sent.items() if key in honoured}
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        assert code(client, good | {"fhirServer": base}).startswith("99214, POS 10: moderate by MDM")
    assert ("Encounter/e-100" in chart.asked) == ("encounter" not in honoured)
    assert ("Coverage" in chart.kinds()) == ("coverage" not in honoured)


def test_p11_without_the_visit_and_without_a_server_the_answer_is_412(client: FlaskClient, good: Json) -> None:
    del good["prefetch"]["encounter"]
    answer = client.post(NOTE_SIGN, json=good)
    assert answer.status_code == 412
    assert answer.get_json()["resourceType"] == "OperationOutcome"


def test_p11_what_is_not_required_may_be_missing(client: FlaskClient, good: Json) -> None:
    good["prefetch"] = {"encounter": good["prefetch"]["encounter"]}
    assert code(client, good).startswith("Visit code open.")


@pytest.mark.parametrize("key", ["encounter", "observations", "coverage", "priorEncounters", "patient"])
def test_p12_null_is_an_answer_and_nothing_is_asked_again(app_with: App, good: Json, key: str) -> None:
    good["prefetch"][key] = None
    chart = ChartServer()
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        answer = client.post(NOTE_SIGN, json=good | {"fhirServer": base})
    assert answer.status_code == (412 if key == "encounter" else 200)
    kind = {"priorEncounters": "Encounter", "encounter": "Encounter"}.get(key, key.rstrip("s").capitalize())
    assert kind not in chart.kinds()


def test_p13_what_the_client_tried_and_failed_is_not_asked_again_blindly(app_with: App, good: Json) -> None:
    good["prefetch"]["coverage"] = FAILED
    chart = ChartServer()
    with chart.running() as base:
        (card,) = cards(app_with(fhir_allow=base, fhir_deadline="10"), good | {"fhirServer": base})
    assert "Coverage" not in chart.kinds()
    assert "could not be read" in card["detail"]
    good["prefetch"]["encounter"] = FAILED
    assert app_with().post(NOTE_SIGN, json=good).status_code == 412


def test_p13_an_entry_that_failed_is_told_and_the_other_entries_are_read(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["observations"]["entry"].append({"resource": FAILED})
    (card,) = cards(client, good)
    assert card["summary"].startswith("99214")
    assert "could not be read" in card["detail"]


@pytest.mark.parametrize("key", ["coverage", "observations", "documents"])
def test_p14_epics_word_for_nothing_found_is_no_failure(client: FlaskClient, good: Json, key: str) -> None:
    good["prefetch"][key] = EPIC_EMPTY
    (card,) = cards(client, good)
    assert "could not be read" not in card["detail"]


@pytest.mark.parametrize("empty", [{"resourceType": "Bundle", "type": "searchset"}, NOTHING_FOUND, EPIC_EMPTY, None])
def test_p15_a_bundle_without_entries_is_empty_like_null(client: FlaskClient, good: Json, empty: Json | None) -> None:
    good["prefetch"]["coverage"] = empty
    (card,) = cards(client, good)
    assert [question["id"] for question in card["extension"][OUTCOME]["questions"]] == ["payers"]


def test_p16_a_next_page_elsewhere_is_never_followed_and_never_taken_for_the_end(app_with: App, good: Json) -> None:
    good["prefetch"]["priorEncounters"] = {**NOTHING_FOUND, "link": [{"relation": "next", "url": ""}]}
    here, trap = ChartServer(), ChartServer()
    with here.running() as base, trap.running() as elsewhere:
        good["prefetch"]["priorEncounters"]["link"][0]["url"] = f"{elsewhere}/Encounter?page=2"
        good |= {"fhirServer": base, "fhirAuthorization": {"access_token": "t", "token_type": "Bearer"}}
        client = app_with(fhir_allow=base, fhir_deadline="10", complete_history="true")
        (card,) = cards(client, good)
    assert trap.asked == []
    assert "patient_status" in [question["id"] for question in card["extension"][OUTCOME]["questions"]]


def test_p17_absolute_references_mean_the_same_resources(client: FlaskClient, good: Json) -> None:
    plain = code(client, copy.deepcopy(good))

    def absolute(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"https://epic.example/api/FHIR/R4/{item}"
                if key == "reference" and "/" in item
                else absolute(item)
                for key, item in value.items()
            }
        return [absolute(item) for item in value] if isinstance(value, list) else value

    good["prefetch"] = absolute(good["prefetch"])
    assert code(client, good) == plain


@pytest.mark.parametrize("left", ["missing", "unresolved"])
def test_p18_a_template_that_a_client_could_not_resolve_is_as_if_not_sent(app_with: App, good: Json, left: str) -> None:
    sent = good["prefetch"].pop("coverage")
    if left == "unresolved":
        good["prefetch"]["note"] = "DocumentReference/{{context.documentReferenceId}}"
    chart = ChartServer(Coverage=sent)
    with chart.running() as base:
        assert code(app_with(fhir_allow=base, fhir_deadline="10"), good | {"fhirServer": base}).startswith("99214")
    assert "Coverage" in chart.kinds()
