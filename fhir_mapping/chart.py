"""Sorts what the EHR sent into one chart: this visit, this patient's other records, and what could not be read."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fhir_mapping.encounter import visit_moment
from fhir_mapping.identity import Identifier, Names, Person, identifiers, together
from fhir_mapping.moments import Moment
from fhir_mapping.resources import NOTHING, Json, Reference, name, quote, record, records, reference, text
from fhir_mapping.searches import Search, searches
from fhir_mapping.sent import Sent, collect
from fhir_mapping.versions import newest
from fhir_mapping.vocabulary import Vocabulary

_MODIFIER, _NOT_UNDERSTOOD = "modifierExtension", "carries a modifier that is not understood"


class MissingEncounter(LookupError):
    """The visit the request is about is not among its resources."""


class WrongPatient(ValueError):
    """The visit belongs to another patient than the request says."""


class ContradictedPatient(WrongPatient):
    """The visit says in two ways whose it is, and they do not agree, or not with the Patient that was sent."""


class ContradictedVisit(ContradictedPatient):
    """The visit was sent in two versions that differ, and nothing says which of them is the newer one."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One visit with the records to read it by.

    `when` is the moment the visit began, if that can be told; `notes` say what could not be read or was left out;
    `refused` counts, by type, the resources with a modifier that is not understood, which may turn them round, and
    those that could not be read; `unreadable` are the types of the latter. `left` is what was left out, each with the
    reason in words.
    """

    encounter: Json
    when: Moment | None
    vocabulary: Vocabulary
    notes: tuple[str, ...]
    refused: Mapping[str, int]
    unreadable: frozenset[str]
    left: Sequence[tuple[Json, str]]
    _sent: Sequence[object]
    _index: "_Index"
    _names: Names

    @property
    def searches(self) -> tuple[Search, ...]:
        """What was searched for, and whether all of it came."""
        return searches(self._sent)

    def of(self, kind: str) -> Sequence[Json]:
        """List this patient's resources of one type, and those that belong to no patient."""
        return self._index.by_kind.get(kind, ())

    def left_out(self, kind: str) -> list[str]:
        """Name what was left out of one type of resources, each with the reason. Another patient's have no name."""
        return [why for resource, why in self.left if text(resource.get("resourceType")) == kind]

    def find(self, target: object, within: Json = NOTHING, kind: str = "") -> Json | None:
        """Follow a reference of the resource `within`, if what it points at was supplied.

        Parameters: `kind` of resource that the element refers to, for a reference that does not say it.
        """
        ref = reference(target)
        return self._index.follow(ref if ref.kind else ref._replace(kind=kind), within)

    def follow(self, ref: Reference, within: Json = NOTHING) -> Json | None:
        """Follow a reference that is read already."""
        return self._index.follow(ref, within)

    def is_this_visit(self, target: object, within: Json = NOTHING) -> bool:
        """Tell whether a reference points at the visit, and nothing in it at another one.

        It may name the visit by its address, by its id, or by one of its identifiers.
        """
        ref = reference(target)
        by_identifier = self._index.identify_visit(self._names, _identifiers_of(ref, target))
        if by_identifier is False:
            return False
        if not ref.id:
            return by_identifier is True and ref.kind in {"", "Encounter"}
        if self._index.follow(ref, within) is self.encounter:
            return True
        return ref.kind in {"", "Encounter"} and ref.id == text(self.encounter.get("id"))


