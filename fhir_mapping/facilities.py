"""Reads what kind of practice the visit belongs to, and whether it was behavioral health."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Evidence, Fact, How, Setting
from fhir_mapping.people import Described
from fhir_mapping.readings import Reading, unknown, weigh
from fhir_mapping.resources import Coding, Json, codings, evidence, name, record, records, reference

Types = Sequence[tuple[Coding, Evidence]]


def facility_types(chart: Chart) -> Types:
    """The types of the visit's locations, of the organizations they belong to, and of its provider."""
    return tuple(_types(chart))


def setting(chart: Chart, types: Types) -> Fact[Setting]:
    """Read the kind of practice that bills."""
    words = [(chart.vocabulary.word("setting", coding.system, coding.code), where) for coding, where in types]
    readings = [Reading(Setting(word), where) for word, where in words if word]
    refused = (*chart.left_out("Location"), *chart.left_out("Organization"))
    return weigh(
        [readings], why="no type of a location or organization says what kind of practice it is", refused=refused
    )


def behavioral_health(chart: Chart, described: Sequence[Described], types: Types) -> Fact[bool]:
    """Read whether it was behavioral health: by the clinician's specialty, else by the kind of practice.

    A diagnosis alone never says so, for the purpose of the service decides (CHCANYS); it is named, no more.
    """
    taxonomy = [one for one in described if one.system == "taxonomy"]
    if taxonomy:
        said = [chart.vocabulary.term("behavioral_health", one.system, one.code) for one in taxonomy]
        proof = [one.evidence for one in taxonomy] if all(said) else []
    else:
        words = [
            (chart.vocabulary.word("behavioral_health", coding.system, coding.code), where) for coding, where in types
        ]
        proof = [where for word, where in words if word]
    if proof:
        return Fact(True, tuple(replace(one, how=How.DERIVED) for one in proof))
    why = "neither the taxonomy of the clinician nor the kind of practice says that it was behavioral health"
    diagnosed = next(_diagnosed(chart), None)
    if diagnosed:
        why += f"; {diagnosed} is such a diagnosis, but the purpose of the service decides"
    kinds = ("Practitioner", "PractitionerRole", "Location", "Organization")
    return unknown("", [one for kind in kinds for one in chart.left_out(kind)], reason=why)


def _types(chart: Chart) -> Iterator[tuple[Coding, Evidence]]:
    owners = {
        id(provider := chart.find(chart.encounter.get("serviceProvider"), chart.encounter, "Organization")): provider
    }
    places: dict[int, tuple[Json, bool]] = {}
    for entry in records(chart.encounter.get("location")):
        ref = reference(entry.get("location"))
        if location := chart.follow(ref, chart.encounter):
            places.setdefault(id(location), (location, ref.kind == "#"))
    for location, contained in places.values():
        holder, path = (chart.encounter, "Encounter.contained.type") if contained else (location, "Location.type")
        yield from ((coding, evidence(holder, path, coding.said)) for coding in codings(location.get("type")))
        organization = chart.find(location.get("managingOrganization"), location, "Organization")
        owners.setdefault(id(organization), organization)
    for owner in filter(None, owners.values()):
        yield from (
            (coding, evidence(owner, "Organization.type", coding.said)) for coding in codings(owner.get("type"))
        )


def _diagnosed(chart: Chart) -> Iterator[str]:
    entries = records(chart.encounter.get("diagnosis"))
    named = [chart.find(entry.get("condition"), chart.encounter, "Condition") for entry in entries]
    for condition in {id(one): one for one in named}.values():
        for _, coding in chart.vocabulary.words("diagnosis", record(condition).get("code")):
            yield f"{name(record(condition))} {coding.code}"
