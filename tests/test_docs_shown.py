"""What the documents show is what the commands print and the service answers: every block of code is tried."""

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from cds_hooks.cards.profile import load_profiles
from cds_hooks.exchange.issuers import load_issuers
from fhir_mapping.tables import config_folder
from tests.documents import TELECODE, Block, Shown, blocks, commands, pages
from tests.documents_made import lay_out, prints, run
from tests.exchange.signers import KEYS as PUBLIC_KEYS
from tests.exchange.signers import key_set, signed
from tests.served import served

DEVELOPMENT, PRODUCTION = "http://127.0.0.1:8000", "https://telecode.example.org"
TRANSCRIPTS = [shown for shown in commands() if TELECODE in shown.command]
CALLS = [shown for shown in commands() if shown.command.startswith("curl ")]
JSON, YAML = blocks("json"), blocks("yaml")
TOKENS = [block for block in JSON if block.said == "header and claims of a token"]
TRIGGERS = [block for block in JSON if block.said == "extension of a request from Epic"]
EXCHANGES = [block for block in JSON if block not in TOKENS + TRIGGERS and not block.said.startswith("write ")]


def called(things: list[Any]) -> list[str]:
    return list(map(str, things))


@pytest.mark.parametrize("shown", TRANSCRIPTS, ids=called(TRANSCRIPTS))
def test_the_command_prints_what_the_document_shows(shown: Shown, tmp_path: Path, shared_app: Flask) -> None:
    lay_out(tmp_path, shown.block.page, shown.block.line)
    if shown.calls:
        with served(shared_app) as url:
            real = run(f"{shown.command} --service {url}", tmp_path)
    else:
        real = run(shown.command, tmp_path)
    assert real
    assert prints(shown.printed, real), real


def test_what_is_shown_may_leave_out_lines_and_ends_of_lines_and_nothing_else() -> None:
    real = "code 1, since 2024\n a\n b\ncard\n"
    assert prints("code 1, ...\n...\ncard\n", real)
    assert prints("...\n", real)
    assert not prints("code 2, ...\n...\ncard\n", real)
    assert not prints("code 1, ...\ncard\n", real)
    assert not prints("code 1, since 2024\n a\n b\n", real)


def test_every_command_in_a_console_block_is_one_that_is_tried() -> None:
    shown = [one for one in commands() if one not in TRANSCRIPTS and one not in CALLS]
    assert [str(one) for one in shown if not one.command.startswith("make ")] == []


def shows(shown: Any, real: Any) -> bool:
    """Whether a document shows what is real, though not all of it: `...` stands for words left out."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(name in real and shows(part, real[name]) for name, part in shown.items())
    if isinstance(shown, list):
        return isinstance(real, list) and all(any(shows(part, one) for one in real) for part in shown)
    if isinstance(shown, str) and shown.endswith("..."):
        return isinstance(real, str) and real.startswith(shown.removesuffix("..."))
    return bool(shown == real)


@pytest.mark.parametrize("number", range(len(EXCHANGES)), ids=called(EXCHANGES))
def test_the_service_answers_what_the_document_shows(client: FlaskClient, good: dict[str, Any], number: int) -> None:
    said, block = EXCHANGES[number].said, json.loads(EXCHANGES[number].text)
    method, _, rest = said.partition(" ")
    if method == "GET":
        assert shows(block, client.get(rest).get_json())
    elif method == "POST":
        answer = client.post(rest, json=block)
        assert f"{answer.status_code}" == EXCHANGES[number + 1].said
        assert shows(json.loads(EXCHANGES[number + 1].text), answer.get_json())
    elif method == "context":
        good |= {"hook": rest.removeprefix("of "), "context": block}
        del good["prefetch"]["observations"]
        (card,) = client.post("/cds-services/telehealth-em-note-sign", json=good).get_json()["cards"]
        assert card["summary"].startswith("99214, POS 10, not 99215.")
    elif method == "prefetch":  # what discovery lists for a service, whole
        listed = {service["id"]: service for service in client.get("/cds-services").get_json()["services"]}
        assert block == listed[rest.removeprefix("of ")]["prefetch"]
    elif method == "resource":  # what a site puts into its chart to be read for the visit
        good["prefetch"]["observations"] = {"resourceType": "Bundle", "entry": [{"resource": block}]}
        facts = client.post("/api/v1/explain", json=good).get_json()["facts"]
        name, _, value = rest.removeprefix("that says ").partition(" ")
        assert f"{facts[name]['value']}" == value
    else:
        assert EXCHANGES[number - 1].said.startswith("POST ")


@pytest.mark.parametrize("block", TRIGGERS, ids=called(TRIGGERS))
def test_a_trigger_as_the_document_shows_it_is_told_from_others(
    block: Block, app_with: Callable[..., FlaskClient], good: dict[str, Any]
) -> None:
    (trigger,) = json.loads(block.text)["extension"].values()
    asked = good | {"hook": "patient-view"} | json.loads(block.text)
    for triggers, cards in ((trigger, 1), (f"{trigger}0", 0)):
        answer = app_with(patient_view_triggers=triggers).post("/cds-services/telehealth-em-patient-view", json=asked)
        assert len(answer.get_json()["cards"]) == cards


def test_every_block_says_what_it_is_or_is_of_a_kind_that_only_an_operators_machine_can_run() -> None:
    assert [str(block) for block in [*JSON, *YAML, *blocks("python", "text")] if not block.said] == []
    known = [*JSON, *YAML, *blocks("python", "text", "console", "sh")]
    assert len(known) == sum(len(re.findall(r"^ *```[a-z]", text, re.MULTILINE)) for text in pages().values())


@pytest.mark.parametrize("block", YAML, ids=called(YAML))
def test_every_yaml_block_is_one_that_telecode_takes(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(block.text, encoding="utf-8")
    (tmp_path / "keys.json").write_bytes(key_set(*PUBLIC_KEYS))
    if block.said == "trust":
        lives = dict.fromkeys(("", *load_profiles(config_folder())), 3600)
        assert load_issuers(path, lives=lives)
    elif block.said == "client profiles":
        assert set(yaml.safe_load(block.text)["clients"]) <= set(load_profiles(config_folder(), site=path))
    else:  # tables that the commands below them read
        assert re.match("write |add to ", block.said), "say what this block is"
        assert any(shown.block.page == block.page and shown.block.line > block.line for shown in TRANSCRIPTS)


def curl(command: str, folder: Path) -> tuple[str, str, dict[str, Any], bool]:
    """What a shown call of curl sends: method, address and how; and whether it prints the status alone."""
    parser = argparse.ArgumentParser(prog="curl", exit_on_error=False)
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-o", choices=["/dev/null"])
    parser.add_argument("-w", choices=[r"%{http_code}\n"])
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    parser.add_argument("url")
    said = parser.parse_args(shlex.split(command)[1:])
    sent: dict[str, Any] = {"headers": dict(header.split(": ", 1) for header in said.H)}
    if said.d is None:
        return "GET", said.url, sent, bool(said.w)
    data = said.d.encode()
    sent["data"] = (folder / said.d[1:]).read_bytes() if said.d.startswith("@") else data
    return "POST", said.url, sent, bool(said.w)


def believing(app_with: Callable[..., FlaskClient], folder: Path, trust: str) -> FlaskClient:
    """A production as the operators' page sets it up, for the EHR of this trust list."""
    (folder / "trust.yaml").write_text(trust, encoding="utf-8")
    if not (folder / "keys.json").exists():
        (folder / "keys.json").write_bytes(key_set(*PUBLIC_KEYS))
    return app_with(
        environment="production",
        auth="required",
        trust=str(folder / "trust.yaml"),
        public_url=PRODUCTION,
        host="192.0.2.1",
    )


