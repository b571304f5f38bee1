"""Reads one answer of a FHIR server: FHIR as JSON, of bounded size, in time; whatever else comes is a failure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
import requests
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

LARGEST_ANSWER = 5 * 1024 * 1024
"""Bytes of one answer, unpacked."""
MOST_BYTES = 10 * 1024 * 1024
"""Bytes of all answers to one request together, unpacked."""
_CHUNK = 65_536
_JSON = {"application/fhir+json", "application/json", "application/json+fhir"}
_PLAIN = {"", "identity", "gzip"}
_STATUS = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    408: "timeout",
    410: "deleted",
    429: "throttled",
    503: "transient",
    504: "timeout",
}


@dataclass(frozen=True)
class Call:
    """One call: its address, the type of resource it should be answered with, and the form of a search by POST."""

    url: str
    expects: str
    form: list[tuple[str, str]] | None = None


class Bounds:
    """What all calls for one request share.

    Parameters: `until`, when they must be answered, on the clock that only goes forward; `most` bytes.
    """

    def __init__(self, until: float, most: int = MOST_BYTES) -> None:
        self.until = until
        self._most = most
        self._lock = Lock()

    @property
    def left(self) -> float:
        """Seconds left; none or less when the time is over."""
        return self.until - time.monotonic()

    def spend(self, size: int) -> bool:
        """Take `size` bytes. Tells whether that many were left."""
        with self._lock:
            self._most -= size
            return self._most >= 0


def failure(code: str) -> dict[str, Any]:
    """What stands for a resource that could not be had: `code` is one of FHIR's issue types."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}


def failure_code(value: object) -> str | None:
    """The issue code of an OperationOutcome, nothing if it has none; `None` for what is no failure."""
    if not isinstance(value, dict) or value.get("resourceType") != "OperationOutcome":
        return None
    issues = value.get("issue")
    first = issues[0] if isinstance(issues, list) and issues else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) else ""


def read_answer(session: requests.Session, call: Call, token: str | None, bounds: Bounds) -> dict[str, Any]:
    """Make one call: the resource it was answered with, or an OperationOutcome that holds no word of the answer."""
    left = bounds.left
    if left <= 0:
        return failure("timeout")
    try:
        with session.request(
            "GET" if call.form is None else "POST",
            call.url,
            data=call.form,
            headers={"Authorization": f"Bearer {token}"} if token else None,
            timeout=Timeout(total=left, connect=left, read=left),  # type: ignore[arg-type]  # its stubs know floats alone
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                return failure(_STATUS.get(answer.status_code, "exception"))
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
            packed = answer.headers.get("Content-Encoding", "").strip().casefold()
            if kind not in _JSON or packed not in _PLAIN:
                return failure("structure")
            body = _body(answer, bounds)
            return failure("too-costly") if body is None else _resource(body, call.expects)
    except (requests.RequestException, HTTPError, OSError, ValueError) as broken:
        late = isinstance(broken, requests.Timeout) or bounds.left <= 0
        return failure("timeout" if late else "transient")


def _body(answer: requests.Response, bounds: Bounds) -> bytes | None:
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER or not bounds.spend(len(chunk)):
            return None
    return bytes(body)


def _resource(body: bytes, expects: str) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return failure("structure")
    if isinstance(found, dict) and found.get("resourceType") in (expects, "OperationOutcome"):
        return found
    return failure("structure")
