"""Reads whether the visit was outpatient: the codes of telehealth visits are for no inpatient or emergency care.

A class that is not understood is never taken for an outpatient one, whatever else tells that the visit was by video.
"""

from collections.abc import Iterator, Sequence

from fhir_mapping.charges import Line
from fhir_mapping.chart import Chart
from fhir_mapping.facts import Evidence, Fact, How, PatientClass
from fhir_mapping.resources import Coding, Concept, Json, concepts, evidence, record, records, reference, text
from fhir_mapping.vocabulary import Vocabulary

_TYPES = ("type", "serviceType")
_ADMISSION = ("hospitalization", "admission")  # R4, R5
_BESIDE = frozenset({"id", "extension"})
_EXTENDED = ("valueCoding", "valueCodeableConcept")
_OWN = ("act-code", "patient-class")


def classes(encounter: Json, vocabulary: Vocabulary, topic: str) -> list[tuple[str, Evidence]]:
    """List what the codes in the class of an encounter mean under `topic`: one in R4, several in R5.

    A class without a code system is FHIR's own; one in a vendor's system that nobody lists says nothing.
    """
    return [
        (word, evidence(encounter, "Encounter.class", coding.code))
        for concept in _concepts(encounter.get("class"))
        for coding in concept.codings
        if (word := _meant(vocabulary, topic, coding, _OWN))
    ]


def unread_class_words(encounter: Json, vocabulary: Vocabulary) -> Iterator[str]:
    """The words of a class whose codes are not understood."""
    for concept in _concepts(encounter.get("class")):
        if not any(_meant(vocabulary, "class", coding, _OWN) for coding in concept.codings):
            yield from _words(concept)


def not_ours(encounter: Json, vocabulary: Vocabulary) -> str | None:
    """Say why this is no outpatient visit that took place, as the encounter itself says: cancelled, inpatient ..."""
    status = vocabulary.term("not_ours", "encounter-status", text(encounter.get("status")))
    if status:
        return f"{status} encounter"
    return next((f"{word} encounter" for word, _ in _stays(encounter, vocabulary)), None)


def patient_class(chart: Chart, lines: Sequence[Line]) -> Fact[PatientClass]:
    """Read whether the visit was outpatient from all that tells of a stay in a hospital.

    Parameters: `lines` of the visit's charges. The fact is unknown, with the evidence for the doubt, where a class
    cannot be read, or where something beside the class hints at a stay.
    """
    visit, vocabulary = chart.encounter, chart.vocabulary
    stays = [*_stays(visit, vocabulary), *_stays_around(chart)]
    if stays:
        word, where = stays[0]
        return Fact(PatientClass(word.replace("-", "_")), (where,))
    understood, unread = _read_class(visit, vocabulary)
    hints = [*_hints(chart, lines, admission_only=bool(understood))]
    if hints:
        why = f"{_quoted(hints)} may tell of a hospital stay"
        if understood:
            why = f"{_quoted(understood)}, but {why}"
        return Fact(evidence=(*understood, *hints), why_unknown=why)
    if understood:
        return Fact(PatientClass.OUTPATIENT, tuple(understood))
    if unread:
        return Fact(evidence=tuple(unread), why_unknown=f"{_quoted(unread)} is no class that is known here")
    return Fact(why_unknown="the encounter has no class")


def _stays(encounter: Json, vocabulary: Vocabulary) -> Iterator[tuple[str, Evidence]]:
    """Read what the class and the types of an encounter say outright: a code, or a text that says nothing else.

    The words of a type count only where no class says that it was outpatient; beside one they are a hint.
    """
    outpatient, _ = _read_class(encounter, vocabulary)
    for element in ("class", *_TYPES):
        path, default = f"Encounter.{element}", _OWN if element == "class" else ()
        for concept in _concepts(encounter.get(element)):
            coded = [_meant(vocabulary, "not_ours", coding, default) for coding in concept.codings]
            for word, coding in zip(coded, concept.codings, strict=True):
                if word:
                    yield word, evidence(encounter, path, coding.code)
            if not any(coded) and not outpatient:
                for said in _words(concept):
                    for word in sorted(vocabulary.phrases("not_ours", said)):
                        yield word, evidence(encounter, path, said)


