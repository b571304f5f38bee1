"""The line to a FHIR server: it goes to the address that was judged, and every byte on it must come in time."""

from __future__ import annotations

import io
import logging
import socket
import time
from functools import partial
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3 import HTTPResponse as Answer
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from cds_hooks.exchange.addresses import Addresses

SERVERS = 16
"""Servers to which lines are kept open."""
_INSTANT = 0.001


def open_session(addresses: Addresses, lines: int, authorities: Path | None) -> requests.Session:
    """One session for all FHIR calls, to be used by many threads.

    Parameters: `addresses` to call at; `lines` kept open to one server; `authorities`, a file of the certificates that
    servers must be signed by, or `None` for the public ones. Proxies, .netrc and cookies are off.
    """
    # At its chattier levels urllib3 writes the addresses that it calls, and those hold ids of patients.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    session = requests.Session()
    session.trust_env = False
    session.verify = str(authorities) if authorities else True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    # gzip alone: of the formats a server may choose from it is the one whose growth is bounded as it is read.
    session.headers = {"Accept": "application/fhir+json", "Accept-Encoding": "gzip", "User-Agent": "telecode"}
    adapter = _Adapter(addresses, lines)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Adapter(HTTPAdapter):
    """Has requests call through connections of ours."""

    def __init__(self, addresses: Addresses, lines: int) -> None:
        self._addresses = addresses
        super().__init__(pool_connections=SERVERS, pool_maxsize=lines)

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as requests gives them
        super().init_poolmanager(*sizes, **options)
        judged = self._addresses

        class Plain(_Timely):
            addresses = judged

        class Secure(_Timely, HTTPSConnection):
            addresses = judged

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class _Timely(HTTPConnection):
    """A connection whose time-out is the time left for all of a call, not the longest silence within it."""

    addresses: ClassVar[Addresses]

    def _new_conn(self) -> socket.socket:
        until = time.monotonic() + (self.timeout or 0)
        try:
            found = self.addresses.of(self.host, self.port, until)
        except OSError as refused:
            raise NewConnectionError(self, "no address to call") from refused
        for place, address in enumerate(found, 1):
            # Time is left for the addresses still to try, should this one take no call.
            share = _left(until) / (len(found) - place + 1)
            try:
                line = create_connection((address, self.port), share, socket_options=self.socket_options)
            except OSError as failed:
                if place == len(found):
                    raise NewConnectionError(self, "not connected") from failed
            else:
                line.settimeout(_left(until))  # for the handshake of TLS, which follows
                return line
        raise NewConnectionError(self, "no address to call")

    def getresponse(self) -> Answer:  # type: ignore[override]  # urllib3 answers with its own kind
        # urllib3 has by now put into `timeout` what is left of the total it was given.
        until = time.monotonic() + (self.timeout or 0)
        self.response_class = partial(_TimelyResponse, until=until)  # type: ignore[assignment]  # called, never derived from
        return super().getresponse()


class _TimelyResponse(HTTPResponse):
    """An answer whose head and body must both have come when the time is over, however slowly they drip."""

    def __init__(self, sock: socket.socket, *args: Any, until: float, **options: Any) -> None:  # noqa: ANN401 - as http.client gives them
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_TimelyReader(sock, self.fp.detach(), until))


class _TimelyReader(io.RawIOBase):
    """Reads from a socket, waiting each time no longer than what is left."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, until: float) -> None:
        self._sock = sock
        self._raw = raw
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        if time.monotonic() >= self._until:
            raise TimeoutError("the time is over")
        self._sock.settimeout(_left(self._until))
        return self._raw.readinto(into)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(until: float) -> float:
    return max(_INSTANT, until - time.monotonic())
