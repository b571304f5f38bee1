"""Tokens of an EHR that exists for the measurement alone; each is good once, as telecode demands."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://ehr.example.org/fhir"
SUPPLY = 8_000
LIFE = 3_000
"""Seconds; the run is over long before."""


class Tokens:
    """A supply of tokens in a file, one a line.

    Parameters: `folder` for the file; `algorithm`, ES384 or RS384; the `audience` they are made for. `spent` counts
    those that were used.
    """

    def __init__(self, folder: Path, algorithm: str, audience: str) -> None:
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        if algorithm == "ES384":
            key = ec.generate_private_key(ec.SECP384R1())
            public = ECAlgorithm.to_jwk(key.public_key())
        else:
            key = rsa.generate_private_key(65537, 2048)
            public = RSAAlgorithm.to_jwk(key.public_key())
        self.keys = {"keys": [{**json.loads(public), "kid": "bench", "use": "sig", "alg": algorithm}]}
        self.file = folder / f"tokens-{algorithm}.txt"
        self.spent = 0
        now = int(time.time())
        said = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + LIFE}
        header = {"kid": "bench", "typ": "JWT"}
        made = (jwt.encode({**said, "jti": str(number)}, key, algorithm, header) for number in range(SUPPLY))
        self.file.write_text("".join(f"{token}\n" for token in made), encoding="ascii")


def trust_folder(folder: Path, tokens: Tokens) -> Path:
    """Write a list of issuers that trusts these tokens' key, and say where it is."""
    found = folder / "trust"
    found.mkdir(exist_ok=True)
    (found / "keys.json").write_text(json.dumps(tokens.keys), encoding="ascii")
    (found / "issuers.yaml").write_text(f'issuers:\n  "{ISSUER}":\n    jwks_file: keys.json\n', encoding="ascii")
    return found
