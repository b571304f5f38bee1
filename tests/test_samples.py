"""The sample visits give what a coder expects, and their records can live together on one FHIR server."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient

from cds_hooks.samples import Sample, load_samples, resources
from fhir_mapping.tables import TableError, config_folder

SAMPLES = load_samples(config_folder())
EXPECTED = yaml.safe_load((Path(__file__).parent / "samples.yaml").read_text(encoding="utf-8"))
NOTES = ("questions", "reasons", "warnings")
LAST_DAY = date(2026, 11, 23)
"""No sample lies after the day on which the law was read."""

named = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


def explained(client: FlaskClient, sample: Sample) -> Any:
    return client.post("/api/v1/explain", json=sample.as_request()).get_json()


def records(sample: Sample) -> list[Any]:
    return list(resources([sample]))


@named
def test_a_sample_gives_what_a_coder_expects(client: FlaskClient, sample: Sample) -> None:
    answer = explained(client, sample)
    outcome, expected = answer["outcome"], dict(EXPECTED[sample.name])
    assert outcome["outcome"] == expected.pop("outcome")
    assert {note["id"] for note in outcome["questions"]} == set(expected.pop("questions", ()))
    for kind in NOTES:
        assert {note["id"] for note in outcome[kind]} >= set(expected.pop(kind, ()))
    codes = [candidate["code"] for candidate in outcome["candidates"]]
    assert codes == expected.pop("codes", codes)
    if expected:
        (best,) = [candidate for candidate in outcome["candidates"] if candidate["recommended"]]
        assert {name: best[name] for name in expected} == expected
    assert len(answer["cards"]) == (outcome["outcome"] != "not_applicable")


def test_a_coder_expects_something_of_every_sample() -> None:
    assert [sample.name for sample in SAMPLES] == list(EXPECTED)


def test_the_samples_show_every_family_of_codes(client: FlaskClient) -> None:
    shown = {c["family"] for sample in SAMPLES for c in explained(client, sample)["outcome"]["candidates"]}
    assert shown >= {
        "telemedicine-audio-video",
        "telemedicine-audio-only",
        "office-outpatient",
        "brief-check-in",
        "online-digital",
        "rhc-fqhc-visit",
        "fqhc-mental-health",
    }


def test_the_patient_whom_nobody_saw_before_is_new_where_the_site_vouches_for_its_history(
    app_with: Callable[..., FlaskClient],
) -> None:
    (sample,) = [sample for sample in SAMPLES if sample.name == "new-or-established"]
    (best,) = explained(app_with(complete_history="true"), sample)["outcome"]["candidates"]
    assert (best["code"], best["recommended"]) == ("98002", True)


@named
def test_every_record_of_a_sample_is_fhir(sample: Sample) -> None:
    for resource in records(sample):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    for value in sample.request["prefetch"].values():
        if value["resourceType"] == "Bundle":
            get_fhir_model_class("Bundle").model_validate(value)


@named
def test_a_search_that_found_nothing_has_no_entry_at_all(sample: Sample) -> None:
    assert "[]" not in str(sample.request)


def test_no_two_samples_hold_different_records_under_one_id() -> None:
    held: dict[str, Any] = {}
    for sample in SAMPLES:
        for resource in records(sample):
            name = f"{resource['resourceType']}/{resource['id']}"
            assert held.setdefault(name, resource) == resource
    assert len(held) == len(list(resources(SAMPLES)))


@named
def test_no_record_of_a_sample_points_at_one_that_is_missing(sample: Sample) -> None:
    said = records(sample)
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in said}
    for resource in said:
        targets = re.findall(r"'reference': '([A-Z][A-Za-z]+/[^']+)'", str(resource))
        assert set(targets) <= known


def test_what_others_point_at_is_stored_before_them() -> None:
    stored: set[str] = set()
    for resource in resources(SAMPLES):
        stored.add(f"{resource['resourceType']}/{resource['id']}")
        assert set(re.findall(r"'reference': '([A-Z][A-Za-z]+/[^']+)'", str(resource))) <= stored


@named
def test_a_sample_is_of_the_year_whose_law_it_shows(sample: Sample) -> None:
    day = date.fromisoformat(sample.request["prefetch"]["encounter"]["period"]["start"][:10])
    assert date(2026, 1, 1) <= day <= LAST_DAY


def test_each_request_made_of_a_sample_has_an_id_of_its_own_and_may_be_changed() -> None:
    one, other = SAMPLES[0].as_request(), SAMPLES[0].as_request()
    assert one["hookInstance"] != other["hookInstance"]
    one["prefetch"].clear()
    assert SAMPLES[0].as_request()["prefetch"] == other["prefetch"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"title": "t",\n "about": ', 2),
        ('{"title": "t", "about": "a", "hook": "h", "context": {}}', 1),
        ('{"title": "t", "about": "a", "hook": "h", "context": {}, "prefetch": {}, "more": 1}', 1),
        ("[]", 1),
    ],
)
def test_a_file_that_is_no_sample_is_named(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "01-broken.json").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=f"01-broken.json:{line}: "):
        load_samples(tmp_path)


def test_a_folder_of_tables_without_samples_has_none(tmp_path: Path) -> None:
    assert load_samples(tmp_path) == ()
