"""The level of medical decision making: two of three elements must meet it or exceed it, which is the middle one."""

from fhir_mapping.facts import EncounterFacts, MdmElements, MdmLevel


def level_of(elements: MdmElements) -> MdmLevel | None:
    """The level that the three elements reach: the middle of the three, sorted.

    With one element unknown the level is known only if the other two agree, for then two of three meet it whatever
    the third is, and neither exceeds it. Source: 2021 office rules, extended 2023 (AMA CPT E/M guidelines).
    """
    known = sorted((e for e in (elements.problems, elements.data, elements.risk) if e is not None), key=_rank)
    if len(known) == 3:  # noqa: PLR2004 - there are three elements
        return known[1]
    if len(known) == 2 and known[0] is known[1]:  # noqa: PLR2004 - two of three
        return known[0]
    return None


def documented_levels(facts: EncounterFacts) -> tuple[MdmLevel, ...]:
    """The MDM levels that the record states, lowest first: none, one, or several that contradict each other."""
    stated = {rival.value for rival in facts.mdm.conflict}
    if facts.mdm.value is not None:
        stated.add(facts.mdm.value)
    by_elements = level_of(facts.mdm_elements.value) if facts.mdm_elements.value else None
    if by_elements is not None:
        stated.add(by_elements)
    return tuple(sorted(stated, key=_rank))


def _rank(level: MdmLevel) -> int:
    return level.rank
