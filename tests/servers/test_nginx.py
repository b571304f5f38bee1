"""Behind nginx two instances are one service: either answers, and one that is killed or restarted is not missed."""

import http.client
import json
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_hooks.serving import PATIENCE
from cds_hooks.settings import Settings
from tests.running import LONG, NOTE_SIGN, Running, free_port, running
from tests.servers.proxied import Pair, Proxied, directives, nginx

Json = dict[str, Any]
Start = Callable[..., Pair]
DEPLOY = Path(__file__).parents[2] / "deploy"


def hooks(instance: Running) -> list[Json]:
    return [line for line in instance.lines if line.get("endpoint") == "hooks.call"]


def post(pair: Pair, body: Json) -> requests.Response:
    return pair.session.post(pair.url + NOTE_SIGN, json=body, timeout=LONG)


def test_either_instance_answers_and_the_id_of_a_request_travels(two_instances: Start, good: Json) -> None:
    pair = two_instances()
    answers = [post(pair, good) for _ in range(20)]
    assert [answer.status_code for answer in answers] == [200] * 20
    lines = [hooks(instance) for instance in pair.instances]
    assert all(lines)
    ids = {line["request_id"] for line in lines[0] + lines[1]}
    assert ids == {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 20


def test_the_id_that_an_outsider_chose_is_not_taken(two_instances: Start) -> None:
    pair = two_instances()
    chosen = "0123456789abcdef" * 2
    answer = pair.session.get(pair.url + "/healthz", headers={"X-Request-Id": chosen}, timeout=LONG)
    assert answer.headers["X-Request-Id"] != chosen


def test_an_instance_that_is_killed_is_not_missed(two_instances: Start, good: Json) -> None:
    pair = two_instances()
    assert post(pair, good).status_code == 200
    pair.instances[0].tell(signal.SIGKILL, workers_too=True)
    pair.instances[0].ended()
    assert [post(pair, good).status_code for _ in range(20)] == [200] * 20


def test_restarting_one_instance_after_the_other_fails_no_request(
    two_instances: Start, good: Json, tmp_path: Path
) -> None:
    pair = two_instances()
    over, statuses = threading.Event(), list[int]()

    def call_until_over() -> None:
        while not over.is_set():
            statuses.append(post(pair, good).status_code)

    with ThreadPoolExecutor(8) as clients:
        calling = [clients.submit(call_until_over) for _ in range(8)]
        first, second = pair.instances
        assert first.stop() == 0
        with running(tmp_path, workers=1, port=first.port) as again:
            # nginx tries an instance that had failed with one request, and believes in it once that is answered.
            again.wait_until(lambda lines: sum(line.get("endpoint") == "hooks.call" for line in lines) > 2)
            assert second.stop() == 0
            so_far = len(statuses)
            while len(statuses) < so_far + 20:
                assert not any(one.done() for one in calling)
            over.set()
            for one in calling:
                one.result(LONG)
    assert set(statuses) == {200}


def test_while_no_instance_is_up_the_refusal_is_an_operation_outcome(two_instances: Start, good: Json) -> None:
    pair = two_instances()
    assert post(pair, good).status_code == 200
    for instance in pair.instances:
        instance.stop()
    answer = post(pair, good)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
    assert answer.json()["issue"][0]["code"] == "transient"


def test_a_body_too_large_is_refused_before_it_reaches_an_instance(two_instances: Start) -> None:
    pair = two_instances()
    answer = post(pair, {"a": "x" * 6_000_000})
    assert answer.status_code == 413
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert not any(hooks(instance) for instance in pair.instances)


def test_a_body_as_large_as_telecode_takes_reaches_it() -> None:
    (largest,) = directives("client_max_body_size")
    assert Settings().max_body == int(largest.removesuffix("m")) * 1024 * 1024


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_operations_are_not_to_be_seen_from_outside(two_instances: Start, path: str) -> None:
    pair = two_instances()
    assert pair.session.get(pair.url + path, timeout=LONG).status_code == 404


def test_s1_tls_is_modern_and_browsers_are_told_to_stay_with_it(two_instances: Start) -> None:
    pair = two_instances()
    answer = pair.session.get(pair.url + "/healthz", timeout=LONG)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "/" not in answer.headers["Server"]
    assert set(directives("ssl_protocols")) == {"TLSv1.2 TLSv1.3"}
    context = ssl.create_default_context(cafile=str(pair.folder / "tls.crt"))
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


TO_US = b"Host: 127.0.0.1\r\nConnection: close\r\n"
REFUSED_BY_NGINX = {
    "no instance is up": (b"POST /x HTTP/1.1\r\n" + TO_US + b"Content-Length: 2\r\n\r\n{}", 503, "transient"),
    "closed to the outside": (b"POST /metrics HTTP/1.1\r\n" + TO_US + b"Content-Length: 2\r\n\r\n{}", 404, "not-found"),
    "a method of nobody": (b"TRACE /x HTTP/1.1\r\n" + TO_US + b"\r\n", 405, "not-supported"),
    "a body too large": (b"POST /x HTTP/1.1\r\n" + TO_US + b"Content-Length: 9999999\r\n\r\n", 413, "too-long"),
    "an address too long": (b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\n" + TO_US + b"\r\n", 414, "too-long"),
    "a header too long": (b"GET /x HTTP/1.1\r\n" + TO_US + b"X: " + b"a" * 16_384 + b"\r\n\r\n", 400, "invalid"),
    "too many headers": (
        b"GET /x HTTP/1.1\r\n" + TO_US + (b"X: " + b"a" * 16_000 + b"\r\n") * 5 + b"\r\n",
        400,
        "invalid",
    ),
    "a body of an unknown coding": (
        b"POST /x HTTP/1.1\r\n" + TO_US + b"Transfer-Encoding: gzip\r\n\r\n",
        501,
        "not-supported",
    ),
    "a body of broken parts": (
        b"POST /x HTTP/1.1\r\n" + TO_US + b"Transfer-Encoding: chunked\r\n\r\nZ\r\n",
        400,
        "invalid",
    ),
    "an unknown version": (b"GET /x HTTP/3.7\r\n" + TO_US + b"\r\n", 505, "not-supported"),
    "no HTTP": (b"nothing that could be a request\r\n\r\n", 400, "invalid"),
    "a path that is none": (b"GET /%zz HTTP/1.1\r\n" + TO_US + b"\r\n", 400, "invalid"),
    "a path above the root": (b"GET /../x HTTP/1.1\r\n" + TO_US + b"\r\n", 400, "invalid"),
    "no host": (b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "invalid"),
    "no host as of old": (b"GET /x HTTP/1.0\r\n\r\n", 421, "security"),
    "another host": (b"GET /healthz HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n", 421, "security"),
    "the page of refusals itself": (b"GET /nginx-refused HTTP/1.1\r\n" + TO_US + b"\r\n", 404, "not-found"),
}


@pytest.fixture(scope="module")
def lone_nginx() -> Iterator[Proxied]:
    """An nginx behind which nobody answers."""
    with nginx((free_port(), free_port())) as proxy:
        proxy.session.get(f"{proxy.url}/healthz", timeout=LONG)
        yield proxy


def answer_to(raw: bytes, proxy: Proxied, *, tls: bool = True) -> tuple[int, str, Json]:
    """Status, content type and body of the answer to a request as it stands."""
    context = ssl.create_default_context(cafile=str(proxy.folder / "tls.crt"))
    plain = socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), LONG)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") if tls else plain as line:
        line.sendall(raw)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return answer.status, answer.headers["Content-Type"], json.loads(answer.read())


