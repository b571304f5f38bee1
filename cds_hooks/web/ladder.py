"""The picture of a ladder: each code a rung on an axis of minutes, with what is documented drawn across it."""

from __future__ import annotations

from dataclasses import dataclass

from cds_hooks.cards.words import needs, said
from cds_hooks.coding.families import Rung
from cds_hooks.coding.ladders import OpenLadder
from cds_hooks.coding.levels import above, below

WIDTH, LEFT, RIGHT = 380, 128, 368
"""Of the drawing, and of the axis in it; in units of the picture, which scales to the screen."""
TOP, ROW, MARGIN = 34, 40, 26
ROOM = 1.15
"""How far the axis goes on beyond the highest threshold."""


@dataclass(frozen=True, slots=True)
class DrawnRung:
    """One code: `x` and `width` of its minutes on the axis, and which way reached it."""

    code: str
    level: str
    least: int | None
    x: float
    width: float
    y: int
    by_mdm: bool
    by_time: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A ladder ready to be drawn, highest code on top, and the same told in `sentences`.

    `axis` is where the axis begins and ends; `mark`, where the documented minutes fall on it, and `label`, where they
    are written above it; `beyond` says that they go on past its end.
    """

    title: str
    rungs: tuple[DrawnRung, ...]
    size: tuple[int, int]
    axis: tuple[int, int]
    minutes: int | None
    mark: float | None
    label: float | None
    beyond: bool
    sentences: tuple[str, ...]


def draw(ladder: OpenLadder, title: str) -> Picture:
    """The picture of a ladder; `title` says whose it is."""
    starts = [rung.least for rung in ladder.rungs if rung.least is not None]
    highest = max([*starts, *((ladder.longest[1],) if ladder.longest else ()), 1])
    end = highest * ROOM
    rows: list[DrawnRung] = []
    if ladder.longest:
        code, least = ladder.longest
        added = ladder.prolonged is not None
        rows.append(_row(f"+ {code}", "prolonged", (least, end), end, TOP, on_time=added))
    for index, rung in reversed(list(enumerate(ladder.rungs))):
        upper = next((one.least for one in ladder.rungs[index + 1 :] if one.least is not None), None)
        stop = upper if upper is not None else (ladder.longest[1] if ladder.longest else end)
        drawn = _row(
            rung.code,
            f"{rung.mdm} MDM" if rung.mdm else "by time alone" if rung.least is not None else "no level",
            (rung.least, stop),
            end,
            TOP + ROW * len(rows),
            on_mdm=rung is ladder.by_mdm,
            on_time=rung is ladder.by_time,
            chosen=rung is ladder.reached,
        )
        rows.append(drawn)
    minutes = ladder.minutes
    mark = None if minutes is None else _x(min(minutes, end), end)
    return Picture(
        title=title,
        rungs=tuple(rows),
        size=(WIDTH, TOP + ROW * len(rows) + 22),
        axis=(LEFT, RIGHT),
        minutes=minutes,
        mark=mark,
        label=None if mark is None else max(LEFT + MARGIN, min(mark, RIGHT - MARGIN)),
        beyond=minutes is not None and minutes > end,
        sentences=_sentences(ladder),
    )


def _x(minutes: float, end: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * minutes / end, 1)


def _row(  # noqa: PLR0913 - all that is drawn of a rung
    code: str,
    level: str,
    span: tuple[int | None, float],
    end: float,
    y: int,
    *,
    on_mdm: bool = False,
    on_time: bool = False,
    chosen: bool = False,
) -> DrawnRung:
    least, stop = span
    x = LEFT if least is None else _x(least, end)
    width = 0.0 if least is None else round(_x(stop, end) - x, 1)
    return DrawnRung(code, level, least, x, width, y, on_mdm, on_time, chosen)


def _sentences(ladder: OpenLadder) -> tuple[str, ...]:
    told = []
    of = " of discussion" if ladder.family.measure == "discussion_minutes" else ""
    if ladder.minutes is not None:
        by_time = ladder.by_time
        told.append(f"{ladder.minutes} minutes{of} reach {by_time.code if by_time else 'no code'}.")
    if ladder.mdm is not None and ladder.by_mdm is not None:
        told.append(f"{said(ladder.mdm).capitalize()} MDM reaches {ladder.by_mdm.code}.")
    rung = ladder.reached
    if rung is None:
        lowest = next((one for one in ladder.rungs if one.least is not None or one.mdm), None)
        return (*told, f"The lowest code: {_wants(lowest, ladder)}.") if lowest else tuple(told)
    up, down = above(ladder.rungs, rung), below(ladder.rungs, rung)
    if up is not None:
        told.append(f"Next up: {_wants(up, ladder)}.")
    elif ladder.longest is not None and ladder.minutes is not None:
        code, least = ladder.longest
        units = f", here {ladder.prolonged.units} times" if ladder.prolonged and ladder.prolonged.units > 1 else ""
        told.append(f"Top of the ladder; {code} is added from {least} minutes{units}, where time carries the level.")
    if down is not None:
        told.append(f"Next down: {_wants(down, ladder)}.")
    return tuple(told)


def _wants(rung: Rung, ladder: OpenLadder) -> str:
    told = needs(rung)
    if rung.least is not None and ladder.minutes is not None and ladder.minutes < rung.least:
        more = rung.least - ladder.minutes
        told += f"; {more} more minute{'s' if more > 1 else ''}"
    return told
