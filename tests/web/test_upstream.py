"""Whatever a FHIR server does, the hook is answered in time: with a card that says what is missing, or with a 412."""

import gzip
import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_hooks.exchange.bases import Servers
from cds_hooks.exchange.fetch import Fetcher
from cds_hooks.settings import Settings, UnsafeStartError
from fhir_mapping.tables import config_folder
from tests.exchange.signers import BASE, ISSUER, KEYS, claims, key_set, signed
from tests.fhir_server import (
    TOKEN,
    Behaviour,
    FhirServer,
    Json,
    Seen,
    body,
    bomb,
    drip,
    hang,
    head,
    ok,
    raw,
    reset,
    searchset,
    status,
)

NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
DEADLINE = 0.3
AT_ONCE = 16

VISIT = json.dumps({"resourceType": "Encounter", "id": "e-100", "subject": {"reference": "Patient/p-100"}}).encode()
FAULTS: dict[str, Behaviour] = {
    "a type that is a list": ok({"resourceType": ["Patient"]}),
    "silence": hang,
    "slow headers": drip(b"HTTP/1.1 200 OK\r\n", b"X-Filler: y\r\n"),
    "a slow body": drip(head(Content_Type="application/json", Content_Length="1000000"), b" "),
    "slow chunks": drip(head(Content_Type="application/json", Transfer_Encoding="chunked"), b"1\r\n \r\n"),
    "continue without end": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a reset": reset,
    "a closed line": raw(b""),
    "a body cut short": raw(head(Content_Type="application/json", Content_Length="500") + b'{"resourceType"'),
    "a huge body": body(b" " * 6_000_000),
    "a gzip bomb": body(bomb(60_000_000), Content_Encoding="gzip"),
    "a bomb within a bomb": body(gzip.compress(gzip.compress(VISIT)), Content_Encoding="gzip, gzip"),
    "gzip that is none": body(b"{}", Content_Encoding="gzip"),
    "an unknown packing": body(VISIT, Content_Encoding="br"),
    "HTML": body(b"<html>busy</html>", kind="text/html"),
    "HTML called JSON": body(b"<html>busy</html>"),
    "XML": body(b"<Encounter/>", kind="application/fhir+xml"),
    "JSON called text": body(VISIT, kind="text/plain"),
    "no content type": raw(head(Content_Length=str(len(VISIT))) + VISIT),
    "JSON cut short": body(b'{"resourceType": "Encounter", "id": '),
    "NaN": body(b'{"resourceType": "Encounter", "id": NaN}'),
    "JSON of great depth": body(b'{"resourceType": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "bytes that are no text": body(b'{"resourceType": "\xff\xfe"}'),
    "an empty body": body(b""),
    "null": ok(None),
    "a list": ok([]),
    "another type of resource": ok({"resourceType": "Medication", "id": "e-100"}),
    "no type of resource": ok({"id": "e-100"}),
    "an OperationOutcome": ok({"resourceType": "OperationOutcome", "issue": [{"code": "exception"}]}),
    "garbage for a head": raw(b"\x16\x03\x01 what is this\r\n\r\n"),
    "garbage for chunks": raw(head(Content_Type="application/json", Transfer_Encoding="chunked") + b"zz\r\nfoo\r\n"),
    "headers without end": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "a header of great length": raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
    "two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
} | {
    f"status {code}": status(code, Location="/fhir/elsewhere", Retry_After="1")
    for code in (204, 206, 301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504)
}


def fetcher(*bases: str) -> Fetcher:
    return Fetcher(Servers(frozenset(bases), deadline=DEADLINE, development=True), config_folder())


@pytest.fixture
def hook(shared_app: Flask, fhir: FhirServer) -> Iterator[FlaskClient]:
    """A client of a service that may call the FHIR server, and has just been started."""
    own = shared_app.extensions["telecode"]
    made = fetcher(fhir.base)
    shared_app.extensions["telecode"] = replace(own, fetcher=made)
    yield shared_app.test_client()
    shared_app.extensions["telecode"] = own
    made.close()


def lacking(good: Json, fhir: FhirServer, *keys: str) -> Json:
    """The good request without some keys, with access to a server that has what they held."""
    held = {key: good["prefetch"].pop(key, searchset()) for key in keys}
    every = [key for key in _PREFETCH if key not in keys]
    good["prefetch"] = dict.fromkeys(every) | good["prefetch"]
    good["fhirServer"] = fhir.base
    good["fhirAuthorization"] = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "telecode",
    }
    fhir.answer = lambda call: ok(next((held[key] for key in keys if call.kind == _KIND[key]), searchset()))
    return good


