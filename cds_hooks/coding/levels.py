"""The ladder: which code the MDM level reaches, which the minutes reach, and which of the two is higher."""

from collections.abc import Sequence
from typing import NamedTuple

from cds_hooks.coding.families import ProlongedEdition, Rung
from cds_hooks.coding.outcome import Basis, ProlongedUnits
from fhir_mapping.facts import MdmLevel


class Reached(NamedTuple):
    """A rung of the ladder and what it rests on."""

    rung: Rung
    basis: Basis | None
    prolonged: ProlongedUnits | None = None


def by_mdm(ladder: Sequence[Rung], level: MdmLevel | None) -> Rung | None:
    """The code of an MDM level."""
    if level is not None:
        for rung in ladder:
            if rung.mdm is level:
                return rung
    return None


def by_time(ladder: Sequence[Rung], minutes: int | None) -> Rung | None:
    """The highest code whose minutes are met; `minutes` are whole minutes."""
    if minutes is not None:
        for rung in reversed(ladder):
            if (least := rung.least) is not None and minutes >= least:
                return rung
    return None


def below(ladder: Sequence[Rung], rung: Rung) -> Rung | None:
    """The next lower code of the ladder."""
    index = _height(ladder, rung)
    return ladder[index - 1] if index else None


def above(ladder: Sequence[Rung], rung: Rung) -> Rung | None:
    """The next higher code of the ladder."""
    index = _height(ladder, rung) + 1
    return ladder[index] if index < len(ladder) else None


def _height(ladder: Sequence[Rung], rung: Rung) -> int:
    height = 0
    while ladder[height] is not rung:
        height += 1
    return height


def reached(
    ladder: Sequence[Rung],
    level: MdmLevel | None,
    minutes: int | None,
    prolonged: tuple[str, ProlongedEdition] | None,
) -> tuple[Reached, ...]:
    """The codes that the record supports, the one to recommend first.

    The higher of MDM and time wins. Where both reach the same code the basis is MDM, unless the minutes go on into
    prolonged service, which only a level by time can carry. `prolonged` is the payer's prolonged code and its edition.
    """
    mdm, time = by_mdm(ladder, level), by_time(ladder, minutes)
    units = None
    if time is not None and minutes is not None and prolonged is not None:
        code, edition = prolonged
        count = edition.units(time.code, minutes)
        units = ProlongedUnits(code, count) if count else None
    if mdm is None and time is None:
        return ()
    if time is None:
        return (Reached(mdm, Basis.MDM),) if mdm else ()
    if mdm is None:
        return (Reached(time, Basis.TIME, units),)
    if mdm is time:
        return (Reached(time, Basis.TIME, units) if units else Reached(mdm, Basis.MDM),)
    both = (Reached(mdm, Basis.MDM), Reached(time, Basis.TIME, units))
    return both if _height(ladder, mdm) > _height(ladder, time) else both[::-1]
