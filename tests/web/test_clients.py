"""Each kind of EHR gets the card that it takes: one wants a claim, one an order, one text alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.chargeitem import ChargeItem
from fhir.resources.R4B.servicerequest import ServiceRequest
from flask.testing import FlaskClient

from cds_hooks.cli import main
from cds_hooks.exchange.hook import read_hook
from fhir_mapping.tables import TableError
from tests.chart_server import ChartServer
from tests.exchange.signers import BASE, ISSUER, KEYS, claims, key_set, signed

Json = dict[str, Any]
App = Callable[..., FlaskClient]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
PATIENT_VIEW = "/cds-services/telehealth-em-patient-view"
TRIGGER = "com.epic.cdshooks.request.bpa-trigger-action"


def card(client: FlaskClient, body: Json, service: str = NOTE_SIGN) -> Json:
    answer = client.post(service, json=body)
    assert answer.status_code == 200, answer.get_json()
    (found,) = answer.get_json()["cards"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def site(app_with: App, tmp_path: Path) -> Callable[[str, str], FlaskClient]:
    """A client of an app whose site has written a file of client profiles."""

    def make(client: str, profiles: str) -> FlaskClient:
        path = tmp_path / "clients.yaml"
        path.write_text(profiles, encoding="utf-8")
        return app_with(client=client, client_profiles=str(path))

    return make


KEYS_OF_SITE = """
clients:
  epic:
    preference_list:
      system: "urn:com.epic.cdshooks.action.code.system.preference-list-item"
      keys: {"99214": "4711", "99215": "4712", "G2212": "4799"}
