"""A FHIR server on a real socket of this machine that answers as a test tells it to: well, badly, slowly or never."""

import contextlib
import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote

Json = dict[str, Any]
TOKEN = "token-of-the-ehr"  # noqa: S105 - of no server but this one
_BEAT = 0.02  # seconds between two bytes of a server that drips


@dataclass(frozen=True)
class Seen:
    """One call as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: str

    @property
    def kind(self) -> str:
        return self.target.removeprefix("/fhir/").partition("?")[0].partition("/")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.body or unquote(self.target.partition("?")[2])))


Behaviour = Callable[[socket.socket, threading.Event], bool]
"""What is done with a connection after a call has come; tells whether the connection stays open."""


class FhirServer:
    """Answers each call by `answer`, which a test sets; keeps what it saw."""

    def __init__(self, context: Any = None) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.answer: Callable[[Seen], Behaviour] = lambda _: status(404)
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._context = context
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="fhir-server")]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    def close(self) -> None:
        self._over.set()
        for line in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(line)
            thread = threading.Thread(target=self._serve, args=(line,), name="fhir-server")
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
            with line, line.makefile("rb") as reader:
                while (call := _read(reader)) is not None:
                    self.seen.append(call)
                    if not self.answer(call)(line, self._over):
                        return


def _read(reader: Any) -> Seen | None:
    first = reader.readline().decode()
    if not first:
        return None
    method, target, _ = first.split(" ", 2)
    headers = {}
    while (row := reader.readline().decode().strip()) != "":
        name, _, value = row.partition(":")
        headers[name.casefold()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0"))).decode()
    return Seen(method, target, headers, body)


def raw(data: bytes, *, stays: bool = False) -> Behaviour:
    def behave(line: socket.socket, _: threading.Event) -> bool:
        line.sendall(data)
        return stays

    return behave


def head(code: int = 200, **headers: str) -> bytes:
    rows = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {code} Because\r\n{rows}\r\n".encode()


def body(data: bytes, code: int = 200, kind: str = "application/fhir+json", **headers: str) -> Behaviour:
    return raw(head(code, Content_Type=kind, Content_Length=str(len(data)), **headers) + data, stays=True)


def ok(resource: object) -> Behaviour:
    return body(json.dumps(resource).encode())


def status(code: int, **headers: str) -> Behaviour:
    return body(b'{"resourceType": "OperationOutcome"}', code, **headers)


def hang(line: socket.socket, _: threading.Event) -> bool:
    """Say nothing until the caller gives up."""
    line.recv(1)
    return False


def reset(line: socket.socket, _: threading.Event) -> bool:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def drip(start: bytes, more: bytes) -> Behaviour:
    """Send `start`, then `more` byte by byte, over and over: each byte comes in time, the end never does."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(start)
        for number in count():
            if over.wait(_BEAT):
                return False
            line.sendall(more[number % len(more) : number % len(more) + 1])
        return False

    return behave


def bomb(unpacked: int) -> bytes:
    """A few bytes of gzip that unpack to `unpacked` bytes of JSON."""
    return gzip.compress(b'{"resourceType": "Encounter", "id": "' + b"0" * unpacked + b'"}')


def searchset(*resources: Json, following: str | None = None, total: int | None = None) -> Json:
    found: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource, "search": {"mode": "match"}} for resource in resources],
    }
    if following is not None:
        found["link"] = [{"relation": "next", "url": following}]
    if total is not None:
        found["total"] = total
    return found
