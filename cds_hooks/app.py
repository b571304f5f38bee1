"""Builds the web application: the tables are loaded once, and every door answers errors the same way."""

import gc
import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from cds_hooks.checks import load_trust
from cds_hooks.exchange.facts_json import FactsRefused
from cds_hooks.exchange.hook import HookRefused
from cds_hooks.exchange.trust import Trust
from cds_hooks.service import EncounterNotHad, Telecode
from cds_hooks.settings import Settings
from cds_hooks.store import patience
from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.digest_key import digest_key
from cds_hooks.store.ledger import Ledger
from cds_hooks.store.readiness import Readiness
from cds_hooks.store.seen_tokens import SeenTokens
from cds_hooks.web import api, browsers, guard, hooks, hosts, journal, operations, page
from cds_hooks.web.answers import refusal
from cds_hooks.web.body import BodyRefused
from fhir_mapping.gather import WrongPatient

_LOG = logging.getLogger("telecode")
ROUNDS = (50_000, 20, 100)
"""Objects made before the garbage collector looks at the young ones, and rounds before it looks at older ones."""


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application.

    Raises TableError, with file and line, if a table cannot be trusted: a service without its law must not start;
    BadDatabaseError or StoreUnavailableError if there is nowhere to remember; UnsafeStartError for settings that must
    not run.
    """
    settings = settings or Settings()
    settings.check_start()
    if settings.is_open:
        _LOG.warning(
            "AUTHENTICATION IS OFF IN PRODUCTION (TELECODE_ALLOW_UNAUTHENTICATED): whoever reaches this service is "
            "answered; this is for a trusted test network alone"
        )
    app = Flask(__name__)
    app.url_map.merge_slashes = False  # a redirect would quote the path that was asked for
    app.url_map.strict_slashes = False  # some clients add a slash to the address they are given
    journal.install(app)
    browsers.install(app, settings.cors_origins)
    if settings.development:
        hosts.install(app, settings)
    app.extensions["telecode"] = Telecode.start(settings)
    database = Database.open(settings.database_url)
    chosen = settings.digest_key.get_secret_value() if settings.digest_key else None
    app.extensions["ledger"] = Ledger(database, digest_key(settings.database_url, chosen), settings.stored_time)
    app.extensions["readiness"] = Readiness(database)
    doors = {hooks.bp: True, operations.bp: True, api.bp: settings.api, page.bp: settings.page}
    for door, wanted in doors.items():
        if wanted or settings.development:
            app.register_blueprint(door)
    trusted = load_trust(settings, app.extensions["telecode"].clients)
    if trusted is not None:
        issuers, exposed = trusted
        unchecked = settings.answer_without_replay_check
        seen = SeenTokens(database, patience.CARD if unchecked else patience.TOKEN, settings.stored_time)
        guard.install(app, Trust(issuers, settings.addresses, seen, exposed=exposed), unchecked=unchecked)

    app.register_error_handler(BodyRefused, lambda refused: refusal(refused.status, refused.why))
    app.register_error_handler(FactsRefused, lambda refused: refusal(400, str(refused), refused.where))
    app.register_error_handler(HookRefused, lambda refused: refusal(400, str(refused), refused.where))
    app.register_error_handler(WrongPatient, lambda _: refusal(400, "the Encounter is another patient's", "prefetch"))
    app.register_error_handler(
        EncounterNotHad,
        lambda _: refusal(
            412,
            "the Encounter of this request could not be read: send the resource in prefetch, with its resourceType and "
            "id, or let it be fetched from a fhirServer that the site has listed",
            "prefetch",
        ),
    )
    app.register_error_handler(
        StoreUnavailableError, lambda _: refusal(503, "the store cannot be written now: send it again")
    )
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)

    return app


def create_served_app() -> Flask:
    """Build the application in a worker of `telecode serve`, whose standard error is the journal.

    What was made by then, tables, models and rules, stays for good: it is taken out of the garbage collector's rounds,
    which otherwise hold up one request in a hundred. What requests leave behind is mostly gone without them.
    """
    journal.mute_faults()
    app = create_app()
    settings: Settings = app.extensions["telecode"].settings
    if settings.development and settings.auth == "off":
        _LOG.warning(
            "development: authentication is off; where others can reach this service, through a proxy too, set "
            "TELECODE_ENVIRONMENT=production"
        )
    gc.collect()
    gc.freeze()
    gc.set_threshold(*ROUNDS)
    return app


def _unexpected(error: Exception) -> Response:
    """A fault of ours: the kind of error is logged, never its words, which may quote the chart."""
    _LOG.error("unexpected %s at %s", type(error).__name__, request.endpoint)
    return refusal(500, "an unexpected fault of the service")


def _http_error(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    why = (
        "no such address; the services are listed at /cds-services"
        if error.code == HTTPStatus.NOT_FOUND
        else error.name
    )
    answer = refusal(error.code or 500, why)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers["Allow"] = value
    return answer
