"""`python -m bench`: measures all of it, or what is named, and prints tables of ratios."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import parts
from bench.load import MOST_FOREIGN, WrongAnswersError, measure
from bench.machine import description
from bench.pairs import Comparison, compare
from bench.payloads import SIZES, body
from bench.servers import Peer, flask_peer, healthchain, telecode

WHAT = ("constant", "validating", "healthchain", "tokens", "tail", "timetable", "parts", "fetch", "hung", "memory")
CACHE = Path(__file__).parents[1] / ".venv" / "bench"
"""HealthChain's environment, made once."""
LONG = 8
"""Seconds of a window at least, for a peer that takes seconds for an answer."""
HEAD = ("ours", "peer", "size", "connections", "answers/s", "CPU, ms", "rate, ratio", "CPU, ratio", "p99/p50", "others")


@click.command()
@click.argument("what", nargs=-1, type=click.Choice(WHAT))
@click.option("--rounds", default=4, show_default=True, help="Pairs of windows a comparison.")
@click.option("--seconds", default=2, show_default=True, help="Length of a window.")
@click.option("--memory-seconds", default=300, show_default=True, help="Length of the load under which memory is read.")
def main(what: tuple[str, ...], rounds: int, seconds: int, memory_seconds: int) -> None:
    """Measure WHAT (all, if nothing is named): telecode against its peers, and its parts."""
    click.echo(f"{description()}; {rounds} pairs of {seconds} s; ratios: telecode to the peer, median (and range)")
    with TemporaryDirectory(prefix="bench-") as name:
        bench = _Bench(Path(name), rounds, seconds, memory_seconds)
        for one in what or WHAT:
            getattr(bench, one)()


class _Bench:
    """All measures under the names they have at the shell, with bodies and stores in one folder."""

    def __init__(self, folder: Path, rounds: int, seconds: int, memory_seconds: int) -> None:
        self._folder, self._rounds, self._seconds, self._long = folder, rounds, seconds, memory_seconds
        self._bodies = {size: folder / f"{size.replace(' ', '-')}.json" for size in SIZES}
        for size, file in self._bodies.items():
            file.write_bytes(body(size))

    def constant(self) -> None:
        self._against(flask_peer("constant"))

    def validating(self) -> None:
        self._against(flask_peer("validating"))

    def healthchain(self) -> None:
        self._against(healthchain(CACHE), max(self._seconds, LONG))

    def tokens(self) -> None:
        _head()
        for algorithm in ("RS384", "ES384"):
            with telecode(self._fresh(algorithm), algorithm) as signed:
                for peer in (flask_peer("constant"), healthchain(CACHE)):
                    with peer as other:
                        self._row(signed, other, "50 kB", 16)

    def tail(self) -> None:
        with telecode(self._fresh("tail")) as peer:
            measure(peer, self._bodies["50 kB"], 16, 2)
            found = measure(peer, self._bodies["50 kB"], 16, 30)
        click.echo(
            f"30 s, 16 connections: p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, {found.p99 / found.p50:.1f} times; "
            f"others used {found.foreign:.0%}"
        )

    def timetable(self) -> None:
        rate, found = parts.by_timetable(self._fresh("timetable"), self._bodies["50 kB"], 30)
        waits, late = found.waits, found.late
        click.echo(
            f"{found.came} calls by timetable, {rate:.0f} a second: p50 {waits.p50:.1f} ms, p99 {waits.p99:.1f} ms, "
            f"longest {waits.longest:.1f} ms; the caller's own part in that: late by {late.p50:.1f} ms at p50 and by "
            f"{late.p99:.1f} ms at p99, {found.cpu:.2f} ms of processor time a call"
        )

    def parts(self) -> None:
        click.echo(f"choosing the code: {parts.selector():.0f} microseconds")
        for length, cost in parts.note_reading().items():
            click.echo(f"reading a note of {length} characters: {cost:.0f} microseconds a kilobyte")
        click.echo(f"from the command to the first answer: {parts.start(self._fresh('start')):.2f} s")

    def fetch(self) -> None:
        single, hook, slowest = parts.fetching(self._fresh("fetch"))
        click.echo(f"one FHIR read: {single:.1f} ms")
        click.echo(f"a hook that fetches everything: {hook:.1f} ms, ratio {hook / single:.2f}")
        click.echo(f"16 such hooks at once: {slowest:.0f} ms at the 99th percentile")

    def hung(self) -> None:
        alone, beside = parts.beside_a_hung_server(self._fresh("hung"), 4_000)
        click.echo(f"16 hooks at once that fetch nothing: p50 {alone.p50:.1f} ms, p99 {alone.p99:.1f} ms")
        click.echo(f"the same while each fifth asks a hung server: p50 {beside.p50:.1f} ms, p99 {beside.p99:.1f} ms")

    def memory(self) -> None:
        for answered, megabytes in parts.memory(self._fresh("memory"), self._bodies["50 kB"], self._long):
            click.echo(f"after {answered:>7} requests the larger worker holds {megabytes:.1f} MB (PSS)")

    def _against(self, peer: AbstractContextManager[Peer], seconds: int | None = None) -> None:
        _head()
        with telecode(self._fresh(f"beside-{id(peer)}")) as own, peer as other:
            for size in self._bodies:
                for connections in (1, 16):
                    self._row(own, other, size, connections, seconds)

    def _row(self, own: Peer, other: Peer, size: str, connections: int, seconds: int | None = None) -> None:
        window = seconds or self._seconds
        try:
            found = compare(own, other, self._bodies[size], connections, rounds=self._rounds, seconds=window)
        except WrongAnswersError as wrong:
            _line((own.name, other.name, size, str(connections), f"not measured: {wrong}"))
        else:
            _line((own.name, other.name, size, str(connections), *_cells(found)))

    def _fresh(self, name: str) -> Path:
        (self._folder / name).mkdir()
        return self._folder / name


def _head() -> None:
    _line(HEAD)
    _line("---" for _ in HEAD)


def _cells(found: Comparison) -> Iterable[str]:
    yield f"{found.ours(lambda one: one.rate):.0f} / {found.theirs(lambda one: one.rate):.0f}"
    yield f"{found.ours(lambda one: one.cpu):.2f} / {found.theirs(lambda one: one.cpu):.2f}"
    yield str(found.ratio(lambda one: one.rate))
    yield str(found.ratio(lambda one: one.cpu))
    yield f"{found.ours(lambda one: one.p99 / one.p50):.1f}"
    yield f"{found.foreign:.0%}{' (!)' if found.foreign > MOST_FOREIGN else ''}"


def _line(cells: Iterable[str]) -> None:
    click.echo("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
