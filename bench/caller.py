"""Calls a service as many EHRs do: on a timetable of their own, or so many at once, each on a line of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from bench.servers import Peer

PATIENCE = 30.0
"""Seconds after which an answer is waited for no longer."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long answers took, in milliseconds: the median, the 99th percentile and the longest."""

    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Waits:
        """Of at least one answer."""
        found = sorted(seconds)
        return cls(*(found[min(len(found) - 1, int(len(found) * part))] * 1e3 for part in (0.5, 0.99, 1.0)))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a timetable showed: how many came, the waits for them, and what is the caller's own part in that.

    `late` are the waits from when a call was due to when it was begun; `cpu` is what a call cost the caller, in
    milliseconds.
    """

    came: int
    waits: Waits
    late: Waits
    cpu: float


def arrivals(peer: Peer, body: bytes, rate: float, seconds: float) -> Arrivals:
    """Call at a fixed mean rate a second, by chance as patients come, whether earlier calls are answered or not.

    A wait counts from when the call was due, so that a service which falls behind cannot hide it. Raises AssertionError
    for an answer that is none.
    """
    due = list(_timetable(rate, seconds))

    async def call_all() -> list[tuple[float, float]]:
        start = time.perf_counter()
        calls = []
        for moment in due:
            await asyncio.sleep(max(0.0, start + moment - time.perf_counter()))
            calls.append(asyncio.create_task(_call(peer, body, start + moment)))
        return await asyncio.gather(*calls)

    began = time.process_time()
    late, waits = zip(*asyncio.run(call_all()), strict=True)
    return Arrivals(len(due), Waits.of(waits), Waits.of(late), (time.process_time() - began) * 1e3 / len(due))


def at_once(peer: Peer, bodies: Sequence[bytes], connections: int) -> list[float]:
    """Call with each of the bodies in turn, so many at once: the seconds that each of them took.

    Raises AssertionError for an answer that is none.
    """
    taken = [0.0] * len(bodies)
    waiting = iter(enumerate(bodies))

    async def client() -> None:
        for number, body in waiting:
            _, taken[number] = await _call(peer, body, time.perf_counter())

    async def all_clients() -> None:
        await asyncio.gather(*(client() for _ in range(connections)))

    asyncio.run(all_clients())
    return taken


async def _call(peer: Peer, body: bytes, due: float) -> tuple[float, float]:
    """The seconds from when a call was due to its beginning, and to its answer."""
    late = time.perf_counter() - due
    service = urlsplit(peer.url)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(service.hostname, service.port)
        writer.write(
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (service.path.encode(), service.netloc.encode(), len(body), body)
        )
        answer = await reader.read()  # each answer closes its line
        taken = time.perf_counter() - due
        writer.close()
    assert answer.split(b" ", 2)[1] == b"200"
    assert b'"cards":[{' in answer
    return late, taken


def _timetable(rate: float, seconds: float) -> Iterator[float]:
    chance = Random(7)  # noqa: S311 - the same timetable each time
    moment = chance.expovariate(rate)
    while moment < seconds:
        yield moment
        moment += chance.expovariate(rate)
