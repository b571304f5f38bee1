"""The journal: one line a request on standard error, from a list of keys; nothing of a patient, no token, no words."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, Response, g, has_request_context, request

from cds_hooks import meters
from cds_hooks.exchange.hook import HookRequest
from cds_hooks.service import Answer, Telecode
from cds_hooks.web.answers import ISSUE_CODES

KEYS: Mapping[str, str] = {
    "time": "when the line was written, UTC",
    "level": "INFO, WARNING or ERROR",
    "logger": "who writes",
    "request_id": "the request's own id, as in the answer's X-Request-Id",
    "method": "GET, POST, OPTIONS, HEAD, or other",
    "endpoint": "the door's name, never the path",
    "service": "id of the CDS service",
    "hook": "name of the hook, if it is one of ours",
    "status": "HTTP status",
    "ms": "milliseconds from request to answer",
    "outcome": "kind of the outcome: selection, undetermined, not_reportable, not_applicable",
    "cards": "how many cards went out",
    "prefetch": "which of our prefetch keys were sent",
    "fhir_calls": "how many FHIR calls were made",
    "issuer": "the EHR whose token was believed",
    "tenant": "its tenant",
    "error": "kind of the refusal, in FHIR's words",
    "message": "a sentence of telecode or its server, never of a library",
    "fault": "the type of an unexpected exception, never its words",
    "at": "module and line that another library's record comes from",
}
"""All that may stand in a line. What is not named here is not written."""

REQUESTS = "telecode.requests"
PLAIN_WORDS = frozenset({"telecode", "_granian", "_granian.serve"})
"""Whose sentences hold nothing of a request. Not the others below `_granian`: they print tracebacks."""
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"})
REQUEST_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids that machines make. Any other header is replaced: it could be a name."""
QUOTING = ("urllib3", "werkzeug")
"""Loggers whose everyday lines quote addresses with ids in them."""


class JsonLine(logging.Formatter):
    """A record as one line of JSON: what stands in KEYS and nothing else."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Another library's words are left out, for they may quote what a patient's record says."""
        found: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": request_id() if has_request_context() else None,
        }
        if record.name == REQUESTS:
            found |= getattr(record, "line", {})
        elif record.name in PLAIN_WORDS:
            found["message"] = record.getMessage()
        else:
            found["at"] = f"{record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[0]:
            found["fault"] = record.exc_info[0].__name__
        return orjson.dumps({key: found[key] for key in KEYS if found.get(key) is not None}).decode()


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": JsonLine}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "telecode": {"level": "INFO"},
        "_granian": {"handlers": [], "level": "INFO", "propagate": True},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": True},
    },
}
"""For `logging.config.dictConfig`, in the server's own process and in each worker."""


def mute_faults() -> None:
    """Have this process tell of an exception that nobody caught by its type alone, and of warnings by their place."""
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda kind, _, __: _tell(kind)
    threading.excepthook = lambda fault: _tell(fault.exc_type)
    sys.unraisablehook = lambda fault: _tell(fault.exc_type)


def _tell(kind: type[BaseException] | None) -> None:
    logging.getLogger("telecode").error("an unexpected fault: %s", kind.__name__ if kind else "unknown")


def install(app: Flask) -> None:
    """Write a line for each request of `app`, and count it. To be installed first, so that it hears of all others."""
    logging.getLogger("telecode").setLevel(logging.INFO)
    requests = logging.getLogger(REQUESTS)
    for name in QUOTING:
        logging.getLogger(name).setLevel(logging.ERROR)

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        meters.FHIR_CALLS.set(0)

    @app.after_request
    def write(response: Response) -> Response:
        seconds = time.perf_counter() - g.began
        line = _line(app.extensions["telecode"], response.status_code, seconds)
        meters.answered(line["endpoint"], line["method"], response.status_code, seconds)
        if "outcome" in line:
            meters.decided(line["service"], line["outcome"])
        requests.info("request", extra={"line": line})
        response.headers["X-Request-Id"] = request_id()
        return response


def asked(hook: HookRequest) -> None:
    """Note for the line which hook was asked, and with which of our prefetch keys."""
    g.asked = hook


def answer(given: Answer) -> None:
    """Note for the line how a hook was answered."""
    g.answer = given


def request_id() -> str:
    """The id of the request at hand: the one that a proxy of ours made, or a new one."""
    if "request_id" not in g:
        sent = request.headers.get("X-Request-Id", "")
        g.request_id = sent if REQUEST_ID.fullmatch(sent) else uuid4().hex
    found: str = g.request_id
    return found


def _line(telecode: Telecode, status: int, seconds: float) -> dict[str, Any]:
    service = (request.view_args or {}).get("service_id")
    line: dict[str, Any] = {
        "method": request.method if request.method in METHODS else "other",
        "endpoint": request.endpoint or "none",
        "status": status,
        "ms": round(seconds * 1000, 1),
        "service": service if service in telecode.offer.services else None,
        "fhir_calls": meters.FHIR_CALLS.get() or None,
    }
    hook: HookRequest | None = g.get("asked")
    if hook is not None:
        line["hook"] = hook.hook  # it was found among our own
        line["prefetch"] = [key for key in telecode.offer.prefetch if key in hook.prefetch]
    given: Answer | None = g.get("answer")
    if given is not None:
        line |= {"outcome": given.outcome.kind, "cards": len(given.cards)}
    client = g.get("client")
    if client is not None:
        line |= {"issuer": client.issuer, "tenant": client.tenant or None}
    if status >= 400:  # noqa: PLR2004 - HTTP's first error
        line["error"] = ISSUE_CODES.get(status, "exception")
    return line
