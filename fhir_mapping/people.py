"""Reads who rendered the visit, and whether that clinician reports E/M visits at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Clinician, Evidence, Fact
from fhir_mapping.readings import Reading, weigh
from fhir_mapping.resources import NOTHING, Json, Reference, codings, evidence, quote, records, reference, text

_CLINICIANS = ("Practitioner", "PractitionerRole")
_MAY_BE_CLINICIANS = {*_CLINICIANS, ""}


@dataclass(frozen=True, slots=True)
class People:
    """Who rendered the visit: all names of that clinician, the reference for a claim, and the chart's own one."""

    identities: frozenset[str]
    practitioner: str | None
    target: object
    clinician: Fact[Clinician]
    described: tuple["Described", ...]
    notes: tuple[str, ...]


class Participant(NamedTuple):
    """A clinician of a visit and the `parts` taken in it, where they are understood; `typed` if any were said."""

    target: object
    parts: frozenset[str]
    typed: bool


def participants(chart: Chart, encounter: Json) -> list[Participant]:
    """List the clinicians of a visit; R4 calls them `individual`, R5 `actor`."""
    found = []
    for entry in records(encounter.get("participant")):
        target = entry.get("individual") or entry.get("actor")
        ref = reference(target)
        held = chart.follow(ref, encounter)
        kind = text(held.get("resourceType")) if held else ref.kind
        if kind in _MAY_BE_CLINICIANS:
            types = entry.get("type")
            parts = frozenset([word for word, _ in chart.vocabulary.words("participant", types)])
            found.append(Participant(target, parts, bool(parts or codings(types))))
    return found


def identities(chart: Chart, target: object, within: Json = NOTHING) -> frozenset[str]:
    """Find all names of the clinician a reference points at: references and NPIs, of a role and of the person in it."""
    names, found = _names(chart, target, within)
    if found and found.get("resourceType") == "PractitionerRole":
        names |= _names(chart, found.get("practitioner"), found)[0]
    return frozenset(names)


def people(chart: Chart, user: str | None) -> People:
    """Read who rendered the visit: the performer, else the attending, else the only clinician, else the user."""
    named = reference(user)
    signer = user if named.kind in _CLINICIANS and named.name else None
    signing = identities(chart, signer)
    target, note = _rendering(chart, signer, signing)
    known = identities(chart, target, chart.encounter)
    notes = [note] if note else []
    if known.isdisjoint(signing) and _kinds(known) & _kinds(signing):
        notes.append("the user is not the clinician who rendered the visit")
    said = described(chart, target, known, chart.encounter)
    return People(
        identities=known,
        practitioner=_address(chart, reference(target)),
        target=target,
        clinician=_clinician(chart, said),
        described=tuple(said),
        notes=tuple(notes),
    )


def _names(chart: Chart, target: object, within: Json) -> tuple[set[str], Json | None]:
    ref = reference(target)
    found = chart.follow(ref, within)
    identifiers = [(ref.system, ref.value)] if ref.value else []
    if found:
        identifiers += [(text(i.get("system")), text(i.get("value"))) for i in records(found.get("identifier"))]
    names = {f"npi/{value}" for system, value in identifiers if value and chart.vocabulary.system(system) == "npi"}
    if address := _address(chart, ref):
        names.add(address)
    return names, found


def _address(chart: Chart, ref: Reference) -> str | None:
    """Find the reference by which a clinician can be named elsewhere; a contained one has none."""
    if ref.kind == "#" or ref.name:
        return ref.name or None
    found = chart.follow(ref)
    return f"{text(found.get('resourceType'))}/{text(found.get('id'))}" if found and text(found.get("id")) else None


def _kinds(names: frozenset[str]) -> set[str]:
    return {name.partition("/")[0] for name in names}


def _rendering(chart: Chart, signer: str | None, signing: frozenset[str]) -> tuple[object, str | None]:
    """Choose who rendered the visit, or say why that cannot be told. A referrer alone rendered nothing."""
    present = [one for one in participants(chart, chart.encounter) if one.parts or not one.typed]
    for part in ("rendering", "attending"):
        named = [one.target for one in present if part in one.parts]
        persons = [identities(chart, target, chart.encounter) for target in named]
        if len(persons) > 1 and not frozenset.intersection(*persons):
            among = any(not person.isdisjoint(signing) for person in persons)
            return (signer, None) if among else (None, f"several clinicians are named as {part}")
        if named:
            return named[0], None
    return (present[0].target if len(present) == 1 else signer), None


class Described(NamedTuple):
    """A taxonomy code or degree that describes a clinician, and where it stands."""

    system: str
    code: str
    evidence: Evidence


def described(chart: Chart, target: object, known: frozenset[str], within: Json) -> list[Described]:
    """List the specialties and qualifications of the clinician: of the person, and of the roles of that person."""
    sources = [found for found in [chart.find(target, within)] if found]
    for kind in _CLINICIANS:
        for resource in chart.of(kind):
            if resource.get("active") is False or any(resource is source for source in sources):
                continue
            if not known.isdisjoint(identities(chart, f"{kind}/{text(resource.get('id'))}")):
                sources.append(resource)
    found = []
    for source in sources:
        said = [("PractitionerRole.specialty", source.get("specialty")), ("PractitionerRole.code", source.get("code"))]
        said += [("Practitioner.qualification", one.get("code")) for one in records(source.get("qualification"))]
        for path, concept in said:
            for coding in codings(concept):
                system = chart.vocabulary.system(coding.system)
                found.append(Described(system, coding.code, evidence(source, path, coding.said)))
    return [one for one in found if one.system in {"taxonomy", "degree"}]


def _clinician(chart: Chart, described: Sequence[Described]) -> Fact[Clinician]:
    ranks: list[list[Reading[Clinician]]] = []
    for system in ("taxonomy", "degree"):
        words = [(chart.vocabulary.term("clinician", system, d.code), d) for d in described if d.system == system]
        readings = [Reading(Clinician(word), d.evidence) for word, d in words if word]
        # A nurse practitioner is a registered nurse too: the higher licence is the one that bills.
        licensed = [reading for reading in readings if reading.value is not Clinician.CLINICAL_STAFF]
        ranks.append(licensed or readings)
    others = quote(", ".join(dict.fromkeys(one.evidence.said for one in described)))
    return weigh(
        ranks, why=f"no rule for {others}" if others else "no taxonomy and no degree of the clinician is at hand"
    )