_KIND = {
    "encounter": "Encounter",
    "patient": "Patient",
    "coverage": "Coverage",
    "observations": "Observation",
    "documents": "DocumentReference",
}
_PREFETCH = (
    "encounter",
    "patient",
    "observations",
    "coverage",
    "priorEncounters",
    "documents",
    "conditions",
    "practitioner",
    "appointments",
    "charges",
)


def card(client: FlaskClient, asked: Json) -> Json:
    answer = client.post(NOTE_SIGN, json=asked)
    assert answer.status_code == 200, answer.get_json()
    (found,) = answer.get_json()["cards"]
    return dict(found)


def outcome(found: Json) -> Json:
    return dict(found["extension"]["org.example.telecode.outcome"])


def unread(found: Json) -> list[str]:
    return [line for line in found["detail"].splitlines() if "could not be read" in line]


def test_e20_what_is_fetched_is_as_good_as_what_was_sent(hook: FlaskClient, fhir: FhirServer, good: Json) -> None:
    sent = outcome(card(hook, json.loads(json.dumps(good))))
    fetched = card(hook, lacking(good, fhir, "encounter", "coverage", "observations"))
    assert outcome(fetched) == sent
    assert {call.kind for call in fhir.seen} == {"Encounter", "Coverage", "Observation"}
    assert unread(fetched) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_r9_a_visit_that_cannot_be_had_is_a_412_in_time(
    hook: FlaskClient, fhir: FhirServer, good: Json, fault: str
) -> None:
    asked = lacking(good, fhir, "encounter")
    fhir.answer = lambda _: FAULTS[fault]
    started = time.monotonic()
    answer = hook.post(NOTE_SIGN, json=asked)
    assert time.monotonic() - started < DEADLINE * 4
    assert answer.status_code == 412
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    assert answer.get_json()["issue"][0]["code"] == "required"
    for secret in (TOKEN, "e-100", "p-100", fhir.base):
        assert secret not in answer.get_data(as_text=True)


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_else_cannot_be_had_is_named_on_the_card_once_and_in_time(
    hook: FlaskClient, fhir: FhirServer, good: Json, fault: str
) -> None:
    asked = lacking(good, fhir, "coverage")
    fhir.answer = lambda _: FAULTS[fault]
    started = time.monotonic()
    found = card(hook, asked)
    assert time.monotonic() - started < DEADLINE * 4
    (line,) = unread(found)
    assert line.startswith("- the patient's coverage could not be read: ")
    assert "payers" in {question["id"] for question in outcome(found)["questions"]}
    for secret in (TOKEN, str(fhir.port), "Coverage?"):
        assert secret not in json.dumps(found)
    assert [call.headers["authorization"] for call in fhir.seen] == [f"Bearer {TOKEN}"]


def test_the_visit_of_another_patient_is_not_the_visit(hook: FlaskClient, fhir: FhirServer, good: Json) -> None:
    good["prefetch"]["encounter"]["subject"] = {"reference": "Patient/another"}
    assert hook.post(NOTE_SIGN, json=lacking(good, fhir, "encounter")).status_code == 412


@pytest.mark.parametrize(("key", "own"), [("encounter", "e-99"), ("encounter", "E-100"), ("patient", "P-100")])
def test_a_server_that_answers_a_read_with_another_record_gets_a_card_that_says_so_and_no_code(
    hook: FlaskClient, fhir: FhirServer, good: Json, key: str, own: str
) -> None:
    good["prefetch"][key]["id"] = own
    said = outcome(card(hook, lacking(good, fhir, key)))
    assert said["outcome"] == "undetermined"
    assert [question["id"] for question in said["questions"]] == ["record_mix_up"]
    assert "candidates" not in said


def test_a_place_in_whose_stead_another_one_came_is_named_and_not_used(
    hook: FlaskClient, fhir: FhirServer, good: Json
) -> None:
    good["prefetch"]["encounter"]["location"] = [{"location": {"reference": "Location/l1"}}]
    asked = lacking(good, fhir)
    home = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "PTRES"}]}
    fhir.answer = lambda _: ok({"resourceType": "Location", "id": "l2", "type": [home]})
    found = card(hook, asked)
    assert unread(found) == ["- a place of the visit could not be read: the EHR sent another record in its place"]
    assert "patient_location" in {question["id"] for question in outcome(found)["questions"]}


def test_another_patients_coverage_is_left_out_and_said_so(hook: FlaskClient, fhir: FhirServer, good: Json) -> None:
    good["prefetch"]["coverage"]["entry"][0]["resource"]["beneficiary"] = {"reference": "Patient/another"}
    found = card(hook, lacking(good, fhir, "coverage"))
    assert "left out, because of another patient: 1 Coverage" in found["detail"]
    assert "payers" in {question["id"] for question in outcome(found)["questions"]}


