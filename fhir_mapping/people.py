"""Reads who rendered the visit, and whether that clinician reports E/M visits at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Clinician, Evidence, Fact
from fhir_mapping.readings import Reading, unknown, weigh
from fhir_mapping.resources import Json, codings, concepts, evidence, name, quote, records, reference, text
from fhir_mapping.roster import CLINICIANS, Roster

_MAY_BE_CLINICIANS = {*CLINICIANS, ""}


@dataclass(frozen=True, slots=True)
class People:
    """Who rendered the visit: all names of that clinician, the reference for a claim, and the chart's own one.

    `roster` knows all other clinicians of the chart.
    """

    identities: frozenset[str]
    practitioner: str | None
    target: object
    clinician: Fact[Clinician]
    described: tuple["Described", ...]
    roster: Roster
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


def people(chart: Chart, user: str | None) -> People:
    """Read who rendered the visit: the performer, else the attending, else the only clinician, else the user."""
    roster = Roster(chart)
    named = reference(user)
    signer = user if named.kind in CLINICIANS and named.name else None
    signing = roster.identities(signer)
    target, note = _rendering(chart, roster, signer, signing)
    known = roster.identities(target, chart.encounter)
    notes = [note] if note else []
    if known.isdisjoint(signing) and _kinds(known) & _kinds(signing):
        notes.append("the user is not the clinician who rendered the visit")
    said = described(chart, sources(roster, known, chart.find(target, chart.encounter)))
    return People(
        identities=known,
        practitioner=roster.address(reference(target)),
        target=target,
        clinician=_clinician(chart, said, _refused(chart, roster, known, target)),
        described=tuple(said),
        roster=roster,
        notes=tuple(notes),
    )


def _refused(chart: Chart, roster: Roster, known: frozenset[str], target: object) -> list[str]:
    """Name what would describe the clinician and cannot be used: it was left out, or is not active."""
    held = chart.find(target, chart.encounter)
    inactive = [one for one in roster.bearing(known) if one is not held and one.get("active") is False]
    found = [f"{name(one)} is not active" for one in inactive]
    return [*found, *chart.left_out("Practitioner"), *chart.left_out("PractitionerRole")]


def _kinds(names: frozenset[str]) -> set[str]:
    return {name.partition("/")[0] for name in names}


def _rendering(chart: Chart, roster: Roster, signer: str | None, signing: frozenset[str]) -> tuple[object, str | None]:
    """Choose who rendered the visit, or say why that cannot be told. A referrer alone rendered nothing."""
    present = [one for one in participants(chart, chart.encounter) if one.parts or not one.typed]
    for part in ("rendering", "attending"):
        named = [one.target for one in present if part in one.parts]
        persons = [roster.identities(target, chart.encounter) for target in named]
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


def sources(roster: Roster, known: frozenset[str], held: Json | None) -> list[Json]:
    """List what describes a clinician: `held`, which a visit points at, and the roles and persons of the same names."""
    others = [one for one in roster.bearing(known) if one is not held and one.get("active") is not False]
    return [held, *others] if held else others


def described(chart: Chart, sources: Sequence[Json]) -> list[Described]:
    """List the specialties and qualifications that persons and roles say."""
    found = []
    for source in sources:
        found += _named_degrees(chart, source)
        said = [("PractitionerRole.specialty", source.get("specialty")), ("PractitionerRole.code", source.get("code"))]
        said += [("Practitioner.qualification", one.get("code")) for one in records(source.get("qualification"))]
        for path, concept in said:
            for coding in codings(concept):
                system = chart.vocabulary.system(coding.system)
                found.append(Described(system, coding.code, evidence(source, path, coding.said)))
    return [one for one in found if one.system in {"taxonomy", "degree"}]


def _named_degrees(chart: Chart, source: Json) -> list[Described]:
    """Read qualifications that are written out and not coded: a degree if it is exactly one of ours, else in words."""
    found = []
    for one in records(source.get("qualification")):
        for concept in concepts(one.get("code")):
            degree = concept.text.replace(".", "").upper()
            if concept.text and not any(chart.vocabulary.system(coding.system) for coding in concept.codings):
                where = evidence(source, "Practitioner.qualification.code.text", concept.text)
                found.append(Described("degree", degree, where))
    return found


def _clinician(chart: Chart, described: Sequence[Described], refused: Sequence[str]) -> Fact[Clinician]:
    ranks: list[list[Reading[Clinician]]] = []
    for system in ("taxonomy", "degree"):
        words = [(chart.vocabulary.term("clinician", system, d.code), d) for d in described if d.system == system]
        readings = [Reading(Clinician(word), d.evidence) for word, d in words if word]
        # A nurse practitioner is a registered nurse too: the higher licence is the one that bills.
        licensed = [reading for reading in readings if reading.value is not Clinician.CLINICAL_STAFF]
        ranks.append(licensed or readings)
    others = quote(", ".join(dict.fromkeys(one.evidence.said for one in described)))
    if others and not any(ranks):
        return unknown("", refused, reason=f"no rule for {others}")
    return weigh(ranks, why="no taxonomy and no degree of the clinician is at hand", refused=refused)
