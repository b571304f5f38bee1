"""The CDS Hooks door: discovery, and the services an EHR calls."""

from flask import Blueprint, Response, current_app, request

from cds_hooks.exchange.hook import read_hook
from cds_hooks.service import Telecode
from cds_hooks.web.answers import json_answer, refusal
from cds_hooks.web.body import read_object

bp = Blueprint("hooks", __name__)


def telecode() -> Telecode:
    """The service of this app."""
    found: Telecode = current_app.extensions["telecode"]
    return found


@bp.get("/cds-services")
def discovery() -> Response:
    """List the services (CDS Hooks 2.0, Discovery)."""
    return json_answer(telecode().offer.listing())


@bp.post("/cds-services/<service_id>")
def call(service_id: str) -> Response:
    """Answer a hook with cards (CDS Hooks 2.0, Calling a CDS Service)."""
    service = telecode().offer.services.get(service_id)
    if service is None:
        return refusal(404, "no such service; see /cds-services")
    body = read_object(request, telecode().settings.max_body)
    answer = telecode().answer(read_hook(body, service, telecode().offer.services))
    return json_answer({"cards": answer.cards})
