"""Draws a card at the shell much as an EHR draws it: summary, detail, suggestions, and reasons to override."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from cds_hooks.ehr.connection import plain

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}


def drawn(card: Mapping[str, Any]) -> Panel:
    """A card of a CDS Hooks response; whatever it says is drawn as text, never obeyed by the terminal."""
    return Panel(
        Group(*_parts(card)),
        title=Text(plain(_member(card, "source").get("label"))),
        title_align="right",
        border_style=_COLOURS.get(str(card.get("indicator")), "white"),
    )


def _parts(card: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(plain(card.get("summary")) + "\n", style="bold")
    if detail := plain(card.get("detail")):
        yield Markdown(detail, hyperlinks=False)
    for suggestion in _members(card, "suggestions"):
        mark = "*" if suggestion.get("isRecommended") is True else " "
        does = ", ".join(
            f"{plain(action.get('type'))} {plain(_member(action, 'resource').get('resourceType'))}".strip()
            for action in _members(suggestion, "actions")
        )
        yield Text(f"\n[{mark}] {plain(suggestion.get('label'))}" + (f" ({does})" if does else ""), style="green")
    reasons = [plain(reason.get("display")) for reason in _members(card, "overrideReasons")]
    if reasons:
        yield Text("\nOverride: " + "; ".join(reasons), style="dim")
    for link in _members(card, "links"):
        yield Text(f"{plain(link.get('label'))}: {plain(link.get('url'))}", style="dim")


def _members(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
