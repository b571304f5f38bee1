"""The journal: one line a request that tells an operator all he needs, and nothing of a patient."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from cds_hooks.web import journal
from cds_hooks.web.journal import KEYS, REQUESTS, JsonLine

NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLine())
        self.found: list[Json] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[Json]]:
    """The lines that were written, as they stand on standard error."""
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler.found
    logging.getLogger().removeHandler(handler)


def test_a_hook_is_one_line_that_says_what_was_asked_and_answered(
    client: FlaskClient, good: Json, lines: list[Json]
) -> None:
    answer = client.post(NOTE_SIGN, json=good)
    (line,) = lines
    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line.pop("request_id") == answer.headers["X-Request-Id"]
    assert line == {
        "level": "INFO",
        "logger": REQUESTS,
        "method": "POST",
        "endpoint": "hooks.call",
        "service": "telehealth-em-note-sign",
        "hook": "org.example.telecode.note-sign",
        "status": 200,
        "outcome": "selection",
        "cards": 1,
        "prefetch": ["patient", "encounter", "observations", "coverage", "priorEncounters"],
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "error", "endpoint"),
    [
        ("POST", NOTE_SIGN, 415, "invalid", "hooks.call"),
        ("GET", NOTE_SIGN, 405, "not-supported", "none"),
        ("GET", "/nowhere", 404, "not-found", "none"),
        ("POST", "/cds-services/none", 404, "not-found", "hooks.call"),
        ("BREW", "/healthz", 405, "not-supported", "none"),
    ],
)
def test_a_refusal_is_a_line_that_names_its_kind(
    client: FlaskClient, lines: list[Json], method: str, path: str, status: int, error: str, endpoint: str
) -> None:
    client.open(path, method=method)
    (line,) = lines
    assert (line["status"], line["error"], line["endpoint"]) == (status, error, endpoint)
    assert line["method"] == (method if method != "BREW" else "other")
    assert ("service" in line) == (path == NOTE_SIGN and method == "POST")


def test_a_refused_hook_still_names_hook_and_prefetch(client: FlaskClient, good: Json, lines: list[Json]) -> None:
    good["prefetch"] = {"patient": good["prefetch"]["patient"], "Mary Poppins": None}
    assert client.post(NOTE_SIGN, json=good).status_code == 412
    assert (lines[0]["hook"], lines[0]["prefetch"]) == (good["hook"], ["patient"])
    assert "outcome" not in lines[0]


def test_a_client_that_was_believed_is_named(shared_app: Flask, lines: list[Json]) -> None:
    with shared_app.test_request_context("/healthz"):
        shared_app.preprocess_request()
        g.client = SimpleNamespace(issuer="https://ehr.example/fhir", tenant="north")
        shared_app.process_response(shared_app.response_class())
    assert (lines[0]["issuer"], lines[0]["tenant"]) == ("https://ehr.example/fhir", "north")


@pytest.mark.parametrize("sent", ["0123456789abcdef" * 2, "5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11"])
def test_the_id_that_a_proxy_made_travels(client: FlaskClient, lines: list[Json], sent: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == lines[0]["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "MRN 1234567", "mary-poppins-1961-04-12-0123456789", "0" * 31, "0" * 33])
def test_any_other_id_is_replaced(client: FlaskClient, lines: list[Json], sent: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == lines[0]["request_id"] != sent
    assert len(lines[0]["request_id"]) == 32


def test_an_unexpected_fault_is_told_by_its_type_and_never_by_its_words(
    app_with: Callable[..., FlaskClient], good: Json, lines: list[Json]
) -> None:
    client = app_with()
    client.application.extensions["telecode"] = SimpleNamespace(
        offer=client.application.extensions["telecode"].offer, settings=SimpleNamespace(max_body=1_000_000)
    )  # a service without its rules
    assert client.post(NOTE_SIGN, json=good).status_code == 500
    fault, line = lines
    assert fault["message"] == "unexpected AttributeError at hooks.call"
    assert fault["request_id"] == line["request_id"]
    assert line["status"] == 500


def record(name: str, words: str, *args: object, fault: BaseException | None = None) -> logging.LogRecord:
    return logging.LogRecord(
        name, logging.WARNING, "pool.py", 7, words, args, (type(fault), fault, None) if fault else None
    )


def test_another_librarys_words_are_left_out() -> None:
    for name in ("urllib3.connectionpool", "werkzeug", "cds_hooks.app", "_granian.utils", "py.warnings", "root"):
        line = JsonLine().format(record(name, "GET /fhir/Patient?name=%s", "Poppins", fault=ValueError("Poppins")))
        assert "Poppins" not in line
        assert json.loads(line) | {"time": ""} == {
            "time": "",
            "level": "WARNING",
            "logger": name,
            "fault": "ValueError",
            "at": "pool:7",
        }


def test_what_the_list_of_keys_does_not_name_is_not_written() -> None:
    made = record(REQUESTS, "request")
    made.line = {"status": 200, "patient": "Poppins"}
    assert set(json.loads(JsonLine().format(made))) == {"time", "level", "logger", "status"}
    assert {"time", "level", "logger", "status"} <= set(KEYS)


def test_a_fault_that_nobody_caught_and_a_warning_are_told_without_words(
    lines: list[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    for where, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(where, name, getattr(where, name))
    journal.mute_faults()
    try:
        thread = threading.Thread(target=lambda: dict[str, str]()["Poppins"])
        thread.start()
        thread.join()
        sys.excepthook(ValueError, ValueError("Poppins"), None)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=False)
            logging.captureWarnings(capture=True)
            warnings.warn("Poppins", stacklevel=1)
    finally:
        logging.captureWarnings(capture=False)
    assert [line.get("message", line["logger"]) for line in lines] == [
        "an unexpected fault: KeyError",
        "an unexpected fault: ValueError",
        "py.warnings",
    ]
    assert "Poppins" not in json.dumps(lines)
