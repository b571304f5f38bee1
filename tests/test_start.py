"""What may start, and how a start that must not be ends: exit code 2 and one line that says why."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from flask.testing import FlaskClient

from cds_hooks.app import create_app
from cds_hooks.cli import main
from cds_hooks.exchange.key_set import NamedKey, load_exposed
from cds_hooks.settings import Settings, UnsafeStartError
from fhir_mapping.tables import config_folder
from tests.exchange.signers import BASE, EC_KEY, ISSUER, OTHER_EC_KEY, claims, key_set, public, signed
from tests.exchange.test_key_set import SANDBOX
from tests.running import LONG, running
from tests.web.trusting import OPEN_PRODUCTION, trust_file

ROOT = Path(__file__).parent.parent
PATH = "/cds-services/telehealth-em-note-sign"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what must be refused without authentication
Json = dict[str, Any]


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """The environment of a machine on which nothing is set but what a test says."""

    def set_up(**settings: str) -> None:
        for name in [name for name in os.environ if name.startswith("TELECODE_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("TELECODE_HOST", "")  # so that what `serve` sets is taken back after the test
        monkeypatch.setenv("TELECODE_DATABASE_URL", f"sqlite:///{tmp_path}/telecode.db")
        for name, value in settings.items():
            monkeypatch.setenv(f"TELECODE_{name.upper()}", value.replace("TMP", str(tmp_path)))

    return set_up


TRUSTED = {"auth": "required", "trust": "TMP/trust.yaml", "public_url": BASE}
REFUSED: dict[str, tuple[str, Mapping[str, str], str]] = {
    "open to everybody": (EVERYWHERE, {}, "authentication is off"),
    "open to a network": ("10.0.0.1", {}, "authentication is off"),
    "open on every IPv6 address": ("::", {}, "authentication is off"),
    "open under a name": ("telecode.example.org", {}, "authentication is off"),
    "open on loopback's look-alike": ("127.0.0.1.example.org", {}, "authentication is off"),
    "told that it is production, and open": (EVERYWHERE, {"environment": "production"}, "authentication is off"),
    "told that it is production, and open on loopback, where a proxy may stand before it": (
        "127.0.0.1",
        {"environment": "production"},
        "authentication is off",
    ),
    "called by others, and told nothing of what it is": (
        "127.0.0.1",
        {"public_url": BASE},
        "TELECODE_PUBLIC_URL names another machine's address",
    ),
    "a trust list, and nobody asked for a token": (
        "127.0.0.1",
        {"trust": "TMP/trust.yaml"},
        "TELECODE_TRUST is given but authentication is off",
    ),
    "authentication both required and waived": (
        EVERYWHERE,
        {**TRUSTED, "allow_unauthenticated": "true"},
        "contradict each other",
    ),
    "authentication with a slip in its name": (
        "127.0.0.1",
        {"environment": "production", "auht": "required"},
        "TELECODE_AUHT is no setting of telecode; the nearest is TELECODE_AUTH",
    ),
    "authentication with a slip in its value": ("127.0.0.1", {"auth": "requird"}, "TELECODE_AUTH: Input should be"),
    "a kind of service that there is not": ("127.0.0.1", {"environment": "prod"}, "TELECODE_ENVIRONMENT: Input should"),
    "authentication that is neither on nor off": ("127.0.0.1", {"auth": ""}, "TELECODE_AUTH is empty"),
    "nobody to trust": (EVERYWHERE, {"auth": "required", "public_url": BASE}, "needs TELECODE_TRUST"),
    "no address to be called by": (
        EVERYWHERE,
        {"auth": "required", "trust": "TMP/trust.yaml"},
        "TELECODE_TRUST and TELECODE_PUBLIC_URL",
    ),
    "an address in clear text": (
        EVERYWHERE,
        {**TRUSTED, "public_url": f"{BASE},http://telecode.example.org"},
        "TELECODE_PUBLIC_URL",
    ),
    "an address of this machine": (EVERYWHERE, {**TRUSTED, "public_url": "http://127.0.0.1"}, "TELECODE_PUBLIC_URL"),
    "an address without https": (
        "127.0.0.1",
        {"environment": "development", "public_url": "localhost:8442"},
        "TELECODE_PUBLIC_URL holds what is no address",
    ),
    "a FHIR base in clear text": (EVERYWHERE, {**TRUSTED, "fhir_allow": "http://a.example/r4"}, "TELECODE_FHIR_ALLOW"),
    "a FHIR base of this machine": (
        EVERYWHERE,
        {**TRUSTED, "fhir_allow": "http://127.0.0.1/r4"},
        "TELECODE_FHIR_ALLOW",
    ),
    "a clear text address behind a gateway": (
        "127.0.0.1",
        {"environment": "production", "allow_unauthenticated": "true", "public_url": "http://a.example"},
        "TELECODE_PUBLIC_URL",
    ),
    "PostgreSQL without a key of its digests": (
        EVERYWHERE,
        {**TRUSTED, "database_url": "postgresql://telecode:hunter2@127.0.0.1:1/none"},
        "PostgreSQL needs TELECODE_DIGEST_KEY",
    ),
    "a key of the digests that can be guessed": (
        "127.0.0.1",
        {"digest_key": "hunter2" * 4 + "xyz"},
        "TELECODE_DIGEST_KEY is shorter than 32 characters",
    ),
    "keys in clear text": (EVERYWHERE, {**TRUSTED, "trust": "TMP/http.yaml"}, "http.yaml:1: jwks_url must be https"),
    "the sandbox's key": (EVERYWHERE, {**TRUSTED, "trust": "TMP/sandbox.yaml"}, "everybody can sign with a key"),
    "the sandbox's address": (EVERYWHERE, {**TRUSTED, "trust": "TMP/address.yaml"}, "everybody can sign with the keys"),
    "no list where one is said to be": (
        EVERYWHERE,
        {**TRUSTED, "trust": "TMP/none.yaml"},
        "none.yaml:1: cannot be read",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_s2_production_refuses_to_start_and_says_why_in_one_line(
    surroundings: Callable[..., None], tmp_path: Path, name: str
) -> None:
    host, settings, why = REFUSED[name]
    trust_file(tmp_path)
    (tmp_path / "sandbox.json").write_bytes(key_set(SANDBOX))
    for file, members in {
        "http": "jwks_url: 'http://127.0.0.1/keys'",
        "sandbox": "jwks_file: sandbox.json",
        "address": "jwks_url: 'https://sandbox.cds-hooks.org/.well-known/jwks.json'",
    }.items():
        (tmp_path / f"{file}.yaml").write_text(f"issuers: {{'{ISSUER}': {{{members}}}}}", encoding="utf-8")
    surroundings(**settings)
    refused = CliRunner().invoke(main, ["serve", "--host", host])
    assert refused.exit_code == 2
    assert re.fullmatch(r"error: [^\n]+\n", refused.stderr)
    assert why in refused.stderr
    assert "hunter2" not in refused.stderr


def test_an_app_under_another_server_is_production_until_it_is_told_otherwise(
    surroundings: Callable[..., None],
) -> None:
    surroundings()
    with pytest.raises(UnsafeStartError, match="authentication is off"):
        create_app()
    surroundings(environment="development")
    assert create_app().test_client().get("/healthz").status_code == 200


def test_a_production_that_is_told_to_answer_everybody_warns_of_it_at_each_start(
    surroundings: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    surroundings(**OPEN_PRODUCTION, host=EVERYWHERE)
    assert create_app().test_client().get("/cds-services").status_code == 200
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "AUTHENTICATION IS OFF IN PRODUCTION" in warning.getMessage()


@pytest.mark.parametrize(
    "command",
    ["serve", "explain -", "try", "policy check", "note read -", "samples list", "store forget", "config check"],
)
def test_a_slip_in_the_name_of_a_setting_stops_whatever_reads_the_settings(
    surroundings: Callable[..., None], command: str
) -> None:
    surroundings(retention_day="1")
    refused = CliRunner().invoke(main, command.split(), input="{}")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "error: TELECODE_RETENTION_DAY is no setting of telecode; the nearest is TELECODE_RETENTION_DAYS\n"
    )


def test_a_slip_in_the_name_of_a_setting_stops_an_app_under_another_server(surroundings: Callable[..., None]) -> None:
    surroundings(environment="development", auht="required")
    with pytest.raises(UnsafeStartError, match="TELECODE_AUHT"):
        create_app()
    with pytest.raises(UnsafeStartError, match="AUHT"):
        Settings(auht="required")


@pytest.mark.parametrize(
    ("settings", "development"),
    [
        ({"host": "127.0.0.1"}, True),
        ({"host": "localhost"}, True),
        ({"host": "::1"}, True),
        ({"environment": "development", "host": EVERYWHERE}, True),
        ({**OPEN_PRODUCTION, "host": "127.0.0.1"}, False),
        ({**TRUSTED, "host": EVERYWHERE}, False),
        ({**TRUSTED, "host": ""}, False),
        ({**TRUSTED, "host": "127.0.0.1"}, True),
    ],
)
def test_only_what_listens_on_loopback_or_is_told_so_is_in_development(
    surroundings: Callable[..., None], settings: dict[str, str], *, development: bool
) -> None:
    surroundings(**settings)
    found = Settings()
    found.check_start()
    assert found.development is development
    assert bool(found.fhir_bases) is development


def test_a_fhir_base_that_is_set_holds_in_production_too(surroundings: Callable[..., None]) -> None:
    surroundings(**TRUSTED, environment="production", fhir_allow="https://ehr.example.org/fhir")
    found = Settings()
    found.check_start()
    assert found.fhir_bases == ("https://ehr.example.org/fhir",)


@pytest.fixture
def production(surroundings: Callable[..., None], tmp_path: Path) -> Callable[..., FlaskClient]:
    def make(**settings: str) -> FlaskClient:
        trust_file(tmp_path)
        surroundings(**TRUSTED, environment="production", **settings)
        return create_app().test_client()

    return make


def test_a_key_that_everybody_can_sign_with_is_not_believed_if_it_comes_after_the_start_either(
    production: Callable[..., FlaskClient], tmp_path: Path, good: Json
) -> None:
    config = shutil.copytree(config_folder(), tmp_path / "config")
    exposed, table = NamedKey("late", "P-384", None, OTHER_EC_KEY.public_key()), config / "exposed_keys.yaml"
    known = next(iter(load_exposed(config).fingerprints))
    table.write_text(table.read_text(encoding="utf-8").replace(known, exposed.fingerprint), encoding="utf-8")
    client = production(config=str(config))
    (tmp_path / "keys.json").write_bytes(key_set(public(OTHER_EC_KEY, "late"), public(EC_KEY, "ec")))
    for token, status in ((signed(claims(PATH), OTHER_EC_KEY, kid="late"), 401), (signed(claims(PATH)), 200)):
        assert client.post(PATH, json=good, headers={"Authorization": f"Bearer {token}"}).status_code == status


DOORS = {"page": ("GET", "/"), "api": ("POST", "/api/v1/select")}


@pytest.mark.parametrize("door", DOORS)
def test_a_developers_door_is_shut_in_production_until_it_is_turned_on_and_then_asks_for_a_token(
    production: Callable[..., FlaskClient], door: str
) -> None:
    method, path = DOORS[door]

    def status(client: FlaskClient, authorization: str) -> int:
        body = {"service_date": "2026-11-23"}
        return client.open(path, method=method, json=body, headers={"Authorization": authorization}).status_code

    shut, opened = production(), production(**{door: "true"})
    assert status(shut, f"Bearer {signed(claims(path))}") == 404
    assert status(opened, "") == 401
    assert status(opened, f"Bearer {signed(claims(PATH))}") == 401
    assert status(opened, f"Bearer {signed(claims(path))}") in (200, 302)


def test_the_developers_doors_are_shut_behind_a_gateway_too(surroundings: Callable[..., None]) -> None:
    surroundings(**OPEN_PRODUCTION, host="127.0.0.1")
    client = create_app().test_client()
    assert client.get("/cds-services").status_code == 200
    assert [client.get(path).status_code for path in ("/", "/api/v1/select", "/api/v1/explain")] == [404] * 3


def test_of_many_calls_with_one_token_two_workers_answer_one(
    surroundings: Callable[..., None], tmp_path: Path, good: Json
) -> None:
    surroundings()
    trust = str(trust_file(tmp_path))
    production = running(tmp_path, environment="production", auth="required", trust=trust, public_url=BASE)
    with production as service, ThreadPoolExecutor(8) as callers:
        url, headers = service.url + PATH, {"Authorization": f"Bearer {signed(claims(PATH))}"}
        calls = [callers.submit(requests.post, url, json=good, headers=headers, timeout=LONG) for _ in range(8)]
        answers = [call.result() for call in calls]
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    refused = {(answer.content, answer.headers["WWW-Authenticate"]) for answer in answers if answer.status_code == 401}
    assert len(refused) == 1


def test_the_procfiles_command_does_not_start_without_authentication(surroundings: Callable[..., None]) -> None:
    process, command = (ROOT / "Procfile").read_text(encoding="utf-8").strip().split(": ", 1)
    assert process == "web"
    surroundings(environment="development")
    search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    refused = subprocess.run(  # noqa: S603 - our own words
        ["/bin/sh", "-c", command], cwd=ROOT, env={**os.environ, "PATH": search}, capture_output=True, check=False
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith(b"error: authentication is off")
