"""`telecode call` as an EHR developer uses it: against a FHIR server, with a sample, with a request of their own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from cds_hooks.cli import main
from cds_hooks.ehr.connection import Connection
from cds_hooks.ehr.prefetch import prefetch
from cds_hooks.samples import load_samples, resources
from fhir_mapping.tables import config_folder
from tests.fhir_server import Behaviour, FhirServer, Seen, body, ok, raw, status
from tests.running import free_port
from tests.served import served

Json = dict[str, Any]
REQUEST = Path(__file__).parents[1] / "requests" / "video_visit.json"
SECRET = "s3cret-of-the-chart"  # noqa: S105 - of no server but the test's
SAMPLES = {sample.name: sample for sample in load_samples(config_folder())}


@pytest.fixture(scope="module")
def service(shared_app: Flask) -> Iterator[str]:
    with served(shared_app) as url:
        yield url


def call(*words: str, stdin: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(main, ["call", *words], input=stdin, env=environment)


def chart(name: str = "medicare-video-at-home") -> Callable[[Seen], Behaviour]:
    """A FHIR server that holds one sample, and finds by type alone."""
    held = list(resources([SAMPLES[name]]))

    def answer(seen: Seen) -> Behaviour:
        path = urlsplit(seen.target).path.removeprefix("/fhir/")
        if "/" not in path:
            found = [{"resource": one} for one in held if one["resourceType"] == path]
            return ok({"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": found})
        one = next((one for one in held if f"{one['resourceType']}/{one['id']}" == path), None)
        return ok(one) if one else status(404)

    return answer


def test_a_visit_on_a_fhir_server_gives_the_card_that_the_ehr_would_show(fhir: FhirServer, service: str) -> None:
    fhir.answer = chart()
    told = call("--fhir", fhir.base, "--encounter", "okafor-visit", "--service", service)
    assert told.exit_code == 0
    for words in ("99214, POS 10: moderate by MDM", "[*] 99214, POS 10 (create Claim)", "Override: ", "Next down"):
        assert words in told.stdout
    assert told.stderr == ""


def test_the_request_is_what_the_services_own_templates_ask_for(fhir: FhirServer, service: str) -> None:
    fhir.answer = chart()
    call("--fhir", fhir.base + "/", "--encounter", "okafor-visit", "--service", service + "/cds-services")
    asked = {urlsplit(seen.target).path.removeprefix("/fhir/"): seen for seen in fhir.seen}
    assert {"Encounter/okafor-visit", "Patient/okafor", "Practitioner/clinician-hale", "Coverage"} <= set(asked)
    query = parse_qs(urlsplit(asked["Observation"].target).query)
    assert query["patient"] == ["okafor"]
    assert query["encounter"] == ["okafor-visit"]
    assert query["code"][0].startswith("https://example.org/fhir/telecode/CodeSystem/em-documentation|total-time,")
    assert all(seen.method == "GET" for seen in fhir.seen)


def test_the_answer_in_json_is_the_services_own(fhir: FhirServer, service: str) -> None:
    fhir.answer = chart()
    told = call("--fhir", fhir.base, "--encounter", "okafor-visit", "--service", service, "--json")
    (card,) = json.loads(told.stdout)["cards"]
    assert card["summary"].startswith("99214, POS 10")


def test_a_sample_is_sent_by_its_name(service: str) -> None:
    told = call("--sample", "two-totals", "--service", service)
    assert told.exit_code == 0
    assert "The record says both 28 and 41" in told.stdout


def test_a_visit_without_a_card_says_so(service: str) -> None:
    told = call("--sample", "in-person", "--service", service)
    assert (told.exit_code, told.stdout) == (0, "no card: the service has nothing to say of this visit\n")


def test_a_request_of_ones_own_comes_from_a_file_or_from_standard_input(service: str) -> None:
    from_file = call(str(REQUEST), "--service", service)
    assert from_file.exit_code == 0
    assert "99214, POS 10" in from_file.stdout
    body = json.loads(REQUEST.read_text(encoding="utf-8"))
    del body["hookInstance"]  # is given one
    assert call("-", "--service", service, stdin=json.dumps(body)).exit_code == 0


def test_another_hook_and_another_service_can_be_chosen(service: str) -> None:
    for words in (("--hook", "patient-view"), ("--service-id", "telehealth-em-encounter-discharge")):
        told = call("--sample", "medicare-video-at-home", "--service", service, *words)
        assert "99214, POS 10" in told.stdout


def test_the_person_who_signs_and_the_patient_are_those_of_the_encounter_unless_named(
    fhir: FhirServer, service: str
) -> None:
    fhir.answer = chart()
    words = ("--fhir", fhir.base, "--encounter", "okafor-visit", "--service", service)
    call(*words, "--user", "PractitionerRole/r1")
    assert any("PractitionerRole/r1" in seen.target for seen in fhir.seen)
    told = call(*words, "--patient", "somebody-else")
    assert told.exit_code == 1
    assert "the Encounter is another patient's" in told.stderr


def test_an_encounter_that_names_no_patient_or_clinician_asks_for_them(fhir: FhirServer, service: str) -> None:
    bare: Json = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "VR"}}
    fhir.answer = lambda _: ok(bare)
    words = ("--fhir", fhir.base, "--encounter", "e", "--service", service)
    assert "--patient" in call(*words).stderr
    told = call(*words, "--patient", "p")
    assert told.exit_code == 2
    assert "--user" in told.stderr


# -- what prefetch leaves out


def test_what_is_not_there_is_null_and_what_is_not_given_is_left_out_and_said(fhir: FhirServer) -> None:
    fhir.answer = lambda seen: status({"Patient": 404, "Coverage": 403, "Encounter": 404}.get(seen.kind, 500))
    templates = {
        "patient": "Patient/{{context.patientId}}",
        "encounters": "Encounter?patient={{context.patientId}}",
        "coverage": "Coverage?patient={{context.patientId}}",
        "note": "DocumentReference/{{context.documentReferenceId}}",
        "user": "{{ context.userId }}",
        "role": "PractitionerRole/{{userPractitionerRoleId}}",
        "today": "Observation?date=ge{{today() - 7 days}}",
    }
    context = {"patientId": "p", "userId": "Practitioner/d"}
    with Connection("the FHIR server", fhir.base, 5.0) as server:
        found = prefetch(templates, context, server)
    assert found.values == {"patient": None}
    assert {why.partition(":")[0] for why in found.left_out} == {"encounters", "coverage", "user"}


@pytest.mark.parametrize(
    "template",
    [
        "https://evil.example/{{context.patientId}}",
        "//evil.example/x",
        "Patient/../../admin",
        "Patient/{{context.patientId}}/../x",
        "patient/{{context.patientId}}",
        "Patient/..",
        "$export",
    ],
)
def test_a_template_of_a_hostile_service_reaches_nothing_beside_the_chart(fhir: FhirServer, template: str) -> None:
    with Connection("the FHIR server", fhir.base, 5.0, SECRET) as server:
        prefetch({"x": template}, {"patientId": "p"}, server)
    assert fhir.seen == []


# -- the token


def test_the_token_goes_to_the_fhir_server_in_a_header_and_nowhere_else(
    fhir: FhirServer, trap: FhirServer, tmp_path: Path
) -> None:
    fhir.answer = chart()
    offer = {"services": [{"id": "s", "hook": "h", "prefetch": {"patient": "Patient/{{context.patientId}}"}}]}
    trap.answer = lambda seen: ok(offer if seen.method == "GET" else {"cards": []})
    file = tmp_path / "token"
    file.write_text(SECRET + "\n", encoding="utf-8")
    words = ("--fhir", fhir.base, "--encounter", "okafor-visit", "--service", trap.base)
    for told in (
        call(*words, "--token-file", str(file)),
        call(*words, "--token-file", "-", stdin=SECRET),
        call(*words, TELECODE_CALL_TOKEN=SECRET),
        call(*words, "--token", SECRET, "--json"),
    ):
        assert told.exit_code == 0
        assert SECRET not in told.output
    assert {seen.headers["authorization"] for seen in fhir.seen} == {f"Bearer {SECRET}"}
    assert not any(SECRET in seen.target for seen in fhir.seen)
    assert not any(SECRET in f"{seen.target}{seen.headers}{seen.body}" for seen in trap.seen)


def test_a_token_is_not_sent_in_clear_text_over_a_network() -> None:
    told = call("--fhir", "http://ehr.example.org/fhir", "--encounter", "e", "--token", SECRET)
    assert told.exit_code == 2
    assert "clear text" in told.stderr
    assert SECRET not in told.output


def test_a_token_that_would_add_a_header_is_refused(fhir: FhirServer, service: str) -> None:
    told = call("--fhir", fhir.base, "--encounter", "e", "--service", service, "--token", f"{SECRET}\nX-Evil: 1")
    assert told.exit_code == 2
    assert SECRET not in told.output
    assert fhir.seen == []


# -- how it ends


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--encounter", "e"),
        ("--fhir", "http://127.0.0.1:1/fhir"),
        ("--sample", "two-totals", "--fhir", "http://127.0.0.1:1/fhir", "--encounter", "e"),
        ("--fhir", "ftp://x/y", "--encounter", "e"),
        ("--fhir", "http://user:word@x/y", "--encounter", "e"),
        ("--fhir", "http://x/y?z=1", "--encounter", "e"),
        ("--fhir", "http://x/y", "--encounter", "../e"),
        ("--fhir", "http://x/y", "--encounter", "e", "--user", "Somebody"),
        ("--sample", "two-totals", "--timeout", "0"),
    ],
)
def test_what_cannot_be_used_is_exit_code_2(words: tuple[str, ...]) -> None:
    assert call(*words).exit_code == 2


def test_a_sample_a_service_and_a_hook_that_are_not_there_are_named_with_those_that_are(service: str) -> None:
    for words, known in (
        (("--sample", "none"), "two-totals"),
        (("--sample", "two-totals", "--service-id", "none"), "telehealth-em-note-sign"),
        (("--sample", "two-totals", "--hook", "none"), "encounter-discharge"),
    ):
        told = call(*words, "--service", service)
        assert told.exit_code == 2
        assert known in told.stderr


@pytest.mark.parametrize("request_text", ["{", "[]", "{}", '{"hook": 1}'])
def test_a_file_that_is_no_request_is_exit_code_2(service: str, request_text: str) -> None:
    told = call("-", "--service", service, stdin=request_text)
    assert told.exit_code == 2
    assert told.stderr.startswith("error: the request ")


def test_an_encounter_that_is_not_there_is_exit_code_2(fhir: FhirServer, service: str) -> None:
    told = call("--fhir", fhir.base, "--encounter", "none", "--service", service)
    assert told.exit_code == 2
    assert told.stderr == "error: Encounter/none is not on the FHIR server (404)\n"


def test_what_the_service_refuses_is_exit_code_1_with_its_own_words(service: str) -> None:
    told = call("-", "--service", service, stdin='{"hook": "encounter-discharge", "context": {}}')
    assert told.exit_code == 1
    assert "error: the service refuses the request. 400: context.patientId: is required" in told.stderr


def test_a_service_that_wants_a_signed_token_says_what_to_do(trap: FhirServer) -> None:
    offer = {"services": [{"id": "s", "hook": "org.example.telecode.note-sign"}]}
    trap.answer = lambda seen: ok(offer) if seen.method == "GET" else status(401)
    told = call("--sample", "two-totals", "--service", trap.base)
    assert told.exit_code == 1
    assert "authentication off" in told.stderr


@pytest.mark.parametrize("code", [401, 403])
def test_a_fhir_server_that_gives_no_access_is_exit_code_3(fhir: FhirServer, service: str, code: int) -> None:
    fhir.answer = lambda _: status(code)
    told = call("--fhir", fhir.base, "--encounter", "e", "--service", service)
    assert told.exit_code == 3
    assert "--token-file" in told.stderr


def test_whoever_cannot_be_reached_is_exit_code_3_and_named(service: str) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    told = call("--fhir", nowhere + "/fhir", "--encounter", "e", "--service", service)
    assert told.exit_code == 3
    assert told.stderr.startswith("error: the FHIR server at ")
    told = call("--sample", "two-totals", "--service", nowhere)
    assert told.exit_code == 3
    assert told.stderr.startswith("error: the service at ")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (status(302, Location="http://127.0.0.1:1/"), "sends callers elsewhere"),
        (body(b"<html>", kind="text/html"), "no CDS service answers"),
        (ok({"services": {}}), "no CDS service answers"),
        (status(404), "no CDS service answers"),
        (raw(b"nonsense\r\n\r\n"), "cannot be reached"),
        (lambda _, over: over.wait(60), "did not answer within 0.2 seconds"),
    ],
)
def test_a_service_that_is_none_is_exit_code_3(trap: FhirServer, behaviour: Behaviour, words: str) -> None:
    trap.answer = lambda _: behaviour
    told = call("--sample", "two-totals", "--service", trap.base, "--timeout", "0.2")
    assert told.exit_code == 3
    assert words in told.stderr


def test_a_service_that_answers_without_cards_is_exit_code_1(trap: FhirServer) -> None:
    offer = {"services": [{"id": "s", "hook": "org.example.telecode.note-sign"}]}
    trap.answer = lambda seen: ok(offer if seen.method == "GET" else {"cards": "none"})
    assert call("--sample", "two-totals", "--service", trap.base).exit_code == 1


# -- a hostile card


def test_a_card_cannot_drive_the_terminal(trap: FhirServer) -> None:
    evil = "a\x1b[31mred\x1b]8;;http://evil.example\x07\u202ertl [bold]b[/bold]"
    card = {
        "summary": evil,
        "indicator": "none",
        "source": {"label": evil},
        "detail": evil,
        "suggestions": [{"label": evil, "actions": [{"type": evil, "resource": {"resourceType": evil}}, 7]}, "x"],
        "overrideReasons": [{"display": evil}, None],
        "links": [{"label": evil, "url": evil}],
    }
    offer = {"services": [{"id": "s", "hook": "org.example.telecode.note-sign"}]}
    trap.answer = lambda seen: ok(offer if seen.method == "GET" else {"cards": [card, {}, 7]})
    told = call("--sample", "two-totals", "--service", trap.base)
    assert told.exit_code == 0
    assert not set(told.stdout) & set("\x1b\x07\u202e")
    assert "[bold]b[/bold]" in told.stdout


def test_the_call_itself_is_answered_as_over_http(client: FlaskClient, service: str) -> None:
    sample = SAMPLES["prolonged"].as_request()
    answer = client.post("/cds-services/telehealth-em-note-sign", json=sample).get_json()
    told = json.loads(call("--sample", "prolonged", "--service", service, "--json").stdout)
    assert [card["summary"] for card in told["cards"]] == [card["summary"] for card in answer["cards"]]


@pytest.mark.parametrize(
    ("arguments", "stdin", "why"),
    [
        (("--sample", "nope"), "", "no sample nope"),
        (("-",), "[]", "the request cannot be read"),
        (("-",), "{}", "the request names no hook"),
        (
            ("--sample", "medicare-video-at-home", "--patient", "p"),
            "",
            "--patient and --user are for",
        ),
    ],
)
def test_what_is_given_is_judged_before_anybody_is_called(arguments: tuple[str, ...], stdin: str, why: str) -> None:
    told = call(*arguments, "--service", "http://127.0.0.1:1", stdin=stdin)
    assert told.exit_code == 2
    assert why in told.output
