"""How the service answers: JSON, and a FHIR OperationOutcome for whatever goes wrong."""

from http import HTTPStatus
from typing import Any

import orjson
from flask import Response

ISSUE_CODES = {
    400: "invalid",
    401: "login",
    404: "not-found",
    405: "not-supported",
    412: "required",
    413: "too-long",
    415: "invalid",
    421: "security",
    503: "transient",
}


RETRY_AFTER = 5
"""Seconds after which a client may try again what cannot be done now."""


def json_answer(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - JSON is any shape
    """`body` as JSON."""
    return Response(orjson.dumps(body), status, mimetype="application/json")


def refusal(status: int, why: str, where: str | None = None) -> Response:
    """An OperationOutcome that says `why`, and `where` in the request the fault lies; a 503 says when to try again."""
    issue: dict[str, Any] = {"severity": "error", "code": ISSUE_CODES.get(status, "exception"), "diagnostics": why}
    if where:
        issue["expression"] = [where]
    answer = json_answer({"resourceType": "OperationOutcome", "issue": [issue]}, status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer
