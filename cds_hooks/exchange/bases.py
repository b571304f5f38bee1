"""Which FHIR servers may be called: their addresses as a site wrote them, letter by letter, and nothing beside them."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_SEGMENTS = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*"  # a plain path: nothing encoded, no query, no fragment
_BASE = re.compile(
    r"(?:https://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])|http://(?:127\.0\.0\.1|localhost|\[::1\]))"
    rf"(?::[0-9]{{1,5}})?{_SEGMENTS}"
)
_DOTS = re.compile(r"/\.{1,2}(?:[/;?]|$)")
# What a server may write behind its own base in the address of a next page. Anything encoded in the path could mean one
# path to us and another to a proxy between.
_REST = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?|-]*)?")
_LONGEST = 4096


@dataclass(frozen=True)
class Servers:
    """What a site says of the FHIR servers that may be called.

    `bases`, those that may be, and `by_post`, those of them that take searches by POST; `deadline` in seconds for all
    calls of one request together; `private`, whether they may lie at private addresses; `authorities`, a file of the
    certificates that theirs must be signed by; `development`, whether this is a developer's machine, where servers on
    it may be called, and without a token.
    """

    bases: frozenset[str]
    by_post: frozenset[str] = frozenset()
    deadline: float = 0.4
    private: bool = False
    authorities: Path | None = None
    development: bool = False


def as_base(text: str) -> str:
    """A FHIR base as it is compared: without a slash at its end.

    Raises ValueError for what is no plain address of a server: not https (http only on this machine), a user, a query,
    a fragment, dots or anything encoded in its path, a port or an address that cannot be.
    """
    base = text.rstrip("/")
    if not _BASE.fullmatch(base) or _DOTS.search(base) or not _has_host(base):
        raise ValueError(
            "a FHIR base must be https (http only on loopback), with a plain path and no user, query or fragment"
        )
    return base


def _has_host(base: str) -> bool:
    try:
        return urlsplit(base).port != 0
    except ValueError:  # no number of a port, or no address within the brackets
        return False


def lies_within(base: str, url: str) -> bool:
    """Whether an absolute address that a server wrote stays on the same scheme, host, port and path as `base`."""
    rest = url.removeprefix(base)
    if len(url) > _LONGEST or rest == url or rest[:1] not in {"/", "?"} or not _REST.fullmatch(rest):
        return False
    return not _DOTS.search(rest.partition("?")[0])