def trust_of(page: str) -> str:
    return next(block.text for block in YAML if block.page == page and block.said == "trust")


@pytest.mark.parametrize("shown", CALLS, ids=called(CALLS))
def test_the_call_is_answered_as_the_document_shows(
    shown: Shown, client: FlaskClient, app_with: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    page, command = shown.block.page, shown.command
    lay_out(tmp_path, page, shown.block.line)
    if "$TOKEN" in command:
        (made,) = (block.text for block in blocks("python") if block.page == page and block.said == "prints a token")
        run_it = [sys.executable, "-c", made]
        printed = subprocess.run(run_it, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603 - ours
        command = command.replace("$TOKEN", printed.stdout.strip())
    method, url, sent, status_alone = curl(command, tmp_path)
    if url.startswith(PRODUCTION):
        client = believing(app_with, tmp_path, trust_of(page))
    answer = client.open(url.removeprefix(PRODUCTION).removeprefix(DEVELOPMENT), method=method, **sent)
    if status_alone:
        assert shown.printed == f"{answer.status_code}\n"
    else:
        assert answer.status_code == 200
        assert not shown.printed or shows(json.loads(shown.printed), answer.get_json())


@pytest.mark.parametrize("block", TOKENS, ids=called(TOKENS))
def test_a_token_as_the_document_shows_it_is_believed_by_the_trust_list_beside_it_and_no_other(
    block: Block, app_with: Callable[..., FlaskClient], tmp_path: Path, good: dict[str, Any]
) -> None:
    shown = json.loads(block.text)
    now, header = int(time.time()), shown["header"]
    claims = shown["claims"] | {"iat": now, "exp": now + shown["claims"]["exp"] - shown["claims"]["iat"]}
    client = believing(app_with, tmp_path, trust_of(block.page))
    key = {"kid": "ec"} | {name: header[name] for name in header if name in {"jku", "typ"}}

    def answered(said: Mapping[str, Any] = {}, header: Mapping[str, str] = {}) -> int:
        token = signed(claims | {"jti": f"{time.perf_counter_ns()}"} | dict(said), **{**key, **header})
        path = "/cds-services/telehealth-em-note-sign"
        return client.post(path, json=good, headers={"Authorization": f"Bearer {token}"}).status_code

    assert answered({"jti": "once"}) == 200
    assert answered({"jti": "once"}) == 401
    for name in ("iss", "aud", "tenant"):
        assert answered({name: "another"}) == 401
    assert answered({"aud": PRODUCTION + "/cds-services"}) == 401
    assert answered({"exp": now + 86_400}) == answered({"nbf": now + 3600}) == 401
    for name in ("kid", "jku", "typ"):
        assert answered(header={name: "another"}) == 401
    assert answered({"sub": "whoever"}) == 200
