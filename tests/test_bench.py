"""What speed is measured with: valid requests, as large as they are called, and callers that wait for nobody."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient

from bench.caller import Waits, arrivals, at_once
from bench.fhir_stub import stub
from bench.payloads import SIZES, body, note_text
from bench.servers import Peer

SERVICE = "/cds-services/telehealth-em-encounter-discharge"
PATIENCE = 10.0


class Together(ThreadingHTTPServer):
    """Answers calls with a card, but none before so many have come; and says so if they never do."""

    request_queue_size = 64

    def __init__(self, many: int, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.all_have_come = threading.Barrier(many)
        self.answer = answer


class _Calls(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Together)
        self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self.server.all_have_come.wait(PATIENCE)
        except threading.BrokenBarrierError:
            self.send_response(503)
        else:
            self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def together(many: int, answer: bytes = b'{"cards":[{}]}') -> Iterator[Peer]:
    server = Together(many, answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Peer("together", f"http://127.0.0.1:{server.server_port}{SERVICE}", 0)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
    assert "Left out, or not final" not in card["detail"]


@pytest.mark.parametrize("characters", [1_000, 4_000, 100_000])
def test_a_note_is_about_as_long_as_it_should_be(characters: int) -> None:
    assert characters * 0.8 <= len(note_text(characters)) <= characters * 1.2


def test_calls_by_timetable_come_though_none_was_answered() -> None:
    expected = 62  # what the timetable has for a tenth of a second at 500 a second
    with together(expected) as peer:
        found = arrivals(peer, b"{}", rate=500, seconds=0.1)
    assert found.came == expected
    assert found.late.p50 <= found.waits.p50 <= found.waits.p99 <= found.waits.longest


def test_so_many_calls_as_are_asked_for_are_at_once() -> None:
    with together(4) as peer:
        assert len(at_once(peer, [b"{}"] * 12, connections=4)) == 12


def test_an_answer_without_a_card_is_no_figure() -> None:
    with together(1, b'{"cards":[]}') as peer, pytest.raises(AssertionError):
        at_once(peer, [b"{}"], connections=1)


@pytest.mark.parametrize(("many", "p50", "p99"), [(1, 1, 1), (99, 50, 99), (100, 51, 100), (101, 51, 100)])
def test_waits_are_told_by_their_rank(many: int, p50: int, p99: int) -> None:
    assert Waits.of([second / 1e3 for second in range(many, 0, -1)]) == pytest.approx(Waits(p50, p99, many))


@pytest.mark.parametrize("hangs_up", [True, False])
def test_the_fhir_server_of_the_measurement_ends_whether_its_callers_have_hung_up_or_not(*, hangs_up: bool) -> None:
    with stub({"patient": {"resourceType": "Patient", "id": "p-1"}}, latency=0) as base:
        caller = HTTPConnection(base.removeprefix("http://").removesuffix("/fhir"))
        caller.request("GET", "/fhir/Patient/p-1")
        assert json.load(caller.getresponse()) == {"resourceType": "Patient", "id": "p-1"}
        if hangs_up:
            caller.close()
    caller.close()
