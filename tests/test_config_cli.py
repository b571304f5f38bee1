"""`telecode config check` tells every problem of a configuration on a line of its own, and changes nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_hooks.cli import main
from fhir_mapping.tables import config_folder
from tests.exchange.signers import BASE, ISSUER
from tests.test_start import surroundings  # noqa: F401 - a fixture
from tests.web.trusting import trust_file

Surroundings = Callable[..., None]


def check(*options: str) -> Result:
    return CliRunner().invoke(main, ["config", "check", *options])


def test_what_is_in_order_is_one_line_and_exit_code_0(surroundings: Surroundings, tmp_path: Path) -> None:  # noqa: F811
    surroundings(environment="production", auth="required", trust=str(trust_file(tmp_path)), public_url=BASE)
    told = check()
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout == "ok: settings, trust list, tables and store\n"
    assert not (tmp_path / "telecode.db").exists()


def test_every_problem_is_a_line_with_file_and_line_and_exit_code_2(
    surroundings: Surroundings,  # noqa: F811
    tmp_path: Path,
) -> None:
    config = shutil.copytree(config_folder(), tmp_path / "config")
    (config / "payers" / "aetna.yaml").write_text("id: aetna\nname: [\n", encoding="utf-8")
    (config / "vocabulary" / "places.yaml").write_text("sources: []\nsystems: 1\n", encoding="utf-8")
    (config / "samples" / "12-prolonged.json").write_text("{\n}}", encoding="utf-8")
    site = tmp_path / "clients.yaml"
    site.write_text("clients:\n  north: {like: south}\n", encoding="utf-8")
    (tmp_path / "trust.yaml").write_text(f"issuers:\n  '{ISSUER}': {{jwks_file: none.json}}\n", encoding="utf-8")
    surroundings(
        auth="required",
        trust="TMP/trust.yaml",
        config="TMP/config",
        client_profiles="TMP/clients.yaml",
        database_url="sqlite:///TMP/no/such.db",
        public_url="telecode.example.org",
    )
    told = check()
    assert told.exit_code == 2
    starts = [
        "error: TELECODE_PUBLIC_URL holds what is no address",
        "error: config/payers/aetna.yaml:3: ",
        "error: config/vocabulary/places.yaml:2: ",
        f"error: {tmp_path}/trust.yaml:2: there is no such file beside this one",
        f"error: {site}:2: there is no client profile south",
        "error: config/samples/12-prolonged.json:2: ",
        "error: the store cannot be used: its file or folder cannot be written",
    ]
    lines = told.stderr.splitlines()
    assert len(lines) == len(starts), lines
    assert all(any(line.startswith(start) for line in lines) for start in starts), lines
    assert [f"error: {problem}" for problem in json.loads(check("--json").stdout)["problems"]] == lines


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("issuers: {{}}", "trust.yaml:1: no issuer stands here"),
        ("issuers:\n  {name}: {{jwks_file: keys.json}}\nissuer: 1", "trust.yaml:3: issuer"),
        ("issuers:\n  {name}: {{jwks_file: keys.json, audience: telecode}}", "trust.yaml:2: "),
        ("issuers:\n  {name}: {{jwks_file: keys.json}}\n  {name}: {{jwks_file: keys.json}}", "trust.yaml:3: the key"),
        ("issuers:\n  {name}: {{}}", "trust.yaml:2: "),
        ("issuers:\n  {name}: {{jwks_file: keys.json, algorithms: []}}", "trust.yaml:2: "),
        ("issuers:\n  {name}: {{jwks_file: keys.json, algorithms: [none]}}", "trust.yaml:2: "),
        ("issuers:\n  {name}: {{jwks_file: keys.json, audiences: ['']}}", "trust.yaml:2: "),
        ("issuers:\n  {name}: {{jwks_file: ''}}", "trust.yaml:2: this file is no key set"),
        ("issuers:\n  {name}: {{jwks_file: none.json}}", "trust.yaml:2: there is no such file"),
        ("issuers:\n  {name}: {{jwks_file: trust.yaml}}", "trust.yaml:2: this file is no key set"),
        ("issuers:\n  '': {{jwks_file: keys.json}}", "trust.yaml:2: an issuer needs a name"),
        ("issuers:\n  ' ': {{jwks_file: keys.json}}", "trust.yaml:2: an issuer needs a name"),
        ("issuers:\n  {name}: {{jwks_file: keys.json, client: epyc}}", "trust.yaml:2: there is no client profile"),
        ("issuers: &all\n  {name}: *all", "trust.yaml:1: cannot be read: it is nested"),
    ],
)
def test_a_trust_list_that_verifies_nothing_is_told_with_its_line(
    surroundings: Surroundings,  # noqa: F811
    tmp_path: Path,
    written: str,
    why: str,
) -> None:
    path = trust_file(tmp_path)
    path.write_text(written.format(name=f"'{ISSUER}'"), encoding="utf-8")
    surroundings(environment="production", auth="required", trust=str(path), public_url=BASE)
    told = check()
    assert told.exit_code == 2
    assert why in told.stderr
    assert told.stderr.count("\n") == 1


def test_what_a_developer_may_listen_on_depends_on_the_host(surroundings: Surroundings) -> None:  # noqa: F811
    surroundings()
    assert check().exit_code == 0
    told = check("--host", "192.0.2.1")
    assert told.exit_code == 2
    assert "authentication is off" in told.stderr
    surroundings(host="192.0.2.1")
    assert check().stderr == told.stderr


SLIPS = {
    "a number of thousands of digits": "numbers: {one: " + "9" * 5000 + "}",
    "a mapping within itself": "numbers: &all\n  one: *all",
    "a broken pattern of what makes a rule worth trying": "triggers: {modality: '('}",
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_that_the_reader_of_tables_stumbled_over_is_told_with_its_file(
    surroundings: Surroundings,  # noqa: F811
    tmp_path: Path,
    slip: str,
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "visits.yaml").write_text('systems: {s: {urls: ["https://s.example"]}}\n', encoding="utf-8")
    (tmp_path / "site" / "note_rules.yaml").write_text(SLIPS[slip] + "\n", encoding="utf-8")
    surroundings(site_vocabulary="TMP/site")
    told = check()
    assert told.exit_code == 2
    assert "site/note_rules.yaml:1: " in told.stderr
