"""The public keys that an EHR publishes: which of them may vouch for a token, and which are good for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from pydantic import StringConstraints

from cds_hooks.coding.citation import Items
from fhir_mapping.tables import Row, Source, read_table

PublicKey = EllipticCurvePublicKey | RSAPublicKey
KINDS = {"ES384": "P-384", "ES256": "P-256", "RS384": "RSA", "RS256": "RSA", "PS384": "RSA"}
"""The kind of key that each algorithm takes; what is not here is never taken, whatever a site configures."""
SMALLEST_RSA = 2048


class _ExposedKey(Row):
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    kid: str
    whose: str
    source: Source


class _ExposedKeys(Row):
    keys: Items[_ExposedKey]
    addresses: Items[str]


@dataclass(frozen=True)
class Exposed:
    """What everybody can sign with: fingerprints of keys, and the addresses that publish such keys."""

    fingerprints: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NamedKey:
    """One key of a key set; `algorithm` is the only one it is for, or None."""

    kid: str
    kind: str
    algorithm: str | None
    public: PublicKey

    @property
    def fingerprint(self) -> str:
        """What tells this key from all others, however it is written down."""
        return sha256(self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@dataclass(frozen=True)
class KeySet:
    """The usable keys of one issuer."""

    keys: Mapping[tuple[str, str], NamedKey]

    def key(self, kid: str, algorithm: str) -> PublicKey | None:
        """The key called `kid` that may verify `algorithm`, or None."""
        found = self.keys.get((kid, KINDS.get(algorithm, "")))
        return found.public if found and found.algorithm in (None, algorithm) else None

    def without(self, exposed: Exposed) -> KeySet:
        """These keys less the ones that everybody can sign with."""
        return KeySet({name: key for name, key in self.keys.items() if key.fingerprint not in exposed.fingerprints})


def load_exposed(folder: Path) -> Exposed:
    """Read `exposed_keys.yaml`. Raises TableError with file and line."""
    table = read_table(folder / "exposed_keys.yaml", root=folder).as_model(_ExposedKeys)
    return Exposed(frozenset(key.fingerprint for key in table.keys), frozenset(table.addresses))


def read_key_set(raw: bytes) -> KeySet:
    """A JSON Web Key Set; a key in it that is no usable one is passed over, as the others may be.

    Raises ValueError for what is no key set at all.
    """
    try:
        listed = orjson.loads(raw)["keys"]
    except (KeyError, TypeError, IndexError):
        raise ValueError("not a key set") from None
    if not isinstance(listed, list):
        raise ValueError("not a key set")  # noqa: TRY004 - one error for one fault
    found = [key for entry in listed if (key := _named_key(entry)) is not None]
    return KeySet({(key.kid, key.kind): key for key in found})


def _named_key(entry: Any) -> NamedKey | None:  # noqa: ANN401 - JSON is any shape
    """A key for signing, of a known kind and large enough; one that shows its private half is nobody's any more."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or "d" in entry:
        return None
    kind = entry.get("crv") if entry.get("kty") == "EC" else entry.get("kty")
    algorithm = next((name for name, needed in KINDS.items() if needed == kind), None)
    if algorithm is None or entry.get("use", "sig") != "sig":
        return None
    try:
        public = PyJWK(entry, algorithm).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size < SMALLEST_RSA:
        return None
    return NamedKey(entry["kid"], str(kind), entry.get("alg"), public)
