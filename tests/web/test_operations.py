"""What an operator asks: is it alive, can it answer, which law is loaded, and how is it doing."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from cds_hooks import __version__, meters

NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0)


def test_it_is_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_it_is_ready_once_its_law_is_loaded_and_its_store_answers(client: FlaskClient) -> None:
    told = client.get("/readyz").get_json()
    assert told["status"] == "ready"
    assert told["policy"].startswith("sha256:")


def test_it_is_not_ready_while_the_store_is_down_but_alive(app_with: Callable[..., FlaskClient], tmp_path: Any) -> None:
    client = app_with(database_url=f"sqlite:///{tmp_path}/telecode.db")
    assert client.get("/readyz").status_code == 200
    client.application.extensions["ledger"].database.close()
    for file in tmp_path.glob("telecode.db*"):
        file.write_bytes(b"this is not a database" * 100)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["issue"][0]["code"] == "transient"
    assert client.get("/healthz").status_code == 200


def test_requests_and_outcomes_are_counted_by_our_own_names(client: FlaskClient, good: Json) -> None:
    before = samples(client)
    client.post(NOTE_SIGN, json=good)
    client.post(NOTE_SIGN, json={})
    client.post("/cds-services/Poppins", json={})
    client.open("/Poppins", method="BREW")
    after = samples(client)
    for name, labels, more in (
        ("telecode_requests_total", {"endpoint": "hooks.call", "method": "POST", "status": "200"}, 1),
        ("telecode_requests_total", {"endpoint": "hooks.call", "method": "POST", "status": "400"}, 1),
        ("telecode_requests_total", {"endpoint": "hooks.call", "method": "POST", "status": "404"}, 1),
        ("telecode_requests_total", {"endpoint": "none", "method": "other", "status": "404"}, 1),
        ("telecode_request_seconds_count", {"endpoint": "hooks.call"}, 3),
        ("telecode_outcomes_total", {"service": "telehealth-em-note-sign", "outcome": "selection"}, 1),
    ):
        assert of(after, name, **labels) - of(before, name, **labels) == more, name
    assert not any("Poppins" in str(key) for key in after)


def test_feedback_is_counted_by_what_was_done(client: FlaskClient) -> None:
    labels = {"service": "telehealth-em-note-sign", "outcome": "overridden"}
    before = of(samples(client), "telecode_feedback_total", **labels)
    event = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T20:30:00Z"}
    client.post(f"{NOTE_SIGN}/feedback", json={"feedback": [event, event | {"card": "c2"}]})
    assert of(samples(client), "telecode_feedback_total", **labels) - before == 2


def test_cards_withheld_and_fhir_calls_are_counted(client: FlaskClient) -> None:
    before = samples(client)
    meters.withheld("summary-too-long", "telehealth-em-note-sign")
    meters.unreadable("note")
    for result in ("ok", "timeout", "Poppins"):
        meters.fhir_called(result)
    after = samples(client)
    for name, labels in (
        ("telecode_cards_withheld_total", {"service": "telehealth-em-note-sign", "rule": "summary-too-long"}),
        ("telecode_unreadable_total", {"kind": "note"}),
        ("telecode_fhir_calls_total", {"result": "ok"}),
        ("telecode_fhir_calls_total", {"result": "timeout"}),
        ("telecode_fhir_calls_total", {"result": "other"}),
    ):
        assert of(after, name, **labels) - of(before, name, **labels) == 1, labels


def test_the_build_and_every_tables_last_days_are_shown(client: FlaskClient) -> None:
    found = samples(client)
    policy = client.get("/readyz").get_json()["policy"]
    assert of(found, "telecode_build_info", version=__version__, fingerprint=policy) == 1
    book = client.application.extensions["telecode"].book
    days = {labels: value for (name, labels), value in found.items() if name == "telecode_table_days_left"}
    assert len(days) == len(book.tables())
    guidelines, mdm = (days[frozenset({("table", name)})] for name in ("guidelines", "mdm"))
    assert guidelines - mdm == (book.guidelines.verified_through - book.mdm.verified_through).days


@pytest.mark.usefixtures("fenced")
def test_a_note_that_cannot_be_read_is_counted_and_logged_without_its_words(
    client: FlaskClient, good: Json, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(text: str, *_: object) -> None:
        raise KeyError(text)

    monkeypatch.setattr("fhir_mapping.narrative.read_within", fail)
    attachment = {"contentType": "text/plain", "data": b64encode(b"Poppins came.").decode()}
    good["prefetch"]["note"] = {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "context": {"encounter": [{"reference": f"Encounter/{good['context']['encounterId']}"}]},
        "content": [{"attachment": attachment}],
    }
    before = of(samples(client), "telecode_unreadable_total", kind="note")
    answer = client.post(NOTE_SIGN, json=good)
    assert "DocumentReference/d1 could not be read; not used" in answer.get_json()["cards"][0]["detail"]
    assert of(samples(client), "telecode_unreadable_total", kind="note") - before == 1
    assert "a resource could not be read (note): KeyError at " in caplog.text
    assert "Poppins" not in caplog.text + answer.text
