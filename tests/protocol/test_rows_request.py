"""Rows R1 to R11: the call of a service."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid1, uuid3, uuid4, uuid5

import pytest
from flask.testing import FlaskClient

from tests.chart_server import ChartServer
from tests.web.trusting import OPEN_PRODUCTION

Json = dict[str, Any]
App = Callable[..., FlaskClient]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
ORDER_SIGN = "/cds-services/telehealth-em-order-sign"
TOKEN = "fhir-token-4711-secret"  # noqa: S105 - no secret of anybody's
GRANTED: Json = {
    "access_token": TOKEN,
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "user/Patient.read epic.scanning.dmsusername",
    "subject": "cds-service",
}


def where(client: FlaskClient, body: Json, service: str = NOTE_SIGN) -> str:
    """Where the request is at fault, by the one issue of a 400."""
    answer = client.post(service, json=body)
    assert answer.status_code == 400, answer.get_json()
    (issue,) = answer.get_json()["issue"]
    return str(issue["expression"][0])


@pytest.mark.parametrize("missing", ["hook", "hookInstance", "context"])
@pytest.mark.parametrize("value", [None, "", 7, [], True, "gone"])
def test_r1_what_is_required_must_be_there_and_of_its_kind(
    client: FlaskClient, good: Json, missing: str, value: object
) -> None:
    if value == "gone":
        del good[missing]
    else:
        good[missing] = value
    assert where(client, good) == missing


@pytest.mark.parametrize("make", [uuid1, lambda: uuid3(uuid1(), "x"), uuid4, lambda: uuid5(uuid1(), "x")])
def test_r1_a_hook_instance_is_a_uuid_of_any_version(
    client: FlaskClient, good: Json, make: Callable[[], object]
) -> None:
    for instance in (str(make()), str(make()).upper()):
        good["hookInstance"] = instance
        assert client.post(NOTE_SIGN, json=good).status_code == 200


def test_r2_a_token_without_a_server_is_refused(client: FlaskClient, good: Json) -> None:
    assert where(client, good | {"fhirAuthorization": GRANTED}) == "fhirServer"


@pytest.mark.parametrize(
    "server", ["", "fhir.example/r4", "ftp://fhir.example", "file:///etc/passwd", "http://", 7, []]
)
def test_r2_a_server_is_an_address(client: FlaskClient, good: Json, server: object) -> None:
    assert where(client, good | {"fhirServer": server}) == "fhirServer"


@pytest.mark.parametrize("server", ["http://fhir.example/r4", "HTTP://fhir.example/r4", "https://u:p@fhir.example/r4"])
def test_r2_in_production_a_server_is_https(app_with: App, good: Json, server: str) -> None:
    client = app_with(**OPEN_PRODUCTION)
    assert where(client, good | {"fhirServer": server}) == "fhirServer"
    assert client.post(NOTE_SIGN, json=good | {"fhirServer": "https://fhir.example/r4"}).status_code == 200


def test_r3_scopes_of_any_version_and_vendor_are_let_pass(client: FlaskClient, good: Json) -> None:
    for scope in ("patient/Observation.read", "patient/Observation.rs user/Encounter.rs", "epic.scanning", ""):
        good |= {"fhirServer": "https://fhir.example/r4", "fhirAuthorization": GRANTED | {"scope": scope}}
        assert client.post(NOTE_SIGN, json=good).status_code == 200


@pytest.mark.parametrize("left_out", ["token_type", "expires_in", "scope", "subject"])
def test_r3_of_an_authorization_only_the_token_is_relied_on(client: FlaskClient, good: Json, left_out: str) -> None:
    granted = {name: value for name, value in GRANTED.items() if name != left_out}
    good |= {"fhirServer": "https://fhir.example/r4", "fhirAuthorization": granted}
    assert client.post(NOTE_SIGN, json=good).status_code == 200


@pytest.mark.parametrize(
    "granted",
    [
        {},
        [],
        "token",
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "naïve"},
        GRANTED | {"token_type": "MAC"},
        GRANTED | {"token_type": None},
    ],
)
def test_r3_an_authorization_that_is_no_bearer_token_is_refused(
    client: FlaskClient, good: Json, granted: object
) -> None:
    good |= {"fhirServer": "https://fhir.example/r4", "fhirAuthorization": granted}
    assert where(client, good) == "fhirAuthorization"


def test_r4_a_request_may_come_without_prefetch(client: FlaskClient, good: Json) -> None:
    del good["prefetch"]
    assert client.post(NOTE_SIGN, json=good).status_code == 412
    assert client.post(NOTE_SIGN, json=good | {"prefetch": None}).status_code == 412
    assert where(client, good | {"prefetch": []}) == "prefetch"


def test_r5_the_token_is_nowhere_to_be_found_afterwards(
    app_with: App, good: Json, caplog: pytest.LogCaptureFixture
) -> None:
    chart = ChartServer()
    with chart.running() as base, caplog.at_level(logging.DEBUG):
        client = app_with(fhir_allow=base, fhir_deadline="10")
        answer = client.post(NOTE_SIGN, json=good | {"fhirServer": base, "fhirAuthorization": GRANTED})
    assert chart.tokens == {f"Bearer {TOKEN}"}
    assert TOKEN not in answer.text
    assert TOKEN not in str(answer.headers)
    assert TOKEN not in caplog.text
    database = client.application.extensions["ledger"].database
    with database.writing() as connection:
        dumped = "\n".join(connection.connection.driver_connection.iterdump())
    assert TOKEN not in dumped
    assert "p-100" not in dumped


def test_r6_each_call_of_the_server_carries_the_requests_own_token(app_with: App, good: Json) -> None:
    chart = ChartServer()
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        for token in ("one", "two"):
            chart.tokens.clear()
            granted = GRANTED | {"access_token": token}
            client.post(NOTE_SIGN, json=good | {"fhirServer": base, "fhirAuthorization": granted})
            assert chart.tokens == {f"Bearer {token}"}


def test_r6_an_open_server_is_used_in_development_if_it_is_listed(app_with: App, good: Json) -> None:
    chart = ChartServer()
    with chart.running() as base:
        app_with(fhir_allow=base, fhir_deadline="10").post(NOTE_SIGN, json=good | {"fhirServer": base})
        assert chart.tokens == {None}
        chart.asked.clear()
        app_with(fhir_allow="https://fhir.example/r4").post(NOTE_SIGN, json=good | {"fhirServer": base})
        assert chart.asked == []


def test_r7_prefetch_and_fhir_access_lead_to_the_same_codes(app_with: App, good: Json) -> None:
    sent = good["prefetch"]
    chart = ChartServer(
        **{
            "Encounter/e-100": sent["encounter"],
            "Observation": sent["observations"],
            "Coverage": sent["coverage"],
            "Encounter": sent["priorEncounters"],
        }
    )
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        by_prefetch = client.post(NOTE_SIGN, json=good).get_json()["cards"][0]["summary"]
        by_access = client.post(NOTE_SIGN, json=good | {"prefetch": {}, "fhirServer": base})
    assert by_access.get_json()["cards"][0]["summary"] == by_prefetch


def test_r8_where_all_was_sent_along_nobody_is_asked_and_waited_for(app_with: App, good: Json) -> None:
    chart = ChartServer()
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        asked = client.get("/cds-services").get_json()["services"][0]["prefetch"]
        good["prefetch"] = dict.fromkeys(asked) | good["prefetch"]
        (card,) = client.post(NOTE_SIGN, json=good | {"fhirServer": base}).get_json()["cards"]
    assert card["summary"].startswith("99214")
    assert chart.asked == []


def test_r9_what_is_required_and_had_by_no_route_is_a_412(app_with: App, good: Json) -> None:
    del good["prefetch"]["encounter"]
    chart = ChartServer()
    with chart.running() as base:
        client = app_with(fhir_allow=base, fhir_deadline="10")
        answer = client.post(NOTE_SIGN, json=good | {"fhirServer": base, "fhirAuthorization": GRANTED})
    assert "Encounter/e-100" in chart.asked
    assert answer.status_code == 412
    assert answer.get_json()["issue"][0]["code"] == "required"


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge", "order-sign", "note-sign", "Patient-View"])
def test_r10_a_service_answers_its_own_hook_and_no_other(client: FlaskClient, good: Json, hook: str) -> None:
    assert where(client, good | {"hook": hook}) == "hook"


@pytest.mark.parametrize("name", ["patientId", "encounterId"])
@pytest.mark.parametrize("value", ["Group/p", "../p", "p?x=1", "p#1", "p 1", "p|1", "", 7, None, ["p"], "x" * 257])
def test_r11_ids_are_plain(client: FlaskClient, good: Json, name: str, value: object) -> None:
    good["context"][name] = value
    assert where(client, good) == f"context.{name}"


@pytest.mark.parametrize("length", [1, 64, 65, 255, 256])
def test_r11_ids_longer_than_fhir_allows_and_with_an_underscore_are_borne(
    client: FlaskClient, good: Json, length: int
) -> None:
    own = ("e_" * length)[:length]
    good["context"]["encounterId"] = good["prefetch"]["encounter"]["id"] = own
    assert client.post(NOTE_SIGN, json=good).status_code in {200, 412}
    good["prefetch"]["observations"] = None
    assert client.post(NOTE_SIGN, json=good).status_code == 200


@pytest.mark.parametrize(
    ("name", "kind", "own"),
    [
        ("patientId", "Patient", "p-100"),
        ("encounterId", "Encounter", "e-100"),
        ("documentReferenceId", "DocumentReference", "n1"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "{kind}/{own}",
        " {own} ",
        "urn:uuid:{own}",
        "{kind}/{own}/_history/7",
        "https://ehr.example/fhir/{kind}/{own}",
        "https://ehr.example/fhir/{kind}/{own}/_history/7",
    ],
)
def test_r11_a_reference_to_the_resource_of_an_id_is_taken_for_the_id(
    client: FlaskClient, good: Json, name: str, kind: str, own: str, form: str
) -> None:
    good["context"][name] = form.format(kind=kind, own=own)
    (card,) = client.post(NOTE_SIGN, json=good).get_json()["cards"]
    assert card["summary"].startswith("99214, POS 10")


@pytest.mark.parametrize(
    ("name", "reference"),
    [("patientId", "Patient/p-100"), ("encounterId", "Encounter/e-100"), ("userId", "Practitioner/dr-lind")],
)
def test_r11_a_reference_to_another_server_than_the_one_named_is_refused(
    client: FlaskClient, good: Json, name: str, reference: str
) -> None:
    good["fhirServer"] = "https://ehr.example/fhir/"
    good["context"][name] = f"https://ehr.example/fhir/{reference}"
    assert client.post(NOTE_SIGN, json=good).status_code == 200
    good["context"][name] = f"https://other.example/fhir/{reference}"
    assert where(client, good) == f"context.{name}"


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_r11_a_blank_id_is_an_id_that_is_absent(client: FlaskClient, good: Json, blank: str | None) -> None:
    good["context"]["documentReferenceId"] = blank
    assert len(client.post(NOTE_SIGN, json=good).get_json()["cards"]) == 1
    good |= {"hook": "patient-view"}
    good["context"]["encounterId"] = blank
    assert client.post("/cds-services/telehealth-em-patient-view", json=good).get_json() == {"cards": []}
    good["hook"] = "encounter-discharge"
    assert where(client, good, "/cds-services/telehealth-em-encounter-discharge") == "context.encounterId"


@pytest.mark.parametrize("service", ["note-sign", "encounter-discharge", "patient-view", "order-sign"])
@pytest.mark.parametrize(
    "user", ["gone", "dr-lind", "Group/x", "", " ", None, 7, "Practitioner/a/b", "Practitioner/../x", "Practitioner/.."]
)
def test_r11_every_hook_names_its_user_by_type_and_id(app_with: App, good: Json, service: str, user: object) -> None:
    good["hook"] = "org.example.telecode.note-sign" if service == "note-sign" else service
    good["context"]["draftOrders"] = {"resourceType": "Bundle"}
    if user == "gone":
        del good["context"]["userId"]
    else:
        good["context"]["userId"] = user
    client = app_with(order_sign="true")
    assert where(client, good, f"/cds-services/telehealth-em-{service}") == "context.userId"
    said = client.post(f"/cds-services/telehealth-em-{service}", json=good).get_json()["issue"][0]["diagnostics"]
    assert "such as Practitioner/123" in said


@pytest.mark.parametrize(
    "user",
    [
        "PractitionerRole/r",
        "Patient/p-100",
        "RelatedPerson/x",
        "https://ehr.example/fhir/Practitioner/dr-lind",
        "Practitioner/dr-lind/_history/2",
        " Practitioner/dr-lind",
    ],
)
def test_r11_a_user_is_of_any_type_that_the_hooks_know(client: FlaskClient, good: Json, user: str) -> None:
    good["context"]["userId"] = user
    assert client.post(NOTE_SIGN, json=good).status_code == 200


@pytest.mark.parametrize(
    "instance",
    [
        "{5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11}",
        "urn:uuid:5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11",
        "5b0c2b866c1e4e6a9d5b0d0b6a3d7f11",
        "5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f1_",
        "req-4711",
    ],
)
def test_r1_a_hook_instance_of_another_form_is_refused_with_the_form_that_is_wanted(
    client: FlaskClient, good: Json, instance: str
) -> None:
    good["hookInstance"] = instance
    said = client.post(NOTE_SIGN, json=good).get_json()["issue"][0]
    assert said["expression"] == ["hookInstance"]
    assert "8-4-4-4-12 with dashes" in said["diagnostics"]
