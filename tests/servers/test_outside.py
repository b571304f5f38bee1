"""Every check that can be made of a CDS service from outside, made of telecode as a production runs it."""

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from click.testing import CliRunner
from fhir.resources.R4B import get_fhir_model_class

from cds_hooks.cli import main
from cds_hooks.store.database import Database
from cds_hooks.store.statistics import statistics
from tests.exchange.signers import EC_KEY, claims, signed
from tests.fhir_server import TOKEN, Behaviour, Seen, hang, ok, searchset, status
from tests.protocol.checker import blanks, check_answer, check_discovery, strings
from tests.running import LONG, NOTE_SIGN
from tests.servers.conftest import new_database
from tests.servers.site import ORIGIN, Site, client_of_its_own, fresh, open_site
from tests.web.hostile import NO_JSON
from tests.web.test_bad_tokens import BAD
from tests.web.test_poison import POISONS, check_inert, poisoned

Json = dict[str, Any]
FEEDBACK = f"{NOTE_SIGN}/feedback"
HOOKS = {
    NOTE_SIGN: "org.example.telecode.note-sign",
    "/cds-services/telehealth-em-encounter-discharge": "encounter-discharge",
    "/cds-services/telehealth-em-patient-view": "patient-view",
}
AT = "2026-11-20T20:30:00Z"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site"), new_database(postgres)) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Site:
    served.fhir.seen.clear()
    served.fhir.answer = lambda _: status(404)
    return served


def refused(answer: requests.Response, *codes: int) -> None:
    """Fail unless an answer is a refusal in FHIR's words, and quotes no code of ours."""
    assert answer.status_code in codes
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert list(blanks(answer.json())) == []
    assert "Traceback" not in answer.text


def card_of(answer: requests.Response) -> Json:
    check_answer(answer.json())
    (card,) = answer.json()["cards"]
    assert isinstance(card, dict)
    return card


