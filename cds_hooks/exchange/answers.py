"""Reads one answer of a FHIR server: FHIR as JSON, of bounded size, in time; whatever else comes is a failure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import orjson
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as LateError

from fhir_mapping.sent import failure

LARGEST_ANSWER = 5 * 1024 * 1024
"""Bytes of one answer, unpacked."""
MOST_BYTES = 10 * 1024 * 1024
"""Bytes of all answers to one request together, unpacked."""
_CHUNK = 65_536
# gzip alone: of the formats a server may choose from it is the one whose growth is bounded as it is read.
_HEADERS = {"Accept": "application/fhir+json", "Accept-Encoding": "gzip", "User-Agent": "telecode"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
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
    """One call: what it asks the server for, the type of resource to be answered with, the form of a search by POST."""

    target: str
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


def failure_code(value: object) -> str | None:
    """The issue code of an OperationOutcome, nothing if it has none; `None` for what is no failure."""
    if not isinstance(value, dict) or value.get("resourceType") != "OperationOutcome":
        return None
    issues = value.get("issue")
    first = issues[0] if isinstance(issues, list) and issues else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) else ""


def headers(token: str | None) -> dict[str, str]:
    """What every call says of itself, with the token if there is one."""
    return _HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})


def read_answer(lines: HTTPConnectionPool, call: Call, said: Mapping[str, str], bounds: Bounds) -> dict[str, Any]:
    """Make one call: the resource it was answered with, or an OperationOutcome that holds no word of the answer.

    Parameters: `lines` to the server; `said`, the headers of the call.
    """
    left = bounds.left
    if left <= 0:
        return failure("timeout")
    form = None if call.form is None else urlencode(call.form)
    try:
        with lines.urlopen(
            "GET" if form is None else "POST",
            call.target,
            body=form,
            headers=said if form is None else {**said, **_FORM},
            timeout=Timeout(total=left, connect=left, read=left),
            redirect=False,
            preload_content=False,
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return failure(_STATUS.get(answer.status, "exception"))
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
            packed = answer.headers.get("Content-Encoding", "").strip().casefold()
            if kind not in _JSON or packed not in _PLAIN:
                return failure("structure")
            body = _body(answer, bounds)
            return failure("too-costly") if body is None else _resource(body, call.expects)
    except (HTTPError, OSError, ValueError) as broken:
        # To urllib3 a line that could not be laid is a kind of late one.
        late = isinstance(broken, LateError) and not isinstance(broken, NewConnectionError)
        return failure("timeout" if late or bounds.left <= 0 else "transient")


def _body(answer: BaseHTTPResponse, bounds: Bounds) -> bytes | None:
    body = bytearray()
    for chunk in answer.stream(_CHUNK):
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
