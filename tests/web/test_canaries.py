"""Five thousand requests carry a canary in every place a patient's name could stand; nothing that stays may sing."""

import copy
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_hooks.cli import main
from cds_hooks.web.journal import KEYS, REQUESTS, JsonLine

CANARY = "CaNaRy-7f3e"
REQUESTS_IN_ALL = 5_000
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]
Path = tuple[str | int, ...]

FACTS: Json = {
    "service_date": "2026-11-23",
    "modality": "audio_video",
    "patient_status": "established",
    "mdm_elements": {"problems": "moderate", "data": "low", "risk": "moderate"},
    "payers": ["cpt-telemedicine"],
    "reported_code": "98007",
    "reported_modifiers": ["95"],
}
FEEDBACK: Json = {
    "feedback": [
        {
            "card": "c1",
            "outcome": "accepted",
            "outcomeTimestamp": "2026-11-20T20:30:00Z",
            "acceptedSuggestions": [{"id": "s1"}],
            "overrideReason": {"reason": {"code": "other", "system": "urn:r"}, "userComment": "no"},
        }
    ]
}
HEADERS = {
    "X-Request-Id": CANARY,
    "User-Agent": CANARY,
    "Authorization": f"Bearer {CANARY}",
    "Cookie": f"name={CANARY}",
    "Origin": f"https://{CANARY}.example",
    "Referer": f"https://ehr.example/{CANARY}",
    "X-Forwarded-For": CANARY,
    "X-Forwarded-Host": CANARY,
    "Accept": f"application/{CANARY}",
    f"X-{CANARY}": CANARY,
}
ODD_CALLS = (
    ("GET", f"/{CANARY}", None),
    ("POST", f"/cds-services//{CANARY}", b"{}"),
    ("GET", f"/cds-services/{CANARY}/", None),
    ("POST", f"/cds-services/{CANARY}", b"{}"),
    ("POST", f"/cds-services/{CANARY}/feedback", b"{}"),
    (CANARY, "/cds-services", None),
    ("GET", f"/cds-services?patient={CANARY}", None),
    ("GET", f"/?patient={CANARY}", None),
    ("GET", f"/?sample={CANARY}", None),
    ("GET", f"/calculator?modality={CANARY}", None),
    ("GET", f"/calculator/outcome?{CANARY}={CANARY}", None),
    ("GET", f"/rules?payer={CANARY}", None),
    ("GET", f"/activity?since={CANARY}", None),
    ("POST", "/visits/detail", f'{{"detail": "{CANARY}"}}'.encode()),
    ("GET", f"/readyz?patient={CANARY}", None),
    ("OPTIONS", NOTE_SIGN, None),
    ("PUT", f"{NOTE_SIGN}?patient={CANARY}", CANARY.encode()),
    ("POST", NOTE_SIGN, CANARY.encode()),
    ("POST", NOTE_SIGN, f'{{"hook": "{CANARY}", "hook": "{CANARY}"}}'.encode()),
    ("POST", NOTE_SIGN, f'{{"{CANARY}": {"[" * 80}'.encode() + b"]" * 80 + b"}"),
    ("POST", "/api/v1/select", f'{{"{CANARY}": 1}}'.encode()),
)

NAMING = ("/api", "/calculator", "/rules", "/activity")
"""The doors for developers and other people, which say what of a request does not fit."""


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path


def sung(body: Json, *paths: Path) -> Json:
    """The body with the canary in the leaves named: instead of a word, and beside an id or a note's text."""
    found = copy.deepcopy(body)
    for path in paths:
        place: Any = found
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = CANARY
    return found


