"""What telecode is measured against on its own server: a card that is always the same, and one that checks all FHIR."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import orjson
from fhir.resources.R4B import get_fhir_model_class
from flask import Flask, Response, request
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from cds_hooks.serving import KEEP_ALIVE, THREADS

ANSWER = orjson.dumps(
    {"cards": [{"summary": "A card", "indicator": "info", "source": {"label": "bench"}, "detail": "Always the same."}]}
)
Look = Callable[[dict[str, Any]], None]


def constant() -> Flask:
    """Answers a constant card after orjson has read the request."""
    return _app(lambda _: None)


def validating() -> Flask:
    """Answers it after fhir.resources has validated every prefetched resource."""

    def look(body: dict[str, Any]) -> None:
        for resource in body["prefetch"].values():
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)

    return _app(look)


def _app(look: Look) -> Flask:
    app = Flask(__name__)

    @app.post("/cds-services/<service_id>")
    def call(service_id: str) -> Response:  # noqa: ARG001 - the address has it
        look(orjson.loads(request.get_data(cache=False)))
        return Response(ANSWER, mimetype="application/json")

    return app


def main(which: str, port: str) -> None:
    """Serve one of them as telecode itself is served."""
    Server(
        f"bench.peers:{which}",
        address="127.0.0.1",
        port=int(port),
        workers=2,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        http1_settings=HTTP1Settings(keep_alive=KEEP_ALIVE),
        factory=True,
        websockets=False,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
