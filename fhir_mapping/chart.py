"""Sorts what the EHR sent into one chart: this visit, this patient's other records, and what could not be read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fhir_mapping.encounter import visit_moment
from fhir_mapping.moments import Moment
from fhir_mapping.resources import NOTHING, Json, Reference, quote, record, records, reference, text
from fhir_mapping.searches import Search, searches
from fhir_mapping.vocabulary import Vocabulary

_NESTED = 3  # a Bundle within a Bundle within a Bundle: what batch answers of EHRs need, and no more
_HARMLESS = {"warning", "information"}
_NOT_A_RESOURCE = "a prefetched value is not a FHIR resource"
# Only these are ever looked up by identifier.
_IDENTIFIED = {"Location", "Organization", "Patient", "Practitioner", "PractitionerRole"}


class MissingEncounter(LookupError):
    """The visit the request is about is not among its resources."""


class WrongPatient(ValueError):
    """The visit belongs to another patient than the request says."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One visit with the records to read it by.

    `when` is the moment the visit began, if that can be told; `notes` say what could not be read or was left out;
    `searches` what was searched for and whether all of it came.
    """

    encounter: Json
    when: Moment | None
    vocabulary: Vocabulary
    notes: tuple[str, ...]
    searches: tuple[Search, ...]
    _index: "_Index"

    def of(self, kind: str) -> Sequence[Json]:
        """List this patient's resources of one type, and those that belong to no patient."""
        return self._index.by_kind.get(kind, ())

    def find(self, target: object, within: Json = NOTHING) -> Json | None:
        """Follow a reference of the resource `within`, if what it points at was supplied."""
        return self._index.find(target, within)

    def is_this_visit(self, target: object, within: Json = NOTHING) -> bool:
        """Tell whether a reference points at the visit."""
        if self.find(target, within) is self.encounter:
            return True
        ref = reference(target)
        return ref.kind in {"", "Encounter"} and ref.id != "" and ref.id == text(self.encounter.get("id"))


def open_chart(resources: Iterable[object], patient_id: str, encounter_id: str, vocabulary: Vocabulary) -> Chart:
    """Sort the values of a prefetch into the chart of one visit.

    Raises MissingEncounter if the visit is not among them, and WrongPatient if it is another patient's.
    """
    notes: list[str] = []
    resources = list(resources)
    sent = [found for value in resources for found in _walk(value, notes)]
    index = _Index.of(sent)
    patient, visit = (reference(given).id or given for given in (patient_id, encounter_id))
    encounter = index.visit(visit)
    match index.is_patient(encounter.get("subject"), patient):
        case False:
            raise WrongPatient("the encounter belongs to another patient than the request says")
        case None:
            notes.append("Encounter.subject does not say which patient it is")
    mine = [found for found in sent if found[1] is encounter or index.belongs(found[1], patient)]
    if len(mine) < len(sent):
        others = Counter(text(resource.get("resourceType")) for _, resource in sent)
        others.subtract(text(resource.get("resourceType")) for _, resource in mine)
        notes += [f"left out, because of another patient: {n} {quote(kind)}" for kind, n in others.items() if n]
        index = _Index.of(mine)
    if not text(encounter.get("id")):
        # What a card or a draft claim refers to needs the id that the request gave.
        nameless, encounter = encounter, {**encounter, "id": visit}
        index = _Index.of([(url, encounter if found is nameless else found) for url, found in mine])
    said = tuple(dict.fromkeys(notes))
    return Chart(encounter, visit_moment(encounter), vocabulary, said, searches(resources), index)


