"""`telecode samples` at a shell: see them, and put them on a FHIR server again and again."""

import json
from typing import Any

from click.testing import CliRunner, Result

from cds_hooks.cli import main
from cds_hooks.samples import load_samples, resources
from fhir_mapping.tables import config_folder
from tests.fhir_server import Behaviour, FhirServer, Seen, body, ok, status
from tests.running import free_port

SAMPLES = load_samples(config_folder())
TOKEN = "may-write"  # noqa: S105 - of no server but the test's


def samples(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["samples", *words], env=environment)


def test_the_list_names_each_sample_and_its_encounter() -> None:
    told = samples("list").stdout
    for sample in SAMPLES:
        assert sample.name in told
        assert sample.request["context"]["encounterId"] in told


def test_the_list_in_json_says_what_each_shows() -> None:
    assert [(row["name"], row["about"]) for row in json.loads(samples("list", "--json").stdout)] == [
        (sample.name, sample.about) for sample in SAMPLES
    ]


def test_a_sample_is_shown_as_a_request_that_can_be_explained() -> None:
    shown = samples("show", "two-totals").stdout
    explained = CliRunner().invoke(main, ["explain", "-"], input=shown)
    assert explained.exit_code == 0
    assert "contradicts itself: 28 or 41" in explained.stdout


def test_a_sample_that_is_not_there_is_exit_code_2() -> None:
    for words in (("show", "none"), ("load", "--fhir", "http://127.0.0.1:1/fhir", "none")):
        told = samples(*words)
        assert told.exit_code == 2
        assert "no sample none; there are medicare-video-at-home, " in told.stderr


def test_loading_puts_every_record_under_its_own_id_and_can_be_repeated(fhir: FhirServer) -> None:
    held: dict[str, Any] = {}

    def keep(seen: Seen) -> Behaviour:
        fresh = seen.target not in held
        held[seen.target] = json.loads(seen.body)
        return body(seen.body.encode(), 201 if fresh else 200, Set_Cookie="seen=before")

    fhir.answer = keep
    records = list(resources(SAMPLES))
    for _ in range(2):
        told = samples("load", "--fhir", fhir.base)
        assert told.exit_code == 0
        assert told.stdout == f"{len(records)} of {len(records)} records stored at {fhir.base}\n"
        assert told.stderr == ""  # nobody is watching
    assert held == {f"/fhir/{one['resourceType']}/{one['id']}": one for one in records}
    assert {seen.method for seen in fhir.seen} == {"PUT"}
    assert fhir.connections == 2  # one a load
    assert not any("cookie" in seen.headers for seen in fhir.seen)


def test_only_those_named_are_loaded(fhir: FhirServer) -> None:
    fhir.answer = lambda seen: ok(json.loads(seen.body))
    samples("load", "--fhir", fhir.base, "two-totals")
    assert len(fhir.seen) == len(list(resources(s for s in SAMPLES if s.name == "two-totals")))


def test_what_the_server_refuses_is_named_and_is_exit_code_1(fhir: FhirServer) -> None:
    why = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "no \x1b[31mcoverage"}]}
    fhir.answer = lambda seen: body(json.dumps(why).encode(), 422) if seen.kind == "Coverage" else ok({})
    told = samples("load", "--fhir", fhir.base, "two-totals")
    assert told.exit_code == 1
    assert "failed: Coverage/jimenez-coverage: 422: no [31mcoverage\n" in told.stderr
    in_json = json.loads(samples("load", "--fhir", fhir.base, "two-totals", "--json").stdout)
    assert in_json["failed"] == {"Coverage/jimenez-coverage": "422: no [31mcoverage"}


def test_a_server_that_gives_no_access_or_is_not_there_is_exit_code_3(fhir: FhirServer) -> None:
    fhir.answer = lambda _: status(401)
    told = samples("load", "--fhir", fhir.base, TELECODE_CALL_TOKEN=TOKEN)
    assert told.exit_code == 3
    assert TOKEN not in told.output
    assert len(fhir.seen) == 1
    assert fhir.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert samples("load", "--fhir", f"http://127.0.0.1:{free_port()}/fhir").exit_code == 3
