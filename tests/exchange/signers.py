"""An EHR of the tests that signs: keys of its own, tokens as it likes them, and a server for its key set."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://ehr.example.org/fhir"
BASE = "https://telecode.example.org/em"
EC_KEY = ec.generate_private_key(ec.SECP384R1())
OTHER_EC_KEY = ec.generate_private_key(ec.SECP384R1())
P256_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
SMALL_RSA_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - too small on purpose: it must be refused


def public(key: Any, kid: str, **members: Any) -> dict[str, Any]:
    algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid} | members


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


KEYS = (
    public(EC_KEY, "ec"),
    public(RSA_KEY, "rsa", use="sig", alg="RS384"),
    public(EC_KEY, "a/b+c="),
    public(EC_KEY, "for-encryption", use="enc"),
    public(EC_KEY, "for-es256", alg="ES256"),
    public(P256_KEY, "p256"),
    public(SMALL_RSA_KEY, "small"),
    {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "no-point"},
    {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
)


def claims(path: str, **members: Any) -> dict[str, Any]:
    """What a good token for `path` says, with what a case changes; `None` takes a claim away."""
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "aud": BASE + path,
        "iat": now,
        "exp": now + 300,
        "jti": f"t-{time.perf_counter_ns()}",
    } | members
    return {name: value for name, value in whole.items() if value is not None}


def signed(said: Any, key: Any = EC_KEY, algorithm: str = "ES384", **header: Any) -> str:
    headers = {"kid": "ec", "typ": "JWT"} | header
    return jwt.encode(said, key, algorithm, headers={k: v for k, v in headers.items() if v is not None})


class KeyServer:
    """Serves a key set, counts who asks, and can be told to answer otherwise."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = key_set(*KEYS), 200, 0
        self.location: str | None = None
        self.release: threading.Event | None = None

    @contextmanager
    def running(self) -> Iterator[str]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked += 1
                if served.release is not None:
                    served.release.wait(20)
                self.send_response(served.status)
                if served.location:
                    self.send_header("Location", served.location)
                self.send_header("Content-Length", str(len(served.body)))
                self.end_headers()
                self.wfile.write(served.body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        finally:
            if served.release is not None:
                served.release.set()
            server.shutdown()
            server.server_close()
            thread.join()
