"""Rows C1 to C15: the answer, as the checker sees it from outside."""

import copy
import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from fhir.resources import claim
from fhir.resources.R4B import claim as r4_claim
from flask.testing import FlaskClient

from cds_hooks.app import create_app
from cds_hooks.settings import Settings
from tests.protocol.checker import check_answer, strings

Json = dict[str, Any]
App = Callable[..., FlaskClient]
Change = Callable[[Json], None]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
CPT = "http://www.ama-assn.org/go/cpt"
CLIENTS = ("generic", "epic", "oracle", "sandbox")


def card(client: FlaskClient, body: Json, service: str = NOTE_SIGN) -> Json:
    answer = client.post(service, json=body)
    assert answer.status_code == 200, answer.get_json()
    check_answer(answer.get_json())
    (found,) = answer.get_json()["cards"]
    assert isinstance(found, dict)
    return found


def minutes(body: Json, value: float) -> None:
    body["prefetch"]["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = value


def chosen(body: Json, code: str) -> None:
    body["prefetch"]["encounter"]["type"] = [{"coding": [{"system": CPT, "code": code}]}]


def no_mode(body: Json) -> None:
    del body["prefetch"]["encounter"]["extension"]


def by_phone(body: Json) -> None:
    body["prefetch"]["encounter"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] = "phone"


def as_it_is(_: Json) -> None:
    """No change."""


def too_short(body: Json) -> None:
    minutes(body, 3)
    body["prefetch"]["observations"]["entry"].pop()


VISITS: dict[str, Change] = {
    "a selection": as_it_is,
    "a long visit": lambda body: minutes(body, 90),
    "two supported codes": lambda body: minutes(body, 45),
    "a visit too short": too_short,
    "no mode": no_mode,
    "by telephone": by_phone,
    "no earlier visits": lambda body: body["prefetch"].update(priorEncounters=None),
    "no payer": lambda body: body["prefetch"].update(coverage=None),
    "nothing but the visit": lambda body: body.update(prefetch={"encounter": body["prefetch"]["encounter"]}),
    "a code chosen and supported": lambda body: chosen(body, "99214"),
    "a code chosen too high": lambda body: chosen(body, "99215"),
    "a visit past the rules": lambda body: body["prefetch"]["encounter"].update(period={"start": "2031-01-05"}),
    "no date": lambda body: body["prefetch"]["encounter"].update(period={}),
}


EVERY = list(product(CLIENTS, VISITS))


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FlaskClient]:
    with pytest.MonkeyPatch.context() as environment:
        made = {}
        site = tmp_path_factory.mktemp("site") / "clients.yaml"
        keys = {code: f"key-{code}" for code in ("99212", "99213", "99214", "99215", "G2212")}
        site.write_text(json.dumps({"clients": {"epic": {"preference_list": {"system": "urn:x", "keys": keys}}}}))
        environment.setenv("TELECODE_CLIENT_PROFILES", str(site))
        for name in CLIENTS:
            environment.setenv("TELECODE_CLIENT", name)
            made[name] = create_app(Settings()).test_client()
    return made


@pytest.mark.parametrize(("client_name", "visit"), EVERY)
def test_c1_to_c13_every_answer_to_every_client_keeps_every_rule(
    apps: dict[str, FlaskClient], good: Json, client_name: str, visit: str
) -> None:
    VISITS[visit](good)
    card(apps[client_name], good)


