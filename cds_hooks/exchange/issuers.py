"""Which EHRs may call, and how each of them signs: the list a site keeps, for nobody else is believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.coding.citation import Items
from fhir_mapping.tables import Row, read_table

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Issuer(Row):
    """One EHR that may call: what its tokens must say, and where its keys are.

    `audiences` are taken besides our own addresses; `longest_life` and `leeway` are seconds; no `tenants` means any.
    """

    audiences: Items[str] = ()
    jwks_url: str | None = None
    jwks_file: str | None = None
    algorithms: Items[Literal["ES384", "RS384", "ES256", "RS256", "PS384"]] = ("ES384", "RS384")
    tenants: Items[str] = ()
    longest_life: Annotated[int, Field(ge=60, le=86_400)] = 3600
    leeway: Annotated[int, Field(ge=0, le=300)] = 60
    jti: Literal["enforce", "report", "off"] = "enforce"
    client: str = "generic"
    fhir_bases: Items[str] = ()

    @model_validator(mode="after")
    def _has_keys(self) -> Issuer:
        if (self.jwks_url is None) == (self.jwks_file is None):
            raise PydanticCustomError("keys", "an issuer needs either jwks_url or jwks_file")
        if self.jwks_url is not None and not is_safe(self.jwks_url):
            raise PydanticCustomError(
                "keys", "jwks_url must be https (http only on loopback), without user or fragment"
            )
        return self


class _Issuers(Row):
    issuers: dict[str, Issuer]


def load_issuers(path: Path) -> Mapping[str, Issuer]:
    """Read a site's list of issuers, by the `iss` of their tokens; key files are found beside it.

    Raises TableError, with file and line.
    """
    table = read_table(path)
    found = table.as_model(_Issuers).issuers
    for name, issuer in found.items():
        if issuer.jwks_file is not None and not (path.parent / issuer.jwks_file).is_file():
            raise table.error(("issuers", name, "jwks_file"), "there is no such file beside this one")
    return {
        name: issuer.model_copy(update={"jwks_file": str(path.parent / issuer.jwks_file)})
        if issuer.jwks_file
        else issuer
        for name, issuer in found.items()
    }


def is_safe(url: str) -> bool:
    """Whether an address a site configured may be called: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        plain = not (parts.username or parts.password or parts.fragment) and parts.hostname
    except ValueError:
        return False
    return bool(plain) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))
