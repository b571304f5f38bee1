"""A FHIR server on a real socket that holds a chart: it answers what a test put there, and tells what it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fhir_server import Behaviour, FhirServer, Seen, ok, status

Json = dict[str, Any]
NOTHING_FOUND: Json = {"resourceType": "Bundle", "type": "searchset", "total": 0}


class ChartServer:
    """Holds resources by `Type` for searches and by `Type/id` for reads.

    `asked` are the paths below its base that it was asked for, `tokens` the Authorization headers that came.
    """

    def __init__(self, **holds: Any) -> None:
        self.holds: Json = holds
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()

    def answer(self, call: Seen) -> Behaviour:
        """What is held for a call, noted down."""
        path = call.target.removeprefix("/fhir/")
        self.asked.append(path)
        self.tokens.add(call.headers.get("authorization"))
        name, searched, _ = path.partition("?")
        if searched or name.endswith("/_search"):
            return ok(self.holds.get(name.removesuffix("/_search"), NOTHING_FOUND))
        return ok(self.holds[name]) if name in self.holds else status(404)

    def kinds(self) -> set[str]:
        """The types of resources that were asked for."""
        return {path.partition("?")[0].partition("/")[0] for path in self.asked}

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve until the block ends; yields the base."""
        server = FhirServer()
        server.answer = self.answer
        try:
            yield server.base
        finally:
            server.close()