def test_c1_nothing_to_say_is_200_and_no_card(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["encounter"]["class"]["code"] = "IMP"
    answer = client.post(NOTE_SIGN, json=good)
    assert (answer.status_code, answer.get_json()) == (200, {"cards": []})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", NOTE_SIGN, b"[]", 400),
        ("POST", NOTE_SIGN, b"{}", 400),
        ("POST", "/cds-services/none", b"{}", 404),
        ("GET", NOTE_SIGN, b"", 405),
        ("PUT", NOTE_SIGN, b"{}", 405),
        ("DELETE", "/cds-services", b"", 405),
        ("GET", "/nowhere", b"", 404),
        ("POST", f"{NOTE_SIGN}/feedback", b"{}", 400),
    ],
)
def test_c2_whatever_goes_wrong_is_an_operation_outcome(
    client: FlaskClient, method: str, path: str, body: bytes, status: int
) -> None:
    answer = client.open(path, method=method, data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.content_type == "application/json"
    outcome = answer.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["severity"] == "error"
    assert issue["code"]
    assert issue["diagnostics"]
    if status == 405:
        assert answer.headers["Allow"]


def test_c2_a_refusal_repeats_nothing_of_the_request(client: FlaskClient, good: Json) -> None:
    name = "Mary-Poppins"
    for path in (("hook",), ("hookInstance",), ("context", "patientId"), ("context", "encounterId"), ("fhirServer",)):
        body = copy.deepcopy(good)
        place = body
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = f"{name} {path[-1]}"
        answer = client.post(NOTE_SIGN, json=body)
        assert answer.status_code == 400
        assert name not in answer.text


def test_c3_the_longest_summaries_are_cut_below_140_characters(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["priorEncounters"] = None
    chosen(good, "99215")
    long = card(client, good)["summary"]
    assert 100 < len(long) < 140


def test_c4_the_indicator_is_info_unless_something_is_asked_or_contradicted(client: FlaskClient, good: Json) -> None:
    assert card(client, copy.deepcopy(good))["indicator"] == "info"
    no_mode(good)
    assert card(client, good)["indicator"] == "warning"


def test_c5_the_source_has_a_label_a_topic_and_the_public_address_and_no_drill_down(
    app_with: App, client: FlaskClient, good: Json
) -> None:
    assert "url" not in card(client, good)["source"]
    source = card(app_with(public_url="https://cds.example/telecode/"), good)["source"]
    assert source["url"] == "https://cds.example/telecode"
    assert source["topic"]["code"] == "telehealthEMCode"


def test_c6_every_card_and_suggestion_has_a_uuid_that_was_never_used(client: FlaskClient, good: Json) -> None:
    minutes(good, 45)
    seen = [one["uuid"] for _ in range(2) for found in [card(client, good)] for one in (found, *found["suggestions"])]
    assert len(seen) == len(set(seen)) == 6


def test_c7_the_detail_is_markdown_with_tables_and_without_html(client: FlaskClient, good: Json) -> None:
    detail = card(client, good)["detail"]
    assert "\n| --- |" in detail
    assert "<" not in detail


@pytest.mark.parametrize("visit", list(VISITS))
def test_c8_of_suggestions_that_exclude_each_other_at_most_one_is_recommended(
    client: FlaskClient, good: Json, visit: str
) -> None:
    VISITS[visit](good)
    found = card(client, good)
    if "suggestions" in found:
        assert found["selectionBehavior"] == "at-most-one"
    assert sum(one.get("isRecommended", False) for one in found.get("suggestions", ())) <= 1


def test_c9_a_suggestion_is_labelled_by_what_accepting_it_bills(client: FlaskClient, good: Json) -> None:
    minutes(good, 90)
    first, second = card(client, good)["suggestions"]
    assert first["label"] == "99215 + G2212 x2, POS 10"
    assert second["label"] == "99214, POS 10"


@pytest.mark.parametrize(("client_name", "visit"), EVERY)
def test_c10_no_suggestion_lets_its_actions_be_picked_apart(
    apps: dict[str, FlaskClient], good: Json, client_name: str, visit: str
) -> None:
    VISITS[visit](good)
    answer = apps[client_name].post(NOTE_SIGN, json=good).text
    assert "actionSelectionBehavior" not in answer
    assert "autolaunchable" not in answer
    if client_name == "epic":
        suggestions = json.loads(answer)["cards"][0].get("suggestions", [])
        assert all(len(one["actions"]) == 1 for one in suggestions)


def test_c11_an_action_creates_a_whole_new_resource_about_the_patient_and_visit_of_the_context(
    client: FlaskClient, good: Json
) -> None:
    (action,) = card(client, good)["suggestions"][0]["actions"]
    assert (action["type"], action["description"]) == ("create", "Draft claim: 99214, POS 10")
    resource = action["resource"]
    assert resource["patient"] == {"reference": "Patient/p-100"}
    assert resource["item"][0]["encounter"] == [{"reference": "Encounter/e-100"}]
    assert resource["status"] == "draft"


def test_c12_override_reasons_are_codes_with_words(client: FlaskClient, good: Json) -> None:
    reasons = card(client, good)["overrideReasons"]
    assert len({reason["code"] for reason in reasons}) == len(reasons) > 1
    assert all(set(reason) == {"system", "code", "display"} for reason in reasons)


def test_c13_a_card_leads_nowhere_but_to_the_calculator_of_a_service_that_has_an_address(
    app_with: Callable[..., FlaskClient], good: Json
) -> None:
    assert "links" not in card(app_with(), good)
    (link,) = card(app_with(public_url="https://cds.example/telecode/"), good)["links"]
    assert set(link) == {"label", "url", "type"}
    assert link["type"] == "absolute"
    assert link["url"].startswith("https://cds.example/telecode/calculator?")


@pytest.mark.parametrize("name", CLIENTS)
def test_c13_only_an_ehr_that_takes_links_is_sent_one(
    app_with: Callable[..., FlaskClient], good: Json, name: str
) -> None:
    takes_links = name in {"generic", "sandbox"}
    assert ("links" in card(app_with(client=name, public_url="https://cds.example"), good)) is takes_links


@pytest.mark.parametrize(("client_name", "visit"), EVERY)
def test_c14_no_code_is_ever_billed_without_a_person(
    apps: dict[str, FlaskClient], good: Json, client_name: str, visit: str
) -> None:
    VISITS[visit](good)
    assert "systemActions" not in apps[client_name].post(NOTE_SIGN, json=good).text


def as_r5(body: Json) -> None:
    visit = body["prefetch"]["encounter"]
    visit["class"] = [{"coding": [visit["class"]]}]
    visit["actualPeriod"] = visit.pop("period")


@pytest.mark.parametrize(("change", "model"), [(as_it_is, r4_claim.Claim), (as_r5, claim.Claim)], ids=["R4", "R5"])
def test_c15_the_resources_of_an_answer_are_of_the_release_of_the_request(
    client: FlaskClient, good: Json, change: Change, model: Any
) -> None:
    minutes(good, 45)
    change(good)
    found = card(client, good)
    for suggestion in found["suggestions"]:
        for action in suggestion["actions"]:
            model.model_validate(action["resource"])


def test_e17_no_address_in_an_answer_says_anything_of_the_patient(client: FlaskClient, good: Json) -> None:
    for text in strings(card(client, good)):
        for address in text.split("](")[1:] + ([text] if text.startswith("http") else []):
            assert not any(secret in address.partition(")")[0] for secret in ("p-100", "e-100", "1961", "dr-lind"))


def test_e26_the_same_request_leads_to_the_same_words_and_codes(client: FlaskClient, good: Json) -> None:
    minutes(good, 45)
    first = card(client, good)
    second = card(client, good | {"hookInstance": "0f0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f12"})
    uuids = {one["uuid"] for found in (first, second) for one in (found, *found["suggestions"])}
    assert len(uuids) == 6
    for found in (first, second):
        for one in (found, *found["suggestions"]):
            del one["uuid"]
    assert first == second


@pytest.mark.parametrize(
    "wrong", [{"summary": "x" * 140}, {"indicator": "danger"}, {"detail": "<b>x</b>"}, {"priority": 1}, {"uuid": "1"}]
)
def test_the_checker_sees_what_is_wrong(client: FlaskClient, good: Json, wrong: Json) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_answer({"cards": [card(client, good) | wrong]})