class Singing(BaseHTTPRequestHandler):
    """A FHIR server that answers badly in turn, and sings in status line, headers and body."""

    turns = cycle((200, 200, 404, 302, 500, -1))
    lock = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            turn = next(self.turns)
        if turn < 0:
            self.connection.close()
            return
        outcome = {"resourceType": "OperationOutcome", "issue": [{"code": CANARY, "diagnostics": CANARY}]}
        body = json.dumps(outcome).encode() if turn != 500 else CANARY.encode()
        self.send_response(turn, CANARY)
        self.send_header("Location", f"http://127.0.0.1:1/{CANARY}")
        self.send_header("Set-Cookie", f"name={CANARY}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The stub itself keeps quiet: it is telecode's words that count."""


class Stage(ThreadingHTTPServer):
    request_queue_size = 128  # ten calls arrive at once: none may wait for the kernel to try again


@pytest.fixture
def fhir_server() -> Iterator[str]:
    server = Stage(("127.0.0.1", 0), Singing)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{CANARY}/R4"
    server.shutdown()
    server.server_close()
    thread.join()


class Heard(logging.Handler):
    """Every record of every logger: all it holds, and the line that the service would print of it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = io.StringIO()
        self.lines: list[Json] = []
        self.setFormatter(JsonLine())

    def emit(self, record: logging.LogRecord) -> None:
        self.text.write(f"{record.getMessage()} {record.__dict__} {logging.Formatter().format(record)}\n")
        self.lines.append(json.loads(self.format(record)))


def calls(good: Json, fhir_server: str) -> Iterator[tuple[str, str, bytes | None]]:
    """Good requests and bad ones, without end: the canary in one leaf after the other, in all of them, elsewhere."""
    without_data = {**good, "prefetch": {}, "fhirServer": fhir_server, "fhirAuthorization": {"access_token": CANARY}}
    without_data["context"] = {**good["context"], "patientId": CANARY, "encounterId": CANARY}
    bodies = [
        (NOTE_SIGN, good, cycle(leaves(good))),
        (f"{NOTE_SIGN}/feedback", FEEDBACK, cycle(leaves(FEEDBACK))),
        ("/api/v1/select", FACTS, cycle(leaves(FACTS))),
        ("/api/v1/explain", good, cycle(leaves(good))),
    ]
    odd = cycle(ODD_CALLS)
    while True:
        for path, body, singing in bodies:
            yield "POST", path, json.dumps(sung(body, next(singing))).encode()
            yield next(odd)
        for path, body, _ in bodies:
            yield "POST", path, json.dumps(sung(body, *leaves(body))).encode()
            yield next(odd)
        yield "POST", NOTE_SIGN, json.dumps(without_data).encode()


def test_no_line_metric_or_header_of_five_thousand_requests_holds_the_canary(
    app_with: Callable[..., FlaskClient], good: Json, fhir_server: str, capfd: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    client = app_with(fhir_allow=fhir_server, fhir_deadline="5", database_url=f"sqlite:///{tmp_path}/telecode.db")
    heard = Heard()
    root = logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    statuses: set[int] = set()
    try:
        for (method, path, body), _ in zip(calls(good, fhir_server), range(REQUESTS_IN_ALL), strict=False):
            answer = client.open(path, method=method, data=body, content_type="application/json", headers=HEADERS)
            statuses.add(answer.status_code)
            assert CANARY not in str(answer.headers)
            assert not refusal_sings(path, answer, fhir_server)
    finally:
        root.removeHandler(heard)
        root.setLevel(before)
    lines = [line for line in heard.lines if line["logger"] == REQUESTS]
    assert len(lines) == REQUESTS_IN_ALL
    assert {key for line in heard.lines for key in line} <= set(KEYS)
    assert {200, 400, 404, 405, 412} <= statuses
    assert sum("fhir_calls" in line for line in lines) > 100
    printed = capfd.readouterr()
    for what in (heard.text.getvalue(), json.dumps(heard.lines), printed.out, printed.err, *kept(client, tmp_path)):
        assert CANARY.casefold() not in what.casefold()


def kept(client: FlaskClient, folder: Any) -> Iterator[str]:
    """What stays of the requests: the numbers, the files of the store, and all that is printed and shown of it."""
    yield client.get("/metrics").text
    yield client.get("/activity").text
    for words in ("export", "export --csv", "stats", "stats --json"):
        printed = CliRunner().invoke(main, ["feedback", *words.split()])
        assert printed.exit_code == 0
        yield printed.output
    database = client.application.extensions["ledger"].database
    files = {path.name for path in folder.iterdir()}
    assert {"telecode.db", "telecode.db-wal"} <= files
    yield from (path.read_bytes().decode("latin-1") for path in folder.iterdir())
    database.close()
    yield (folder / "telecode.db").read_bytes().decode("latin-1")


def everywhere(card: Json) -> Iterator[Json]:
    """Feedback on a card, with the canary in each place where an EHR may write something, known or not."""
    at = "2026-11-20T20:30:00Z"
    accepted = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": at}
    accepted["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    overridden = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": at}
    reason = {"system": "urn:r", "code": "c", "display": "d", "version": "1"}
    for event in (
        accepted,
        accepted | {"acceptedSuggestions": ["one", card["suggestions"][0]["uuid"], {"uuid": "three", "label": "l"}]},
        accepted | {"acceptedSuggestions": {"id": "one"}, "overrideReason": reason, "extension": {"e": "x"}},
        overridden | {"overrideReason": {"reason": reason, "userComment": "no", "more": "x"}},
        overridden | {"overrideReason": reason, "more": {"deep": ["x"]}},
        overridden | {"overrideReason": {"reason": {"coding": [reason, reason], "text": "t"}}},
        overridden | {"overrideReason": {"coding": [reason], "text": "t"}},
        overridden | {"overrideReason": {"reason": "words", "userComment": "no"}},
        overridden | {"overrideReason": {"more": "x"}},
        overridden | {"overrideReasons": [{"reason": reason}, {"userComment": "no"}]},
        overridden | {"overrideReasons": {"reason": {"system": "epic", "code": "7"}}},
        overridden
        | {
            "overrideReasons": {
                "extension": {"com.epic": {"reasonCategory": "7", "reasonDisplay": "d", "reasonTitle": "t"}}
            }
        },
        overridden | {"overrideReasons": {"extension": {"reasonCategory": {"code": "7", "display": "d"}}}},
    ):
        yield from (sung(event, path) for path in leaves(event))
        yield sung(event, *leaves({name: it for name, it in event.items() if name not in accepted or name[0] == "a"}))
        yield event | {CANARY: CANARY}


def test_nothing_that_an_ehr_writes_into_feedback_stays(
    app_with: Callable[..., FlaskClient], good: Json, tmp_path: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    client = app_with(database_url=f"sqlite:///{tmp_path}/telecode.db")
    heard = Heard()
    logging.getLogger().addHandler(heard)
    statuses = []
    try:
        for event in everywhere(client.post(NOTE_SIGN, json=good).get_json()["cards"][0]):
            answer = client.post(f"{NOTE_SIGN}/feedback", json={"feedback": [event]})
            assert CANARY not in answer.text
            statuses.append(answer.status_code)
    finally:
        logging.getLogger().removeHandler(heard)
    assert set(statuses) == {200, 400}
    assert statuses.count(200) > 60
    printed = capfd.readouterr()
    for what in (heard.text.getvalue(), json.dumps(heard.lines), printed.out, printed.err, *kept(client, tmp_path)):
        assert CANARY.casefold() not in what.casefold()


def refusal_sings(path: str, answer: TestResponse, listed: str) -> bool:
    """Whether a refused request comes back in the refusal; doors of developers and people name what does not fit.

    Parameters: `listed`, the FHIR base of the settings, which the page offers.
    """
    return answer.status_code >= 400 and not path.startswith(NAMING) and CANARY in answer.text.replace(listed, "")
