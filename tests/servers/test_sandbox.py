"""`make sandbox` gives developers a real FHIR server beside the service, and the public CDS Hooks Sandbox all it needs.

What that app sends was seen in a browser; here its requests are made by hand, at the address that it would call.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
import requests
from click.testing import CliRunner

from cds_hooks.cli import main
from cds_hooks.samples import Sample, load_samples
from cds_hooks.settings import Settings
from fhir_mapping.tables import config_folder
from tests.running import LONG, free_port

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
ORIGIN = {"Origin": "http://localhost:8080"}
PATIENT_VIEW = "/cds-services/telehealth-em-patient-view"
USER = "Practitioner/COREPRACTITIONER1"
SAMPLES = load_samples(config_folder())
STORED = re.compile(r"(\d+) of \1 records stored at (\S+)")


@dataclass(frozen=True)
class Sandbox:
    """The service and the FHIR server of one `make sandbox`."""

    url: str
    fhir: str
    database: str
    process: subprocess.Popen[str]

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(LONG)


def making(port: int, fhir_port: int, database: str) -> subprocess.Popen[str]:
    """Start `make sandbox`, with what it needs taken for installed."""
    settings = {"FHIR_PORT": str(fhir_port), "TELECODE_DATABASE_URL": database}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELECODE_")} | settings
    installed = ["-o", ".venv/run", "-o", "sandbox/node_modules/.package-lock.json"]
    command = ["make", *installed, "sandbox", f"PORT={port}", f"BIN={Path(sys.executable).parent}"]
    return subprocess.Popen(  # noqa: S603 - our own Makefile
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that it can be interrupted as a terminal does it
    )


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def made(folder: Path) -> Iterator[Sandbox]:
    port, database = free_port(), f"sqlite:///{folder}/telecode.db"
    with making(port, free_port(), database) as process:
        assert process.stdout is not None
        written = []
        for line in process.stdout:
            written.append(line)
            if "Started worker" in line:
                break
        stored = STORED.search("".join(written))
        assert stored, written
        while not listens(port):  # a worker is said to have started a moment before it listens
            assert process.poll() is None, written
        sandbox = Sandbox(f"http://127.0.0.1:{port}", stored[2], database, process)
        try:
            yield sandbox
        finally:
            if process.poll() is None:
                sandbox.interrupt()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with made(tmp_path_factory.mktemp("sandbox")) as found:
        yield found


def opened(sandbox: Sandbox, patient: str) -> Json:
    """The request that the public sandbox sends on its Patient View.

    It knows no encounter: reads by one are left out, searches by one are sent with the token still in them.
    """
    services = requests.get(f"{sandbox.url}/cds-services", headers=ORIGIN, timeout=LONG).json()["services"]
    (service,) = [one for one in services if one["hook"] == "patient-view"]
    prefetch = {}
    for key, template in service["prefetch"].items():
        query = template.replace("{{context.patientId}}", patient).replace("{{context.userId}}", USER)
        path, searched, search = query.partition("?")
        if searched:
            found = requests.post(
                f"{sandbox.fhir}/{path}/_search",
                data=dict(parse_qsl(search)),
                headers=ORIGIN | {"Accept": "application/json+fhir"},
                timeout=LONG,
            )
        elif "{{" in path:
            continue
        else:
            found = requests.get(f"{sandbox.fhir}/{path}", headers=ORIGIN, timeout=LONG)
        if found.ok:
            prefetch[key] = found.json()
    return {
        "hookInstance": str(uuid4()),
        "hook": "patient-view",
        "fhirServer": sandbox.fhir,
        "context": {"patientId": patient, "userId": USER},
        "prefetch": prefetch,
    }


def cards(sandbox: Sandbox, patient: str) -> list[Json]:
    answer = requests.post(sandbox.url + PATIENT_VIEW, json=opened(sandbox, patient), headers=ORIGIN, timeout=LONG)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    found: list[Json] = answer.json()["cards"]
    return found


def events(sandbox: Sandbox) -> list[Json]:
    told = CliRunner().invoke(main, ["feedback", "export"], env={"TELECODE_DATABASE_URL": sandbox.database})
    return [json.loads(line) for line in told.stdout.splitlines()]


def asked_first(url: str, method: str, headers: str, origin: str = ORIGIN["Origin"]) -> requests.Response:
    """What a browser asks before it calls another origin."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return requests.options(url, headers=asked, timeout=LONG)


@pytest.mark.parametrize("origin", ["http://localhost:8080", "http://127.0.0.1:8080"])
def test_the_sandboxs_page_may_call_the_service(sandbox: Sandbox, origin: str) -> None:
    for path, method in (("/cds-services", "GET"), (PATIENT_VIEW, "POST"), (PATIENT_VIEW + "/feedback", "POST")):
        told = asked_first(sandbox.url + path, method, "authorization,content-type", origin).headers
        assert told["Access-Control-Allow-Origin"] == origin
        assert {"Authorization", "Content-Type"} <= set(told["Access-Control-Allow-Headers"].split(", "))
        assert method in told["Access-Control-Allow-Methods"]


def test_no_other_page_may(sandbox: Sandbox) -> None:
    told = asked_first(sandbox.url + PATIENT_VIEW, "POST", "content-type", "http://localhost:8081").headers
    assert "Access-Control-Allow-Origin" not in told


