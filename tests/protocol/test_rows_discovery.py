"""Rows D1 to D11: what the service lists."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.exchange.signers import BASE, ISSUER, KEYS, claims, key_set, signed
from tests.protocol.checker import check_discovery

Json = dict[str, Any]
App = Callable[..., FlaskClient]
DOCS = Path(__file__).parent.parent.parent / "docs"


def services(client: FlaskClient) -> dict[str, Json]:
    return {service["id"]: service for service in client.get("/cds-services").get_json()["services"]}


def test_d1_discovery_stands_at_its_one_address_and_says_the_same_each_time(client: FlaskClient) -> None:
    first = client.get("/cds-services", headers={"Accept": "application/json"})
    assert first.status_code == 200
    assert client.get("/cds-services").data == first.data
    for elsewhere in ("/cds-services/", "/cds_services", "/CDS-services"):
        assert client.get(elsewhere).status_code == 404


def test_d1_discovery_answers_head_and_options_too(client: FlaskClient) -> None:
    head = client.head("/cds-services")
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_type == "application/json"
    options = client.options("/cds-services")
    assert options.status_code == 200
    assert {"GET", "HEAD", "OPTIONS"} == set(options.headers["Allow"].replace(" ", "").split(","))


def test_d1_discovery_is_to_be_had_while_calls_need_a_token(app_with: App, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(*KEYS))
    trust = tmp_path / "trust.yaml"
    trust.write_text(f"issuers: {{'{ISSUER}': {{jwks_file: keys.json}}}}", encoding="utf-8")
    client = app_with(auth="required", trust=str(trust), public_url=BASE)
    assert client.get("/cds-services").status_code == 200
    token = {"Authorization": f"Bearer {signed(claims('/cds-services'))}"}
    assert client.get("/cds-services", headers=token).status_code == 200
    assert client.post("/cds-services/telehealth-em-note-sign", json={}).status_code == 401


def test_d2_the_answer_is_an_object_with_an_array_of_services(client: FlaskClient) -> None:
    answer = client.get("/cds-services")
    assert answer.content_type == "application/json"
    check_discovery(answer.get_json())


def test_d3_every_service_has_a_hook_a_description_and_an_id_that_is_its_address(app_with: App, good: Json) -> None:
    client = app_with(order_sign="true")
    for name, service in services(client).items():
        assert all(isinstance(service[member], str) and service[member] for member in ("hook", "description", "id"))
        good["hook"] = service["hook"]
        good["context"]["draftOrders"] = {"resourceType": "Bundle"}
        assert client.post(f"/cds-services/{name}", json=good).status_code == 200


def test_d3_a_description_holds_no_markup_that_one_version_would_show_and_another_not(client: FlaskClient) -> None:
    for service in services(client).values():
        assert not re.search(r"[<>*_`\[\]|#]", service["description"])


def test_d4_every_service_has_a_title(client: FlaskClient) -> None:
    titles = [service["title"] for service in services(client).values()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


def test_d5_prefetch_maps_keys_to_queries(client: FlaskClient) -> None:
    for service in services(client).values():
        assert {"patient", "encounter", "observations", "coverage", "priorEncounters"} <= set(service["prefetch"])
        assert all(isinstance(query, str) for query in service["prefetch"].values())


def test_d6_every_service_says_what_it_needs_to_be_of_use(client: FlaskClient) -> None:
    assert all(len(service["usageRequirements"]) > 40 for service in services(client).values())


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_d7_the_version_of_the_specification_is_listed_for_those_who_know_the_member(
    app_with: App, version: str
) -> None:
    found = services(app_with(cds_hooks_version=version)).values()
    listed = {service.get("version") for service in found}
    assert listed == ({None} if version == "2.0" else {"3.0.0-ballot"})


def test_d8_the_version_of_each_hook_is_that_of_its_definition(app_with: App) -> None:
    found = services(app_with(cds_hooks_version="3.0", order_sign="true"))
    assert {service["hook"]: service["hookVersion"] for service in found.values()} == {
        "org.example.telecode.note-sign": "0.1.0",
        "encounter-discharge": "1.0",
        "patient-view": "1.0",
        "order-sign": "1.0",
    }
    assert "| hookVersion | 0.1.0 |" in (DOCS / "hooks" / "note-sign.md").read_text(encoding="utf-8")


def test_d8_without_the_switch_nothing_is_listed_that_2_0_does_not_know(client: FlaskClient) -> None:
    known = {"hook", "title", "description", "id", "prefetch", "usageRequirements"}
    assert all(set(service) == known for service in services(client).values())


def test_d9_no_two_services_share_an_id_or_a_hook(app_with: App) -> None:
    listed = app_with(order_sign="true").get("/cds-services").get_json()["services"]
    for member in ("id", "hook"):
        found = [service[member] for service in listed]
        assert len(set(found)) == len(found)


def test_d10_no_service_has_an_extension_that_a_client_would_have_to_know(client: FlaskClient) -> None:
    assert not any("extension" in service for service in services(client).values())


def test_d11_the_capabilities_are_documented_for_people(app_with: App) -> None:
    page = (DOCS / "capability.md").read_text(encoding="utf-8")
    for name, service in services(app_with(order_sign="true")).items():
        assert f"`{name}`" in page
        assert f"`{service['hook']}`" in page
        assert all(f"`{key}`" in page for key in service["prefetch"])


def test_the_optional_service_is_off_until_a_site_turns_it_on(client: FlaskClient, app_with: App) -> None:
    assert "telehealth-em-order-sign" not in services(client)
    assert client.post("/cds-services/telehealth-em-order-sign", json={}).status_code == 404
    assert "telehealth-em-order-sign" in services(app_with(order_sign="true"))
