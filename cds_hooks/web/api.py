"""The door for developers and coders: the selector without FHIR, and a hook request explained."""

from flask import Blueprint, Response, request

from cds_hooks.exchange.facts_out import facts_as_json
from cds_hooks.exchange.hook import read_hook
from cds_hooks.web.answers import json_answer
from cds_hooks.web.body import read_object
from cds_hooks.web.guard import bound_bases, client_profile
from cds_hooks.web.hooks import telecode

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/select")
def select() -> Response:
    """Facts in JSON to the outcome in JSON."""
    body = read_object(request, telecode().settings.max_body)
    return json_answer(telecode().select(body).as_json())


@bp.post("/explain")
def explain() -> Response:
    """A whole hook request to its facts with evidence, the outcome, and the cards."""
    body = read_object(request, telecode().settings.max_body)
    answer = telecode().answer(read_hook(body, None, telecode().offer.services), bound_bases(), client_profile())
    return json_answer(
        {"facts": facts_as_json(answer.facts), "outcome": answer.outcome.as_json(), "cards": answer.cards}
    )
