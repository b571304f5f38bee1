"""How cards fare, drawn: pictures of the figures of the store that need nothing from elsewhere and run nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pygal
from pygal.etree import etree
from pygal.graph.graph import Graph
from pygal.style import Style

from cds_hooks.store.statistics import Tally

SVG = "{http://www.w3.org/2000/svg}"
RUNS, LOOKS = "script", "style"
WIDTH, HEIGHT, ROW = 480, 260, 30
"""Of a drawing, and of one bar that lies; in units of the picture, which scales."""
WHOLE = 0
"""The order of the finest step of an axis: cards are counted by ones."""
SIZES = Style(label_font_size=12, major_label_font_size=12, legend_font_size=13, value_font_size=12)


def by_month(tallies: Sequence[Tally]) -> Graph:
    """Accepted, overridden and unanswered cards, month by month, as bars that stand."""
    return _filled(pygal.StackedBar(js=[], title="Cards by month", print_values=True, order_min=WHOLE), tallies)


def by_code(tallies: Sequence[Tally]) -> Graph:
    """The same for each code, as bars that lie."""
    chart = pygal.HorizontalStackedBar(js=[], title="Cards by code", print_values=True, order_min=WHOLE)
    return _filled(chart, tallies[::-1])


def by_reason(reasons: Sequence[tuple[str, int]]) -> Graph:
    """How often each reason was given for an override, the most frequent on top."""
    chart = pygal.HorizontalBar(js=[], title="Override reasons", print_values=True, show_legend=False, order_min=WHOLE)
    chart.x_labels = [reason for reason, _ in reasons[::-1]]
    chart.add("overridden", [count for _, count in reasons[::-1]])
    return chart


def as_file(chart: Graph) -> bytes:
    """The picture as an SVG file with its own looks."""
    tree = chart.render_tree()
    _without(tree, RUNS)
    drawn: bytes = etree.tostring(tree, encoding="utf-8", xml_declaration=True)
    return drawn


def as_part_of_a_page(chart: Graph, height: int = HEIGHT) -> str:
    """The picture as an SVG element that takes its looks, light or dark, from the page around it."""
    title = str(chart.config.title)
    chart.config(width=WIDTH, height=height, title=None, style=SIZES, print_zeroes=False, margin=8)
    chart.config(legend_at_bottom=True, legend_at_bottom_columns=3, legend_box_size=14)
    tree = chart.render_tree()
    _without(tree, RUNS, LOOKS)
    for part in tree.iter():
        part.attrib.pop("id", None)
        part.attrib.pop("style", None)
    tree.set("role", "img")
    tree.set("aria-label", title)
    drawn: str = etree.tostring(tree, encoding="unicode")
    return drawn


def height_of(bars: int) -> int:
    """The height that so many bars that lie take, with axis and legend."""
    return 110 + ROW * bars


def _filled(chart: Graph, tallies: Sequence[Tally]) -> Graph:
    chart.x_labels = [tally.key for tally in tallies]
    chart.add("accepted", [tally.accepted or None for tally in tallies])
    chart.add("overridden", [tally.overridden or None for tally in tallies])
    chart.add("no answer", [tally.unanswered or None for tally in tallies])
    if any(tally.unknown for tally in tallies):
        chart.add("unknown", [tally.unknown or None for tally in tallies])
    return chart


def _without(tree: Any, *names: str) -> None:  # noqa: ANN401 - an element of whichever library pygal found
    for parent in list(tree.iter()):
        for child in [
            child for child in parent if str(child.tag).rpartition("}")[2] in names or child.tag is etree.Comment
        ]:
            parent.remove(child)