def _stays_around(chart: Chart) -> Iterator[tuple[str, Evidence]]:
    """A visit that is part of a hospital stay belongs to it."""
    around = chart.find(chart.encounter.get("partOf"), chart.encounter)
    if around is not None and around is not chart.encounter:
        yield from _stays(around, chart.vocabulary)


def _read_class(encounter: Json, vocabulary: Vocabulary) -> tuple[list[Evidence], list[Evidence]]:
    """Tell apart what of the class is understood as outpatient and what is not understood at all."""
    understood: list[Evidence] = []
    unread: list[Evidence] = []
    for concept in _concepts(encounter.get("class")):
        said = " / ".join(dict.fromkeys((*(coding.said for coding in concept.codings), *filter(None, (concept.text,)))))
        known = _is_outpatient(vocabulary, concept) or any(
            vocabulary.phrases("outpatient", words) and not _hints_at_stay(vocabulary, words)
            for words in _words(concept)
        )
        (understood if known else unread).append(evidence(encounter, "Encounter.class", said))
    return understood, unread


def _is_outpatient(vocabulary: Vocabulary, concept: Concept) -> bool:
    return any(_meant(vocabulary, topic, one, _OWN) for one in concept.codings for topic in ("class", "outpatient"))


def _hints(chart: Chart, lines: Sequence[Line], *, admission_only: bool) -> Iterator[Evidence]:
    """Find what may tell of a stay beside the class.

    Parameters: `admission_only` if the class is understood: what outpatient visits have too is then no hint.
    """
    visit, vocabulary = chart.encounter, chart.vocabulary
    for element in ("class", *_TYPES):
        for concept in _concepts(visit.get(element)):
            yield from _concept_hints(vocabulary, concept, visit, f"Encounter.{element}")
    for entry in records(visit.get("classHistory")):
        for concept in _concepts(entry.get("class")):
            yield from _concept_hints(vocabulary, concept, visit, "Encounter.classHistory.class", _OWN)
    for extension in records(visit.get("extension")):
        for element in _EXTENDED:
            for concept in concepts(extension.get(element)):
                yield from _concept_hints(vocabulary, concept, visit, "Encounter.extension")
    for element in _ADMISSION:
        admission = record(visit.get(element))
        said = [name for name, value in admission.items() if value and not name.startswith("_")]
        told = [name for name in said if not admission_only or _is_of_stay(vocabulary, name, admission[name])]
        if told:
            yield evidence(visit, f"Encounter.{element}", ", ".join(told), How.DERIVED)
    yield from _place_hints(chart)
    yield from _charge_hints(vocabulary, lines)


def _is_of_stay(vocabulary: Vocabulary, name: str, value: object) -> bool:
    """Whether a member of an admission tells of a stay: where the patient came from, unless it is no hospital.

    EHRs fill in the others, such as the discharge disposition or the diet, for outpatient visits too.
    """
    if name != "admitSource":
        return name == "origin"
    return not all(_is_ordinary_source(vocabulary, concept) for concept in _concepts(value))


def _is_ordinary_source(vocabulary: Vocabulary, concept: Concept) -> bool:
    topics = ("ordinary_source", "class", "outpatient")
    coded = any(_meant(vocabulary, topic, one) for one in concept.codings for topic in topics)
    said = any(vocabulary.phrases("ordinary_source", words) for words in _words(concept))
    return (coded or said) and not any(_hints_at_stay(vocabulary, words) for words in _words(concept))


def _charge_hints(vocabulary: Vocabulary, lines: Sequence[Line]) -> Iterator[Evidence]:
    for line in lines:
        for coding in line.codes:
            if any(vocabulary.word(topic, coding.system, coding.code) for topic in ("not_ours", "stay")):
                yield evidence(line.resource, line.path, coding.code)
        for place, where in line.places:
            if vocabulary.word("stay", place.system, place.code):
                yield where


