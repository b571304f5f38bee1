"""Shows how far long work has come: on standard error, and only where somebody is watching."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def watched(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items one by one, under a bar that says `what` is being done; `total` of them, where that is known."""
    console = Console(stderr=True)
    yield from track(items, what, total=total, console=console, disable=not console.is_terminal, transient=True)
