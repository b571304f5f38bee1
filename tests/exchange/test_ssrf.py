"""Tricks to have telecode call a server of somebody's choosing, or hand it the token: all are refused."""

import socket
from typing import Any

import pytest

from tests.exchange.asking import COVERAGE, ENCOUNTER, code, fetcher, fill, request
from tests.fhir_server import TOKEN, Behaviour, FhirServer, Seen, ok, searchset, status

BASES = {
    "another host": "http://localhost:{port}/fhir",
    "another port": "http://127.0.0.1:{trap}/fhir",
    "no port": "http://127.0.0.1/fhir",
    "another scheme": "https://127.0.0.1:{port}/fhir",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:{trap}/_GET",
    "no scheme": "//127.0.0.1:{trap}/fhir",
    "a user": "http://user@127.0.0.1:{port}/fhir",
    "the base as a user": "http://127.0.0.1:{port}@127.0.0.1:{trap}/fhir",
    "the base as user and password": "http://127.0.0.1:{port}/fhir@127.0.0.1:{trap}/",
    "a backslash": "http://127.0.0.1:{trap}\\@127.0.0.1:{port}/fhir",
    "a fragment": "http://127.0.0.1:{port}/fhir#@127.0.0.1:{trap}/",
    "a query": "http://127.0.0.1:{port}/fhir?x=",
    "a folder above": "http://127.0.0.1:{port}/fhir/..",
    "a folder beside": "http://127.0.0.1:{port}/fhir/../admin",
    "encoded dots": "http://127.0.0.1:{port}/fhir/%2e%2e/admin",
    "an encoded slash": "http://127.0.0.1:{port}/fhir%2f..%2fadmin",
    "a longer name": "http://127.0.0.1:{port}/fhir2",
    "a shorter path": "http://127.0.0.1:{port}",
    "an encoded letter": "http://127.0.0.1:{port}/%66hir",
    "capitals in the scheme": "HTTP://127.0.0.1:{port}/fhir",
    "capitals in the path": "http://127.0.0.1:{port}/FHIR",
    "a dot at the end of the host": "http://127.0.0.1.:{port}/fhir",
    "a decimal address": "http://2130706433:{port}/fhir",
    "an octal address": "http://0177.0.0.1:{port}/fhir",
    "a hexadecimal address": "http://0x7f.0.0.1:{port}/fhir",
    "a short address": "http://127.1:{port}/fhir",
    "no address": "http://0:{port}/fhir",
    "IPv6": "http://[::1]:{port}/fhir",
    "IPv4 within IPv6": "http://[::ffff:127.0.0.1]:{port}/fhir",
    "IPv6 written out": "http://[0:0:0:0:0:ffff:7f00:1]:{port}/fhir",
    "wide digits": "http://\uff11\uff12\uff17.0.0.1:{port}/fhir",
    "a dot of another script": "http://127\u30020.0.1:{port}/fhir",
    "a blank before": " http://127.0.0.1:{port}/fhir",
    "a line break after": "http://127.0.0.1:{port}/fhir\r\nX: y",
    "a tab within": "http://127.0.0.1:{port}/fh\tir",
    "two slashes at the end": "http://127.0.0.1:{port}/fhir//",
    "metadata of a cloud": "http://169.254.169.254/latest",
    "nothing": "",
}


@pytest.mark.parametrize("trick", BASES)
def test_a_server_that_is_not_the_allowed_one_letter_by_letter_is_not_called(
    fhir: FhirServer, trap: FhirServer, trick: str
) -> None:
    named = BASES[trick].format(port=fhir.port, trap=trap.port)
    with fetcher(fhir.base) as made:
        assert made.errand(request(named)) is None
    assert fhir.connections == trap.connections == 0