@pytest.mark.parametrize("pages", ["endless", "in a circle"])
def test_a_list_without_end_is_read_as_far_as_it_may_be(
    hook: FlaskClient, fhir: FhirServer, good: Json, pages: str
) -> None:
    coverage = good["prefetch"]["coverage"]
    asked = lacking(good, fhir, "coverage")

    def answer(call: Seen) -> Behaviour:
        page = int(call.query.get("page", "1")) + 1 if pages == "endless" else 2
        return ok(coverage | {"link": [{"relation": "next", "url": f"{fhir.base}?page={page}"}]})

    fhir.answer = answer
    found = card(hook, asked)
    assert outcome(found)["outcome"] == "selection"
    assert len(fhir.seen) <= 5
    (line,) = unread(found)
    assert line.startswith("- the patient's coverage could not be read in full")


def test_p12_p13_null_absent_and_failed_are_three_things(hook: FlaskClient, fhir: FhirServer, good: Json) -> None:
    """Absent is fetched; null is known to be empty; an OperationOutcome was tried. Only the last is named unread."""
    asked = lacking(good, fhir, "coverage")
    assert outcome(card(hook, asked))["outcome"] == "selection"
    asked["prefetch"]["coverage"] = None
    assert unread(card(hook, asked)) == []
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    asked["prefetch"]["coverage"] = failed
    assert unread(card(hook, asked)) == ["- the patient's coverage could not be read: the EHR gave no access"]
    assert len(fhir.seen) == 1


def test_p13_a_visit_that_the_ehr_could_not_read_is_not_asked_for_again(
    hook: FlaskClient, fhir: FhirServer, good: Json
) -> None:
    asked = lacking(good, fhir, "encounter")
    asked["prefetch"]["encounter"] = {"resourceType": "OperationOutcome", "issue": [{"code": "forbidden"}]}
    assert hook.post(NOTE_SIGN, json=asked).status_code == 412
    assert fhir.seen == []


def with_note_elsewhere(good: Json) -> None:
    """The minutes stand in a note alone, and the note's text in a Binary."""
    good["prefetch"]["observations"] = None
    good["prefetch"]["documents"] = searchset(
        {
            "resourceType": "DocumentReference",
            "id": "d1",
            "status": "current",
            "subject": {"reference": "Patient/p-100"},
            "context": {"encounter": [{"reference": "Encounter/e-100"}]},
            "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/b1"}}],
        }
    )


def test_the_text_of_a_note_is_fetched_from_where_it_lies(hook: FlaskClient, fhir: FhirServer, good: Json) -> None:
    with_note_elsewhere(good)
    asked = lacking(good, fhir)
    text = b64encode(b"I spent a total of 34 minutes on the date of service.").decode()
    fhir.answer = lambda call: ok({"resourceType": call.kind, "id": "b1", "data": text})
    found = card(hook, asked)
    assert [call.target for call in fhir.seen] == ["/fhir/Binary/b1"]
    assert "| Time | 34 min |" in found["detail"]


@pytest.mark.parametrize("fault", ["silence", "status 404", "HTML", "a slow body"])
def test_a_text_that_cannot_be_had_is_named_and_the_rest_of_the_visit_stands(
    hook: FlaskClient, fhir: FhirServer, good: Json, fault: str
) -> None:
    with_note_elsewhere(good)
    asked = lacking(good, fhir)
    fhir.answer = lambda _: FAULTS[fault]
    started = time.monotonic()
    (line,) = unread(card(hook, asked))
    assert time.monotonic() - started < DEADLINE * 4
    assert line.startswith("- the text of a note could not be read: the EHR ")


def test_the_place_of_a_visit_is_fetched_where_it_was_not_sent(hook: FlaskClient, fhir: FhirServer, good: Json) -> None:
    home = good["prefetch"]["encounter"].pop("contained")[0]
    good["prefetch"]["encounter"]["location"] = [{"location": {"reference": "Location/home"}}]
    without = outcome(card(hook, json.loads(json.dumps(good))))
    asked = lacking(good, fhir)
    fhir.answer = lambda _: ok(home)
    assert without["candidates"][0].get("place_of_service") is None
    assert outcome(card(hook, asked))["candidates"][0]["place_of_service"] == "10"


def test_the_payer_of_a_coverage_is_fetched_where_it_is_only_referred_to(
    hook: FlaskClient, fhir: FhirServer, good: Json
) -> None:
    good["prefetch"]["coverage"] = searchset(
        {
            "resourceType": "Coverage",
            "id": "c1",
            "status": "active",
            "beneficiary": {"reference": "Patient/p-100"},
            "payor": [{"reference": "Organization/payer"}],
        }
    )
    asked = lacking(good, fhir)
    fhir.answer = lambda _: status(404)
    without = card(hook, asked)
    assert unread(without) == ["- the payer of a coverage could not be read: the EHR does not have it"]
    assert "its payer Organization/payer was not sent" in outcome(without)["questions"][0]["text"]
    fhir.answer = lambda call: ok({"resourceType": call.kind, "id": "payer", "name": "Medicare Part B"})
    assert {one["payer"] for one in outcome(card(hook, asked))["candidates"]} == {"medicare-ffs"}
    assert [call.target for call in fhir.seen] == ["/fhir/Organization/payer"] * 2


