"""What prefetch lacks is fetched: from an allowed base only, with the request's own token, within the deadline."""

from typing import Any

import pytest
import requests
import responses
from requests import PreparedRequest

from cds_hooks.exchange.fetch import Fetcher
from cds_hooks.exchange.hook import Access, HookRequest

BASE = "https://fhir.example/r4"
TEMPLATES = {
    "encounter": "Encounter/{{context.encounterId}}",
    "coverage": "Coverage?patient={{context.patientId}}&status=active",
    "practitioner": "{{context.userId}}",
}


def request(**changes: Any) -> HookRequest:
    said: dict[str, Any] = {
        "hook": "patient-view",
        "instance": "5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11",
        "patient_id": "p1",
        "encounter_id": "e1",
        "user": None,
        "fhir_server": BASE,
        "access": Access("secret-token"),
        "prefetch": {},
        "trigger": None,
    }
    return HookRequest(**(said | changes))


def fetcher(*allowed: str) -> Fetcher:
    return Fetcher(allowed or (BASE,), 5)


@responses.activate
def test_absent_keys_are_fetched_with_the_requests_own_token() -> None:
    responses.get(f"{BASE}/Encounter/e1", json={"resourceType": "Encounter"})
    responses.get(f"{BASE}/Coverage", json={"resourceType": "Bundle"})
    found = fetcher().fill(request(), TEMPLATES)
    assert {key: value["resourceType"] for key, value in found.items()} == {
        "encounter": "Encounter",
        "coverage": "Bundle",
    }
    for call in responses.calls:
        assert call.request.headers["Authorization"] == "Bearer secret-token"


@responses.activate
@pytest.mark.parametrize("sent", [None, {"resourceType": "OperationOutcome"}, {"resourceType": "Bundle"}])
def test_a_key_that_was_sent_is_never_asked_for_again(sent: object) -> None:
    responses.get(f"{BASE}/Coverage", json={"resourceType": "Bundle"})
    found = fetcher().fill(request(prefetch={"encounter": sent}), TEMPLATES)
    assert set(found) == {"coverage"}


@responses.activate
@pytest.mark.parametrize(
    "server",
    [
        None,
        "https://evil.example/r4",
        "https://fhir.example/r4/..",
        "https://fhir.example/r4/other",
        "https://fhir.example@evil.example/r4",
        "http://fhir.example/r4",
        "https://fhir.example:444/r4",
        "https://FHIR.example/r4",
        "file:///etc/passwd",
    ],
)
def test_no_other_base_is_ever_called(server: str | None) -> None:
    assert fetcher().fill(request(fhir_server=server), TEMPLATES) == {}
    assert len(responses.calls) == 0


@responses.activate
@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 429, 500, 503])
def test_a_redirect_or_an_error_is_a_failure_and_is_not_followed(status: int) -> None:
    responses.get(f"{BASE}/Encounter/e1", status=status, headers={"Location": "https://evil.example/Encounter/e1"})
    found = fetcher().fill(request(), {"encounter": TEMPLATES["encounter"]})
    assert found["encounter"]["resourceType"] == "OperationOutcome"
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("body", ["<html>busy</html>", "", "{", "NaN"])
def test_an_answer_that_is_not_json_is_a_failure(body: str) -> None:
    responses.get(f"{BASE}/Encounter/e1", body=body)
    found = fetcher().fill(request(), {"encounter": TEMPLATES["encounter"]})
    assert found["encounter"]["resourceType"] == "OperationOutcome"


@responses.activate
def test_a_refused_connection_says_nothing_of_the_token_or_the_patient() -> None:
    def refuse(_: PreparedRequest) -> tuple[int, dict[str, str], str]:
        raise requests.ConnectionError("no route")

    responses.add_callback("GET", f"{BASE}/Encounter/e1", callback=refuse)
    found = fetcher().fill(request(), {"encounter": TEMPLATES["encounter"]})
    assert found["encounter"] == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "transient"}],
    }
    assert "secret-token" not in repr(request())


@responses.activate
def test_an_answer_larger_than_any_chart_is_a_failure() -> None:
    responses.get(f"{BASE}/Encounter/e1", body=b" " * 6_000_000 + b"{}")
    found = fetcher().fill(request(), {"encounter": TEMPLATES["encounter"]})
    assert found["encounter"]["resourceType"] == "OperationOutcome"


@responses.activate
def test_a_template_whose_token_the_context_lacks_is_left_out() -> None:
    responses.get(f"{BASE}/Coverage", json={"resourceType": "Bundle"})
    assert set(fetcher().fill(request(encounter_id=None), TEMPLATES)) == {"coverage"}