@dataclass(frozen=True, slots=True)
class _Index:
    by_kind: dict[str, list[Json]]
    by_name: dict[str, Json]
    by_url: dict[str, Json]
    by_identifier: dict[tuple[str, str], list[Json]]

    @classmethod
    def of(cls, sent: Iterable[tuple[str, Json]]) -> "_Index":
        index = cls({}, {}, {}, {})
        for url, resource in sent:
            kind, own = text(resource.get("resourceType")), text(resource.get("id"))
            if own and index.by_name.setdefault(f"{kind}/{own}", resource) is not resource:
                continue  # the same resource under two prefetch keys
            index.by_kind.setdefault(kind, []).append(resource)
            for address in filter(None, (url, own and f"urn:uuid:{own}")):
                index.by_url.setdefault(address, resource)
            if kind in _IDENTIFIED:
                for identifier in records(resource.get("identifier")):
                    index.by_identifier.setdefault((kind, text(identifier.get("value"))), []).append(resource)
        return index

    def visit(self, encounter_id: str) -> Json:
        named = self.by_name.get(f"Encounter/{encounter_id}")
        nameless = [one for one in self.by_kind.get("Encounter", ()) if not named and not text(one.get("id"))]
        if named is None and len(nameless) != 1:
            raise MissingEncounter("the encounter of the request is not among its resources")
        return named or nameless[0]

    def find(self, target: object, within: Json = NOTHING) -> Json | None:
        return self.follow(reference(target), within)

    def follow(self, ref: Reference, within: Json = NOTHING) -> Json | None:
        if ref.kind == "#":
            return next((held for held in records(within.get("contained")) if text(held.get("id")) == ref.id), None)
        if ref.value:
            found = self.by_identifier.get((ref.kind, ref.value), [])
            return next((resource for resource in found if _carries(resource, ref.system, ref.value)), None)
        return self.by_name.get(ref.name) or self.by_url.get(ref.url)

    def is_patient(self, target: object, patient: str) -> bool | None:
        """Tell whether a reference points at the patient; `None` if it does not say."""
        ref = reference(target)
        if ref.kind == "#":
            return None
        found = self.follow(ref)
        own = text(found.get("id")) if found else ref.id
        if not own:
            return True if ref.value and ref.value == patient else None
        return own == patient and ref.kind in {"", "Patient"}

    def belongs(self, resource: Json, patient: str) -> bool:
        """Tell whether a resource may be the patient's: nothing in it says that it is somebody else's."""
        if record(resource.get("subject")).get("reference") == f"Patient/{patient}":
            return True  # what nearly every resource says, hundreds of times
        if resource.get("resourceType") == "Patient":
            return text(resource.get("id")) in {"", patient}
        said = [self.is_patient(target, patient) for target in _patients(resource)]
        return any(answer is not False for answer in said) or not said


def _patients(resource: Json) -> Sequence[object]:
    for element in ("subject", "patient", "beneficiary"):
        if said := resource.get(element):
            return records(said)
    if resource.get("resourceType") == "Appointment":
        actors = [participant.get("actor") for participant in records(resource.get("participant"))]
        return [actor for actor in actors if reference(actor).kind == "Patient"]
    return ()


def _carries(resource: Json, system: str, value: str) -> bool:
    identifiers = records(resource.get("identifier"))
    return any(text(i.get("value")) == value and system in {"", text(i.get("system"))} for i in identifiers)


def _walk(value: object, notes: list[str], depth: int = 0) -> Iterator[tuple[str, Json]]:
    """Yield each resource in a prefetched value with its full URL; note what cannot be read, and go on."""
    resource = record(value)
    kind = text(resource.get("resourceType"))
    if kind == "OperationOutcome":
        notes.append(f"a prefetched resource could not be read by the EHR ({_issue(resource)})")
    elif kind == "Bundle" and depth < _NESTED:
        entries = resource.get("entry")
        for entry in entries if isinstance(entries, list) else records(entries):
            yield from _entry(record(entry), resource, notes, depth)
    elif kind and kind != "Bundle":
        yield "", resource
    elif value is not None:
        notes.append(_NOT_A_RESOURCE)


def _entry(entry: Json, bundle: Json, notes: list[str], depth: int) -> Iterator[tuple[str, Json]]:
    held = record(entry.get("resource"))
    if text(held.get("resourceType")) != "OperationOutcome":
        for url, resource in _walk(entry.get("resource"), notes, depth + 1):
            yield text(entry.get("fullUrl")) or url, resource
    elif not _says_empty(entry, held):
        notes.append(f"{_asked(bundle)} could not be read by the EHR ({_issue(held)})")


def _says_empty(entry: Json, outcome: Json) -> bool:
    """Recognise Epic's way to say that a search found nothing."""
    severities = {text(issue.get("severity")) for issue in records(outcome.get("issue"))}
    return text(record(entry.get("search")).get("mode")) == "outcome" and bool(severities) and severities <= _HARMLESS


def _issue(outcome: Json) -> str:
    return next((quote(text(issue.get("code"))) for issue in records(outcome.get("issue"))), "") or "no reason given"


def _asked(bundle: Json) -> str:
    links = [link for link in records(bundle.get("link")) if link.get("relation") == "self"]
    kind = text(links[0].get("url")).partition("?")[0].rpartition("/")[2] if links else ""
    return f"a search for {kind}" if kind.isalpha() and kind.isascii() else "a search"
