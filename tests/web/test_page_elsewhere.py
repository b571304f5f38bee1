"""A visit from a FHIR server is read for the visits tab as an EHR would send it, and from listed servers alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.chart_server import ChartServer
from tests.web.test_page_calculator import HOSTILE, Page
from tests.web.test_page_visits import request_in
from tests.web.trusting import OPEN_PRODUCTION

Json = dict[str, Any]
App = Callable[..., FlaskClient]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"


@pytest.fixture
def chart(good: Json) -> ChartServer:
    """A FHIR server that holds the visit of the good request."""
    kinds = {"observations": "Observation", "coverage": "Coverage", "priorEncounters": "Encounter"}
    held = {kind: good["prefetch"][key] for key, kind in kinds.items()}
    patient = {"resourceType": "Patient", "id": "p-100"}
    return ChartServer(**held, **{"Encounter/e-100": good["prefetch"]["encounter"], "Patient/p-100": patient})


def read(client: FlaskClient, **fields: str) -> Any:
    return client.post("/visits/read", data=fields)


def test_a_visit_is_read_with_what_the_templates_ask_for_and_the_service_answers_it(
    app_with: App, chart: ChartServer
) -> None:
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        shown = read(client, base=base, encounter=" e-100 ")
        assert shown.status_code == 200
        asked = request_in(shown.text)
        assert asked["context"] == {"patientId": "p-100", "encounterId": "e-100", "userId": "Practitioner/dr-lind"}
        assert asked["prefetch"]["encounter"]["id"] == "e-100"
        assert {"patient", "observations", "coverage", "priorEncounters"} <= set(asked["prefetch"])
        (card,) = client.post(NOTE_SIGN, json=asked).get_json()["cards"]
    assert card["summary"].startswith("99214, POS 10: moderate by MDM")
    assert chart.tokens == {None}


def test_an_r5_visit_names_its_clinician_as_an_actor(app_with: App, chart: ChartServer) -> None:
    visit = chart.holds["Encounter/e-100"]
    visit["participant"] = [{"actor": {"reference": "Patient/p-100"}}, {"actor": {"reference": "PractitionerRole/r"}}]
    with chart.running() as base:
        asked = request_in(read(app_with(fhir_allow=base, fhir_deadline="10"), base=base, encounter="e-100").text)
    assert asked["context"]["userId"] == "PractitionerRole/r"


@pytest.mark.parametrize("encounter", ["", "../metadata", "Encounter/e-100", "e-100?x=1", "e" * 257, *HOSTILE])
def test_an_id_that_is_none_is_refused_before_anybody_is_called(
    app_with: App, chart: ChartServer, encounter: str
) -> None:
    with chart.running() as base:
        answer = read(app_with(fhir_allow=base), base=base, encounter=encounter)
    assert answer.status_code == 400
    assert "letters, digits, dots, dashes and underscores" in Page(answer.text).text
    assert chart.asked == []


@pytest.mark.parametrize("base", ["", "http://169.254.169.254/latest", "https://elsewhere.example/fhir", *HOSTILE])
def test_a_server_that_is_not_listed_is_not_called(app_with: App, chart: ChartServer, base: str) -> None:
    with chart.running() as listed:
        answer = read(app_with(fhir_allow=listed), base=base, encounter="e-100")
    assert answer.status_code == 400
    assert "TELECODE_FHIR_ALLOW does not list it" in Page(answer.text).text
    assert chart.asked == []


def test_what_cannot_be_had_says_what_to_look_for(app_with: App, chart: ChartServer) -> None:
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        missing = read(client, base=base, encounter="e-404")
        chart.holds["Encounter/e-100"] = {"resourceType": "Encounter", "id": "e-100", "status": "finished"}
        nobodys = read(client, base=base, encounter="e-100")
    gone = read(client, base=base, encounter="e-100")
    assert (missing.status_code, nobodys.status_code, gone.status_code) == (502, 502, 502)
    assert "The visit could not be read: the EHR does not have it." in Page(missing.text).text
    assert "The Encounter names no patient." in Page(nobodys.text).text
    assert "The visit could not be read: the EHR could not be reached." in Page(gone.text).text
    assert "Medicare by video, at home" in Page(gone.text).text


def test_the_form_offers_the_listed_servers_and_is_not_there_in_production(app_with: App) -> None:
    bases = "http://127.0.0.1:1/fhir,https://ehr.example/fhir"
    page = app_with(fhir_allow=bases).get("/").text
    assert all(f"<option>{base}</option>" in page for base in bases.split(","))
    closed = app_with(**OPEN_PRODUCTION, page="true", fhir_allow="https://ehr.example/fhir")
    assert "visits/read" not in closed.get("/").text
    assert read(closed, base="https://ehr.example/fhir", encounter="e-100").status_code == 400


def test_nothing_of_the_visit_reaches_an_address(app_with: App, chart: ChartServer) -> None:
    with chart.running() as base:
        shown = read(app_with(fhir_allow=base, fhir_deadline="10"), base=base, encounter="e-100")
    addresses = [
        value for _, link in Page(shown.text).tags for name, value in link.items() if name in {"href", "action"}
    ]
    assert not any("e-100" in str(address) or "p-100" in str(address) for address in addresses)
    assert json.dumps(chart.holds["Encounter/e-100"]["id"]) in json.dumps(request_in(shown.text))
