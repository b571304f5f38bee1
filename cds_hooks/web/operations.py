"""The door for operators: is it alive, and are its rules still good."""

from datetime import UTC, datetime

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from cds_hooks.web.answers import json_answer
from cds_hooks.web.hooks import telecode

bp = Blueprint("operations", __name__)
WARN_DAYS = 60
"""How many days before a table's verified-through date its expiry is announced."""


@bp.get("/")
def front() -> BaseResponse:
    """Lead a visitor to what the service offers."""
    return redirect(url_for("hooks.discovery"))


@bp.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process lives."""
    return json_answer({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """Say which law is loaded, and which tables are about to pass the day they were verified through."""
    book = telecode().book
    warnings = book.expiring(datetime.now(UTC).date(), WARN_DAYS)
    return json_answer({"status": "ready", "policy": book.fingerprint, "warnings": warnings})
