"""What is fetched for one request: the records it lacks, the further pages of its lists, and what they point at."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from urllib3 import HTTPConnectionPool

from cds_hooks import meters
from cds_hooks.exchange.answers import Bounds, Call, failure_code, headers, read_answer
from cds_hooks.exchange.breaker import PAUSE, Breaker
from cds_hooks.exchange.hook import HookRequest
from cds_hooks.exchange.pages import is_cut, whole_search
from fhir_mapping.resources import PLAIN_ID
from fhir_mapping.sent import failure

TOKEN = re.compile(r"\{\{\s*([A-Za-z.]+)\s*\}\}")
_NAME = re.compile(r"(([A-Z][A-Za-z]{1,63})/[A-Za-z0-9._\-]{1,256})(?:/_history/[A-Za-z0-9._\-]{1,64})?")
_LOG = logging.getLogger("telecode")


@dataclass(frozen=True)
class Server:
    """One FHIR server: its base and its path, what it is called with, whether it answers, and how it is searched."""

    base: str
    path: str
    lines: HTTPConnectionPool
    threads: ThreadPoolExecutor
    breaker: Breaker
    by_post: bool


class Errand:
    """Fetches for one request, under one deadline, from one server, with the request's own token.

    What cannot be had is an OperationOutcome under its key, whose issue code says why.
    """

    def __init__(self, server: Server, request: HookRequest, bounds: Bounds) -> None:
        self._server = server
        self._request = request
        self._bounds = bounds
        self._said = headers(request.access.token if request.access else None)
        self._answered = False
        self._silent = False

    def about(self, request: HookRequest) -> Errand:
        """The same errand, under the same deadline, for a request about which more is known by now."""
        return Errand(self._server, request, self._bounds)

    def fill(self, templates: Mapping[str, str], whole: frozenset[str]) -> dict[str, Any]:
        """Fetch the prefetch keys that the request lacks altogether, and the further pages of lists.

        Parameters: `templates` of the keys; the keys whose lists are wanted `whole`. A key that was sent, be it null or
        an OperationOutcome, is not asked for again: the EHR has answered.
        """
        sent = self._request.prefetch
        queries = {
            key: query
            for key, text in templates.items()
            if key not in sent and (query := resolve(text, self._request)) is not None
        }
        tasks = {key: self._asked(self._call(query), whole=key in whole) for key, query in queries.items()}
        for key, value in sent.items():
            if is_cut(value) and (key in whole or key not in templates):
                tasks[key] = whole_search(self._server.base, value, self._page)
        found = self._run(tasks)
        return found | {key: failure("timeout") for key in queries if key not in found}

    def read(self, references: Iterable[str]) -> dict[str, Any]:
        """Fetch resources by reference, relative or absolute, each under its `Type/id`; others are left out."""
        names = dict.fromkeys(filter(None, map(self._name, references)))
        found = self._run({name: self._asked(self._call(name), whole=False) for name in names})
        return {name: _checked(name, found.get(name, failure("timeout"))) for name in names}

    def _run(self, tasks: Mapping[str, Iterator[Any]]) -> dict[str, Any]:
        """The last that each task had found when all were done or the time was over."""
        found: dict[str, Any] = {}
        if not tasks or self._bounds.left <= 0 or not self._server.breaker.admits():
            return found
        self._answered = self._silent = False
        calls = [self._server.threads.submit(_keep, found, key, task) for key, task in tasks.items()]
        done, late = wait(calls, timeout=self._bounds.left)
        if self._server.breaker.heard(in_vain=(self._silent or bool(late)) and not self._answered):
            _LOG.warning("a FHIR server does not answer: it is left alone for %d seconds", PAUSE)
        for call in done:
            call.result()  # a fault of ours is not to be taken for a failure of the server
        found = dict(found)
        for key in tasks:
            code = failure_code(found[key]) if key in found else "timeout"
            meters.fhir_called("ok" if code is None else code)
        return found

    def _asked(self, call: Call, *, whole: bool) -> Iterator[Any]:
        answer = self._get(call)
        yield answer
        if whole and is_cut(answer):
            yield from whole_search(self._server.base, answer, self._page)

    def _page(self, url: str) -> dict[str, Any]:
        target = self._server.path + url.removeprefix(self._server.base)
        return self._get(Call(target if target.startswith("/") else f"/{target}", "Bundle"))

    def _get(self, call: Call) -> dict[str, Any]:
        answer = read_answer(self._server.lines, call, self._said, self._bounds)
        if failure_code(answer) == "timeout":
            self._silent = True
        else:
            self._answered = True
        return answer

    def _call(self, query: str) -> Call:
        path, mark, rest = query.partition("?")
        target = f"{self._server.path}/{path}"
        if not mark:
            return Call(target, path.partition("/")[0])
        if self._server.by_post:
            return Call(f"{target}/_search", "Bundle", parse_qsl(rest))
        return Call(f"{target}?{rest}", "Bundle")

    def _name(self, reference: str) -> str | None:
        named = _NAME.fullmatch(reference.removeprefix(f"{self._server.base}/"))
        return named[1] if named and not _climbs(named[1]) else None


def _checked(name: str, found: Any) -> Any:  # noqa: ANN401 - JSON is any shape
    """What was read by its `Type/id`, or a failure where the server answered with another record."""
    own = found.get("id") if failure_code(found) is None else None
    return found if own is None or f"{found['resourceType']}/{own}" == name else failure("conflict")


def resolve(template: str, request: HookRequest) -> str | None:
    """The template with its tokens filled in, or `None` if the context lacks one of them, or it is no id."""
    context = {
        "context.patientId": request.patient_id,
        "context.encounterId": request.encounter_id,
        "context.userId": request.user,
        "context.documentReferenceId": request.document_id,
    }
    if not all(_fits(name, context.get(name)) for name in TOKEN.findall(template)):
        return None
    return TOKEN.sub(lambda found: context[found[1]] or "", template)


def _fits(name: str, value: str | None) -> bool:
    """Whether a value of the context is what its token stands for: the user a reference, all else a plain id."""
    if not value or _climbs(value):
        return False
    return name == "context.userId" or PLAIN_ID.fullmatch(value) is not None


def _climbs(text: str) -> bool:
    """Whether an id is nothing but dots, which as part of an address mean the folder above."""
    return text.rpartition("/")[2].strip(".") == ""


def _keep(found: dict[str, Any], key: str, task: Iterator[Any]) -> None:
    for answer in task:
        found[key] = answer
