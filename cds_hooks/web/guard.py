"""Lets in the EHRs that may call, and nobody else: one check before every door that gives an answer."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request

from cds_hooks import meters
from cds_hooks.exchange.trust import Client, Trust, Unsure, Untrusted
from cds_hooks.store.ledger import Caller
from cds_hooks.web.answers import json_answer, refusal

OPERATIONS = "operations"
"""The door that tells load balancers and monitors of the service, and nobody of a chart."""
DISCOVERY = "hooks.discovery"
HOOK = "hooks.call"
_LOG = logging.getLogger("telecode")


def install(app: Flask, trust: Trust, *, unchecked: bool = False) -> None:
    """Have every call checked before it is read, whatever door or none it is for, but those to operators.

    Parameters: `trust` that checks; with `unchecked` hooks are answered too while the store cannot tell whether their
    tokens were used before.

    A browser's preflight carries no token and is let pass: it gets no answer but which origins may call. So is
    discovery, which tells nothing of anybody and is always to be had (CDS Hooks 2.0, Discovery).
    """

    @app.before_request
    def check() -> Response | None:
        if request.blueprint == OPERATIONS or request.endpoint == DISCOVERY or request.method == "OPTIONS":
            return None
        try:
            lenient = unchecked and request.endpoint == HOOK
            g.client = trust.check(request.headers.get("Authorization"), request.path, unchecked=lenient)
        except Untrusted as untrusted:
            _LOG.info("a call was refused: %s (%s)", untrusted.reason, untrusted.issuer or "unknown issuer")
            return bare_401()
        except Unsure as unsure:
            _LOG.warning("a call was put off: %s (%s)", unsure.reason, unsure.issuer)
            return refusal(503, "whether the token is good cannot be told now: call again later with a new one")
        if g.client.replayed:
            _LOG.warning("a token was used again (%s)", g.client.issuer)
        if g.client.unchecked:
            _LOG.warning("a call is answered without knowing whether its token was used before (%s)", g.client.issuer)
            meters.unchecked()
        return None


def bare_401() -> Response:
    """The one answer to every call that is not believed: nobody learns from it what was wrong."""
    answer = json_answer({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}, 401)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def caller() -> Caller:
    """Whose EHR calls; nobody's in particular where authentication is off."""
    client: Client | None = g.get("client")
    return Caller(client.issuer, client.tenant) if client else Caller()


def bound_bases() -> frozenset[str] | None:
    """The FHIR bases that the EHR which calls is bound to; `None` where the site has bound it to none."""
    client: Client | None = g.get("client")
    return frozenset(client.fhir_bases) if client and client.fhir_bases else None


def client_profile() -> str:
    """The client profile of the EHR that calls; nothing where the trust list gives it none."""
    client: Client | None = g.get("client")
    return client.profile if client else ""