def open_chart(  # noqa: PLR0913 - one chart, and what is known of the records it is made of
    resources: Iterable[object],
    patient_id: str,
    encounter_id: str,
    vocabulary: Vocabulary,
    without: Iterable[Json] = (),
    drafted: Collection[str] = (),
) -> Chart:
    """Sort the values of a prefetch into the chart of one visit.

    Parameters: `without`, the resources that cannot be read, which are left out and named; `drafted`, the names of
    drafts, which stand for what is stored under the same name.
    Raises MissingEncounter if the visit is not among them, WrongPatient if it is another patient's, and its subclasses
    ContradictedPatient if what it says of its patient does not agree, and ContradictedVisit if it was sent twice and
    differs.
    """
    notes: list[str] = []
    resources = list(resources)
    sent: Sent = []
    for value in resources:
        collect(value, sent, notes)
    unread = {id(one): one for one in without}
    if unread:
        notes += [f"{name(one)} could not be read; not used" for one in unread.values()]
        sent = [found for found in sent if id(found[1]) not in unread]
    sent, contradicting = newest(sent, drafted)
    notes += [f"{quote(one)} was sent in versions that differ, none of them newer" for one in sorted(contradicting)]
    index = _Index(sent)
    patient, visit = (reference(given).id or given for given in (patient_id, encounter_id))
    encounter = index.visit(visit)
    person = Person(patient, index.by_kind.get("Patient", ()))
    match index.whose_visit(encounter, person):
        case (False, False | None):
            raise WrongPatient("the encounter belongs to another patient than the request says")
        case (False, _) | (_, False):
            raise ContradictedPatient("what the encounter says of its patient does not agree")
        case (None, None):
            notes.append("Encounter.subject does not say which patient it is")
    if name(encounter) in contradicting:
        raise ContradictedVisit("the encounter was sent in versions that differ")
    mine = index.of_patient(person, encounter)
    left: list[tuple[Json, str]] = []
    if len(mine) < len(sent):
        others = Counter(text(resource.get("resourceType")) for _, resource in sent)
        others.subtract(text(resource.get("resourceType")) for _, resource in mine)
        notes += [f"left out, because of another patient: {n} {quote(kind)}" for kind, n in others.items() if n]
        kept = {id(resource) for _, resource in mine}
        left = [(one, f"{_a(one)} of another patient") for _, one in sent if id(one) not in kept]
        index = _Index(mine)
    understood, refused = _understood(mine, encounter, notes, left)
    if understood is not mine:
        index = _Index(mine := understood)
    if not text(encounter.get("id")):
        # What a card or a draft claim refers to needs the id that the request gave.
        nameless, encounter = encounter, {**encounter, "id": visit}
        index = _Index([(url, encounter if found is nameless else found) for url, found in mine])
    kinds = Counter(text(one.get("resourceType")) for one in unread.values())
    return Chart(
        encounter,
        visit_moment(encounter),
        vocabulary,
        tuple(dict.fromkeys(notes)),
        Counter(refused) + kinds if kinds else refused,
        frozenset(kinds),
        [*left, *(_unreadable(one) for one in unread.values())],
        resources,
        index,
        Names(identifiers(encounter.get("identifier"))),
    )


def sent_beside(resources: Iterable[object], encounter_id: str) -> list[Json]:
    """List the resources among the values of a prefetch, all but the visit."""
    sent: Sent = []
    for value in resources:
        collect(value, sent, [])
    visit = {"", reference(encounter_id).id or encounter_id}
    return [one for _, one in sent if one.get("resourceType") != "Encounter" or text(one.get("id")) not in visit]


def _unreadable(resource: Json) -> tuple[Json, str]:
    """Name a resource that could not be read by its type alone: nothing else of it is looked at again."""
    return {"resourceType": text(resource.get("resourceType"))}, f"{name(resource)}: it could not be read"


def _a(resource: Json) -> str:
    kind = quote(text(resource.get("resourceType")))
    return f"{'an' if kind[:1] in set('AEIOU') else 'a'} {kind}"


