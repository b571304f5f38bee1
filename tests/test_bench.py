"""The requests that speed is measured with: as large as they are called, valid FHIR, and answered as in real life."""

import json
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient

from bench.payloads import SIZES, body, note_text

SERVICE = "/cds-services/telehealth-em-encounter-discharge"


@pytest.mark.parametrize("size", SIZES)
def test_a_request_is_of_the_size_it_is_named_for(size: str) -> None:
    named = int(size.split(maxsplit=1)[0]) * 1000
    assert named * 0.85 <= len(body(size)) <= named * 1.15


@pytest.mark.parametrize("size", SIZES)
def test_all_that_is_sent_is_valid_fhir(size: str) -> None:
    prefetch: dict[str, Any] = json.loads(body(size))["prefetch"]
    for resource in prefetch.values():
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("size", SIZES)
def test_each_request_gets_its_code_or_the_one_question_that_is_open(client: FlaskClient, size: str) -> None:
    (card,) = client.post(SERVICE, data=body(size), content_type="application/json").get_json()["cards"]
    assert card["summary"].startswith("99214, POS 10" if SIZES[size].earlier else "Visit code open. Is the patient new")
    assert "Could not be used" not in card["detail"]


@pytest.mark.parametrize("characters", [1_000, 4_000, 100_000])
def test_a_note_is_about_as_long_as_it_should_be(characters: int) -> None:
    assert characters * 0.8 <= len(note_text(characters)) <= characters * 1.2
