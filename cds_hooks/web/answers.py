"""How the service answers: JSON, and a FHIR OperationOutcome for whatever goes wrong."""

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
    503: "transient",
}


def json_answer(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - JSON is any shape
    """`body` as JSON."""
    return Response(orjson.dumps(body), status, mimetype="application/json")


def refusal(status: int, why: str, where: str | None = None) -> Response:
    """An OperationOutcome that says `why`, and `where` in the request the fault lies."""
    issue: dict[str, Any] = {"severity": "error", "code": ISSUE_CODES.get(status, "exception"), "diagnostics": why}
    if where:
        issue["expression"] = [where]
    return json_answer({"resourceType": "OperationOutcome", "issue": [issue]}, status)
