"""The line to a FHIR server: it goes to the address that was judged, and every byte on it must come in time."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import time
from functools import partial
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3 import HTTPResponse as Answer
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from cds_hooks.exchange.addresses import Addresses

_INSTANT = 0.001
_SLACK = 0.005  # seconds by which a wait may outlast the time: to set a time-out anew, all threads stop for a moment
_AT_ONCE = 65_536  # bytes: most answers come in one piece


class Lines:
    """Lays lines to FHIR servers, with urllib3: it heeds no proxy, no .netrc and no cookie.

    Parameters: `addresses` to call at; `most` lines kept open to one server; `authorities`, a file of the certificates
    that servers must be signed by, or `None` for the public ones. Raises ValueError for a file that holds none.
    """

    def __init__(self, addresses: Addresses, most: int, authorities: Path | None) -> None:
        # At its chattier levels urllib3 writes the addresses that it calls, and those hold ids of patients.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)
        self._options: dict[str, Any] = {"maxsize": most, "retries": Retry(False, redirect=False)}
        self._options["addresses"] = addresses
        try:
            # Once, for reading the public certificates takes longer than all else of a call.
            self._tls = ssl.create_default_context(cafile=authorities or DEFAULT_CA_BUNDLE_PATH)
        except OSError as broken:
            raise ValueError(f"{authorities} holds no certificate to know servers by") from broken

    def to(self, base: str) -> HTTPConnectionPool:
        """The lines to one server, to be used by many threads."""
        server = urlsplit(base)
        host = server.hostname or ""
        if server.scheme == "https":
            return _SecureLines(host, server.port, ssl_context=self._tls, **self._options)
        return _PlainLines(host, server.port, **self._options)


class _Timely(HTTPConnection):
    """A connection whose time-out is the time left for all of a call, not the longest silence within it."""

    def __init__(self, *args: Any, addresses: Addresses, **options: Any) -> None:  # noqa: ANN401 - as its pool gives them
        super().__init__(*args, **options)
        self._addresses = addresses

    def _new_conn(self) -> socket.socket:
        until = time.monotonic() + (self.timeout or 0)
        try:
            found = self._addresses.of(self.host, self.port, until)
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


class _SecurelyTimely(_Timely, HTTPSConnection):
    """The same, by TLS."""


class _PlainLines(HTTPConnectionPool):
    ConnectionCls = _Timely


class _SecureLines(HTTPSConnectionPool):
    ConnectionCls = _SecurelyTimely


class _TimelyResponse(HTTPResponse):
    """An answer whose head and body must both have come when the time is over, however slowly they drip."""

    def __init__(self, sock: socket.socket, *args: Any, until: float, **options: Any) -> None:  # noqa: ANN401 - as http.client gives them
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_TimelyReader(sock, self.fp.detach(), until), _AT_ONCE)


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
        left, set_before = _left(self._until), self._sock.gettimeout()
        if set_before is None or set_before - left > _SLACK:
            self._sock.settimeout(left)
        return self._raw.readinto(into)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(until: float) -> float:
    return max(_INSTANT, until - time.monotonic())
