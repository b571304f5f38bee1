"""An EHR of the tests that signs: keys of its own, tokens as it likes them, and a server for its key set."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA384
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


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


KEYS = (
    public(EC_KEY, "ec"),
    public(RSA_KEY, "rsa", use="sig", alg="RS384"),
    public(EC_KEY, "a/b+c="),
    public(RSA_KEY, "any"),
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


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def part(value: object) -> str:
    return base64url(json.dumps(value).encode())


GOOD_HEADER = {"alg": "ES384", "kid": "ec", "typ": "JWT"}


def by_hand(said: object, key: Any = EC_KEY, header: object = None, **members: Any) -> str:
    """A token with a good signature and whatever else, as no library would make it; `None` takes a member away."""
    head = {name: value for name, value in {**GOOD_HEADER, **members}.items() if value is not None}
    unsigned = f"{part(header or head)}.{part(said)}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        made = ECAlgorithm(ECAlgorithm.SHA384).sign(unsigned.encode(), key)
    else:
        made = key.sign(unsigned.encode(), PKCS1v15(), SHA384())
    return f"{unsigned}.{base64url(made)}"


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class KeyServer:
    """Serves a key set, counts who asks, and can be told to answer otherwise."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = key_set(*KEYS), 200, 0
        self.location: str | None = None
        self.headers: dict[str, str] = {}
        self.release: threading.Event | None = None

    @contextmanager
    def running(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked += 1
                served.headers = dict(self.headers)
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
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/jwks.json"
        finally:
            if served.release is not None:
                served.release.set()
            server.shutdown()
            server.server_close()
            thread.join()