def test_the_fhir_server_tells_its_release_and_is_open_to_pages(sandbox: Sandbox) -> None:
    told = requests.get(f"{sandbox.fhir}/metadata", headers=ORIGIN | {"Accept": "application/json+fhir"}, timeout=LONG)
    assert told.json()["fhirVersion"].startswith("4.0")
    assert told.headers["Access-Control-Allow-Origin"] in {"*", ORIGIN["Origin"]}
    assert asked_first(f"{sandbox.fhir}/Coverage/_search", "POST", "content-type").ok
    assert requests.get(f"{sandbox.fhir}/Patient", headers=ORIGIN, timeout=LONG).json()["entry"]


def test_a_search_by_post_finds_what_a_search_by_get_finds(sandbox: Sandbox) -> None:
    by_get = requests.get(f"{sandbox.fhir}/Observation?patient=okafor", timeout=LONG).json()
    by_post = requests.post(f"{sandbox.fhir}/Observation/_search", data={"patient": "okafor"}, timeout=LONG).json()
    assert by_get == by_post
    assert by_get["total"] == 2
    unknown = requests.get(f"{sandbox.fhir}/Encounter/none", timeout=LONG)
    assert (unknown.status_code, unknown.json()["resourceType"]) == (404, "OperationOutcome")
    broken = requests.put(
        f"{sandbox.fhir}/Patient/x", data="{", headers={"Content-Type": "application/json"}, timeout=LONG
    )
    assert (broken.status_code, broken.json()["resourceType"]) == (400, "OperationOutcome")


def test_its_patient_view_shows_the_card_of_the_latest_telehealth_visit(sandbox: Sandbox) -> None:
    for patient, summary in (
        ("okafor", "99214, POS 10: moderate by MDM"),
        ("silva", "99213, POS 10, not 99215."),
        ("oduya", "G2025"),
        ("jimenez", "Visit code open. The record says both 28 and 41"),
    ):
        (card,) = cards(sandbox, patient)
        visit, _, said = card["summary"].partition(": ")
        assert re.fullmatch(r"Visit of 2026-\d\d-\d\d", visit)
        assert said.startswith(summary)
    assert cards(sandbox, "novak") == []


def test_what_is_clicked_there_lands_in_the_store(sandbox: Sandbox) -> None:
    (card,) = cards(sandbox, "okafor")
    chosen = {"outcome": "accepted", "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}
    why = card["overrideReasons"][2]
    reason = {"reason": {"code": why["code"], "system": why["system"]}}
    (other,) = cards(sandbox, "kowalczyk")
    for uuid, said in ((card["uuid"], chosen), (other["uuid"], {"outcome": "overridden", "overrideReason": reason})):
        event = {"card": uuid, "outcomeTimestamp": "2026-11-24T12:56:05.915Z", **said}
        answer = requests.post(
            f"{sandbox.url}{PATIENT_VIEW}/feedback", json={"feedback": [event]}, headers=ORIGIN, timeout=LONG
        )
        assert answer.status_code == 200
    heard = {event["card"]: event for event in events(sandbox)}
    assert heard[card["uuid"]]["accepted"] == card["suggestions"][0]["uuid"]
    assert heard[other["uuid"]]["reason_code"] == why["code"] == "payer-rule"
    assert all(event["known"] for event in heard.values())


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_a_visit_on_the_fhir_server_gets_the_card_of_the_sample_it_came_from(sandbox: Sandbox, sample: Sample) -> None:
    words = ["call", "--service", sandbox.url, "--json"]
    visit = ["--fhir", sandbox.fhir, "--encounter", sample.request["context"]["encounterId"]]
    there, here = (
        json.loads(CliRunner().invoke(main, [*words, *named]).stdout)["cards"]
        for named in (visit, ["--sample", sample.name])
    )
    assert [card["summary"] for card in there] == [card["summary"] for card in here]


def test_a_port_that_is_taken_is_said_in_one_line_and_nothing_is_left_running(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with making(port, taken.getsockname()[1], f"sqlite:///{tmp_path}/telecode.db") as process:
            told, _ = process.communicate(timeout=LONG)
        assert process.returncode != 0
        assert f"error: no FHIR server on port {taken.getsockname()[1]}: EADDRINUSE" in told
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=LONG)


def test_the_address_in_the_document_opens_the_sandbox_on_what_make_sandbox_starts() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    (address,) = re.findall(r"^http://localhost:8080/index\.html\?(\S+)$", page, re.MULTILINE)
    named = dict(parse_qsl(address))
    assert (named["fhirServiceUrl"],) == Settings.model_fields["fhir_allow"].default
    assert named["serviceDiscoveryURL"] == "http://127.0.0.1:8000/cds-services"
    assert (named["hook"], named["screen"]) == ("patient-view", "patient-view")
    assert named["patientId"] in {sample.request["context"]["patientId"] for sample in SAMPLES}


def test_ctrl_c_stops_both(tmp_path: Path) -> None:
    with made(tmp_path) as sandbox:
        sandbox.interrupt()
        for url in (f"{sandbox.url}/healthz", f"{sandbox.fhir}/metadata"):
            with pytest.raises(requests.ConnectionError):
                requests.get(url, timeout=LONG)