def test_e1_older_tls_than_1_2_is_not_spoken(site: Site) -> None:
    host, port = site.pair.url.removeprefix("https://").split(":")
    hello = ["openssl", "s_client", "-connect", f"{host}:{port}", "-cipher", "DEFAULT:@SECLEVEL=0"]
    spoken = {
        version: subprocess.run([*hello, version], input=b"", capture_output=True, check=False).returncode == 0  # noqa: S603 - our own command
        for version in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3")
    }
    assert spoken == {"-tls1": False, "-tls1_1": False, "-tls1_2": True, "-tls1_3": True}


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {fresh('/cds-services')}"}], ids=["bare", "signed"])
def test_e2_e3_discovery_answers_with_services_that_are_whole(site: Site, headers: dict[str, str]) -> None:
    answer = site.ask("GET", "/cds-services", headers={"Accept": "application/json"} | headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    check_discovery(answer.json())
    assert {service["hook"] for service in answer.json()["services"]} == set(HOOKS.values())


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
@pytest.mark.parametrize("path", HOOKS)
def test_e4_e5_each_service_answers_a_signed_call(site: Site, good: Json, path: str, algorithm: str) -> None:
    body = good | {"hook": HOOKS[path]}
    for _ in range(3):
        answer = site.post(body, path, token=fresh(path, algorithm))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert card_of(answer)["summary"].startswith("99214")


def test_e6_e7_what_the_tests_send_is_itself_what_the_specification_asks_for(site: Site, good: Json) -> None:
    body = site.without(good, "coverage")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", body["hookInstance"])
    assert re.fullmatch(r"(Practitioner|PractitionerRole)/[A-Za-z0-9.-]+", body["context"]["userId"])
    assert not any("/" in body["context"][name] for name in ("patientId", "encounterId"))
    access = body["fhirAuthorization"]
    assert set(access) == {"access_token", "token_type", "expires_in", "scope", "subject"}
    assert (access["token_type"], type(access["expires_in"])) == ("Bearer", int)
    assert body["fhirServer"].startswith("https://")


def test_e8_to_e13_e15_e16_an_answer_keeps_every_rule_and_no_uuid_comes_twice(site: Site, good: Json) -> None:
    uuids: list[str] = []
    for gone in (None, *good["prefetch"]):
        body = copy.deepcopy(good)
        body["prefetch"].pop(gone, None)
        answer = site.post(body)
        if gone == "encounter":
            refused(answer, 412)
            continue
        card = card_of(answer)
        uuids += [part["uuid"] for part in (card, *card.get("suggestions", ()))]
    assert len(set(uuids)) == len(uuids) > 4


def test_e14_what_is_drafted_is_fhir_about_the_patient_and_visit_of_the_context(site: Site, good: Json) -> None:
    card = card_of(site.post(good))
    for suggestion in card["suggestions"]:
        for action in suggestion["actions"]:
            resource = action["resource"]
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
            assert resource["patient"] == {"reference": f"Patient/{good['context']['patientId']}"}
            visits = {item["encounter"][0]["reference"] for item in resource["item"]}
            assert visits == {f"Encounter/{good['context']['encounterId']}"}


def test_e17_addresses_are_https_and_say_nothing_of_the_patient(site: Site, good: Json) -> None:
    good["prefetch"]["patient"]["name"] = [{"family": "Featherstonehaugh"}]
    answer = site.post(good)
    addresses = [word for text in strings(answer.json()) for word in re.findall(r"https?://[^\s)\"|]+", text)]
    assert addresses
    for address in addresses:
        assert "p-100" not in address
        assert "e-100" not in address
        assert "Featherstonehaugh" not in address
        assert "@" not in address
    assert "url" not in card_of(answer)["source"]  # its pages ask for a token, which no browser has


@pytest.mark.parametrize("name", POISONS)
def test_e18_poison_is_text(site: Site, good: Json, name: str) -> None:
    place = ("prefetch", "encounter", "serviceProvider", "display")
    good["prefetch"]["encounter"]["serviceProvider"] = {"display": ""}
    good["prefetch"]["encounter"]["type"] = [{"text": ""}]
    for where in (place, ("prefetch", "encounter", "type", 0, "text")):
        card = card_of(site.post(poisoned(good, where, POISONS[name], beside=False)))
        check_inert(card["detail"])


def test_e19_discovery_is_the_same_each_time_and_to_every_method_that_reads(site: Site) -> None:
    answers = [site.ask("GET", "/cds-services") for _ in range(4)]  # of both instances
    assert len({answer.content for answer in answers}) == 1
    head = site.ask("HEAD", "/cds-services")
    assert (head.status_code, head.content) == (200, b"")
    assert "GET" in site.ask("OPTIONS", "/cds-services").headers["Allow"]


def server_with(good: Json, **other: Callable[[Seen], Behaviour]) -> Callable[[Seen], Behaviour]:
    """A FHIR server that holds what the good request sends along; `other` answers by type of resource."""

    def answer(call: Seen) -> Behaviour:
        if call.kind in other:
            return other[call.kind](call)
        if call.target.startswith("/fhir/Encounter/"):
            return ok(good["prefetch"]["encounter"])
        if call.target.startswith("/fhir/Practitioner/"):
            return ok({"resourceType": "Practitioner", "id": "dr-lind"})
        return ok(searchset())

    return answer


def test_e20_a_missing_key_is_fetched_with_the_requests_token(site: Site, good: Json) -> None:
    site.fhir.answer = server_with(good)
    assert card_of(site.post(site.without(good, "encounter")))["summary"].startswith("99214")
    (read,) = [call for call in site.fhir.seen if call.target == "/fhir/Encounter/e-100"]
    assert read.headers["authorization"] == f"Bearer {TOKEN}"


EMPTY: dict[str, Any] = {
    "null": None,
    "a Bundle without entries": {"resourceType": "Bundle", "type": "searchset"},
    "Epic's nothing found": {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "entry": [
            {
                "resource": {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "warning", "code": "processing"}],
                },
                "search": {"mode": "outcome"},
            }
        ],
    },
}


@pytest.mark.parametrize("name", EMPTY)
def test_e20_known_to_be_empty_is_neither_asked_again_nor_a_failure(site: Site, good: Json, name: str) -> None:
    body = site.without(good)
    body["prefetch"]["coverage"] = EMPTY[name]
    site.fhir.answer = server_with(good)
    card = card_of(site.post(body))
    assert not any(call.kind == "Coverage" for call in site.fhir.seen)
    assert "could not be read" not in card["detail"]


def test_e20_what_the_client_failed_to_get_is_told_and_the_visit_is_a_412(site: Site, good: Json) -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    body = copy.deepcopy(good)
    body["prefetch"]["coverage"] = failed
    assert "could not be read" in card_of(site.post(body))["detail"]
    body["prefetch"]["encounter"] = failed
    refused(site.post(body), 412)


def test_e20_a_second_page_is_read_on_the_same_base_and_nowhere_else(site: Site, good: Json) -> None:
    coverage = good["prefetch"]["coverage"]["entry"][0]["resource"]

    def pages(call: Seen) -> Behaviour:
        return ok(searchset(coverage)) if "page=2" in call.target else ok(searchset(following=f"{site.base}?page=2"))

    site.fhir.answer = server_with(good, Coverage=pages, **{"": pages})
    assert "could not be read" not in card_of(site.post(site.without(good, "coverage")))["detail"]
    assert any("page=2" in call.target for call in site.fhir.seen)
    elsewhere = lambda _: ok(searchset(coverage, following="https://elsewhere.example/fhir?page=2"))  # noqa: E731 - one answer
    site.fhir.answer = server_with(good, Coverage=elsewhere)
    assert "there is more of it" in card_of(site.post(site.without(good, "coverage")))["detail"]


