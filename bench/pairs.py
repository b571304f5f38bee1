"""Compares two servers turn by turn, so that whatever else the machine does falls on both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import Figures, measure
from bench.servers import Peer


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ratios of pairs: their median and their range."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> Ratio:
        """Of the first to the second of each pair."""
        found = sorted(first / second for first, second in pairs if second)
        return cls(median(found), found[0], found[-1])

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g} to {self.most:.3g})"


@dataclass(frozen=True)
class Comparison:
    """All windows of a comparison; the two of a pair were measured one after the other."""

    pairs: tuple[tuple[Figures, Figures], ...]

    def ratio(self, of: Callable[[Figures], float]) -> Ratio:
        """Ratios of one figure, ours to theirs."""
        return Ratio.of((of(ours), of(theirs)) for ours, theirs in self.pairs)

    def ours(self, of: Callable[[Figures], float]) -> float:
        """The median of one figure of ours."""
        return median(of(ours) for ours, _ in self.pairs)

    def theirs(self, of: Callable[[Figures], float]) -> float:
        """The median of one figure of theirs."""
        return median(of(theirs) for _, theirs in self.pairs)

    @property
    def foreign(self) -> float:
        """The busiest window that had to be kept."""
        return max(one.foreign for pair in self.pairs for one in pair)


def compare(  # noqa: PLR0913 - two servers, and how to load them
    ours: Peer, theirs: Peer, body: Path, connections: int, *, rounds: int, seconds: float
) -> Comparison:
    """Load two servers in turn, A B B A A B ..., after one window each to warm up."""
    for peer in (ours, theirs):
        measure(peer, body, connections, seconds)
    pairs = []
    for number in range(rounds):
        order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
        found = {peer.name: measure(peer, body, connections, seconds) for peer in order}
        pairs.append((found[ours.name], found[theirs.name]))
    return Comparison(tuple(pairs))
