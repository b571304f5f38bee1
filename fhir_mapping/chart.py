"""Sorts what the EHR sent into one chart: this visit, this patient's other records, and what could not be read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fhir_mapping.encounter import visit_moment
from fhir_mapping.moments import Moment
from fhir_mapping.resources import NOTHING, Json, Reference, name, quote, record, records, reference, text
from fhir_mapping.searches import Search, searches
from fhir_mapping.vocabulary import Vocabulary

_NESTED = 3  # a Bundle within a Bundle within a Bundle: what batch answers of EHRs need, and no more
_HARMLESS = {"warning", "information"}
_MODIFIER, _NOT_UNDERSTOOD = "modifierExtension", "carries a modifier that is not understood"
_NOT_A_RESOURCE = "a prefetched value is not a FHIR resource"
# Only these are ever looked up by identifier.
_IDENTIFIED = ("Location", "Organization", "Patient", "Practitioner", "PractitionerRole")
_Sent = list[tuple[str, Json]]  # each resource with its full URL


class MissingEncounter(LookupError):
    """The visit the request is about is not among its resources."""


class WrongPatient(ValueError):
    """The visit belongs to another patient than the request says."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One visit with the records to read it by.

    `when` is the moment the visit began, if that can be told; `notes` say what could not be read or was left out;
    `refused` counts, by type, the resources with a modifier that is not understood, which may turn them round.
    """

    encounter: Json
    when: Moment | None
    vocabulary: Vocabulary
    notes: tuple[str, ...]
    refused: Mapping[str, int]
    _sent: Sequence[object]
    _index: "_Index"

    @property
    def searches(self) -> tuple[Search, ...]:
        """What was searched for, and whether all of it came."""
        return searches(self._sent)

    def of(self, kind: str) -> Sequence[Json]:
        """List this patient's resources of one type, and those that belong to no patient."""
        return self._index.by_kind.get(kind, ())

    def find(self, target: object, within: Json = NOTHING) -> Json | None:
        """Follow a reference of the resource `within`, if what it points at was supplied."""
        return self._index.follow(reference(target), within)

    def follow(self, ref: Reference, within: Json = NOTHING) -> Json | None:
        """Follow a reference that is read already."""
        return self._index.follow(ref, within)

    def is_this_visit(self, target: object, within: Json = NOTHING) -> bool:
        """Tell whether a reference points at the visit."""
        ref = reference(target)
        if self._index.follow(ref, within) is self.encounter:
            return True
        return ref.kind in {"", "Encounter"} and ref.id != "" and ref.id == text(self.encounter.get("id"))


def open_chart(resources: Iterable[object], patient_id: str, encounter_id: str, vocabulary: Vocabulary) -> Chart:
    """Sort the values of a prefetch into the chart of one visit.

    Raises MissingEncounter if the visit is not among them, and WrongPatient if it is another patient's.
    """
    notes: list[str] = []
    resources = list(resources)
    sent: _Sent = []
    for value in resources:
        _walk(value, sent, notes)
    index = _Index(sent)
    patient, visit = (reference(given).id or given for given in (patient_id, encounter_id))
    encounter = index.visit(visit)
    match index.is_patient(encounter.get("subject"), patient):
        case False:
            raise WrongPatient("the encounter belongs to another patient than the request says")
        case None:
            notes.append("Encounter.subject does not say which patient it is")
    mine = index.of_patient(patient, encounter)
    if len(mine) < len(sent):
        others = Counter(text(resource.get("resourceType")) for _, resource in sent)
        others.subtract(text(resource.get("resourceType")) for _, resource in mine)
        notes += [f"left out, because of another patient: {n} {quote(kind)}" for kind, n in others.items() if n]
        index = _Index(mine)
    understood, refused = _understood(mine, encounter, notes)
    if understood is not mine:
        index = _Index(mine := understood)
    if not text(encounter.get("id")):
        # What a card or a draft claim refers to needs the id that the request gave.
        nameless, encounter = encounter, {**encounter, "id": visit}
        index = _Index([(url, encounter if found is nameless else found) for url, found in mine])
    return Chart(encounter, visit_moment(encounter), vocabulary, tuple(dict.fromkeys(notes)), refused, resources, index)


