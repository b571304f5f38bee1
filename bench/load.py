"""Puts a server under load with wrk, and counts what each answer costs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.machine import Watch
from bench.servers import Peer

SCRIPT = Path(__file__).with_name("load.lua")
MOST_FOREIGN = 0.06
"""Share of the machine that others may use in a window; a busier one is measured again."""
TRIES = 3


class WrkMissingError(RuntimeError):
    """There is no wrk on this machine."""


class WrongAnswersError(RuntimeError):
    """The server answered some requests with an error, or not at all: its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One window of load: answers a second, milliseconds of processor time an answer, latencies in milliseconds.

    `foreign` is the share of the machine that others used.
    """

    rate: float
    cpu: float
    p50: float
    p99: float
    foreign: float


def measure(peer: Peer, body: Path, connections: int, seconds: float, tries: int = TRIES) -> Figures:
    """The quietest of some windows: the first in which others leave the machine alone, else the best of them.

    Raises WrkMissingError or WrongAnswersError.
    """
    best: Figures | None = None
    for _ in range(tries):
        found = _window(peer, body, connections, seconds)
        if best is None or found.foreign < best.foreign:
            best = found
        if best.foreign <= MOST_FOREIGN:
            break
    assert best is not None
    return best


def _window(peer: Peer, body: Path, connections: int, seconds: float) -> Figures:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise WrkMissingError("wrk is needed: install Debian's package of that name")
    environment = os.environ | {"BENCH_BODY": str(body)}
    if peer.tokens:
        environment |= {"BENCH_TOKENS": str(peer.tokens.file), "BENCH_FIRST": str(peer.tokens.spent)}
    watch = Watch(peer.session)
    # wrk wants whole seconds, and one thread of its own is enough to keep two workers busy.
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", str(SCRIPT), peer.url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    window = watch.stop()
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    if peer.tokens:
        peer.tokens.spent += said["answered"] + connections
    if said["refused"] or said["broken"] or not said["answered"]:
        raise WrongAnswersError(f"{peer.name}: {said}")
    return Figures(
        rate=said["answered"] / said["seconds"],
        cpu=window.server * 1000 / said["answered"],
        p50=said["p50"],
        p99=said["p99"],
        foreign=window.foreign,
    )
