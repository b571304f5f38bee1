"""Answers a developer's service under the names of its own machine alone.

Nothing else stands between it and a web page that the developer has open: by a name of its own that is led to
127.0.0.1 (DNS rebinding), the page would be of one origin with the service and read all that it answers.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask, Response, request

from cds_hooks.settings import Settings
from cds_hooks.web.answers import refusal

MISDIRECTED = 421
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
OF_PROXIES = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")


def install(app: Flask, settings: Settings) -> None:
    """Have every request refused whose `Host` is neither this machine's nor one of `TELECODE_PUBLIC_URL`.

    Where nobody said that this is a developer's service, and no token is asked for, a request that a proxy passes on is
    refused too: then others can reach the service. (Werkzeug's `trusted_hosts` knows no IPv6 address.)
    """
    known = {"localhost", "127.0.0.1", "[::1]", *map(_host_of, settings.public_url)}
    proxied = settings.environment is not None or settings.auth == "required"

    @app.before_request
    def check() -> Response | None:
        named = _HOST.fullmatch(request.headers.get("Host", request.host).lower())
        if named is None or named[1] not in known:
            return refusal(
                MISDIRECTED,
                "in development only localhost, 127.0.0.1, [::1] and the hosts of TELECODE_PUBLIC_URL are answered",
            )
        if not proxied and any(name in request.headers for name in OF_PROXIES):
            return refusal(MISDIRECTED, "a proxy passed this on: set TELECODE_ENVIRONMENT to production or development")
        return None


def _host_of(url: str) -> str:
    """The host of a public address as a `Host` header names it, less the port; nothing for what is no address."""
    try:
        named = _HOST.fullmatch(urlsplit(url).netloc.lower())
    except ValueError:
        return ""
    return named[1] if named else ""