def _place_hints(chart: Chart) -> Iterator[Evidence]:
    """Find wards and beds among the locations of the visit."""
    visit, vocabulary = chart.encounter, chart.vocabulary
    told: set[int] = set()
    for entry in records(visit.get("location")):
        for element in ("physicalType", "form"):
            for _, coding in vocabulary.words("stay", entry.get(element)):
                yield evidence(visit, f"Encounter.location.{element}", coding.said)
        display = text(record(entry.get("location")).get("display"))
        if _hints_at_stay(vocabulary, display):
            yield evidence(visit, "Encounter.location.location.display", display)
        ref = reference(entry.get("location"))
        location = record(chart.follow(ref, visit))
        if id(location) not in told:  # a stay may be written again and again: what the place says is read once
            told.add(id(location))
            holder, path = (visit, "Encounter.contained") if ref.kind == "#" else (location, "Location")
            yield from _location_hints(vocabulary, location, holder, path)


def _location_hints(vocabulary: Vocabulary, location: Json, holder: Json, path: str) -> Iterator[Evidence]:
    for element in ("physicalType", "form", "type"):
        for concept in concepts(location.get(element)):
            yield from _concept_hints(vocabulary, concept, holder, f"{path}.{element}")
    for element in ("name", "description"):
        said = text(location.get(element))
        if _hints_at_stay(vocabulary, said):
            yield evidence(holder, f"{path}.{element}", said)


def _concept_hints(
    vocabulary: Vocabulary, concept: Concept, holder: Json, path: str, default: Sequence[str] = ()
) -> Iterator[Evidence]:
    for coding in concept.codings:
        if _meant(vocabulary, "stay", coding) or _meant(vocabulary, "not_ours", coding, default):
            yield evidence(holder, path, coding.said)
    for said in _words(concept):
        if _hints_at_stay(vocabulary, said):
            yield evidence(holder, path, said)


def _hints_at_stay(vocabulary: Vocabulary, said: str) -> bool:
    """Whether words speak of a stay, and not of what comes after one."""
    return vocabulary.phrases("stay", said) == {"hint"} or bool(vocabulary.phrases("not_ours", said))


def _concepts(value: object) -> list[Concept]:
    """List the concepts of an element whatever its shape: a bare code or text stands for a concept too."""
    found = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            members = ", ".join(sorted(name for name, held in item.items() if held and name not in _BESIDE))
            # An object that holds neither code nor text is not the same as none: it is quoted by its members.
            found += [one if _says(one) else Concept((), members) for one in concepts(item)]
        elif item is not None:
            said = item.strip() if isinstance(item, str) else f"a JSON {type(item).__name__}"
            found.append(Concept((Coding("", said, ""),), ""))
    return [concept for concept in found if _says(concept)]


def _says(concept: Concept) -> bool:
    return bool(concept.text) or any(one.said for one in concept.codings)


def _meant(vocabulary: Vocabulary, topic: str, coding: Coding, default: Sequence[str] = ()) -> str | None:
    """Look a code up in its system, and in capitals as HL7 writes them.

    Parameters: `default`, the systems of a code that names none: a class is then HL7's own, a type is anybody's.
    """
    for system in (vocabulary.system(coding.system),) if coding.system else default:
        for code in dict.fromkeys((coding.code, coding.code.upper())):
            if word := vocabulary.term(topic, system, code):
                return word
    return None


def _words(concept: Concept) -> Sequence[str]:
    """The words of a concept; a code that stands alone may be a word too."""
    codes = [one.code for one in concept.codings if not one.display and not one.system]
    return list(dict.fromkeys(filter(None, (concept.text, *(one.display for one in concept.codings), *codes))))


def _quoted(said: Sequence[Evidence]) -> str:
    return ", ".join(dict.fromkeys(f'{one.path} "{one.said}"' for one in said[:3]))
