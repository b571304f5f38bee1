"""What browsers are told: which sites may call, and that no answer is stored, framed or guessed at."""

from flask import Flask, Response, request

CALLED_BY_SITES = frozenset({"hooks", "api"})
"""The doors that a page of another origin may knock at; operations and pages are nobody else's."""
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def install(app: Flask, origins: tuple[str, ...]) -> None:
    """Put the headers on every answer of `app`.

    Parameters: `origins` that may call, each compared whole. Any other hears nothing of who may; there is no wildcard,
    and cookies are never asked for.
    """
    allowed = frozenset(origins)
    data, page = ({**ALWAYS, "Content-Security-Policy": policy} for policy in (DATA_POLICY, PAGE_POLICY))

    @app.after_request
    def add(response: Response) -> Response:
        said = {name.lower() for name, _ in response.headers}
        for name, value in (page if response.mimetype == "text/html" else data).items():
            if name.lower() not in said:
                response.headers.add(name, value)
        if allowed and request.blueprint in CALLED_BY_SITES:
            response.headers.add("Vary", "Origin")
            if request.headers.get("Origin") in allowed:
                response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
                if request.method == "OPTIONS":
                    response.headers.update(PREFLIGHT)
        return response