@pytest.mark.parametrize("what", REFUSED_BY_NGINX)
def test_what_nginx_itself_refuses_is_an_operation_outcome(lone_nginx: Proxied, what: str) -> None:
    raw, status, code = REFUSED_BY_NGINX[what]
    heard, kind, body = answer_to(raw, lone_nginx)
    assert (heard, kind) == (status, "application/json")
    assert body["resourceType"] == "OperationOutcome"
    assert body["issue"][0]["code"] == code
    assert body["issue"][0]["diagnostics"]


def test_plain_http_on_the_port_of_https_is_an_operation_outcome(lone_nginx: Proxied) -> None:
    heard, kind, body = answer_to(b"GET /healthz HTTP/1.1\r\n" + TO_US + b"\r\n", lone_nginx, tls=False)
    assert (heard, kind, body["resourceType"]) == (400, "application/json", "OperationOutcome")


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that reached it."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def echo() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_headers_that_claim_to_come_from_a_proxy_do_not_pass(echo: int) -> None:
    claims = dict.fromkeys(
        (
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Client-Cert",
            "X-Client-Cert",
            "X-SSL-Client-Cert",
            "X-SSL-Client-Verify",
            "X-SSL-Client-S-DN",
        ),
        "claimed",
    )
    with nginx((echo, free_port())) as proxy:
        headers = {"Authorization": "Bearer t", **claims}
        passed = proxy.session.get(f"{proxy.url}/cds-services", headers=headers, timeout=LONG).json()
    assert "claimed" not in passed.values()
    assert passed["Authorization"] == "Bearer t"
    assert passed["Host"].startswith("127.0.0.1")


def test_nginx_keeps_nothing_of_what_an_ehr_sent(two_instances: Start, good: Json) -> None:
    pair = two_instances()
    good["context"]["patientId"] = "CANARY"
    post(pair, good)
    pair.session.get(f"{pair.url}/CANARY?CANARY", headers={"X-Test": "CANARY"}, timeout=LONG)
    for instance in pair.instances:
        instance.stop()
    post(pair, good)
    kept = [file.read_text(encoding="utf-8", errors="replace") for file in pair.folder.rglob("*") if file.is_file()]
    assert not any("CANARY" in text for text in kept)


def test_workers_that_are_replaced_while_clients_call_drop_nothing(tmp_path: Path, good: Json) -> None:
    with running(tmp_path, workers=2) as instance:
        over, statuses = threading.Event(), list[int]()

        def call_until_over() -> None:
            while not over.is_set():
                try:
                    answer = requests.post(instance.url + NOTE_SIGN, json=good, timeout=LONG)
                except requests.ConnectionError:  # it had knocked at a worker that was just closing its door
                    continue
                statuses.append(answer.status_code)

        with ThreadPoolExecutor(8) as clients:
            calling = [clients.submit(call_until_over) for _ in range(8)]
            instance.tell(signal.SIGHUP)
            instance.wait_until(lambda lines: sum("Stopped old worker" in str(line) for line in lines) == 2)
            over.set()
            for one in calling:
                one.result(LONG)
        assert instance.stop() == 0
        assert set(statuses) == {200}
        assert len(hooks(instance)) == len(statuses)


def test_systemd_waits_longer_than_a_worker_may_take_and_tells_the_first_process_alone() -> None:
    unit = (DEPLOY / "telecode@.service").read_text(encoding="utf-8")
    assert "KillMode=mixed" in unit
    (patience,) = (int(line.split("=")[1]) for line in unit.splitlines() if line.startswith("TimeoutStopSec="))
    assert patience > PATIENCE + Settings().notice
