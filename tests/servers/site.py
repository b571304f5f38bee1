"""A site as a production runs it: nginx with TLS before two instances on one PostgreSQL, and an EHR that signs."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.certificates import certificate
from tests.exchange.signers import BASE, EC_KEY, RSA_KEY, claims, signed
from tests.fhir_server import TOKEN, FhirServer
from tests.running import LONG, NOTE_SIGN
from tests.servers.proxied import Pair, pair
from tests.web.trusting import trust_file

Json = dict[str, Any]
ORIGIN = "https://ehr.example.org"


@dataclass(frozen=True)
class Site:
    """What an EHR sees of it, and the FHIR server that it lets be read."""

    pair: Pair
    fhir: FhirServer
    database_url: str

    @property
    def base(self) -> str:
        """The FHIR base as the EHR names it."""
        return self.fhir.base.replace("http://", "https://")

    def ask(self, method: str, path: str, **named: Any) -> requests.Response:
        """One call from outside, with nothing added."""
        return self.pair.session.request(method, self.pair.url + path, timeout=LONG, **named)

    def post(self, body: Json, path: str = NOTE_SIGN, *, token: str | None = None) -> requests.Response:
        """One call as the EHR makes it, with a fresh token for this very address."""
        headers = {"Authorization": f"Bearer {token or fresh(path)}"}
        return self.ask("POST", path, json=body, headers=headers)

    def without(self, good: Json, *keys: str) -> Json:
        """The request without these prefetch keys, and with leave to read the FHIR server."""
        left = {key: value for key, value in good["prefetch"].items() if key not in keys}
        access = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/*.read",
            "subject": "telecode",
        }
        return {**good, "prefetch": left, "fhirServer": self.base, "fhirAuthorization": access}


def fresh(path: str, algorithm: str = "ES384") -> str:
    """A token for a path that nobody has used."""
    key, kid = (EC_KEY, "ec") if algorithm == "ES384" else (RSA_KEY, "rsa")
    return signed(claims(path, tenant="north"), key, algorithm, kid=kid)


@contextmanager
def open_site(folder: Path, database_url: str) -> Iterator[Site]:
    """Start all of it in `folder`."""
    public, private = certificate(folder, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    fhir = FhirServer(context)
    settings = {
        "environment": "production",
        "auth": "required",
        "trust": str(trust_file(folder)),
        "public_url": BASE,
        "database_url": database_url,
        "digest_key": "of both instances, and in no database",
        "fhir_allow": fhir.base.replace("http://", "https://"),
        "fhir_private": "true",
        "fhir_ca": str(public),
        "cors_origins": ORIGIN,
    }
    try:
        with pair(folder, **settings) as both:
            yield Site(both, fhir, database_url)
    finally:
        fhir.close()


AT_ONCE = f"""
import sys
import requests
url, certificate, path, body = sys.argv[1:]
tokens = sys.stdin.readline().split()
sys.stdin.readline()
statuses = []
for token in tokens:
    headers = {{"Authorization": f"Bearer {{token}}", "Content-Type": "application/json"}}
    answer = requests.post(url + path, data=body, headers=headers, verify=certificate, timeout={LONG})
    statuses.append(answer.status_code)
print(*statuses)
"""
"""A client in a process of its own: it waits for the word, calls with each token in turn, and prints the answers."""


def client_of_its_own(site: Site, path: str, body: str) -> list[str]:
    """The command of one client."""
    return [sys.executable, "-c", AT_ONCE, site.pair.url, str(site.pair.folder / "tls.crt"), path, body]
