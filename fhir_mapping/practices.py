"""Where clinicians practise: by exact specialty and group two of them count as one when a patient is called new."""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Clinician
from fhir_mapping.people import described, identities
from fhir_mapping.resources import NOTHING, Json, record, records, reference, text


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


def practice(chart: Chart, target: object, encounter: Json) -> Practice:
    """Where a clinician named by `encounter` practises; the provider of that visit if no role says it."""
    known = identities(chart, target, encounter)
    said = [one for one in described(chart, target, known, encounter) if one.system == "taxonomy"]
    kinds = {chart.vocabulary.term("clinician", one.system, one.code) for one in said}
    groups = {
        group
        for role in chart.of("PractitionerRole")
        if not known.isdisjoint(identities(chart, f"PractitionerRole/{text(role.get('id'))}"))
        for group in _groups(chart, role.get("organization"), role)
    } or set(_groups(chart, encounter.get("serviceProvider"), encounter))
    return Practice(frozenset(one.code for one in said), frozenset(groups), frozenset(filter(None, kinds)))


def same_practice(chart: Chart, one: Practice, other: Practice) -> bool | None:
    """Whether two clinicians are of the same group and of exactly the same specialty; `None` if the chart cannot tell.

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
        physicians = set(_physician_specialties(chart, one.groups & other.groups))
        theirs = {code for side in (one, other) if not side.is_app for code in side.specialties}
        if len(physicians) == 1 and theirs <= physicians and all(side.kinds for side in (one, other)):
            return True
    return None


def _physician_specialties(chart: Chart, groups: frozenset[str]) -> Iterator[str]:
    for role in chart.of("PractitionerRole"):
        if groups.isdisjoint(_groups(chart, role.get("organization"), role)):
            continue
        for one in described(chart, f"PractitionerRole/{text(role.get('id'))}", frozenset(), NOTHING):
            if one.system == "taxonomy" and chart.vocabulary.term("clinician", one.system, one.code) == "physician":
                yield one.code


def _groups(chart: Chart, target: object, within: Json) -> Iterator[str]:
    if name := reference(target).name:
        yield name
    organization = record(chart.find(target, within))
    if own := text(organization.get("id")):
        yield f"Organization/{own}"
    identifiers = (*records(organization.get("identifier")), *records(record(target).get("identifier")))
    for identifier in identifiers:
        if value := text(identifier.get("value")):
            yield f"{text(identifier.get('system'))}|{value}"
