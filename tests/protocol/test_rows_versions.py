"""Section A9: what differs between the versions of CDS Hooks, and how an answer is valid under each that is spoken."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.exchange.answers_json import ServiceJson
from tests.protocol.checker import check_answer, check_discovery

Json = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_a9_answers_are_the_same_whichever_version_discovery_is_written_for(
    app_with: Callable[..., FlaskClient], good: Json, version: str
) -> None:
    answer = app_with(cds_hooks_version=version).post(NOTE_SIGN, json=good).get_json()
    check_answer(answer)


def test_a9_discovery_for_3_0_differs_by_its_two_members_alone(app_with: Callable[..., FlaskClient]) -> None:
    old, new = (app_with(cds_hooks_version=version).get("/cds-services").get_json() for version in ("2.0", "3.0"))
    for service in new["services"]:
        assert service.pop("version")
        assert service.pop("hookVersion")
        ServiceJson.model_validate(service | {"version": "3.0.0", "hookVersion": "1.0"})
    assert new == old
    check_discovery(old)


def test_a9_another_version_stops_the_start(app_with: Callable[..., FlaskClient]) -> None:
    with pytest.raises(ValueError, match="TELECODE_CDS_HOOKS_VERSION"):
        app_with(cds_hooks_version="1.0")


@pytest.mark.parametrize(
    "member",
    [
        {"user": "Practitioner/dr-lind", "patient": "p-100"},  # 1.0 and before
        {"redirect": "https://ehr.example", "oauth": None},
        {"version": "3.0.0", "hookVersion": "0.1.0"},
    ],
)
def test_a9_members_of_other_versions_are_let_pass(client: FlaskClient, good: Json, member: Json) -> None:
    assert client.post(NOTE_SIGN, json=good | member).status_code == 200


def test_a9_an_error_is_an_operation_outcome_under_every_version(app_with: Callable[..., FlaskClient]) -> None:
    for version in ("2.0", "3.0"):
        answer = app_with(cds_hooks_version=version).post(NOTE_SIGN, json={})
        assert answer.get_json()["resourceType"] == "OperationOutcome"
