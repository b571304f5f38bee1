"""A developer's service answers under the names of its own machine alone, so that no web page can pass for it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.running import NOTE_SIGN
from tests.web.trusting import OPEN_PRODUCTION

App = Callable[..., FlaskClient]
Json = dict[str, Any]
ROUTES = [
    ("GET", "/cds-services"),
    ("POST", NOTE_SIGN),
    ("POST", f"{NOTE_SIGN}/feedback"),
    ("OPTIONS", NOTE_SIGN),
    ("POST", "/api/v1/select"),
    ("GET", "/"),
    ("GET", "/page/card.js"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
    ("PUT", "/cds-services"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_under_another_name_every_route_is_refused(client: FlaskClient, good: Json, method: str, path: str) -> None:
    answer = client.open(path, method=method, json=good, headers={"Host": "rebound.example:8000"})
    assert answer.status_code == 421
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    assert "rebound" not in answer.text


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8000"],
)
def test_under_the_names_of_this_machine_it_answers_at_any_port(client: FlaskClient, host: str) -> None:
    assert client.get("/cds-services", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost.rebound.example",
        "127.0.0.1.rebound.example",
        "rebound.example:127",
        "localhost@rebound.example",
        "rebound.example@localhost",
        "localhost/",
        "localhost#.rebound.example",
        "localhost, rebound.example",
        "localhost:80:80",
        "localhost:",
        "127.0.0.2",
        "0.0.0.0",  # noqa: S104 - a name, listened on by nobody
        "[::1",
        "[::2]",
        "[::1].rebound.example",
        "[::1%251]",
        "2130706433",
        "127.1",
        "local\u017fhost",
    ],
)
def test_a_look_alike_of_this_machine_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/cds-services", headers={"Host": host}).status_code == 421


def test_the_hosts_of_its_public_addresses_are_its_own_names_too(app_with: App) -> None:
    client = app_with(public_url="https://cds.example:8443/em,http://[2001:db8::1]:8000")
    statuses = {
        host: client.get("/cds-services", headers={"Host": host}).status_code
        for host in ("cds.example", "CDS.example:8443", "[2001:db8::1]", "localhost", "em.cds.example", "example")
    }
    assert list(statuses.values()) == [200, 200, 200, 200, 421, 421]


def test_in_production_the_proxy_in_front_says_which_names_there_are(app_with: App) -> None:
    production = app_with(**OPEN_PRODUCTION, host="127.0.0.1")
    headers = {"Host": "cds.example", "X-Forwarded-For": "192.0.2.1"}
    assert production.get("/cds-services", headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"])
def test_who_takes_itself_for_a_developers_service_does_not_answer_a_proxy(
    app_with: App, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    assert app_with(host="127.0.0.1").get("/cds-services", headers={header: "192.0.2.1"}).status_code == 200
    monkeypatch.delenv("TELECODE_ENVIRONMENT")
    client = app_with(host="127.0.0.1")
    assert client.get("/cds-services").status_code == 200
    refused = client.get("/cds-services", headers={header: "192.0.2.1"})
    assert refused.status_code == 421
    assert "TELECODE_ENVIRONMENT" in refused.get_json()["issue"][0]["diagnostics"]
