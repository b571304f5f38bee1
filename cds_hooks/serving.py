"""Serves over HTTP with several workers that share their numbers, and stops without losing an answer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from granian.constants import Interfaces
from granian.http import HTTP1Settings

from cds_hooks import leaving
from cds_hooks.app import create_served_app
from cds_hooks.meters import SHARED
from cds_hooks.replacing import Replacing, load_or_tell
from cds_hooks.web.journal import LOGGING, mute_faults

THREADS = 8
"""Requests that one worker answers at a time; most of a request is waiting for FHIR."""
TAKEN = 2 * THREADS
"""Connections that one worker holds at a time; more wait at the port, where another worker may be free for them."""
PATIENCE = 25
"""Seconds that a worker may take to finish its requests; hosts commonly kill after thirty."""
KEEP_ALIVE = False
"""A connection that is kept may be closed under the next request, after a silence or when a worker stops."""
SLOWEST_HEADERS = 10_000
"""Milliseconds that a client may take to send its headers."""


@contextmanager
def shared_numbers() -> Iterator[None]:
    """Give the workers an empty folder in which to add up their numbers: the one the environment names, or our own.

    To be entered before anything is counted.
    """
    named = os.environ.get(SHARED)
    folder = Path(named or mkdtemp(prefix="telecode-numbers-"))
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    os.environ[SHARED] = str(folder)
    leaving.forget()
    try:
        yield
    finally:
        if named is None:
            del os.environ[SHARED]
            shutil.rmtree(folder, ignore_errors=True)


class Leaving(Replacing):
    """Says that it is about to stop for `notice` seconds before it does, so that a balancer sends nobody any more.

    A connection that waits unread when the door is closed is reset: a balancer that asks `/readyz` leaves none waiting.
    Told a second time, or by the key of a developer, it stops at once.
    """

    notice = 0.0

    def signal_handler_interrupt(self, *told: object) -> None:
        """Begin to stop; `told` is the signal first, as the system hands it over."""
        stop: Callable[[], None] = super().signal_handler_interrupt
        if told[0] != signal.SIGTERM or not self.notice or leaving.announced():
            stop()
            return
        leaving.announce()
        last = threading.Timer(self.notice, stop)
        last.daemon = True
        last.start()


def serve(listener: socket.socket, workers: int, notice: float) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one by one, and they read the tables anew.

    Parameters: `listener`, the socket that the workers take connections from; `notice`, the seconds between SIGTERM,
    from when `/readyz` answers 503, and the closing of the door.
    Each answer closes its connection: a connection that is kept may be closed under the next request when a worker
    stops. The proxy in front keeps those of the clients.
    """
    mute_faults()
    address, port = listener.getsockname()[:2]
    server = Leaving(
        "cds_hooks.app:create_served_app",
        address=address,
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        backpressure=TAKEN,
        http1_settings=HTTP1Settings(keep_alive=KEEP_ALIVE, header_read_timeout=SLOWEST_HEADERS),
        workers_kill_timeout=PATIENCE,
        respawn_failed_workers=True,
        websockets=False,
        log_access=False,
        log_dictconfig=LOGGING,
    )
    server.listener = listener
    server.notice = notice
    server.serve(target_loader=partial(load_or_tell, create_served_app), wrap_loader=False)
