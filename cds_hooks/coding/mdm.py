"""The level of medical decision making: two of three elements must meet it or exceed it, which is the middle one."""

from operator import attrgetter

from fhir_mapping.facts import EncounterFacts, MdmElements, MdmLevel


def bounds(elements: MdmElements) -> tuple[MdmLevel, MdmLevel]:
    """The lowest and the highest level that the elements can reach, whatever the unknown ones turn out to be."""
    given = (elements.problems, elements.data, elements.risk)
    lowest, highest = (
        sorted((level or unknown for level in given), key=attrgetter("rank"))[1]
        for unknown in (MdmLevel.STRAIGHTFORWARD, MdmLevel.HIGH)
    )
    return lowest, highest


def level_of(elements: MdmElements) -> MdmLevel | None:
    """The level that the three elements reach: the middle of the three, sorted.

    With one element unknown the level is known only if the other two agree, for then two of three meet it whatever
    the third is, and neither exceeds it. Source: 2021 office rules, extended 2023 (AMA CPT E/M guidelines).
    """
    lowest, highest = bounds(elements)
    return lowest if lowest is highest else None


def documented_levels(facts: EncounterFacts) -> tuple[MdmLevel, ...]:
    """The MDM levels that the record states, lowest first: none, one, or several that contradict each other.

    An overall level that its own elements cannot reach is contradicted by the nearest level that they can.
    """
    if not facts.mdm.conflict and facts.mdm_elements.value is None:
        return () if facts.mdm.value is None else (facts.mdm.value,)
    stated = {rival.value for rival in facts.mdm.conflict}
    if facts.mdm.value is not None:
        stated.add(facts.mdm.value)
    if facts.mdm_elements.value is not None:
        lowest, highest = bounds(facts.mdm_elements.value)
        if lowest is highest:
            stated.add(lowest)
        else:
            stated |= {lowest for level in stated if level.rank < lowest.rank}
            stated |= {highest for level in stated if level.rank > highest.rank}
    return tuple(sorted(stated, key=attrgetter("rank")))
