"""What the notes of the visit say about it, as evidence that ranks below every structured source.

A note confirms what is structured, or contradicts it for all to see; it decides only where nothing else does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fhir_mapping.chart import Chart
from fhir_mapping.documents import Document, documents, documents_of_other_visits, note_types
from fhir_mapping.effort import Effort
from fhir_mapping.facts import Evidence, Fact, How, MdmElements, MdmLevel, Modality
from fhir_mapping.hints import UNSAID, Hint, Rank
from fhir_mapping.note import Found, read_within
from fhir_mapping.note_days import is_of_another_day
from fhir_mapping.note_rules import ELEMENTS, TOTAL, NoteRules
from fhir_mapping.people import People
from fhir_mapping.readings import Reading, not_usable, overruled_note, weigh
from fhir_mapping.resources import evidence, name
from fhir_mapping.unreadable import NOTE, Fault, fault_of

T = TypeVar("T")

_OWN = {"total_minutes", "cumulative_minutes", "discussion_minutes", "mdm", *ELEMENTS}
"""What is the clinician's own: a nurse's minutes or another one's decision making are not."""

_MOST_WITNESSES = 5  # quotations of one value: nobody reads more
_MOST_VALUES = 10  # of one thing: two are a contradiction already

_INEXACT = {"mdm": "could not be read as one level"}
"""What is wrong with a statement that is asked about, where it may be exact and is only not understood."""


@dataclass(frozen=True, slots=True)
class Narrative:
    """The readings of all notes by what they read; `asked` are statements too vague to use; `hints` tell the mode.

    `read`: whether there was a note that could be read; `whole`, whether every one was, to its end; `others`, how many
    documents are of other visits; `unread`, the notes that could not be read, with the reason, which may say anything;
    `refused`, by what it would tell, what the notes say and is not used; `faults`, what went wrong there that nobody
    foresaw.
    """

    read: bool
    whole: bool
    others: int
    unread: tuple[str, ...]
    refused: Mapping[str, Sequence[str]]
    readings: Mapping[str, Sequence[Reading[Any]]]
    asked: Mapping[str, Sequence[Evidence]]
    hints: tuple[Hint, ...]
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]

    def told(self, target: str, fact: Fact[T]) -> Fact[T]:
        """The fact with what the notes say of `target`: decided by them only where nothing structured speaks."""
        readings = self.readings.get(target, ())
        if fact.known:
            agreeing = tuple(r.evidence for r in readings if r.value == fact.value)
            against = tuple(overruled_note(r.evidence) for r in readings if r.value != fact.value)
            return replace(fact, evidence=(*fact.evidence, *agreeing), notes=(*fact.notes, *dict.fromkeys(against)))
        if fact.conflict:
            return fact
        if readings:
            return weigh([readings], why="", notes=fact.notes)
        silent = replace(fact, why_unknown=self._silent(fact.why_unknown))
        return self._unknown(target, fact, reason="") or silent

    def mode(self, fact: Fact[Modality]) -> Fact[Modality]:
        """The fact how they met; where it is unknown, with what the notes leave open about it."""
        if fact.known or fact.conflict:
            return replace(fact, refused=())
        reason = fact.why_unknown or ""
        return self._unknown("modality", fact, reason="" if reason == UNSAID else reason) or fact

    def _unknown(self, target: str, fact: Fact[T], *, reason: str) -> Fact[T] | None:
        """The unknown fact with the reason and what was found and cannot be used; `None` if nothing was found."""
        refused = tuple(dict.fromkeys((*fact.refused, *self.refused.get(target, ()), *self.unread)))
        asked = self.asked.get(target, ())
        if not refused and not asked:
            return None
        said = " and ".join(dict.fromkeys(f'"{one.said}"' for one in asked))
        parts = [
            reason,
            f"the note says {said}, which {_INEXACT.get(target, 'is no exact statement')}" if asked else "",
            not_usable(refused) if refused else "",
            "" if reason or asked or refused != fact.refused else self._silent(None),
        ]
        return replace(fact, why_unknown="; ".join(filter(None, parts)), refused=refused)

    def _silent(self, why: str | None) -> str:
        """Why nothing is known, `why` of the structured sources included, where the notes do not say it either."""
        if self.read:
            told = "no note says it" if why is None else f"{why}, nor does a note"
            return told if self.whole else f"{told} as far as it was read"
        none = "no note was read"
        if self.others:
            documents = "one document at hand names" if self.others == 1 else f"{self.others} documents at hand name"
            none = f"no note of the visit was read ({documents} neither this visit nor its day)"
        return none if why is None else f"{why}, and {none}"

    def elements(self, fact: Fact[MdmElements]) -> Fact[MdmElements]:
        """The MDM elements, from the notes where no structured source has any."""
        if fact.known or fact.conflict:
            return fact
        told: dict[str, Fact[MdmLevel]] = {e.removeprefix("mdm_"): self.told(e, Fact()) for e in ELEMENTS}
        if not any(one.known for one in told.values()):
            return self._no_elements(fact, list(told.values()))
        levels = MdmElements(**{element: one.value for element, one in told.items()})
        return Fact(levels, tuple(piece for one in told.values() for piece in one.evidence), notes=fact.notes)

    def _no_elements(self, fact: Fact[MdmElements], told: Sequence[Fact[MdmLevel]]) -> Fact[MdmElements]:
        """The unknown elements, with what the notes say of them and is not used."""
        refused = tuple(dict.fromkeys((*fact.refused, *(why for one in told for why in one.refused))))
        rivals = list(dict.fromkeys(f'"{rival.evidence.said}"' for one in told for rival in one.conflict))
        vague = list(dict.fromkeys(f'"{one.said}"' for element in ELEMENTS for one in self.asked.get(element, ())))
        parts = [
            f"the note says {' and '.join(vague)}, which is no exact statement" if vague else "",
            f"the notes contradict themselves: {' and '.join(rivals)}" if rivals else "",
            not_usable(refused) if refused else "",
        ]
        return replace(fact, why_unknown="; ".join(filter(None, parts)) or fact.why_unknown, refused=refused)