@pytest.mark.parametrize("status_code", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("where", ["http://127.0.0.1:{trap}/fhir/Encounter/e1", "//127.0.0.1:{trap}/fhir", "/admin"])
def test_a_redirect_is_not_followed(fhir: FhirServer, trap: FhirServer, status_code: int, where: str) -> None:
    fhir.answer = lambda _: status(status_code, Location=where.format(trap=trap.port))
    with fetcher(fhir.base) as made:
        found = fill(made, request(fhir.base), ENCOUNTER)
    assert code(found["encounter"]) == "exception"
    assert len(fhir.seen) == 1
    assert trap.connections == 0


PAGES = {
    "another port": "http://127.0.0.1:{trap}/fhir/Coverage?page=2",
    "no scheme": "//127.0.0.1:{trap}/fhir/Coverage?page=2",
    "another scheme": "https://127.0.0.1:{port}/fhir/Coverage?page=2",
    "a user": "http://127.0.0.1:{port}@127.0.0.1:{trap}/fhir/Coverage?page=2",
    "a user behind the base": "{base}@127.0.0.1:{trap}/",
    "a port behind the base": "http://127.0.0.1:{port}1/fhir?page=2",
    "a folder beside": "{base}/../admin?page=2",
    "encoded dots": "{base}/%2e%2e/admin",
    "dots with a parameter": "{base}/..;/admin",
    "a longer name": "{base}2/Coverage?page=2",
    "a line break": "{base}/Coverage?page=2\r\nX: y",
    "a backslash": "{base}\\..\\admin",
    "a fragment": "{base}/Coverage#page=2",
    "no text": ["{base}/Coverage?page=2"],
}


@pytest.mark.parametrize("trick", PAGES)
def test_a_further_page_elsewhere_is_not_called_and_the_list_stays_unfinished(
    fhir: FhirServer, trap: FhirServer, trick: str
) -> None:
    url: Any = PAGES[trick]
    url = url.format(port=fhir.port, trap=trap.port, base=fhir.base) if isinstance(url, str) else url
    first = searchset({"resourceType": "Coverage", "id": "c1"}, following=url)
    fhir.answer = lambda _: ok(first)
    with fetcher(fhir.base) as made:
        assert fill(made, request(fhir.base), COVERAGE, "coverage") == {"coverage": first}
        assert fill(made, request(fhir.base, prefetch={"coverage": first}), COVERAGE, "coverage") == {}
    assert len(fhir.seen) == 1
    assert trap.connections == 0


@pytest.mark.parametrize(
    "reference",
    [
        "http://127.0.0.1:{trap}/fhir/Binary/b1",
        "//127.0.0.1:{trap}/fhir/Binary/b1",
        "http://127.0.0.1:{port}@127.0.0.1:{trap}/fhir/Binary/b1",
        "{base}@127.0.0.1:{trap}/Binary/b1",
        "{base}/../Binary/b1",
        "{base}/Binary/..",
        "{base}/Binary/b1/../../admin",
        "{base}/Binary/b1?_format=json",
        "{base}/Binary/%2e%2e",
        "Binary/../admin",
        "../Binary/b1",
        "data:text/plain;base64,AAAA",
        "file:///Binary/b1",
    ],
)
def test_a_reference_elsewhere_is_not_called(fhir: FhirServer, trap: FhirServer, reference: str) -> None:
    with fetcher(fhir.base) as made:
        errand = made.errand(request(fhir.base))
        assert errand is not None
        assert errand.read([reference.format(port=fhir.port, trap=trap.port, base=fhir.base)]) == {}
    assert fhir.connections == trap.connections == 0


def rows(address: str, port: int) -> list[tuple[Any, ...]]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return [(family, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1\x00", "0.0.0.0"])  # noqa: S104 - as above
def test_an_allowed_name_that_leads_to_this_machine_is_not_called(trap: FhirServer, address: str) -> None:
    base = f"https://fhir.example:{trap.port}/fhir"
    with fetcher(base, lookup=lambda *_, **__: rows(address, trap.port)) as made:
        assert code(fill(made, request(base), ENCOUNTER)["encounter"]) == "transient"
    assert trap.connections == 0


def test_a_name_may_not_change_its_address_between_judgement_and_call(fhir: FhirServer, trap: FhirServer) -> None:
    """The second look-up, were there one, would lead elsewhere."""
    base = f"http://localhost:{fhir.port}/fhir"
    told = iter([rows("127.0.0.1", fhir.port), rows("127.0.0.2", fhir.port)])
    fhir.answer = lambda _: ok({"resourceType": "Encounter"})
    with fetcher(base, lookup=lambda *_, **__: next(told)) as made:
        assert fill(made, request(base), {"a": "Encounter/a", "b": "Encounter/b"}).keys() == {"a", "b"}
    assert len(list(told)) == 1
    assert {call.headers["host"] for call in fhir.seen} == {f"localhost:{fhir.port}"}
    assert trap.connections == 0


def test_the_token_goes_to_the_allowed_base_and_nowhere_else(fhir: FhirServer, trap: FhirServer) -> None:
    elsewhere = f"http://127.0.0.1:{trap.port}/fhir/Coverage?page=2"

    def answer(call: Seen) -> Behaviour:
        if call.kind == "Encounter":
            return status(307, Location=elsewhere)
        return ok(searchset(following=elsewhere))

    fhir.answer = answer
    with fetcher(fhir.base) as made:
        fill(made, request(fhir.base), ENCOUNTER | COVERAGE, "coverage")
    assert [call.headers["authorization"] for call in fhir.seen] == [f"Bearer {TOKEN}"] * 2
    assert trap.connections == 0
