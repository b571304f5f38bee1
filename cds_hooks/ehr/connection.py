"""One server that is called over HTTP as an EHR calls it: with JSON, without redirects, and never for long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
import requests

LARGEST = 32 * 1024 * 1024
"""Bytes of one answer; more is no answer to one visit."""
_CHUNK = 64 * 1024
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class NotReachedError(Exception):
    """A server that did not answer as what it should be; the words say which, and what to do."""


@dataclass(frozen=True)
class Answer:
    """Status and JSON body of an answer; `body` is None where it was no JSON."""

    status: int
    body: Any


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy sees the chart, and no .netrc takes the token's place
    return session


@dataclass(frozen=True)
class Connection:
    """One server, called over one line until the block ends that it is entered by.

    Parameters: `who` it is in a sentence; `base`, the address below which alone it is called; `seconds` to wait for it;
    the `token` it wants, which goes to it in a header and nowhere else.
    """

    who: str
    base: str
    seconds: float
    token: str | None = field(default=None, repr=False)
    session: requests.Session = field(default_factory=_session, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Mapping[str, Any] | None = None,
        kind: str = "application/json",
    ) -> Answer:
        """Call the server.

        Parameters: `method`; `path` below the base; `query` as names and values, still to be encoded; a JSON `body`, of
        media type `kind`.
        Raises NotReachedError if nobody answers in time, or somebody redirects or says more than one visit can hold.
        """
        headers = {"Accept": kind}
        if body is not None:
            headers["Content-Type"] = kind
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            with self.session.request(
                method,
                f"{self.base}/{path}",
                params=list(query),
                data=None if body is None else orjson.dumps(body),
                headers=headers,
                timeout=self.seconds,
                allow_redirects=False,
                stream=True,
            ) as answer:
                self.session.cookies.clear()
                if answer.is_redirect:
                    raise NotReachedError(f"{self.who} sends callers elsewhere: give the address that it leads to")
                return Answer(answer.status_code, _parsed(self._read(answer)))
        except requests.exceptions.SSLError:
            raise NotReachedError(f"{self.who} at {self.base} shows no certificate that is trusted here") from None
        except requests.exceptions.Timeout:
            raise NotReachedError(
                f"{self.who} at {self.base} did not answer within {self.seconds:g} seconds: try --timeout"
            ) from None
        except requests.exceptions.RequestException:
            raise NotReachedError(
                f"{self.who} at {self.base} cannot be reached: is it running, and is this its address?"
            ) from None

    def _read(self, answer: requests.Response) -> bytes:
        read = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            read += chunk
            if len(read) > LARGEST:
                raise NotReachedError(f"{self.who} at {self.base} answers with more than {LARGEST} bytes")
        return bytes(read)


def is_open(base: str) -> bool:
    """Whether what is sent there travels in clear text over a network, where a token must not."""
    parts = urlsplit(base)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK


def plain(said: object) -> str:
    """Words of a stranger made fit for a terminal: no control characters, nothing that hides or turns text."""
    return _UNSEEN.sub("", str(said)) if isinstance(said, str | int | float) else ""


def complaint(answer: Answer) -> str:
    """What an answer says went wrong: its status and the words of its OperationOutcome, if it is one."""
    issues = answer.body.get("issue") if isinstance(answer.body, dict) else None
    words = [
        plain(issue.get("diagnostics") or (issue.get("details") or {}).get("text") or issue.get("code"))
        for issue in (issues if isinstance(issues, list) else ())
        if isinstance(issue, dict) and isinstance(issue.get("details") or {}, dict)
    ]
    return f"{answer.status}: {'; '.join(words)}" if any(words) else str(answer.status)


def _parsed(text: bytes) -> Any:  # noqa: ANN401 - JSON is any shape
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
