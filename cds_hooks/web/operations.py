"""The door for operators: is it alive, can it answer, how is it doing, and are its rules still good."""

from flask import Blueprint, Response, current_app

from cds_hooks import __version__, leaving, meters
from cds_hooks.store.readiness import Readiness
from cds_hooks.web.answers import json_answer, refusal
from cds_hooks.web.days import today
from cds_hooks.web.hooks import telecode
from cds_hooks.web.openapi import document

bp = Blueprint("operations", __name__)
WARN_DAYS = 60
"""How many days before a table's verified-through date its expiry is announced."""


@bp.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process lives."""
    return json_answer({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """Say which law is loaded, and which tables are about to pass the day they were verified through.

    503 while the store cannot be read and written, or its tables are those of another version: feedback is refused
    meanwhile, and no token can be checked. And 503 from when the service was told to stop: it answers a little longer,
    for those who have not looked yet.
    """
    if leaving.announced():
        return refusal(503, "the service is about to stop")
    readiness: Readiness = current_app.extensions["readiness"]
    if fault := readiness.fault():
        return refusal(503, fault)
    book = telecode().book
    warnings = book.expiring(today(), WARN_DAYS)
    return json_answer({"status": "ready", "policy": book.fingerprint, "warnings": warnings})


@bp.get("/openapi.json")
def openapi() -> Response:
    """Describe the service for programs."""
    return json_answer(document(current_app, telecode()))


@bp.get("/metrics")
def metrics() -> Response:
    """Tell the numbers of all workers, in Prometheus' text format."""
    book, day = telecode().book, today()
    days_left = {table.id: (table.verified_through - day).days for table in book.tables()}
    shown = meters.exposition(version=__version__, fingerprint=book.fingerprint, days_left=days_left)
    return Response(shown, content_type="text/plain; version=0.0.4; charset=utf-8")
