"""The CDS Hooks door: discovery, and the services an EHR calls."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request

from cds_hooks.exchange.feedback import read_feedback
from cds_hooks.exchange.hook import read_hook
from cds_hooks.exchange.override_reasons import Reasons
from cds_hooks.service import Telecode
from cds_hooks.store.database import StoreUnavailableError
from cds_hooks.store.ledger import CardGiven, Ledger
from cds_hooks.web import journal
from cds_hooks.web.answers import json_answer, refusal
from cds_hooks.web.body import read_object
from cds_hooks.web.guard import bound_bases, caller, client_profile

bp = Blueprint("hooks", __name__)
_LOG = logging.getLogger("telecode")


def telecode() -> Telecode:
    """The service of this app."""
    found: Telecode = current_app.extensions["telecode"]
    return found


@bp.get("/cds-services", strict_slashes=True)  # discovery stands at exactly this address
def discovery() -> Response:
    """List the services (CDS Hooks 2.0, Discovery)."""
    return json_answer(telecode().offer.listing())


@bp.post("/cds-services/<service_id>")
def call(service_id: str) -> Response:
    """Answer a hook with cards (CDS Hooks 2.0, Calling a CDS Service)."""
    ours = telecode()
    service = ours.offer.services.get(service_id)
    if service is None:
        return refusal(404, "no such service; see /cds-services")
    asked = read_hook(read_object(request, ours.settings.max_body), service, ours.offer.services)
    journal.asked(asked)
    answer = ours.answer(asked, bound_bases(), client_profile())
    journal.answer(answer)
    _remember(ours.cards_given(service_id, answer))
    return json_answer({"cards": answer.cards})


@bp.post("/cds-services/<service_id>/feedback")
def feedback(service_id: str) -> Response:
    """Hear what clinicians did with cards (CDS Hooks 2.0, Feedback); what is answered 200 is on the disk."""
    if service_id not in telecode().offer.services:
        return refusal(404, "no such service; see /cds-services")
    events = read_feedback(read_object(request, telecode().settings.max_body), _override_reasons())
    ledger().hear(events, service_id, caller(), datetime.now(UTC))
    return json_answer({})


def ledger() -> Ledger:
    """What this app remembers."""
    found: Ledger = current_app.extensions["ledger"]
    return found


def _override_reasons() -> Reasons:
    """The reasons that are kept as they are sent: those on our cards, and those of the systems that the site names."""
    cards = telecode().cards
    own = {reason.code: reason.display for reason in cards.override_reasons}
    return Reasons(cards.override_system, own, frozenset(telecode().settings.override_systems))


def _remember(cards: Iterable[CardGiven]) -> None:
    """A card is worth more than the memory of it: where the store is down the EHR gets its answer all the same."""
    try:
        for card in cards:
            ledger().give(card, caller(), datetime.now(UTC))
    except StoreUnavailableError as down:
        _LOG.warning("a card was not remembered: the store is down (%s)", down)
