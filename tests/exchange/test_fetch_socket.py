"""A FHIR server that hangs holds the hook no longer than the deadline: tried on a real socket."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cds_hooks.exchange.fetch import Fetcher
from cds_hooks.exchange.hook import HookRequest

DEADLINE = 0.3


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes every connection and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []
    over = threading.Event()

    def take() -> None:
        while not over.is_set():
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=take)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for one in taken:
        one.close()


def test_a_hanging_server_is_given_up_at_the_deadline(hanging: str) -> None:
    asked = HookRequest("patient-view", "x", "p1", "e1", None, hanging, None, {}, None)
    started = time.monotonic()
    found = Fetcher((hanging,), DEADLINE).fill(asked, {"encounter": "Encounter/{{context.encounterId}}"})
    assert found["encounter"]["resourceType"] == "OperationOutcome"
    assert time.monotonic() - started < DEADLINE * 5