"""


def test_a_generic_client_gets_a_claim_to_accept_and_the_outcome_beside_the_card(app_with: App, good: Json) -> None:
    found = card(app_with(), good)
    assert found["selectionBehavior"] == "at-most-one"
    assert found["suggestions"][0]["actions"][0]["resource"]["resourceType"] == "Claim"
    assert found["extension"]
    assert "](https://" in found["detail"]


def test_epic_gets_text_until_the_site_has_named_keys_of_its_preference_list(app_with: App, good: Json) -> None:
    found = card(app_with(client="epic"), good)
    assert "suggestions" not in found
    assert "selectionBehavior" not in found
    assert "extension" not in found
    assert "](" not in found["detail"]
    assert "99214" in found["detail"]


def test_epic_gets_an_order_by_its_own_key_under_the_one_behavior_it_takes(
    site: Callable[[str, str], FlaskClient], good: Json
) -> None:
    found = card(site("epic", KEYS_OF_SITE), good)
    assert found["selectionBehavior"] == "any"
    (suggestion,) = found["suggestions"]
    (action,) = suggestion["actions"]
    assert action["description"] == "Draft order: 99214"
    assert ServiceRequest.model_validate(action["resource"])
    assert action["resource"]["code"]["coding"][0]["code"] == "4711"


def test_epic_gets_a_prolonged_service_as_a_suggestion_beside_that_of_the_visit(
    site: Callable[[str, str], FlaskClient], good: Json
) -> None:
    good["prefetch"]["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = 90
    found = card(site("epic", KEYS_OF_SITE), good)
    orders = [suggestion["actions"] for suggestion in found["suggestions"]]
    assert [len(actions) for actions in orders] == [1, 1]
    assert [actions[0]["description"].split(":")[0] for actions in orders] == ["Draft order", "Draft order"]
    assert [actions[0]["resource"]["code"]["coding"][0]["code"] for actions in orders] == ["4712", "4799"]


def test_where_suggestions_may_be_taken_together_nobody_is_offered_two_visit_codes(
    site: Callable[[str, str], FlaskClient], good: Json
) -> None:
    good["prefetch"]["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = 45
    found = card(site("epic", KEYS_OF_SITE), good)
    assert [suggestion["label"] for suggestion in found["suggestions"]] == ["99215"]
    assert "99214" in found["detail"]


def test_where_suggestions_may_be_taken_together_an_open_question_is_no_choice(
    site: Callable[[str, str], FlaskClient], good: Json
) -> None:
    good["prefetch"]["priorEncounters"] = None
    client = site("epic", KEYS_OF_SITE)
    assert "suggestions" not in card(client, good)
    assert len(card(site("generic", KEYS_OF_SITE), good)["suggestions"]) == 2


def test_oracle_gets_text_of_a_bounded_length_and_nothing_to_click(app_with: App, good: Json) -> None:
    found = card(app_with(client="oracle"), good)
    assert set(found) == {"uuid", "summary", "indicator", "detail", "source"}
    assert len(found["detail"]) <= 2500
    assert "More is known than there is room for here." in found["detail"]
    assert found["detail"].endswith("A suggestion: the clinician decides.")
    assert found["detail"].count("| --- |") > 0


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_detail_is_cut_at_its_cap_and_not_before(
    site: Callable[[str, str], FlaskClient], app_with: App, good: Json, spare: int
) -> None:
    whole = card(app_with(), good)["detail"]
    cut = card(site("generic", f"clients: {{generic: {{longest_detail: {len(whole) + spare}}}}}"), good)["detail"]
    assert (cut == whole) == (spare >= 0)
    assert len(cut) <= len(whole) + spare


def test_a_charge_is_written_as_r5_where_the_ehr_writes_r5(site: Callable[[str, str], FlaskClient], good: Json) -> None:
    client = site("generic", "clients: {generic: {action_resource: chargeitem}}")
    visit = good["prefetch"]["encounter"]
    visit["class"] = [{"coding": [visit["class"]]}]
    visit["actualPeriod"] = visit.pop("period")
    (action,) = card(client, good)["suggestions"][0]["actions"]
    assert ChargeItem.model_validate(action["resource"])
    assert action["resource"]["encounter"] == {"reference": "Encounter/e-100"}
    good["extension"] = {"com.epic.cdshooks.request.fhir-version": "R4"}
    (action,) = card(client, good)["suggestions"][0]["actions"]
    assert action["resource"]["context"] == {"reference": "Encounter/e-100"}


def test_an_ehr_of_an_older_fhir_gets_the_code_without_a_draft(app_with: App, good: Json) -> None:
    good["extension"] = {"fhirVersion": "STU3"}
    (suggestion,) = card(app_with(), good)["suggestions"]
    assert "actions" not in suggestion


def test_a_client_that_marks_nothing_recommended_gets_no_mark(
    site: Callable[[str, str], FlaskClient], good: Json
) -> None:
    found = card(site("generic", "clients: {generic: {recommend: false, override_reasons: none}}"), good)
    assert "isRecommended" not in found["suggestions"][0]
    assert "overrideReasons" not in found


def test_patient_view_heeds_the_triggers_of_the_profile_and_a_setting_goes_before_them(
    site: Callable[[str, str], FlaskClient], good: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    good |= {"hook": "patient-view", "extension": {TRIGGER: "23"}}
    profiles = 'clients: {epic: {triggers: ["60"]}}'
    assert site("epic", profiles).post(PATIENT_VIEW, json=good).get_json() == {"cards": []}
    good["extension"] = {TRIGGER: "60"}
    assert card(site("epic", profiles), good, PATIENT_VIEW)
    monkeypatch.setenv("TELECODE_PATIENT_VIEW_TRIGGERS", "23")
    assert site("epic", profiles).post(PATIENT_VIEW, json=good).get_json() == {"cards": []}


def test_prefetch_under_the_ehrs_own_keys_is_found_and_not_asked_for(
    site: Callable[[str, str], FlaskClient], good: Json
) -> None:
    good["prefetch"]["LOS_ENC"] = good["prefetch"].pop("encounter")
    client = site("epic", "clients: {epic: {prefetch_aliases: {LOS_ENC: encounter}}}")
    assert "99214" in card(client, good)["summary"]


def test_the_sandbox_that_names_no_encounter_gets_the_card_of_the_latest_telehealth_visit(
    app_with: App, good: Json
) -> None:
    prefetch = good["prefetch"]
    prefetch["priorEncounters"]["entry"].insert(0, {"resource": prefetch.pop("encounter")})
    chart = ChartServer(Observation=prefetch.pop("observations"))
    del good["context"]["encounterId"]
    with chart.running() as base:
        good |= {"hook": "patient-view", "fhirServer": base}
        client = app_with(client="sandbox", fhir_allow=base, fhir_deadline="10")
        assert card(client, good, PATIENT_VIEW)["summary"].startswith(
            "Visit of 2026-11-20: 99214, POS 10: moderate by MDM"
        )
        assert "Observation" in chart.kinds()
        assert not any(path.startswith("Encounter?") for path in chart.asked)
        other = app_with(client="generic", fhir_allow=base)
        assert other.post(PATIENT_VIEW, json=good).get_json() == {"cards": []}


def test_where_the_visits_of_a_patient_could_not_be_had_none_of_them_is_the_latest(app_with: App, good: Json) -> None:
    good["hook"] = "patient-view"
    del good["context"]["encounterId"], good["prefetch"]["encounter"], good["prefetch"]["priorEncounters"]
    client = app_with(client="sandbox")
    assert client.post(PATIENT_VIEW, json=good).get_json() == {"cards": []}
    good["prefetch"]["priorEncounters"] = {"resourceType": "OperationOutcome", "issue": [{"code": "exception"}]}
    assert client.post(PATIENT_VIEW, json=good).status_code == 412


def test_of_the_other_lists_no_further_page_is_read_to_find_the_latest_visit(app_with: App, good: Json) -> None:
    good["hook"] = "patient-view"
    del good["context"]["encounterId"]
    visits = good["prefetch"].pop("priorEncounters")
    visits["entry"].insert(0, {"resource": good["prefetch"].pop("encounter")})
    chart = ChartServer(Encounter=visits)
    with chart.running() as base:
        pages = [{"relation": "next", "url": f"{base}/DocumentReference?page=2"}]
        good["prefetch"]["documents"] = {"resourceType": "Bundle", "type": "searchset", "link": pages}
        client = app_with(client="sandbox", fhir_allow=base, fhir_deadline="10")
        assert card(client, good | {"fhirServer": base}, PATIENT_VIEW)["summary"].startswith("Visit of 2026-11-20: ")
    assert not any("page=2" in asked for asked in chart.asked)


@pytest.mark.parametrize(
    ("environment", "trigger", "cards"),
    [("production", None, 0), ("production", "23", 0), ("development", None, 1), ("development", "23", 1)],
)
def test_until_epics_trigger_is_named_no_chart_that_is_opened_gets_a_card_in_production(
    app_with: App, good: Json, environment: str, trigger: str | None, cards: int
) -> None:
    good["hook"] = "patient-view"
    if trigger:
        good["extension"] = {TRIGGER: trigger}
    client = app_with(client="epic", environment=environment, allow_unauthenticated="true")
    assert len(client.post(PATIENT_VIEW, json=good).get_json()["cards"]) == cards


def test_an_alias_that_leads_nowhere_stops_the_start(tmp_path: Path, app_with: App) -> None:
    file = tmp_path / "clients.yaml"
    file.write_text("clients: {generic: {prefetch_aliases: {FOO: encountr}}}", encoding="utf-8")
    with pytest.raises(TableError, match="FOO to encountr, which is no prefetch key"):
        app_with(client_profiles=str(file))


@pytest.mark.parametrize(
    "sent",
    [
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]},
        None,
    ],
)
def test_what_the_sandbox_searched_by_an_encounter_that_it_does_not_know_is_searched_again(
    app_with: App, good: Json, sent: Json | None
) -> None:
    prefetch = good["prefetch"]
    prefetch["priorEncounters"]["entry"].insert(0, {"resource": prefetch.pop("encounter")})
    chart = ChartServer(Observation=prefetch["observations"])
    prefetch["observations"] = sent
    del good["context"]["encounterId"]
    with chart.running() as base:
        good |= {"hook": "patient-view", "fhirServer": base}
        client = app_with(client="sandbox", fhir_allow=base, fhir_deadline="10")
        assert card(client, good, PATIENT_VIEW)["summary"].startswith("Visit of 2026-11-20: 99214, POS 10")


def test_the_sandbox_gets_no_card_for_a_patient_without_telehealth_visits(app_with: App, good: Json) -> None:
    good["hook"] = "patient-view"
    del good["context"]["encounterId"], good["prefetch"]["encounter"]
    assert app_with(client="sandbox").post(PATIENT_VIEW, json=good).get_json() == {"cards": []}


def test_the_trust_list_picks_the_profile_of_each_ehr(app_with: App, tmp_path: Path, good: Json) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(*KEYS))
    trust = tmp_path / "trust.yaml"
    trust.write_text(f"issuers: {{'{ISSUER}': {{jwks_file: keys.json, client: oracle}}}}", encoding="utf-8")
    database = f"sqlite:///{tmp_path}/telecode.db"
    client = app_with(auth="required", trust=str(trust), public_url=BASE, database_url=database)
    headers = {"Authorization": f"Bearer {signed(claims(NOTE_SIGN))}"}
    (found,) = client.post(NOTE_SIGN, json=good, headers=headers).get_json()["cards"]
    assert "suggestions" not in found


@pytest.mark.parametrize(("life", "status"), [(299, 200), (300, 200), (301, 401)])
def test_a_token_lives_no_longer_than_its_ehrs_profile_says(
    app_with: App, tmp_path: Path, good: Json, life: int, status: int
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(*KEYS))
    trust = tmp_path / "trust.yaml"
    trust.write_text(f"issuers: {{'{ISSUER}': {{jwks_file: keys.json, client: sandbox}}}}", encoding="utf-8")
    database = f"sqlite:///{tmp_path}/telecode.db"
    client = app_with(auth="required", trust=str(trust), public_url=BASE, database_url=database)
    said = claims(NOTE_SIGN)
    headers = {"Authorization": f"Bearer {signed(said | {'exp': said['iat'] + life})}"}
    assert client.post(NOTE_SIGN, json=good, headers=headers).status_code == status


def test_a_client_that_nobody_knows_stops_the_start(monkeypatch: pytest.MonkeyPatch, good: Json) -> None:
    monkeypatch.setenv("TELECODE_CLIENT", "epyc")
    told = CliRunner().invoke(main, ["explain", "-"], input=json.dumps(good))
    assert told.exit_code == 2
    assert "there is no client profile epyc" in told.stderr


def test_what_was_offered_is_remembered_by_code(site: Callable[[str, str], FlaskClient], good: Json) -> None:
    good["prefetch"]["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = 90
    service = site("epic", KEYS_OF_SITE).application.extensions["telecode"]
    answer = service.answer(read_hook(good, None, service.offer.services))
    (given,) = service.cards_given("telehealth-em-note-sign", answer)
    uuids = [suggestion["uuid"] for suggestion in answer.cards[0]["suggestions"]]
    assert [(offer.suggestion, offer.code) for offer in given.offers if offer.suggestion] == [
        (uuids[0], "99215"),
        (uuids[1], "G2212"),
    ]
    assert {offer.code for offer in given.offers if not offer.suggestion} == {"99214"}
