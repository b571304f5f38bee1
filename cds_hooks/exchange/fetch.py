"""Fetches from the EHR's FHIR server what prefetch lacks, under one deadline and from allowed bases only."""

import re
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter

from cds_hooks import meters
from cds_hooks.exchange.hook import HookRequest

THREADS = 16
LARGEST_ANSWER = 5 * 1024 * 1024
TOKEN = re.compile(r"\{\{\s*([A-Za-z.]+)\s*\}\}")


class Fetcher:
    """One pooled session to the allowed FHIR bases.

    Parameters: `allowed` bases, compared whole; `deadline` in seconds for all calls of one request together.
    Redirects, proxies and .netrc are off: a token goes to the allowed base or nowhere.
    """

    def __init__(self, allowed: tuple[str, ...], deadline: float) -> None:
        self._allowed = frozenset(base.rstrip("/") for base in allowed)
        self._deadline = deadline
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=THREADS)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._pool: ThreadPoolExecutor | None = None

    def fill(self, request: HookRequest, templates: Mapping[str, str]) -> dict[str, Any]:
        """Fetch the prefetch keys that the request lacks altogether.

        A key that is there, be it null or an OperationOutcome, is never asked for again: the EHR has answered. What
        cannot be had (no allowed server, an error, the deadline) is an OperationOutcome under its key.
        """
        base = (request.fhir_server or "").rstrip("/")
        if base not in self._allowed:
            return {}
        queries = {
            key: query
            for key, text in templates.items()
            if key not in request.prefetch and (query := resolve(text, request))
        }
        if not queries:
            return {}
        self._pool = self._pool or ThreadPoolExecutor(THREADS, thread_name_prefix="fhir")
        until = time.monotonic() + self._deadline
        calls: dict[str, Future[Any]] = {
            key: self._pool.submit(self._get, f"{base}/{query}", request, until) for key, query in queries.items()
        }
        wait(calls.values(), timeout=self._deadline)
        found = {key: call.result() if call.done() else _failure("timeout") for key, call in calls.items()}
        for answer in found.values():
            meters.fhir_called(_result(answer))
        return found

    def _get(self, url: str, request: HookRequest, until: float) -> Any:  # noqa: ANN401 - FHIR JSON is any shape
        left = until - time.monotonic()
        if left <= 0:
            return _failure("timeout")
        headers = {"Accept": "application/fhir+json"}
        if request.access is not None:
            headers["Authorization"] = f"Bearer {request.access.token}"
        try:
            with self._session.get(url, headers=headers, timeout=left, allow_redirects=False, stream=True) as answer:
                if answer.status_code != requests.codes.ok:
                    return _failure("not-found" if answer.status_code == requests.codes.not_found else "processing")
                body = bytearray()
                for chunk in answer.iter_content(65_536):
                    body += chunk
                    if len(body) > LARGEST_ANSWER or time.monotonic() > until:
                        return _failure("too-costly")
                return orjson.loads(bytes(body))
        except (requests.RequestException, ValueError, OSError):
            return _failure("transient")


def resolve(template: str, request: HookRequest) -> str | None:
    """The template with its tokens filled in, or `None` if the context lacks one of them."""
    context = {
        "context.patientId": request.patient_id,
        "context.encounterId": request.encounter_id,
        "context.userId": request.user,
    }
    if any(not context.get(name) for name in TOKEN.findall(template)):
        return None
    return TOKEN.sub(lambda found: context[found[1]] or "", template)


def _result(answer: Any) -> str:  # noqa: ANN401 - FHIR JSON is any shape
    if isinstance(answer, Mapping) and answer.get("resourceType") == "OperationOutcome":
        issues = answer.get("issue")
        first = issues[0] if isinstance(issues, list) and issues else None
        code = first.get("code") if isinstance(first, Mapping) else None
        return code if isinstance(code, str) else meters.OTHER
    return "ok"


def _failure(code: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}
