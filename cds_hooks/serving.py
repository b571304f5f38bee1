"""Serves over HTTP with several workers that share their numbers, and stops without losing an answer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from cds_hooks.meters import SHARED
from cds_hooks.web.journal import LOGGING, mute_faults

THREADS = 8
"""Requests that one worker answers at a time; most of a request is waiting for FHIR."""
PATIENCE = 25
"""Seconds that a worker may take to finish its requests; hosts commonly kill after thirty."""
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
    try:
        yield
    finally:
        if named is None:
            del os.environ[SHARED]
            shutil.rmtree(folder, ignore_errors=True)


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one by one, and they read the tables anew.

    Each answer closes its connection: a connection that is kept may be closed under the next request when a worker
    stops. The proxy in front keeps those of the clients.
    """
    mute_faults()
    Server(
        "cds_hooks.app:create_served_app",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        http1_settings=HTTP1Settings(keep_alive=False, header_read_timeout=SLOWEST_HEADERS),
        workers_kill_timeout=PATIENCE,
        respawn_failed_workers=True,
        factory=True,
        websockets=False,
        log_access=False,
        log_dictconfig=LOGGING,
    ).serve()
