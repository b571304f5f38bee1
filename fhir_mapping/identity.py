"""Tells whose a record is: a read by id that brought another patient's or visit's record must not become a code."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fhir_mapping.resources import Json, record, records, reference, text
from fhir_mapping.sent import opened, resources_in

_SAME_PERSON = {"replaces", "replaced-by"}  # of Patient.link; `refer` and `seealso` do not say that it is one record


class Identifier(NamedTuple):
    """A value that names something within a system; what is not said is empty."""

    system: str
    value: str


def identifiers(value: object) -> list[Identifier]:
    """List the identifiers in an Identifier, or in a list of these, that have a value."""
    found = [Identifier(text(one.get("system")), text(one.get("value"))) for one in records(value)]
    return [one for one in found if one.value]


class Names:
    """The identifiers of one thing, to compare others with; whatever their number, a comparison is one look-up."""

    def __init__(self, known: Iterable[Identifier]) -> None:
        self._by_system: dict[str, set[str]] = {}
        self._every: set[str] = set()
        for system, value in known:
            self._by_system.setdefault(system, set()).add(value)
            self._every.add(value)

    def agree(self, one: Identifier) -> bool | None:
        """Tell whether an identifier is one of these; `None` if that cannot be told.

        It is not if its system gives the thing other values. Where one of two identifiers has no system, only a value
        that both have tells something.
        """
        alike = self._by_system.get(one.system, ())
        loose = self._by_system.get("", ()) if one.system and not alike else ()
        if one.value in alike or one.value in loose or (not one.system and one.value in self._every):
            return True
        return False if alike else None


def together(answers: Sequence[bool | None]) -> bool | None:
    """Tell what several comparisons say together: one that says no outweighs those that say yes."""
    return False if False in answers else True if True in answers else None


class Person:
    """The patient of a request: the ids of the record and of those merged with it, and the identifiers as `names`.

    Parameters: `own`, the id in the context; `patients`, every Patient that was sent.
    """

    def __init__(self, own: str, patients: Sequence[Json]) -> None:
        self.ids = _merged(own, patients)
        mine = [one for one in patients if text(one.get("id")) in {"", *self.ids}]
        self.names = Names(one for patient in mine for one in identifiers(patient.get("identifier")))


def _merged(own: str, patients: Sequence[Json]) -> frozenset[str]:
    """List the ids of one person: those that merge links lead to, whichever of the records has the link."""
    linked: dict[str, set[str]] = {}
    for patient in patients:
        for other in _replaced(patient) if patient.get("link") else ():
            linked.setdefault(other, set()).add(text(patient.get("id")))
            linked.setdefault(text(patient.get("id")), set()).add(other)
    ids, next_ones = {own}, [own]
    while next_ones:
        found = linked.get(next_ones.pop(), set()) - ids - {""}
        ids |= found
        next_ones += found
    return frozenset(ids)


def _replaced(patient: Json) -> set[str]:
    links = [link for link in records(patient.get("link")) if text(link.get("type")) in _SAME_PERSON]
    others = [reference(link.get("other")) for link in links]
    return {other.id for other in others if other.kind in {"", "Patient"} and other.id}


def others_read(values: Mapping[str, object], asked: Mapping[str, str], keys: Iterable[str]) -> list[str]:
    """List the keys under which a read by id brought another record of the type, and not the one that was asked for.

    Parameters: the `values` of a prefetch; `asked`, by key, what was read: `Patient/p1`; `keys` of all templates: where
    nothing stands under the key of a read, a bare resource under a key that is none of them is taken for its answer.
    """
    known = set(keys)
    bare = [record(opened(value)) for key, value in values.items() if key not in known]
    return [key for key, target in asked.items() if _is_another(values, key, target, _unasked(bare, target, asked))]


def _unasked(bare: Sequence[Json], target: str, asked: Mapping[str, str]) -> list[Json]:
    """List the resources of one type that no other read of the type can have brought: a user may be a patient too."""
    kind = target.partition("/")[0]
    others = set(asked.values()) - {target}
    return [one for one in bare if one.get("resourceType") == kind and f"{kind}/{_own(one)}" not in others]


def _is_another(values: Mapping[str, object], key: str, target: str, bare: Sequence[Json]) -> bool:
    kind, _, own = target.partition("/")
    held = [one for one in resources_in(values.get(key)) if one.get("resourceType") == kind]
    if held:
        return not any(_is(one, kind, own) for one in held)
    return bool(bare) and not any(_is(one, kind, own) for value in values.values() for one in resources_in(value))


def _is(resource: Json, kind: str, own: str) -> bool:
    """Whether a resource can be the one that was asked for: by its id, by a merge link, or because it has no id."""
    if resource.get("resourceType") != kind:
        return False
    same = _merged(own, [resource]) if kind == "Patient" else {own}
    return _own(resource) in {"", *same}


def _own(resource: Json) -> str:
    own = resource.get("id")
    return str(own) if isinstance(own, int) else text(own)