def test_e25_hooks_that_wait_for_a_silent_server_are_answered_in_time_and_slow_no_others(
    hook: FlaskClient, fhir: FhirServer, good: Json
) -> None:
    complete = json.loads(json.dumps(good))
    asked = lacking(good, fhir, "encounter", "coverage", "observations", "documents")
    fhir.answer = lambda _: hang

    def timed(sent: Json) -> tuple[float, int]:
        started = time.monotonic()
        code = hook.application.test_client().post(NOTE_SIGN, json=sent).status_code
        return time.monotonic() - started, code

    with ThreadPoolExecutor(AT_ONCE + 1) as callers:
        waiting = [callers.submit(timed, asked) for _ in range(AT_ONCE)]
        beside = [callers.submit(timed, complete).result() for _ in range(5)]
        waited = [one.result() for one in waiting]
    assert {code for _, code in waited} == {412}
    assert {code for _, code in beside} == {200}
    assert max(seconds for seconds, _ in waited) < DEADLINE * 5
    assert median(seconds for seconds, _ in beside) < median(seconds for seconds, _ in waited)
    # By now the server is known to be silent: it is left alone, and nobody waits for it.
    asked["fhirAuthorization"] |= {"access_token": "token-of-one-more"}
    seconds, code = timed(asked)
    assert code == 412
    assert seconds < median(seconds for seconds, _ in waited)
    assert "Bearer token-of-one-more" not in {call.headers["authorization"] for call in fhir.seen}


def test_no_thread_is_left_when_the_service_is_done(shared_app: Flask, fhir: FhirServer, good: Json) -> None:
    own = shared_app.extensions["telecode"]
    asked = lacking(good, fhir, "encounter", "coverage")
    fhir.answer = lambda _: FAULTS["slow headers"]
    made = fetcher(fhir.base)
    shared_app.extensions["telecode"] = replace(own, fetcher=made)
    assert shared_app.test_client().post(NOTE_SIGN, json=asked).status_code == 412
    shared_app.extensions["telecode"] = own
    made.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("fhir_")] == []


@pytest.mark.parametrize(("by_post", "method"), [("", "GET"), ("{base}", "POST")])
def test_a_site_sets_which_servers_are_called_and_how(
    app_with: Callable[..., FlaskClient], fhir: FhirServer, good: Json, by_post: str, method: str
) -> None:
    client = app_with(
        fhir_allow=f"https://other.example/r4, {fhir.base}/", fhir_post_search=by_post.format(base=fhir.base)
    )
    card(client, lacking(good, fhir, "coverage"))
    assert [call.method for call in fhir.seen] == [method]
    client.application.extensions["telecode"].fetcher.close()


@pytest.mark.parametrize("setting", ["FHIR_ALLOW", "FHIR_POST_SEARCH"])
@pytest.mark.parametrize("url", ["http://fhir.example/r4", "https://clerk:s3cret@fhir.example/r4"])
def test_a_base_that_is_no_plain_https_address_stops_the_start_and_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, setting: str, url: str
) -> None:
    monkeypatch.setenv(f"TELECODE_{setting}", url)
    with pytest.raises(UnsafeStartError, match=f"TELECODE_{setting}: a FHIR base must be https") as refused:
        Settings().check_start()
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(("bound", "called"), [("{base}", True), ("https://other.example/r4", False)])
def test_an_ehr_is_bound_to_the_servers_that_its_trust_names(
    app_with: Callable[..., FlaskClient],
    fhir: FhirServer,
    good: Json,
    tmp_path: Path,
    bound: str,
    *,
    called: bool,
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(*KEYS))
    trust = tmp_path / "trust.yaml"
    said = f"{{jwks_file: keys.json, fhir_bases: ['{bound.format(base=fhir.base)}']}}"
    trust.write_text(f"issuers: {{'{ISSUER}': {said}}}", encoding="utf-8")
    client = app_with(auth="required", trust=str(trust), public_url=BASE, fhir_allow=fhir.base)
    asked = lacking(good, fhir, "encounter")
    answer: Any = client.post(NOTE_SIGN, json=asked, headers={"Authorization": f"Bearer {signed(claims(NOTE_SIGN))}"})
    assert answer.status_code == (200 if called else 412)
    assert bool(fhir.seen) is called
    client.application.extensions["telecode"].fetcher.close()
