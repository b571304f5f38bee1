"""Where clinicians practise: by exact specialty and group two of them count as one when a patient is called new."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Clinician
from fhir_mapping.people import Described, People, described, sources
from fhir_mapping.resources import Json, Reference, record, records, reference, text


@dataclass(frozen=True, slots=True)
class Practice:
    """The taxonomy codes of a clinician, the groups by all their names, and the kinds of clinician the codes mean."""

    specialties: frozenset[str]
    groups: frozenset[str]
    kinds: frozenset[str]

    @property
    def is_app(self) -> bool:
        """Whether this is a nurse practitioner, a physician assistant or kin: they count as their physicians."""
        return self.kinds == {Clinician.QHP}


class Practices:
    """The practices of the clinicians of one chart, beside the one of who rendered the visit. Each is read once."""

    def __init__(self, chart: Chart, who: People) -> None:
        self._chart = chart
        self._who = who
        self._read: dict[tuple[frozenset[str], int], Practice] = {}
        self._names: dict[Reference, frozenset[str]] = {}
        self._same: dict[Practice, bool | None] = {}

    def same_clinician(self, target: object, within: Json) -> bool | None:
        """Whether a clinician whom `within` names is the visit's or counts as the same; `None` if that is not told."""
        theirs = self._who.roster.identities(target, within)
        if not self._who.identities.isdisjoint(theirs):
            return True
        other = self._of(target, within)
        if other not in self._same:
            self._same[other] = self._same_practice(self._own, other)
        return self._same[other]

    @cached_property
    def _own(self) -> Practice:
        """Where the clinician of the visit practises: asked for where the names alone do not tell."""
        return self._of(self._who.target, self._chart.encounter)

    def _of(self, target: object, within: Json) -> Practice:
        """Where a clinician practises; the provider of that visit if no role says it."""
        known, held = self._who.roster.identities(target, within), self._chart.find(target, within)
        key = known, id(held)  # all that a chart holds lives as long as this
        if key not in self._read:
            self._read[key] = self._described(known, held)
        one = self._read[key]
        return one if one.groups else replace(one, groups=self._groups(within.get("serviceProvider"), within))

    def _described(self, known: frozenset[str], held: Json | None) -> Practice:
        said = self._taxonomy(sources(self._who.roster, known, held))
        meant = {self._chart.vocabulary.term("clinician", one.system, one.code) for one in said}
        groups = [
            self._groups(role.get("organization"), role)
            for role in self._who.roster.bearing(known)
            if role.get("resourceType") == "PractitionerRole"
        ]
        return Practice(frozenset(one.code for one in said), _united(groups), frozenset(filter(None, meant)))

    def _taxonomy(self, sources: Sequence[Json]) -> list[Described]:
        return [one for one in described(self._chart, sources) if one.system == "taxonomy"]

    def _same_practice(self, one: Practice, other: Practice) -> bool | None:
        """Whether two clinicians are of the same group and of exactly the same specialty.

        Source: three-year rule (AAP, AAPC); APPs count as the specialty of the physicians they work with (CodingIntel).
        """
        if one.groups and other.groups and one.groups.isdisjoint(other.groups):
            return False
        if not one.is_app and not other.is_app and one.specialties and other.specialties:
            if one.specialties.isdisjoint(other.specialties):
                return False
            same = one.specialties == other.specialties
            return True if same and one.groups and other.groups else None
        if one.groups and other.groups and (one.is_app or other.is_app):
            physicians = _united([self._physicians[group] for group in one.groups & other.groups])
            theirs = {code for side in (one, other) if not side.is_app for code in side.specialties}
            if len(physicians) == 1 and theirs <= physicians and all(side.kinds for side in (one, other)):
                return True
        return None

    @cached_property
    def _physicians(self) -> Mapping[str, frozenset[str]]:
        """The specialties of the physicians of each group, by every name of it."""
        found: dict[str, set[str]] = defaultdict(set)
        for role in self._chart.of("PractitionerRole"):
            codes = {
                one.code
                for one in self._taxonomy([role])
                if self._chart.vocabulary.term("clinician", one.system, one.code) == "physician"
            }
            for group in self._groups(role.get("organization"), role) if codes else ():
                found[group] |= codes
        return defaultdict(frozenset, {group: frozenset(codes) for group, codes in found.items()})

    def _groups(self, target: object, within: Json) -> frozenset[str]:
        """List all names of a group."""
        ref = reference(target)
        if ref.kind == "#":
            return frozenset(self._named(target, within))
        if ref not in self._names:
            self._names[ref] = frozenset(self._named(target, within))
        return self._names[ref]

    def _named(self, target: object, within: Json) -> Iterator[str]:
        if name := reference(target).name:
            yield name
        organization = record(self._chart.find(target, within))
        if own := text(organization.get("id")):
            yield f"Organization/{own}"
        identifiers = (*records(organization.get("identifier")), *records(record(target).get("identifier")))
        for identifier in identifiers:
            if value := text(identifier.get("value")):
                yield f"{text(identifier.get('system'))}|{value}"


def _united(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """Put sets together; one alone is not copied, for it may be long and the same for hundreds of clinicians."""
    return sets[0] if len(sets) == 1 else frozenset().union(*sets)
