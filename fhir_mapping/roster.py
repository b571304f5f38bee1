"""Finds the clinicians of a chart by any of their names: a long chart names the same few again and again."""

from fhir_mapping.chart import Chart
from fhir_mapping.resources import NOTHING, Json, Reference, records, reference, text

CLINICIANS = ("Practitioner", "PractitionerRole")


class Roster:
    """The clinicians of one chart. Each is read once, however many visits name them."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._known: dict[Reference, frozenset[str]] = {}
        self._numbers: dict[str, list[int]] | None = None
        self._listed: list[Json] = []

    def identities(self, target: object, within: Json = NOTHING) -> frozenset[str]:
        """Find all names of the clinician `target` points at: references and NPIs, of a role and of the person in it.

        Parameters: `within`, the resource that holds the reference.
        """
        ref = reference(target)
        if ref.kind == "#":
            return self._identities(ref, within)
        if ref not in self._known:
            self._known[ref] = self._identities(ref, within)
        return self._known[ref]

    def bearing(self, names: frozenset[str]) -> list[Json]:
        """List the persons and roles that have one of these names, in the order they were sent, persons first."""
        numbers = self._by_name()
        found = {number for name in names for number in numbers.get(name, ())}
        return [self._listed[number] for number in sorted(found)]

    def address(self, ref: Reference) -> str | None:
        """Find the reference by which a clinician can be named elsewhere; a contained one has none."""
        if ref.kind == "#" or ref.name:
            return ref.name or None
        found = self._chart.follow(ref)
        return f"{text(found.get('resourceType'))}/{text(found.get('id'))}" if found and text(found.get("id")) else None

    def _by_name(self) -> dict[str, list[int]]:
        if self._numbers is None:
            self._numbers = {}
            self._listed = [resource for kind in CLINICIANS for resource in self._chart.of(kind)]
            for number, resource in enumerate(self._listed):
                for name in self.identities(f"{resource['resourceType']}/{text(resource.get('id'))}"):
                    self._numbers.setdefault(name, []).append(number)
        return self._numbers

    def _identities(self, ref: Reference, within: Json) -> frozenset[str]:
        names, found = self._names(ref, within)
        if found and found.get("resourceType") == "PractitionerRole":
            names |= self._names(reference(found.get("practitioner")), found)[0]
        return frozenset(names)

    def _names(self, ref: Reference, within: Json) -> tuple[set[str], Json | None]:
        found = self._chart.follow(ref, within)
        identifiers = [(ref.system, ref.value)] if ref.value else []
        if found:
            identifiers += [(text(i.get("system")), text(i.get("value"))) for i in records(found.get("identifier"))]
        names = {f"npi/{value}" for system, value in identifiers if value and self._is_npi(system)}
        if address := self.address(ref):
            names.add(address)
        return names, found

    def _is_npi(self, system: str) -> bool:
        return self._chart.vocabulary.system(system) == "npi"


def surely_another(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two sets of names are of two persons: they share no name, though both name a person or both an NPI.

    Two roles alone tell nothing, for one person may have several.
    """
    return one.isdisjoint(other) and bool(_persons(one) & _persons(other))


def _persons(names: frozenset[str]) -> set[str]:
    return {name.partition("/")[0] for name in names} - {"PractitionerRole"}