def test_e20_the_visit_of_another_patient_is_refused(site: Site, good: Json) -> None:
    good["prefetch"]["encounter"]["subject"] = {"reference": "Patient/other"}
    refused(site.post(good), 400)


def changed(good: Json, **members: Any) -> Json:
    """The body with other members; `None` takes one away."""
    return {name: value for name, value in (good | members).items() if value is not None}


@pytest.mark.parametrize(
    "members",
    [
        {"hook": None},
        {"hookInstance": None},
        {"context": None},
        {"hook": "order-select"},
        {"hookInstance": "42"},
        {"fhirAuthorization": {"access_token": "t"}},
        {"fhirServer": "http://ehr.example.org/fhir", "fhirAuthorization": {"access_token": "t"}},
        {"context": {"userId": "Practitioner/a", "patientId": "Group/p-100", "encounterId": "e-100"}},
    ],
    ids=lambda members: ", ".join(f"{name}={value}" for name, value in members.items())[:60],
)
def test_e21_a_request_that_breaks_the_protocol_is_a_400(site: Site, good: Json, members: Json) -> None:
    refused(site.post(changed(good, **members)), 400)


@pytest.mark.parametrize("name", NO_JSON)
def test_e21_a_hostile_body_is_refused_or_borne_and_never_a_fault(site: Site, name: str) -> None:
    headers = {"Authorization": f"Bearer {fresh(NOTE_SIGN)}", "Content-Type": "application/json"}
    answer = site.ask("POST", NOTE_SIGN, data=NO_JSON[name], headers=headers)
    refused(answer, 400, 413)


def test_e21_what_is_not_there_or_not_so_has_its_own_status(site: Site, good: Json) -> None:
    refused(site.post(good, "/cds-services/none"), 404)
    signed_call = {"Authorization": f"Bearer {fresh(NOTE_SIGN)}"}
    wrong = site.ask("GET", NOTE_SIGN, headers=signed_call)
    refused(wrong, 405)
    assert "POST" in wrong.headers["Allow"]
    headers = {"Authorization": f"Bearer {fresh(NOTE_SIGN)}", "Content-Type": "text/plain"}
    refused(site.ask("POST", NOTE_SIGN, data=json.dumps(good), headers=headers), 415)
    headers = {"Authorization": f"Bearer {fresh(NOTE_SIGN)}", "Content-Type": "application/json"}
    refused(site.ask("POST", NOTE_SIGN, data=b" " * 6_000_000, headers=headers), 413)
    unknown = changed(good, more={"deep": [1]}, extension={"org.example.unknown": {"a": 1}})
    assert site.post(unknown).status_code == 200


def test_e22_every_bad_token_gets_one_and_the_same_answer(site: Site, good: Json) -> None:
    answers: dict[tuple[int, bytes, str], list[str | None]] = {}
    used = fresh(NOTE_SIGN)
    assert site.post(good, token=used).status_code == 200
    tokens = [make() for _, make in BAD.values()] + [f"Bearer {used}", f"Bearer {used}"]
    for authorization in tokens:
        if authorization is not None and not authorization.isascii():
            continue  # no client of HTTP sends it
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = site.ask("POST", NOTE_SIGN, json=good, headers=headers)
        told = {
            name: value for name, value in answer.headers.items() if name.casefold() not in {"date", "x-request-id"}
        }
        answers.setdefault((answer.status_code, answer.content, json.dumps(told)), []).append(authorization)
    assert [code for code, _, _ in answers] == [401], answers


def test_e22_a_token_may_name_several_audiences_and_carry_more_than_is_asked(site: Site, good: Json) -> None:
    said = claims(NOTE_SIGN, tenant="north", nbf=0, sub="epic", more={"a": 1})
    said["aud"] = ["https://elsewhere.example", said["aud"]]
    assert site.post(good, token=signed(said, EC_KEY)).status_code == 200


