"""Says which FHIR server may be called for a request, and keeps what it is called with: lines and threads."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from cds_hooks.exchange.addresses import Addresses, Lookup, load_address_rules
from cds_hooks.exchange.answers import Bounds
from cds_hooks.exchange.bases import Servers
from cds_hooks.exchange.breaker import Breaker
from cds_hooks.exchange.errand import Errand, Server
from cds_hooks.exchange.hook import HookRequest
from cds_hooks.exchange.wire import Lines

LINES = 32
"""Calls that one server gets at the same time."""
_LOG = logging.getLogger("telecode")


class Fetcher:
    """Calls the FHIR servers of EHRs.

    Parameters: `servers` that may be called; `folder` of the tables; `lookup` of names, the system's own unless a test
    brings another. Raises TableError, or ValueError for a file of certificates that holds none.
    """

    def __init__(self, servers: Servers, folder: Path, lookup: Lookup = socket.getaddrinfo) -> None:
        rules = load_address_rules(folder, private=servers.private, loopback=servers.development)
        self._servers = servers
        self._lines = Lines(Addresses(rules, lookup), LINES, servers.authorities)
        self._known: dict[str, Server] = {}
        self._lock = Lock()

    def errand(self, request: HookRequest, bases: frozenset[str] | None = None) -> Errand | None:
        """What fetches for one request, or `None` if its FHIR server must not be called.

        Parameters: `bases` that this EHR may name, where a site has bound it to some.
        """
        if request.fhir_server is None:
            return None
        base = request.fhir_server.removesuffix("/")
        if base not in (self._servers.bases if bases is None else bases):
            _LOG.warning("a request names a FHIR server that is not on the list")
            return None
        if request.access is None and not self._servers.development:
            return None
        return Errand(self._server(base), request, Bounds(time.monotonic() + self._servers.deadline))

    def close(self) -> None:
        """Let go of all threads and connections."""
        with self._lock:
            known = list(self._known.values())
            self._known.clear()
        for server in known:
            server.threads.shutdown(cancel_futures=True)
            server.lines.close()

    def _server(self, base: str) -> Server:
        with self._lock:
            if base not in self._known:
                # Threads of its own for each server: one that hangs takes none from the others.
                threads = ThreadPoolExecutor(LINES, thread_name_prefix="fhir")
                lines, by_post = self._lines.to(base), base in self._servers.by_post
                self._known[base] = Server(base, urlsplit(base).path, lines, threads, Breaker(), by_post)
            return self._known[base]
