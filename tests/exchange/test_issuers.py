"""The list of EHRs that may call: read strictly, from a file or a folder, and stricter still in production."""

from pathlib import Path

import pytest

from cds_hooks.exchange.issuers import load_issuers
from cds_hooks.exchange.key_set import load_exposed
from fhir_mapping.tables import TableError, config_folder
from tests.certificates import certificate
from tests.exchange.signers import EC_KEY, SMALL_RSA_KEY, key_set, public
from tests.exchange.test_key_set import SANDBOX


def listed(folder: Path, text: str, name: str = "trust.yaml") -> Path:
    path = folder / name
    path.write_text(f"issuers: {{{text}}}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("issuer", "complaint"),
    [
        ("{}", "needs jwks_url or jwks_file"),
        ("{jwks_url: 'http://a.example/keys'}", "must be https"),
        ("{jwks_url: 'http://127.0.0.1/keys'}", "must be https"),
        ("{jwks_url: 'https://u:p@a.example/keys'}", "must be https"),
        ("{jwks_url: 'https://a.example/keys#part'}", "must be https"),
        ("{jwks_url: 'file:///etc/keys.json'}", "must be https"),
        ("{jwks_url: 'https:///keys'}", "must be https"),
        ("{jwks_url: 'https://a.example', fhir_bases: ['http://a.example/fhir']}", "FHIR base must be https"),
        ("{jwks_file: none.json}", "no such file"),
        ("{jwks_file: none}", "no key set"),
        ("{jwks_file: small.json}", "no key in this file"),
        ("{jwks_url: 'https://a.example', algorithms: [HS256]}", "algorithms"),
        ("{jwks_url: 'https://a.example', algorithms: [none]}", "algorithms"),
        ("{jwks_url: 'https://a.example', algorithms: []}", "algorithms"),
        ("{jwks_url: 'https://a.example', jti: maybe}", "jti"),
        ("{jwks_url: 'https://a.example', longest_life: 59}", "longest_life"),
        ("{jwks_url: 'https://a.example', longest_life: 86401}", "longest_life"),
        ("{jwks_url: 'https://a.example', leeway: 301}", "leeway"),
        ("{jwks_url: 'https://a.example', audience: [telecode]}", "audience"),
        ("{jwks_url: 'https://a.example', stale_keys: 3599}", "stale_keys"),
        ("{jwks_url: 'https://a.example', stale_keys: 2592001}", "stale_keys"),
        ("{jwks_url: 'https://a.example', jwks_ca: missing.pem}", "no such file"),
        ("{jwks_url: 'https://a.example', jwks_ca: none}", "holds no certificate"),
        ("{jwks_file: small.json, jwks_ca: none}", "no key in this file"),
        ("{jwks_file: good.json, jwks_ca: none}", "there is none"),
        ("{jwks_file: sandbox.json}", "everybody can sign with a key in this file"),
        ("{jwks_url: 'https://sandbox.cds-hooks.org/.well-known/jwks.json'}", "everybody can sign with the keys at"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_its_line(tmp_path: Path, issuer: str, complaint: str) -> None:
    (tmp_path / "none").write_text("no key set", encoding="utf-8")
    (tmp_path / "small.json").write_bytes(key_set(public(SMALL_RSA_KEY, "small")))
    (tmp_path / "sandbox.json").write_bytes(key_set(public(EC_KEY, "ec"), SANDBOX))
    (tmp_path / "good.json").write_bytes(key_set(public(EC_KEY, "ec")))
    path = listed(tmp_path, f"'https://a.example': {issuer}")
    with pytest.raises(TableError, match=complaint) as refused:
        load_issuers(path, exposed=load_exposed(config_folder()))
    assert refused.value.line == 1


def test_a_developer_may_use_this_machine_and_the_sandboxs_keys(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_bytes(key_set(SANDBOX))
    text = "a: {jwks_url: 'http://127.0.0.1/keys', fhir_bases: ['http://localhost/fhir']}, b: {jwks_file: sandbox.json}"
    assert set(load_issuers(listed(tmp_path, text), development=True)) == {"a", "b"}
    with pytest.raises(TableError, match="must be https"):
        load_issuers(listed(tmp_path, "a: {jwks_url: 'http://10.0.0.1/keys'}"), development=True)


def test_a_folder_holds_one_ehr_a_file_and_each_but_once(tmp_path: Path) -> None:
    for name in ("north", "south"):
        listed(tmp_path, f"'https://{name}.example': {{jwks_url: 'https://{name}.example/keys'}}", f"{name}.yaml")
    assert set(load_issuers(tmp_path)) == {"https://north.example", "https://south.example"}
    listed(tmp_path, "'https://north.example': {jwks_url: 'https://evil.example/keys'}", "z.yaml")
    with pytest.raises(TableError, match=r"z.yaml.*stands in another file too"):
        load_issuers(tmp_path)


def test_a_list_of_nobody_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="nobody could call"):
        load_issuers(tmp_path)
    with pytest.raises(TableError, match="nobody could call"):
        load_issuers(listed(tmp_path, ""))


def test_a_key_file_stands_beside_its_list(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(public(EC_KEY, "ec")))
    (issuer,) = load_issuers(listed(tmp_path, "a: {jwks_file: keys.json}")).values()
    assert issuer.jwks_file == str(tmp_path / "keys.json")


def test_the_certificates_for_a_key_server_stand_beside_the_list(tmp_path: Path) -> None:
    public_half, _ = certificate(tmp_path, "a.example")
    text = f"a: {{jwks_url: 'https://a.example', jwks_ca: {public_half.name}, stale_keys: 7200}}"
    (issuer,) = load_issuers(listed(tmp_path, text)).values()
    assert (issuer.jwks_ca, issuer.stale_keys) == (str(public_half), 7200)


def test_a_token_lives_as_long_as_the_issuer_says_or_else_its_client_profile(tmp_path: Path) -> None:
    lives = {"": 900, "epic": 1800}
    text = ", ".join(
        f"{name}: {{jwks_url: 'https://a.example'{more}}}"
        for name, more in (("a", ""), ("b", ", client: epic"), ("c", ", client: epic, longest_life: 120"))
    )
    issuers = load_issuers(listed(tmp_path, text), lives=lives)
    assert [issuer.longest_life for issuer in issuers.values()] == [900, 1800, 120]
    with pytest.raises(TableError, match="no client profile epyc"):
        load_issuers(listed(tmp_path, "a: {jwks_url: 'https://a.example', client: epyc}"), lives=lives)
