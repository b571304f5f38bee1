"""The description for programs is true: of every route, of what is taken and refused, and of every answer."""

from pathlib import Path
from typing import Any

import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from cds_hooks.app import create_app
from cds_hooks.exchange.answers_json import CardsJson, ExplanationJson, OutcomeJson, RefusalJson, ServicesJson
from cds_hooks.settings import Settings
from tests.web.trusting import trusting_app

NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
EXAMPLES = 300
"""Tried of each route."""
Json = dict[str, Any]


# A hook request that fits is still answered 412 where neither prefetch nor a FHIR server has its Encounter.
TAKEN = {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "412"]}}}
schema = schemathesis.openapi.from_wsgi(
    "/openapi.json", create_app(Settings()), config=SchemathesisConfig.from_dict(TAKEN)
)


@schema.include(path_regex="^/cds-services/").parametrize()
@settings(max_examples=EXAMPLES // 3, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_service_takes_what_is_described_and_refuses_what_is_not(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate()  # the three services share their routes, and so their examples


@schema.exclude(path_regex="^/cds-services/").parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_other_door_takes_what_is_described_and_refuses_what_is_not(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate()


def test_every_route_of_the_service_is_described_and_no_other(shared_app: Flask, client: FlaskClient) -> None:
    ids = shared_app.extensions["telecode"].offer.services
    routes = {
        (rule.rule.replace("<service_id>", service), method.lower())
        for rule in shared_app.url_map.iter_rules()
        if not rule.endpoint.startswith(("static", "page."))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        for service in ids
    }
    paths = client.get("/openapi.json").get_json()["paths"]
    assert {(path, method) for path, operations in paths.items() for method in operations} == routes


def test_real_answers_have_the_members_that_are_described_and_no_others(client: FlaskClient, good: Json) -> None:
    ServicesJson.model_validate_json(client.get("/cds-services").data)
    cards = CardsJson.model_validate_json(client.post(NOTE_SIGN, json=good).data)
    assert len(cards.cards) == 1
    ExplanationJson.model_validate_json(client.post("/api/v1/explain", json=good).data)
    for payers in (["medicare-ffs"], ["commercial"], ["medicare-ffs", "cpt-telemedicine"], None):
        for modality in ("audio_video", "audio_only", "asynchronous", None):
            facts = {"service_date": "2026-03-02", "payers": payers, "modality": modality, "total_minutes": 84}
            OutcomeJson.model_validate_json(client.post("/api/v1/select", json=facts).data)


def test_production_describes_no_door_that_is_closed_and_asks_for_tokens(tmp_path: Path) -> None:
    client = trusting_app(tmp_path, environment="production").test_client()
    paths = client.get("/openapi.json").get_json()["paths"]
    assert not any(path.startswith("/api") for path in paths)
    call = paths[NOTE_SIGN]["post"]
    assert call["security"] == [{"client": []}]
    RefusalJson.model_validate_json(client.post(NOTE_SIGN, json={}).data)
    assert "401" in call["responses"]
    assert "503" in call["responses"]
    for path in ("/cds-services", "/healthz", "/openapi.json"):
        assert "security" not in paths[path]["get"]
