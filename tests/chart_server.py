"""A small FHIR server on a real socket: it answers what a test puts into it, and tells what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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
        self.base = ""

    def answer(self, path: str) -> tuple[int, object]:
        """Status and body for a path below the base."""
        name, searched, _ = path.partition("?")
        if searched or name.endswith("/_search"):
            return 200, self.holds.get(name.removesuffix("/_search"), NOTHING_FOUND)
        return (200, self.holds[name]) if name in self.holds else (404, {"resourceType": "OperationOutcome"})

    def kinds(self) -> set[str]:
        """The types of resources that were asked for."""
        return {path.partition("?")[0].partition("/")[0] for path in self.asked}

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve until the block ends; yields the base."""
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.removeprefix("/fhir/")
                served.asked.append(path)
                served.tokens.add(self.headers["Authorization"])
                status, found = served.answer(path)
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.base = f"http://127.0.0.1:{server.server_port}/fhir"
        try:
            yield self.base
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