class _Index:
    """Where each resource that was sent is found: by type, by name, and by the address or identifier it has."""

    def __init__(self, sent: _Sent) -> None:
        self._sent = sent
        self.by_kind: dict[str, list[Json]] = {}
        self._by_name: dict[str, Json] = {}
        self._by_url: dict[str, Json] | None = None
        self._by_identifier: dict[tuple[str, str, str], Json] | None = None
        self._held: dict[int, tuple[Json, dict[str, Json]]] = {}
        self._has_bare_urls = False
        for url, resource in sent:
            kind, own = text(resource.get("resourceType")), text(resource.get("id"))
            if own and self._by_name.setdefault(f"{kind}/{own}", resource) is not resource:
                continue  # the same resource under two prefetch keys
            if kind in self.by_kind:
                self.by_kind[kind].append(resource)
            else:
                self.by_kind[kind] = [resource]
            if url and ":" not in url:
                self._has_bare_urls = True

    def visit(self, encounter_id: str) -> Json:
        named = self._by_name.get(f"Encounter/{encounter_id}")
        nameless = [one for one in self.by_kind.get("Encounter", ()) if not named and not text(one.get("id"))]
        if named is None and len(nameless) != 1:
            raise MissingEncounter("the encounter of the request is not among its resources")
        return named or nameless[0]

    def follow(self, ref: Reference, within: Json = NOTHING) -> Json | None:
        if ref.kind == "#":
            return self._contained(within).get(ref.id)
        if ref.value:
            return self._identified().get((ref.kind, ref.system, ref.value))
        if named := self._by_name.get(ref.name):
            return named
        return self._addressed().get(ref.url) if ":" in ref.url or self._has_bare_urls else None

    def _addressed(self) -> dict[str, Json]:
        """Index the addresses when one is first asked for: most references are names."""
        if self._by_url is None:
            self._by_url = {}
            for url, resource in self._sent:
                own = text(resource.get("id"))
                if own and self._by_name[f"{text(resource.get('resourceType'))}/{own}"] is not resource:
                    continue
                for address in filter(None, (url, own and f"urn:uuid:{own}")):
                    self._by_url.setdefault(address, resource)
        return self._by_url

    def _identified(self) -> dict[tuple[str, str, str], Json]:
        """Index the identifiers when one is first asked for: with their systems, and without."""
        if self._by_identifier is None:
            self._by_identifier = {}
            for kind in _IDENTIFIED:
                for resource in self.by_kind.get(kind, ()):
                    for identifier in records(resource.get("identifier")):
                        value = text(identifier.get("value"))
                        for system in ("", text(identifier.get("system"))):
                            self._by_identifier.setdefault((kind, system, value), resource)
        return self._by_identifier

    def _contained(self, within: Json) -> dict[str, Json]:
        """Index what a resource contains; the resource is kept, so that its number stays its own."""
        if id(within) not in self._held:
            held = {text(one.get("id")): one for one in reversed(records(within.get("contained")))}
            self._held[id(within)] = within, held
        return self._held[id(within)][1]

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

    def of_patient(self, patient: str, encounter: Json) -> _Sent:
        """List the visit and whatever may be the patient's."""
        named, mine = f"Patient/{patient}", []
        for found in self._sent:
            resource = found[1]
            subject = resource.get("subject")
            # The first is what nearly every resource says, hundreds of times.
            if (isinstance(subject, dict) and subject.get("reference") == named) or (
                resource is encounter or self._belongs(resource, patient)
            ):
                mine.append(found)
        return mine

    def _belongs(self, resource: Json, patient: str) -> bool:
        """Tell whether a resource may be the patient's: nothing in it says that it is somebody else's."""
        if resource.get("resourceType") == "Patient":
            return text(resource.get("id")) in {"", patient}
        said = [self.is_patient(target, patient) for target in _patients(resource)]
        return any(answer is not False for answer in said) or not said


def _understood(mine: _Sent, encounter: Json, notes: list[str]) -> tuple[_Sent, Mapping[str, int]]:
    """Leave out, and note, resources and lines of a bill that carry a modifier: FHIR lets none be read without it.

    The visit itself stays, for without it there is nothing to read; the note is then all that tells of it.
    """
    may_be = [number for number, (_, resource) in enumerate(mine) if _MODIFIER in resource or "item" in resource]
    modified = [number for number in may_be if _is_modified(mine[number][1])]
    if not modified:
        return mine, {}
    kept, refused = dict(enumerate(mine)), Counter[str]()
    for number in modified:
        url, resource = kept.pop(number)
        lines = [line for line in records(resource.get("item")) if not line.get(_MODIFIER)]
        if resource is encounter:
            kept[number] = url, resource
            notes.append(f"{name(resource)} {_NOT_UNDERSTOOD}; read without it")
        elif not resource.get(_MODIFIER):
            kept[number] = url, {**resource, "item": lines}
            notes.append(f"{name(resource)}: a line {_NOT_UNDERSTOOD}; not used")
        else:
            refused[text(resource.get("resourceType"))] += 1
            notes.append(f"{name(resource)} {_NOT_UNDERSTOOD}; not used")
    return [kept[number] for number in sorted(kept)], refused


def _is_modified(resource: Json) -> bool:
    return bool(resource.get(_MODIFIER)) or any(line.get(_MODIFIER) for line in records(resource.get("item")))


def _patients(resource: Json) -> Sequence[object]:
    for element in ("subject", "patient", "beneficiary"):
        if said := resource.get(element):
            return records(said)
    if resource.get("resourceType") == "Appointment":
        actors = [participant.get("actor") for participant in records(resource.get("participant"))]
        return [actor for actor in actors if reference(actor).kind == "Patient"]
    return ()


def _walk(value: object, sent: _Sent, notes: list[str], url: str = "", depth: int = 0) -> None:
    """Collect each resource in a prefetched value with its full URL; note what cannot be read, and go on."""
    resource = record(value)
    kind = text(resource.get("resourceType"))
    if kind == "OperationOutcome":
        notes.append(f"a prefetched resource could not be read by the EHR ({_issue(resource)})")
    elif kind == "Bundle" and depth < _NESTED:
        entries = resource.get("entry")
        for each in entries if isinstance(entries, list) else records(entries):
            entry = record(each)
            held = entry.get("resource")
            if text(record(held).get("resourceType")) != "OperationOutcome":
                _walk(held, sent, notes, url or text(entry.get("fullUrl")), depth + 1)
            elif not _says_empty(entry, record(held)):
                notes.append(f"{_asked(resource)} could not be read by the EHR ({_issue(record(held))})")
    elif kind and kind != "Bundle":
        sent.append((url, resource))
    elif value is not None:
        notes.append(_NOT_A_RESOURCE)


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