def events(site: Site) -> list[Json]:
    """What `telecode feedback export` prints of the database."""
    told = CliRunner().invoke(main, ["feedback", "export"], env={"TELECODE_DATABASE_URL": site.database_url})
    assert told.exit_code == 0
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_e23_feedback_of_every_form_is_kept_once_and_can_be_exported(site: Site, good: Json) -> None:
    card = card_of(site.post(good))
    known, unknown = card["uuid"], str(uuid4())
    accepted = {"card": known, "outcome": "accepted", "outcomeTimestamp": AT}
    accepted["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    overridden = {"card": unknown, "outcome": "overridden", "outcomeTimestamp": AT}
    reason = {"reason": {"code": "payer-rule", "system": "urn:r"}, "userComment": "no"}
    batch = [
        accepted,
        overridden,
        {**overridden, "outcomeTimestamp": "2026-11-20T20:31:00Z", "overrideReasons": reason},
    ]
    for _ in range(2):
        answer = site.post({"feedback": batch}, FEEDBACK)
        assert (answer.status_code, answer.json()) == (200, {})
    kept = [event for event in events(site) if event["card"] in {known, unknown}]
    assert sorted(
        (event["card"] == known, event["known"], event["outcome"], event["reason_code"]) for event in kept
    ) == [
        (False, False, "overridden", ""),
        (False, False, "overridden", "payer-rule"),
        (True, True, "accepted", ""),
    ]
    for broken in ({"outcome": None}, {"acceptedSuggestions": None}, {"outcomeTimestamp": "yesterday"}):
        refused(site.post({"feedback": [changed(accepted, **broken)]}, FEEDBACK), 400)
    large = [{**overridden, "card": str(uuid4())} for _ in range(100)]
    assert site.post({"feedback": large}, FEEDBACK).status_code == 200
    assert {event["card"] for event in large} <= {event["card"] for event in events(site)}


def test_e24_a_listed_origin_may_call_and_a_foreign_one_hears_nothing(site: Site) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    ours = site.ask("OPTIONS", NOTE_SIGN, headers={"Origin": ORIGIN} | asks)
    assert ours.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = ours.headers["Access-Control-Allow-Headers"].casefold()
    assert "authorization" in allowed
    assert "content-type" in allowed
    assert "Access-Control-Allow-Credentials" not in ours.headers
    foreign = site.ask("OPTIONS", NOTE_SIGN, headers={"Origin": "https://evil.example"} | asks)
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_e25_while_the_fhir_server_hangs_all_are_answered(site: Site, good: Json) -> None:
    site.fhir.answer = lambda _: hang
    with ThreadPoolExecutor(16) as clients:
        waiting = [clients.submit(site.post, site.without(good, "encounter")) for _ in range(16)]
        others = [clients.submit(site.post, good) for _ in range(16)]
        for one in waiting:
            refused(one.result(LONG), 412)
        assert {one.result(LONG).status_code for one in others} == {200}


def test_e26_the_same_request_is_answered_with_the_same_codes(site: Site, good: Json) -> None:
    cards = [card_of(site.post(good | {"hookInstance": str(uuid4())})) for _ in range(4)]
    assert len({(card["summary"], card["detail"], json.dumps(card["extension"])) for card in cards}) == 1


def test_of_eight_processes_that_replay_tokens_through_two_instances_each_token_is_taken_once(
    site: Site, good: Json
) -> None:
    tokens = " ".join(fresh(NOTE_SIGN) for _ in range(20))
    command, pipe = client_of_its_own(site, NOTE_SIGN, json.dumps(good)), subprocess.PIPE
    clients = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) for _ in range(8)]  # noqa: S603 - our own interpreter
    told = [client.communicate(f"{tokens}\ngo\n")[0].split() for client in clients]
    for answers in zip(*told, strict=True):
        assert sorted(answers) == ["200", *["401"] * 7]


def test_under_load_two_instances_lose_no_card_and_no_feedback(tmp_path: Path, postgres: str, good: Json) -> None:
    def visit(loaded: Site) -> tuple[int, int]:
        answer = loaded.post(good)
        card = card_of(answer)
        event = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": AT}
        accepted = [{"id": card["suggestions"][0]["uuid"]}]
        told = loaded.post({"feedback": [event | {"acceptedSuggestions": accepted}]}, FEEDBACK)
        return answer.status_code, told.status_code

    url = new_database(postgres)
    with open_site(tmp_path, url) as loaded, ThreadPoolExecutor(16) as clients:
        assert set(clients.map(visit, [loaded] * 400)) == {(200, 200)}
        answered = [sum(line.get("endpoint") == "hooks.call" for line in one.lines) for one in loaded.pair.instances]
    assert sum(answered) == 400
    assert all(answered)
    database = Database.open(url)
    total = statistics(database, until=datetime(2100, 1, 1, tzinfo=UTC)).total
    database.close()
    assert (total.given, total.accepted, total.overridden) == (400, 400, 0)
