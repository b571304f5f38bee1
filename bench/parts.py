"""What single parts cost: choosing the code, reading a note, starting, fetching what was not sent, and memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server
from statistics import median
from urllib.parse import urlsplit

from bench.caller import Arrivals, Waits, arrivals, at_once
from bench.fhir_stub import stub
from bench.load import measure
from bench.machine import members, proportional_megabytes
from bench.payloads import SIZES, note_text, request
from bench.servers import Peer, telecode
from cds_hooks.coding.loading import load_book
from cds_hooks.coding.select import select
from cds_hooks.exchange.facts_json import read_facts
from fhir_mapping.note import read_note
from fhir_mapping.note_rows import load_note_rules
from fhir_mapping.tables import config_folder

FACTS = {
    "service_date": "2026-11-20",
    "modality": "audio_video",
    "patient_status": "established",
    "total_minutes": 34,
    "mdm": "moderate",
    "patient_location": "home",
    "payers": ["medicare-ffs"],
}
LATENCY = 0.03
"""Seconds that the FHIR stub takes for an answer, about what a server in the same town takes."""
CONCURRENT = 16
SHARE = 0.4
"""Of the calls a second that a service can answer, those that come by timetable."""
FIFTH = 5


def selector() -> float:
    """Microseconds of processor time to select the code of a usual visit."""
    book = load_book(config_folder())
    facts = read_facts(FACTS, book)
    return _cost(lambda: select(facts, book), 2_000) * 1e6


def note_reading() -> dict[int, float]:
    """Microseconds of processor time a kilobyte of note, by the length of the note."""
    rules = load_note_rules(config_folder() / "vocabulary")
    found = {}
    for length in (1_000, 4_000, 24_000, 100_000):
        text = note_text(length)
        found[length] = _cost(partial(read_note, text, rules), 200_000 // length + 5) * 1e6 / len(text) * 1000
    return found


def start(folder: Path) -> float:
    """Seconds from the command to the first answer of a service whose database is there already."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        with telecode(folder):
            taken.append(time.monotonic() - began)
    return median(taken)


def fetching(folder: Path) -> tuple[float, float, float]:
    """Milliseconds: one read of the FHIR stub, a hook that fetches all it needs, and 16 at once (99th percentile)."""
    whole = request(SIZES["50 kB"])
    with stub(whole["prefetch"], LATENCY) as base:
        asking = json.dumps({**whole, "prefetch": {}, "fhirServer": base}).encode()
        with telecode(folder, fhir_allow=base) as peer:
            for _ in range(20):
                _post(peer, asking)
            single, hook = [], []
            for _ in range(60):
                single.append(_timed(lambda: _get(f"{base}/Patient/p-1")))
                hook.append(_timed(lambda: _post(peer, asking)))
            many = Waits.of(at_once(peer, [asking] * CONCURRENT * 20, CONCURRENT))
    return median(single) * 1e3, median(hook) * 1e3, many.p99


def beside_a_hung_server(folder: Path, calls: int) -> tuple[Waits, Waits]:
    """Waits for hooks that bring all they need, 16 at once: where all do, and where each fifth asks a hung server.

    Parameters: how many `calls`.
    """
    whole = request(SIZES["50 kB"])
    with create_server(("127.0.0.1", 0)) as hung:  # it takes calls and never looks at them
        base = f"http://127.0.0.1:{hung.getsockname()[1]}/fhir"
        lacking = {key: value for key, value in whole["prefetch"].items() if key != "coverage"}
        asking = json.dumps({**whole, "prefetch": lacking, "fhirServer": base}).encode()
        bringing = json.dumps(whole).encode()
        mixed = [bringing if number % FIFTH else asking for number in range(calls)]
        with telecode(folder, fhir_allow=base) as peer:
            at_once(peer, [bringing] * CONCURRENT * 10, CONCURRENT)
            alone = at_once(peer, [bringing] * calls, CONCURRENT)
            beside = at_once(peer, mixed, CONCURRENT)
    return Waits.of(alone), Waits.of([took for took, sent in zip(beside, mixed, strict=True) if sent is bringing])


def by_timetable(folder: Path, body: Path, seconds: int) -> tuple[float, Arrivals]:
    """The rate of calls, 40 % of what the service can answer, and how they fared."""
    with telecode(folder) as peer:
        rate = SHARE * measure(peer, body, CONCURRENT, 5).rate
        return rate, arrivals(peer, body.read_bytes(), rate, seconds)


def memory(folder: Path, body: Path, seconds: int) -> list[tuple[int, float]]:
    """Ten times in a long load: the requests answered by then, and the megabytes (PSS) of the larger worker."""
    found = []
    with telecode(folder) as peer:
        answered = 0.0
        for _ in range(10):
            answered += measure(peer, body, CONCURRENT, seconds / 10, tries=1).rate * seconds / 10
            workers = [pid for pid in members(peer.session) if pid != peer.session]
            found.append((round(answered), max(map(proportional_megabytes, workers))))
    return found


def _cost(work: Callable[[], object], times: int) -> float:
    """Seconds of processor time of one piece of work: the median of eleven runs of many, after one to warm up."""
    taken = []
    for _ in range(12):
        began = time.process_time()
        for _ in range(max(1, times // 12)):
            work()
        taken.append((time.process_time() - began) / max(1, times // 12))
    return median(taken[1:])


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _post(peer: Peer, body: bytes) -> None:
    parts = urlsplit(peer.url)
    connection = HTTPConnection(parts.netloc)
    connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    cards = json.loads(answer.read())["cards"]
    connection.close()
    assert len(cards) == 1
    assert "could not be read" not in cards[0]["detail"]


def _get(url: str) -> None:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc)
    connection.request("GET", parts.path)
    connection.getresponse().read()
    connection.close()
