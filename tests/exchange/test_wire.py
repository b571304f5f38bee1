"""The line to a server leads to the server it should, and nothing on it takes longer than there is time."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import certificate
from tests.exchange.asking import ENCOUNTER, PATIENCE, code, fetcher, fill, request
from tests.exchange.test_ssrf import rows
from tests.fhir_server import Behaviour, FhirServer, Seen, drip, hang, head, ok

HOST = "fhir.example"
DEADLINE = 0.2


class Mute:
    """In the place of TLS: a server that takes the connection and never begins the handshake."""

    def wrap_socket(self, line: Any, *, server_side: bool) -> Any:
        assert server_side
        while line.recv(65_536):
            pass
        raise OSError("the caller gave up")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[FhirServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path, HOST))
    server = FhirServer(context)
    server.answer = lambda _: ok({"resourceType": "Encounter", "id": "e1"})
    yield server
    server.close()


def fetched(server: FhirServer, host: str, authorities: Path | None, deadline: float = PATIENCE) -> Any:
    base = f"https://{host}:{server.port}/fhir"
    site = {"private": True, "authorities": authorities, "deadline": deadline}
    with fetcher(base, lookup=lambda *_, **__: rows("127.0.0.1", server.port), **site) as made:
        return fill(made, request(base), ENCOUNTER)["encounter"]


def test_a_server_with_a_certificate_of_the_sites_own_authority_is_called(secure: FhirServer, tmp_path: Path) -> None:
    assert fetched(secure, HOST, tmp_path / "tls.crt") == {"resourceType": "Encounter", "id": "e1"}


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_server_with_the_certificate_of_another_name_gets_nothing(
    secure: FhirServer, tmp_path: Path, host: str
) -> None:
    assert code(fetched(secure, host, tmp_path / "tls.crt")) == "transient"
    assert secure.seen == []


def test_a_server_with_a_certificate_of_an_unknown_authority_gets_nothing(secure: FhirServer) -> None:
    assert code(fetched(secure, HOST, None)) == "transient"
    assert secure.seen == []


def test_the_sites_authority_is_read_at_the_start_and_not_for_each_line(secure: FhirServer, tmp_path: Path) -> None:
    base = f"https://{HOST}:{secure.port}/fhir"
    authority = tmp_path / "tls.crt"
    with fetcher(base, lookup=lambda *_, **__: rows("127.0.0.1", 0), private=True, authorities=authority) as made:
        authority.unlink()
        assert fill(made, request(base), ENCOUNTER)["encounter"] == {"resourceType": "Encounter", "id": "e1"}


def test_a_file_without_a_certificate_is_refused_at_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.crt"
    empty.write_text("nothing\n", encoding="ascii")
    with pytest.raises(ValueError, match=r"empty\.crt holds no certificate"), fetcher(authorities=empty):
        pass


SLOW: dict[str, Behaviour] = {
    "silence": hang,
    "a head that drips": drip(b"HTTP/1.1 200 OK\r\n", b"X-Filler: y\r\n"),
    "a body that drips": drip(head(Content_Type="application/json", Content_Length="1000000"), b" "),
    "chunks that drip": drip(head(Content_Type="application/json", Transfer_Encoding="chunked"), b"1\r\n \r\n"),
    "promises without end": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("fault", SLOW)
def test_e25_whatever_is_slow_holds_no_thread_past_the_deadline(fhir: FhirServer, fault: str) -> None:
    fhir.answer = lambda _: SLOW[fault]
    started = time.monotonic()
    with fetcher(fhir.base, deadline=DEADLINE) as made:
        assert code(fill(made, request(fhir.base), ENCOUNTER)["encounter"]) == "timeout"
        answered = time.monotonic()
    # Leaving waits for the threads: while the server still drips they have been let go.
    let_go = time.monotonic()
    assert answered - started < DEADLINE * 3
    assert let_go - answered < DEADLINE * 3
    assert not any(thread.name.startswith("fhir_") for thread in threading.enumerate())


def test_a_handshake_that_never_comes_holds_no_thread_either() -> None:
    server = FhirServer(Mute())
    started = time.monotonic()
    assert code(fetched(server, HOST, None, DEADLINE)) == "timeout"
    assert time.monotonic() - started < DEADLINE * 4
    server.close()


def test_what_came_in_time_is_kept_when_the_rest_is_late(fhir: FhirServer) -> None:
    def answer(call: Seen) -> Behaviour:
        return ok({"resourceType": "Patient"}) if call.kind == "Patient" else hang

    fhir.answer = answer
    with fetcher(fhir.base, deadline=DEADLINE) as made:
        found = fill(made, request(fhir.base), ENCOUNTER | {"patient": "Patient/{{context.patientId}}"})
    assert found["patient"] == {"resourceType": "Patient"}
    assert code(found["encounter"]) == "timeout"


def test_the_next_address_is_tried_where_the_first_takes_no_call(fhir: FhirServer) -> None:
    base = f"http://localhost:{fhir.port}/fhir"
    fhir.answer = lambda _: ok({"resourceType": "Encounter"})
    both = [*rows("::1", fhir.port), *rows("127.0.0.1", fhir.port)]
    with fetcher(base, lookup=lambda *_, **__: both) as made:
        assert fill(made, request(base), ENCOUNTER)["encounter"] == {"resourceType": "Encounter"}


def test_an_address_that_is_silent_leaves_time_for_the_next(fhir: FhirServer) -> None:
    """A line that nobody picks up and that has no room for another caller: to the next one it is silent."""
    base = f"http://localhost:{fhir.port}/fhir"
    fhir.answer = lambda _: ok({"resourceType": "Encounter"})
    both = [*rows("127.0.0.2", fhir.port), *rows("127.0.0.1", fhir.port)]
    with (
        socket.create_server(("127.0.0.2", fhir.port), backlog=0),
        socket.create_connection(("127.0.0.2", fhir.port)),
        fetcher(base, lookup=lambda *_, **__: both, deadline=1.0) as made,
    ):
        assert fill(made, request(base), ENCOUNTER)["encounter"] == {"resourceType": "Encounter"}
