"""The real server: it stops without losing an answer, its workers are replaced, and their numbers add up."""

import http.client
import json
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.web.journal import KEYS, REQUESTS
from tests.running import LONG, NOTE_SIGN, Running, running

CLIENTS = 8
CANARY = "CaNaRy-7f3e"
Json = dict[str, Any]


def post(port: int, body: str) -> tuple[int, Json]:
    """One hook on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        connection.request("POST", NOTE_SIGN, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.will_close  # kept, it could be closed under the next request
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class SlowServer(ThreadingHTTPServer):
    """A FHIR server that answers with the Encounter when it is told to, and not before."""

    request_queue_size = 64

    def __init__(self, encounter: Json) -> None:
        super().__init__(("127.0.0.1", 0), _Slow)
        self.encounter = json.dumps(encounter).encode()
        self.may_answer = threading.Event()
        self.asked = threading.Semaphore(0)


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, SlowServer)
        self.server.asked.release()
        self.server.may_answer.wait(LONG)
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(self.server.encounter)))
        self.end_headers()
        self.wfile.write(self.server.encounter)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def slow_fhir(good: Json) -> Iterator[SlowServer]:
    server = SlowServer(good["prefetch"]["encounter"])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("workers_too", [False, True], ids=["it alone is told", "its workers are told too"])
def test_every_request_in_flight_when_it_is_told_to_stop_is_answered(
    tmp_path: Path, good: Json, slow_fhir: SlowServer, *, workers_too: bool
) -> None:
    base = f"http://127.0.0.1:{slow_fhir.server_port}/R4"
    keys = ("observations", "coverage", "priorEncounters", "documents", "conditions", "practitioner", "locations")
    prefetch = dict.fromkeys((*keys, "appointments", "charges")) | good["prefetch"]
    del prefetch["encounter"]
    body = json.dumps({**good, "fhirServer": base, "prefetch": prefetch})
    with running(tmp_path, fhir_allow=base, fhir_deadline="10") as instance, ThreadPoolExecutor(CLIENTS) as clients:
        waiting = []
        for _ in range(CLIENTS):  # one by one: of many at once the server may keep one until a thread is free
            waiting.append(clients.submit(post, instance.port, body))
            assert slow_fhir.asked.acquire(timeout=LONG)
        instance.tell(signal.SIGTERM, workers_too=workers_too)
        while not instance.refuses():
            pass
        assert not any(one.done() for one in waiting)
        slow_fhir.may_answer.set()
        answers = [one.result(LONG) for one in waiting]
        assert instance.ended() == 0 or workers_too  # then the server takes their end for a fault, and says 1
    assert [status for status, _ in answers] == [200] * CLIENTS
    assert all(len(said["cards"]) == 1 for _, said in answers)


def test_every_request_that_was_read_is_answered_though_clients_keep_calling(tmp_path: Path, good: Json) -> None:
    """A connection that waits unread when the server closes its door is reset: no answer is lost with it."""
    body, enough, statuses = json.dumps(good), threading.Semaphore(0), list[int]()

    def call_until_refused(port: int) -> None:
        with suppress(ConnectionError):  # refused; or it had knocked and was not let in
            while True:
                status, _ = post(port, body)
                statuses.append(status)
                enough.release()

    with running(tmp_path) as instance, ThreadPoolExecutor(CLIENTS) as clients:
        calling = [clients.submit(call_until_refused, instance.port) for _ in range(CLIENTS)]
        for _ in range(20 * CLIENTS):
            assert enough.acquire(timeout=LONG)
        assert instance.stop() == 0
        for one in calling:
            one.result(LONG)  # any other end of a call, half an answer say, fails here
        taken = sum(line.get("endpoint") == "hooks.call" for line in instance.lines)
    assert set(statuses) == {200}
    assert taken == len(statuses)


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    finally:
        connection.close()


def test_behind_a_balancer_that_asks_whether_it_is_ready_no_request_is_dropped(tmp_path: Path, good: Json) -> None:
    body, enough, statuses = json.dumps(good), threading.Semaphore(0), list[int]()

    def call_while_ready(port: int) -> None:
        while ready(port):
            statuses.append(post(port, body)[0])
            enough.release()

    with running(tmp_path, notice="2") as instance, ThreadPoolExecutor(CLIENTS) as clients:
        calling = [clients.submit(call_while_ready, instance.port) for _ in range(CLIENTS)]
        for _ in range(20 * CLIENTS):
            assert enough.acquire(timeout=LONG)
        instance.tell(signal.SIGTERM)
        for one in calling:
            one.result(LONG)  # a connection that was refused or reset fails here
        assert not instance.refuses()
        assert post(instance.port, body)[0] == 200
        assert instance.ended() == 0
    assert set(statuses) == {200}


def test_told_twice_it_stops_at_once(tmp_path: Path) -> None:
    with running(tmp_path, notice="60") as instance:
        instance.tell(signal.SIGTERM)
        while ready(instance.port):
            pass
        instance.tell(signal.SIGTERM)
        assert instance.ended() == 0


def test_a_developers_key_stops_it_at_once(tmp_path: Path) -> None:
    with running(tmp_path, notice="60") as instance:
        instance.tell(signal.SIGINT)
        assert instance.ended() == 0


def numbers(instance: Running) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=LONG)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: float(value) for name, value in re.findall(r"^(telecode_\S+) (\S+)$", text, re.MULTILINE)}


def test_the_numbers_of_all_workers_add_up_even_of_one_that_died_and_was_replaced(tmp_path: Path, good: Json) -> None:
    body = json.dumps(good)
    counted = 'telecode_requests_total{endpoint="hooks.call",method="POST",status="200"}'
    with running(tmp_path) as instance:
        pids = [int(found[1]) for line in instance.lines if (found := re.search(r"with PID: (\d+)", str(line)))]
        for _ in range(40):
            assert post(instance.port, body)[0] == 200
        assert {numbers(instance)[counted] for _ in range(10)} == {40}
        os.kill(pids[0], signal.SIGKILL)
        instance.started(3)
        for _ in range(10):
            assert post(instance.port, body)[0] == 200
        assert {numbers(instance)[counted] for _ in range(10)} == {50}
        assert instance.stop() == 0


RAW = (
    b"GET /@ HTTP/1.1\r\nHost: @\r\n@: @\r\n\r\n",
    b"@ /cds-services?@ HTTP/1.1\r\nHost: x\r\nCookie: @\r\nAuthorization: Bearer @\r\n\r\n",
    b"GET /\xff@ HTTP/1.1\r\nHost: @\r\n\r\n@@",
    b"GET /@ HTP/9\r\nHost: @\r\n\r\n@@",
    b"POST /cds-services/@ HTTP/1.1\r\nHost: x\r\nContent-Length: @\r\n\r\n@@",
    (
        b"POST /cds-services/telehealth-em-note-sign HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
        b'Content-Length: 9\r\nX-Request-Id: @\r\n\r\n{"@": "@'
    ),
    (
        b"POST /cds-services/telehealth-em-note-sign HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\nX: @\r\n\r\n@\r\n@@"
    ),
    (
        b"POST /api/v1/select HTTP/1.1\r\nHost: @\r\nContent-Type: application/json;charset=@\r\n"
        b"Content-Length: 2\r\nX: @@\r\n\r\n{}"
    ),
)


def send(port: int, raw: bytes) -> bytes:
    """What the server says to `raw` before it hangs up; on nonsense it may do so before all is said."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), LONG) as sender, suppress(OSError):
        sender.sendall(raw)
        sender.shutdown(socket.SHUT_WR)
        while part := sender.recv(65_536):
            heard += part
    return heard


def test_what_the_server_itself_writes_holds_no_canary_and_is_json(tmp_path: Path, good: Json) -> None:
    canary = CANARY.encode()
    with running(tmp_path) as instance:
        for raw in RAW:
            heard = send(instance.port, raw.replace(b"@", canary))
            assert canary.lower() not in heard.partition(b"\r\n\r\n")[0].lower()
        assert post(instance.port, json.dumps(good))[0] == 200
        assert CANARY not in str(numbers(instance))
        assert instance.stop() == 0
        assert instance.process.stdout is not None
        printed = instance.process.stdout.read()
    assert CANARY.casefold() not in ("".join(instance.written) + printed).casefold()
    assert all(set(line) <= set(KEYS) for line in instance.lines)
    assert sum(line["logger"] == REQUESTS for line in instance.lines) >= 5


def test_who_sends_a_body_too_large_hears_so_and_no_broken_line(tmp_path: Path) -> None:
    with running(tmp_path, max_body="1000000") as instance:
        answers = [post(instance.port, json.dumps("x" * size)) for size in (999_999, 1_500_000)]
    assert [status for status, _ in answers] == [413, 413]