def narrative(chart: Chart, rules: NoteRules, who: People, signed: str | None = None) -> Narrative:
    """Read every note of the visit; what the clinician spent and decided, only where nobody else wrote it.

    Parameters: `who` rendered the visit; `signed`, the id of the note that is being signed.
    """
    found, notes, faults = documents(chart, who, signed)
    unread = [one.removesuffix("; not read") for one in notes]
    refused: dict[str, list[str]] = {}
    readings: dict[str, list[Reading[Any]]] = {}
    asked: dict[str, list[Evidence]] = {}
    texts: set[tuple[str, bool]] = set()
    read = _read_each(found, rules)
    whole = True
    for document in found:
        said = read[document.text]
        if isinstance(said, Fault):
            faults.append(said)
            notes.append(f"{name(document.resource)} could not be read; not used")
            unread.append(f"{name(document.resource)}: it could not be read")
            continue
        claims, read_to = said
        if document.cut or read_to < len(document.text):
            whole = False
            notes.append(f"{name(document.resource)} is too long to be read whole: {_unread(document, read_to)}")
        told = document.text, document.by_another
        copied = told in texts  # which says the same once more
        texts.add(told)
        for one in () if copied else claims:
            if document.by_another and one.target in _OWN:
                notes.append(f"{name(document.resource)} is by another clinician: its minutes and MDM are not used")
                refused.setdefault(one.target, []).append(f"{name(document.resource)} is by another clinician")
                continue
            where = _evidence(document, one)
            if one.value is None or _of_another_day(chart, document, one):
                asked.setdefault(one.target, []).append(where)
            else:
                readings.setdefault(one.target, []).append(Reading(one.value, where))
        if document.preliminary:
            notes.append(f"{name(document.resource)} is preliminary, not final")
    _count_days(readings, refused)
    readings = {target: _told_apart(those) for target, those in readings.items()}
    unread += [why for kind in ("DocumentReference", "Composition") for why in chart.left_out(kind)]
    return Narrative(
        any(not isinstance(read[document.text], Fault) for document in found),
        whole,
        documents_of_other_visits(chart),
        tuple(unread),
        refused,
        readings,
        {target: those[:_MOST_WITNESSES] for target, those in asked.items()},
        tuple(_hints(chart, found, readings)),
        tuple(notes),
        tuple(faults),
    )


def _read_each(found: Sequence[Document], rules: NoteRules) -> dict[str, tuple[tuple[Found, ...], int] | Fault]:
    """What each text says, and how far it was read; a text that many notes share is read once.

    Together they may cause only so much work: those that matter most are read first.
    """
    effort = Effort()
    read: dict[str, tuple[tuple[Found, ...], int] | Fault] = {}
    for document in sorted(found, key=lambda one: one.turn):
        if document.text in read:
            continue
        try:
            read[document.text] = read_within(document.text, rules, effort)
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs this note alone
            read[document.text] = fault_of(NOTE, error)
    return read


def _unread(document: Document, read_to: int) -> str:
    if not read_to:
        return "nothing of it was read"
    return f"only its first {min(read_to, len(document.text)):,} characters were read"


def _told_apart(readings: Sequence[Reading[Any]]) -> list[Reading[Any]]:
    """As many readings as show what is said, in order: a few witnesses of each value, and not each value there is."""
    kept: list[Reading[Any]] = []
    witnesses: dict[Any, int] = {}
    for one in readings:
        seen = witnesses.get(one.value, 0)
        if seen < _MOST_WITNESSES and (seen or len(witnesses) < _MOST_VALUES):
            witnesses[one.value] = seen + 1
            kept.append(one)
    return kept


def _evidence(document: Document, one: Found) -> Evidence:
    return evidence(document.resource, f"note[{one.start}:{one.end}]", one.said, How.NOTE)


def _of_another_day(chart: Chart, document: Document, one: Found) -> bool:
    said = document.text[one.start : one.end]
    return one.target == TOTAL and chart.when is not None and is_of_another_day(said, chart.when.day)


def _count_days(readings: dict[str, list[Reading[Any]]], refused: dict[str, list[str]]) -> None:
    """Minutes over seven days are the total of a written exchange, and of nothing else."""
    cumulative = readings.pop("cumulative_minutes", [])
    modes = {reading.value for reading in readings.get("modality", ())}
    if cumulative and modes == {Modality.ASYNCHRONOUS}:
        readings["total_minutes"] = cumulative
    else:
        several = [f'{one.evidence.resource}: "{one.evidence.said}" is a total over several days' for one in cumulative]
        refused.setdefault("total_minutes", []).extend(several)


def _hints(chart: Chart, found: Sequence[Document], readings: Mapping[str, Sequence[Reading[Any]]]) -> Iterator[Hint]:
    for reading in readings.get("modality", ()):
        yield Hint(Rank.NOTE, reading.value, reading.evidence)
    if readings.get("video_minutes") and readings.get("audio_minutes"):
        for reading in (*readings["video_minutes"], *readings["audio_minutes"]):
            yield Hint(Rank.NOTE, Modality.INTERRUPTED, reading.evidence)
    for document in found:
        for word, said in note_types(chart, document.resource):
            path = f"{document.resource.get('resourceType')}.type"
            yield Hint(Rank.TYPE_OF_NOTE, word, evidence(document.resource, path, said))
