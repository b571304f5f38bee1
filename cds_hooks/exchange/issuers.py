"""Which EHRs may call, and how each of them signs: the list a site keeps, for nobody else is believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from ssl import create_default_context
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.coding.citation import Items
from cds_hooks.exchange.bases import as_base
from cds_hooks.exchange.key_set import Exposed, read_key_set
from fhir_mapping.tables import Row, Table, TableError, read_table

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Issuer(Row):
    """One EHR that may call: what its tokens must say, and where its keys are.

    Keys come from `jwks_file`, else from `jwks_url`; `jwks_url` is also the only `jku` that a token may name, and
    `jwks_ca` a file of the certificates that its server must be signed by, where those are not public. Keys that cannot
    be fetched anew are used until they are `stale_keys` seconds old.
    `audiences` are taken besides our own addresses; `longest_life` and `leeway` are seconds; no `tenants` means any;
    `fhir_bases`, if there are any, are the only ones that this EHR may name. It is answered by the `client` profile,
    which also says how long a token may live where `longest_life` does not.
    """

    audiences: Items[Annotated[str, StringConstraints(pattern=r"\S")]] = ()
    jwks_url: str | None = None
    jwks_file: str | None = None
    jwks_ca: str | None = None
    stale_keys: Annotated[int, Field(ge=3600, le=30 * 86_400)] = 86_400
    algorithms: Annotated[Items[Literal["ES384", "RS384", "ES256", "RS256", "PS384"]], Field(min_length=1)] = (
        "ES384",
        "RS384",
    )
    tenants: Items[str] = ()
    longest_life: Annotated[int, Field(ge=60, le=86_400)] = 3600
    leeway: Annotated[int, Field(ge=0, le=300)] = 60
    jti: Literal["enforce", "report", "off"] = "enforce"
    client: str = ""
    fhir_bases: Items[Annotated[str, AfterValidator(as_base)]] = ()

    @model_validator(mode="after")
    def _has_keys(self) -> Issuer:
        if self.jwks_url is None and self.jwks_file is None:
            raise PydanticCustomError("keys", "an issuer needs jwks_url or jwks_file")
        return self


class _Issuers(Row):
    issuers: dict[str, Issuer]


def load_issuers(
    path: Path,
    *,
    development: bool = False,
    exposed: Exposed = Exposed(),  # noqa: B008 - frozen
    lives: Mapping[str, int] | None = None,
) -> Mapping[str, Issuer]:
    """Read a site's list of issuers, by the `iss` of their tokens; key files are found beside it.

    Parameters: `path` of one YAML file, or of a folder of them; in `development` addresses on this machine may be http;
    `exposed`: keys that must not be trusted; `lives`: how long a token may live, in seconds, by client profile, and
    under the empty name where an issuer names none.
    Raises TableError, with file and line.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    found: dict[str, Issuer] = {}
    for file in files:
        table = read_table(file)
        for name, issuer in table.as_model(_Issuers).issuers.items():
            if not name.strip():
                raise table.error(("issuers", name), "an issuer needs a name: the iss of its tokens")
            if name in found:
                raise table.error(("issuers", name), "this issuer stands in another file too")
            _check_addresses(table, name, issuer, development=development)
            known = _check_authority(table, name, _check_keys(table, name, issuer, file.parent, exposed), file.parent)
            found[name] = known if lives is None else _outlived(table, name, known, lives)
    if not found:
        raise TableError(str(path), 1, "no issuer stands here: nobody could call")
    return found


def is_safe(url: str, *, loopback: bool = False) -> bool:
    """Whether an address that a site configured may be used: https; with `loopback`, http on this machine too."""
    try:
        parts = urlsplit(url)
        plain = not (parts.username or parts.password or parts.fragment) and parts.hostname
    except ValueError:
        return False
    own = loopback and parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(plain) and (parts.scheme == "https" or own)


def _check_addresses(table: Table, name: str, issuer: Issuer, *, development: bool) -> None:
    needed = "must be https, without user or fragment" + (" (http only on this machine)" if development else "")
    if issuer.jwks_url is not None and not is_safe(issuer.jwks_url, loopback=development):
        raise table.error(("issuers", name, "jwks_url"), f"jwks_url {needed}")
    for base in issuer.fhir_bases:
        if not is_safe(base, loopback=development):
            raise table.error(("issuers", name, "fhir_bases"), f"a FHIR base {needed}")


def _outlived(table: Table, name: str, issuer: Issuer, lives: Mapping[str, int]) -> Issuer:
    """The issuer with the life of its tokens, its own or that of its client profile."""
    if issuer.client not in lives:
        raise table.error(("issuers", name, "client"), f"there is no client profile {issuer.client}")
    own = "longest_life" in issuer.model_fields_set
    return issuer if own else issuer.model_copy(update={"longest_life": lives[issuer.client]})


def _check_authority(table: Table, name: str, issuer: Issuer, folder: Path) -> Issuer:
    """The issuer with the whole path of the file of certificates for its key server, if that file holds some."""
    if issuer.jwks_ca is None:
        return issuer
    file, place = folder / issuer.jwks_ca, ("issuers", name, "jwks_ca")
    if issuer.jwks_url is None:
        raise table.error(place, "jwks_ca is for the server of jwks_url, and there is none")
    try:
        create_default_context(cafile=file)
    except FileNotFoundError:
        raise table.error(place, "there is no such file beside this one") from None
    except OSError:
        raise table.error(place, "this file holds no certificate") from None
    return issuer.model_copy(update={"jwks_ca": str(file)})


def _check_keys(table: Table, name: str, issuer: Issuer, folder: Path, exposed: Exposed) -> Issuer:
    """The issuer with the whole path of its key file, if that can be read and nobody else can sign with its keys."""
    if issuer.jwks_url in exposed.addresses:
        raise table.error(("issuers", name, "jwks_url"), "everybody can sign with the keys at this address")
    if issuer.jwks_file is None:
        return issuer
    file, place = folder / issuer.jwks_file, ("issuers", name, "jwks_file")
    try:
        keys = read_key_set(file.read_bytes())
    except FileNotFoundError:
        raise table.error(place, "there is no such file beside this one") from None
    except (OSError, ValueError):
        raise table.error(place, "this file is no key set") from None
    if not keys.keys:
        raise table.error(place, "no key in this file can verify a token")
    if keys.without(exposed) != keys:
        raise table.error(place, "everybody can sign with a key in this file")
    return issuer.model_copy(update={"jwks_file": str(file)})