class _Index:
    """Where each resource that was sent is found: by type, by name, and by the address or identifier it has."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self.by_kind: dict[str, list[Json]] = {}
        self._by_name: dict[str, Json] = {}
        self._by_url: dict[str, Json] | None = None
        self._by_identifier: dict[tuple[str, str, str], list[Json]] | None = None
        self._systems: dict[tuple[str, str], set[str]] = {}
        self._held: dict[int, tuple[Json, dict[str, Json]]] = {}
        self._has_bare_urls = False
        for url, resource in sent:
            kind, own = text(resource.get("resourceType")), text(resource.get("id"))
            if own:
                self._by_name.setdefault(f"{kind}/{own}", resource)
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
            found = self._bearing(ref.kind, Identifier(ref.system, ref.value))
            return found[0] if found and (ref.kind or len(found) == 1) else None
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

    def identify_visit(self, names: Names, said: Sequence[Identifier]) -> bool | None:
        """Tell whether the identifiers of a reference are those of the visit and of no other; `None` if unclear.

        Parameters: `names` of the visit.
        """
        answers: list[bool | None] = []
        for one in said:
            found, own = self._bearing("Encounter", one), names.agree(one)
            if own:
                answers.append(True if len(found) == 1 else None)
            else:
                answers.append(False if found or own is False else None)
        return together(answers)

    def _bearing(self, kind: str, sought: Identifier) -> Sequence[Json]:
        """List the resources with an identifier, of one type or, if that is not said, of any.

        Where it has no system, or a resource has none beside the value, the value must be of one system alone.
        """
        known = self._identified()
        if sought.system:
            return known.get((kind, sought.system, sought.value)) or known.get((kind, "", sought.value), [])
        systems = self._systems.get((kind, sought.value), set())
        return known[(kind, next(iter(systems)), sought.value)] if len(systems) == 1 else []

    def _identified(self) -> dict[tuple[str, str, str], list[Json]]:
        """Index the identifiers when one is first asked for: by type, and without."""
        if self._by_identifier is None:
            self._by_identifier = {}
            for kind, held in self.by_kind.items():
                for resource in held:
                    for system, value in dict.fromkeys(identifiers(resource.get("identifier"))):
                        for of in (kind, ""):
                            self._by_identifier.setdefault((of, system, value), []).append(resource)
                            self._systems.setdefault((of, value), set()).add(system)
        return self._by_identifier

    def _contained(self, within: Json) -> dict[str, Json]:
        """Index what a resource contains; the resource is kept, so that its number stays its own."""
        if id(within) not in self._held:
            held = {text(one.get("id")): one for one in reversed(records(within.get("contained")))}
            self._held[id(within)] = within, held
        return self._held[id(within)][1]

    def whose(self, target: object, person: Person, within: Json) -> tuple[bool | None, bool | None]:
        """Tell whether a reference points at the patient: by its address, and by identifiers; `None` if it is silent.

        Parameters: `within`, the resource that holds the reference, and may contain what it points at.
        """
        ref = reference(target)
        said = _identifiers_of(ref, target)
        by_address: bool | None = None
        if ref.kind == "#":
            contained = self._contained(within).get(ref.id, NOTHING)
            said += identifiers(contained.get("identifier"))
        elif ref.value:
            by_address = True if ref.value in person.ids else None
        else:
            found = self.follow(ref)
            own = text(found.get("id")) if found else ref.id
            by_address = own in person.ids and ref.kind in {"", "Patient"} if own else None
        answers: list[bool | None] = []
        for one in said:
            named = person.names.agree(one)
            answers.append(False if named is None and self._bearing("Patient", one) else named)
        return by_address, together(answers)

    def whose_visit(self, encounter: Json, person: Person) -> tuple[bool | None, bool | None]:
        """Tell the same of the visit, whose patient some write in a list, or under the name of an older FHIR."""
        said = encounter.get("subject") or encounter.get("patient")
        answers = [self.whose(one, person, encounter) for one in (records(said) if isinstance(said, list) else [said])]
        return together([address for address, _ in answers]), together([named for _, named in answers])

    def of_patient(self, person: Person, encounter: Json) -> Sent:
        """List the visit and whatever may be the patient's."""
        named, mine = tuple(f"Patient/{own}" for own in person.ids), []
        for found in self._sent:
            resource = found[1]
            subject = resource.get("subject")
            # The first is what nearly every resource says, hundreds of times.
            if (isinstance(subject, dict) and subject.get("reference") in named and "identifier" not in subject) or (
                resource is encounter or self._belongs(resource, person)
            ):
                mine.append(found)
        return mine

    def _belongs(self, resource: Json, person: Person) -> bool:
        """Tell whether a resource may be the patient's: nothing in it says that it is somebody else's."""
        if resource.get("resourceType") == "Patient":
            return text(resource.get("id")) in {"", *person.ids}
        said = [self.whose(target, person, resource) for target in _patients(resource)]
        return any(False not in answers for answers in said) or not said


def _identifiers_of(ref: Reference, target: object) -> list[Identifier]:
    """List the identifiers in a reference, beside its address or in place of it."""
    return [Identifier(ref.system, ref.value)] if ref.value else identifiers(record(target).get("identifier"))


def _understood(
    mine: Sent, encounter: Json, notes: list[str], left: list[tuple[Json, str]]
) -> tuple[Sent, Mapping[str, int]]:
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
            left.append((resource, f"{name(resource)}: a line {_NOT_UNDERSTOOD}"))
            notes.append(f"{name(resource)}: a line {_NOT_UNDERSTOOD}; not used")
        else:
            refused[text(resource.get("resourceType"))] += 1
            left.append((resource, f"{name(resource)} {_NOT_UNDERSTOOD}"))
            notes.append(f"{name(resource)} {_NOT_UNDERSTOOD}; not used")
    return [kept[number] for number in sorted(kept)], refused


def _is_modified(resource: Json) -> bool:
    return bool(resource.get(_MODIFIER)) or any(line.get(_MODIFIER) for line in records(resource.get("item")))


def _patients(resource: Json) -> Sequence[object]:
    for element in ("subject", "patient", "beneficiary"):
        if said := resource.get(element):
            return said if isinstance(said, list) else [said]
    if resource.get("resourceType") == "Appointment":
        actors = [participant.get("actor") for participant in records(resource.get("participant"))]
        return [actor for actor in actors if reference(actor).kind == "Patient"]
    return ()
