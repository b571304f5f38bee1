"""What the machine says of itself: processor time of a server, of everybody else, and memory, all from /proc."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
BUSY = (0, 1, 2, 5, 6, 7)
"""Fields of /proc/stat that are work: user, nice, system, interrupts and stolen time."""


def seconds_of(session: int) -> float:
    """Processor seconds that all living processes of a session have used; a server is started in one of its own."""
    used = 0
    for pid in members(session):
        try:
            fields = _fields(pid)
        except OSError:
            continue
        used += int(fields[11]) + int(fields[12])
    return used / TICK


def members(session: int) -> Iterator[int]:
    """The processes of a session."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                if int(_fields(int(entry.name))[3]) == session:
                    yield int(entry.name)
            except OSError:
                continue  # it is gone


def proportional_megabytes(pid: int) -> float:
    """Memory of a process, what it shares counted in part (PSS)."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time: how long it took, what the server used, and the share of the machine that others used."""

    seconds: float
    server: float
    foreign: float


class Watch:
    """Measures from its making until `stop` is called."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._at = self._now()

    def _now(self) -> tuple[float, float, float, float]:
        fields = (PROC / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
        own = sum(
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )
        return time.monotonic(), seconds_of(self._session), own, sum(int(fields[at]) for at in BUSY) / TICK

    def stop(self) -> Window:
        """What happened since."""
        began, server, own, busy = self._at
        ended, server_now, own_now, busy_now = self._now()
        seconds, used = ended - began, server_now - server
        others = (busy_now - busy) - used - (own_now - own)
        return Window(seconds, used, max(0.0, others / (seconds * (os.cpu_count() or 1))))


def description() -> str:
    """The machine in a line."""
    models = [line for line in (PROC / "cpuinfo").read_text("utf-8").splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {gigabytes:.0f} GiB, Python {platform.python_version()}"


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything."""
    return (PROC / str(pid) / "stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
