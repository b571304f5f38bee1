"""What a browser may do with the service: a listed site may call, any other hears nothing, and nothing is kept."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_hooks.settings import Settings, UnsafeStartError

EHR = "https://ehr.example"
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
FEEDBACK = f"{NOTE_SIGN}/feedback"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
FOREIGN = (
    "https://evil.example",
    "http://ehr.example",
    "https://ehr.example:8443",
    "https://ehr.example.evil.example",
    "https://ehr.example/",
    "HTTPS://EHR.EXAMPLE",
    "null",
    "*",
    "",
)


@pytest.fixture
def client(app_with: Callable[..., FlaskClient]) -> FlaskClient:
    return app_with(cors_origins=f"{EHR}, http://127.0.0.1:8080")


def cors(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


@pytest.mark.parametrize("path", ["/cds-services", NOTE_SIGN, FEEDBACK, "/api/v1/select"])
def test_a_preflight_of_a_listed_site_is_told_what_it_may_send(client: FlaskClient, path: str) -> None:
    answer = client.options(path, headers={"Origin": EHR, **ASKS})
    assert answer.status_code == 200
    assert cors(answer) == {
        "Access-Control-Allow-Origin": EHR,
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert answer.headers["Vary"] == "Origin"


def test_an_answer_to_a_listed_site_may_be_read_by_it_and_an_error_too(client: FlaskClient) -> None:
    for answer in (
        client.get("/cds-services", headers={"Origin": "http://127.0.0.1:8080"}),
        client.post(NOTE_SIGN, data="{", headers={"Origin": "http://127.0.0.1:8080"}),
    ):
        assert cors(answer) == {"Access-Control-Allow-Origin": "http://127.0.0.1:8080"}
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", FOREIGN)
def test_any_other_site_hears_nothing(client: FlaskClient, origin: str) -> None:
    for answer in (
        client.options(NOTE_SIGN, headers={"Origin": origin, **ASKS}),
        client.get("/cds-services", headers={"Origin": origin}),
    ):
        assert cors(answer) == {}
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
def test_operations_are_for_no_site(client: FlaskClient, path: str) -> None:
    assert cors(client.get(path, headers={"Origin": EHR})) == {}


def test_without_listed_sites_there_is_no_cors_at_all(app_with: Callable[..., FlaskClient]) -> None:
    answer = app_with(cors_origins="").options(NOTE_SIGN, headers={"Origin": EHR, **ASKS})
    assert cors(answer) == {}
    assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://ehr.example/", "https://*.example", "ehr.example", "https://EHR.example", "file://"],
)
def test_what_is_no_origin_stops_the_start(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELECODE_CORS_ORIGINS", f"{EHR},{origin}")
    with pytest.raises(UnsafeStartError, match="an origin is scheme://host"):
        Settings()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/cds-services"), ("POST", NOTE_SIGN), ("GET", "/nowhere"), ("GET", "/metrics"), ("OPTIONS", NOTE_SIGN)],
)
def test_no_answer_is_kept_framed_or_guessed_at(client: FlaskClient, method: str, path: str) -> None:
    headers = client.open(path, method=method).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_page_may_use_its_own_scripts_and_no_others(app_with: Callable[..., FlaskClient]) -> None:
    client = app_with()
    client.application.add_url_rule("/page", view_func=lambda: "<h1>telecode</h1>")
    policy = client.get("/page").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
