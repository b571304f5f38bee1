"""What kind of contact it was: whether it is a visit at all, by video or by audio, and what the record leaves open."""

from collections.abc import Iterable, Mapping
from itertools import product
from operator import attrgetter
from typing import Any, NamedTuple

from cds_hooks.coding.case import Case, case_of
from cds_hooks.coding.mdm import documented_levels, level_of
from cds_hooks.coding.outcome import Note, Step
from cds_hooks.coding.policy import PolicyBook
from fhir_mapping.facts import (
    EncounterFacts,
    Evidence,
    Fact,
    MdmLevel,
    Modality,
    PatientClass,
    PatientStatus,
    SameDayVisit,
    ServiceKind,
)

VISITS = frozenset({Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY, Modality.IN_PERSON})
STATUSES = tuple(PatientStatus)
_DAY = 24 * 60
NOT_A_VISIT = {ServiceKind.RESULTS_ONLY: "results_only", ServiceKind.CARE_MANAGEMENT: "care_management"}


class Branch(NamedTuple):
    """One way the open questions could be answered: the answers, and the case that follows."""

    supposing: Mapping[str, Any]
    case: Case


class Visit(NamedTuple):
    """The visit as far as it can be told before a payer is asked.

    `branches` holds one case, or one for each answer to an open question of few answers; `refusal` says why this is no
    visit; `other_contact` is the contact of another visit that day which this one is combined with. `doubt` asks
    whether it was an outpatient visit, where that is not sure: until it is answered no code is recommended.
    """

    branches: tuple[Branch, ...]
    refusal: Note | None = None
    questions: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()
    steps: tuple[Step, ...] = ()
    combined: bool = False
    other_contact: str | None = None
    doubt: Note | None = None


def step(book: PolicyBook, rule: str, says: str, *evidence: Evidence) -> Step:
    """A step that cites one of the guidelines."""
    guideline = book.guidelines.rules[rule]
    return Step(rule, says, guideline.sources, guideline.sure, guideline.since, evidence)


def question(book: PolicyBook, name: str, fact: Fact[Any] | None = None, contact: str | None = None) -> Note:
    """The question about a fact, with the contradiction found or the reason why it is unknown.

    An exchange of messages is asked for its minutes over seven days, not for those of one date.
    """
    online = name == "total_minutes" and contact == Modality.ASYNCHRONOUS
    text = book.guidelines.questions["total_minutes_online" if online else name]
    if fact is not None and fact.conflict:
        said = " and ".join(_word(rival.value) for rival in fact.conflict)
        where = ", ".join(f"{_word(rival.value)}: {rival.evidence.resource}" for rival in fact.conflict)
        text = f"The record says both {said}. {text} ({where})"
    elif fact is not None and fact.why_unknown:
        text = f"{text} ({fact.why_unknown})"
    return Note(name, text)


def remark(book: PolicyBook, name: str, **words: object) -> Note:
    """A warning whose words stand in the guidelines."""
    text = book.guidelines.remarks[name]
    return Note(name, text.format(**words) if words else text)


def refusal(book: PolicyBook, name: str) -> Note:
    """A reason why the contact is not reportable, with the codes to look at instead."""
    found = book.guidelines.refusals[name]
    return Note(found.id, found.text, found.see)


def guideline_steps(book: PolicyBook, name: str, *evidence: Evidence) -> tuple[Step, ...]:
    """The guideline behind the refusal called `name`, as a step; none where a row of a table is behind it."""
    rule = book.guidelines.refusals[name].rule
    return (step(book, rule, book.guidelines.rules[rule].says, *evidence),) if rule else ()


def read_visit(facts: EncounterFacts, book: PolicyBook) -> Visit:
    """Work out what kind of contact it was and which questions stay open, for any payer."""
    no_visit = _not_a_visit(facts, book)
    if no_visit is not None:
        return no_visit
    steps: list[Step] = []
    warnings: list[Note] = []
    questions: list[Note] = []
    contacts = _contacts(facts, book, questions, steps)
    levels = _levels(facts, book, questions, warnings, steps)
    minutes = _total_minutes(facts, book, questions)
    discussion = _options(facts.discussion_minutes, (None,), "discussion_minutes", book, questions)
    statuses = _options(facts.patient_status, STATUSES, "patient_status", book, questions)

    other = _combined_with(facts, contacts)
    more = 0
    if other is not None:
        levels = [(max(filter(None, (m, other.mdm)), key=attrgetter("rank"), default=None), s) for m, s in levels]
        more = max(0, (other.total_minutes or 0) - (other.overlap_minutes or 0))
        warnings.append(remark(book, "same_day_combined" if other.overlap_minutes is None else "same_day_overlap"))
        steps.append(step(book, "same_day", book.guidelines.rules["same_day"].says, *facts.same_day_visit.evidence))
        minutes = [_within_a_day(minute, more, book, questions) for minute in minutes]

    branches = [
        Branch(
            contact.supposing | level[1] | minute[1] | talk[1] | status[1],
            case_of(
                facts,
                contact=contact.contact,
                mdm=level[0],
                total_minutes=None if minute[0] is None else minute[0] + more,
                own_minutes=minute[0],
                discussion_minutes=_within(talk[0], minute[0]),
                patient_status=status[0],
            ),
        )
        for contact, level, minute, talk, status in product(contacts, levels, minutes, discussion, statuses)
    ]
    return Visit(
        tuple(branches),
        questions=tuple(questions),
        warnings=tuple(warnings),
        steps=tuple(steps),
        combined=other is not None,
        other_contact=other.modality if other and other.modality is not Modality.INTERRUPTED else None,
        doubt=_doubt(facts, book),
    )


class _Contact(NamedTuple):
    contact: str
    supposing: dict[str, Any]


Option = tuple[Any, dict[str, Any]]


def _not_a_visit(facts: EncounterFacts, book: PolicyBook) -> Visit | None:
    kind = facts.service_kind.value
    name, evidence = NOT_A_VISIT.get(kind) if kind else None, facts.service_kind.evidence
    if facts.patient_class.value not in {None, PatientClass.OUTPATIENT}:
        name, evidence = "not_outpatient", facts.patient_class.evidence
    if kind is ServiceKind.BRIEF_CHECK_IN and facts.same_day_visit.known:
        name, evidence = "part_of_same_day_visit", facts.same_day_visit.evidence
    if name is None:
        return None
    return Visit((), refusal=refusal(book, name), steps=guideline_steps(book, name, *evidence))


def _doubt(facts: EncounterFacts, book: PolicyBook) -> Note | None:
    """The question whether it was an outpatient visit. A record that says nothing of it raises none."""
    told = facts.patient_class
    return question(book, "patient_class", told) if told.value is None and (told.evidence or told.conflict) else None


def _contacts(facts: EncounterFacts, book: PolicyBook, questions: list[Note], steps: list[Step]) -> list[_Contact]:
    modality = facts.modality.value
    evidence = facts.modality.evidence
    if at_odds := _at_odds(facts):
        text = book.guidelines.questions["modality_at_odds"].format(mode=_word(modality), minutes=at_odds)
        questions.append(Note("modality", text))
        return _either_mode()
    if modality is Modality.ASYNCHRONOUS:
        steps.append(step(book, "modality", "The exchange was asynchronous.", *evidence))
        return [_Contact(modality, {})]
    if facts.service_kind.value is ServiceKind.BRIEF_CHECK_IN and modality is not Modality.IN_PERSON:
        steps.append(step(book, "brief_check_in", "The contact was a brief check-in.", *facts.service_kind.evidence))
        return [_Contact("brief_check_in", {})]
    if modality is Modality.INTERRUPTED:
        return _majority(facts, book, questions, steps)
    if modality is None:
        questions.append(question(book, "modality", facts.modality))
        modes = [rival.value for rival in facts.modality.conflict] or [Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY]
        return [_Contact(mode, {"modality": mode}) for mode in modes if mode is not Modality.INTERRUPTED]
    steps.append(step(book, "modality", f"The visit was {_word(modality)}.", *evidence))
    return [_Contact(modality, {})]


def _majority(facts: EncounterFacts, book: PolicyBook, questions: list[Note], steps: list[Step]) -> list[_Contact]:
    """The family follows the mode of the majority of interactive minutes; a tie is asked about (CPT, AAPC)."""
    video, audio = facts.video_minutes.value, facts.audio_minutes.value
    if video is None or audio is None:
        for name, fact in (("video_minutes", facts.video_minutes), ("audio_minutes", facts.audio_minutes)):
            if fact.value is None:
                questions.append(question(book, name, fact))
        return _either_mode()
    if video == audio:
        questions.append(Note("modality", book.guidelines.questions["modality_tie"].format(minutes=video)))
        return _either_mode()
    winner = Modality.AUDIO_VIDEO if video > audio else Modality.AUDIO_ONLY
    says = f"{video} minutes by video and {audio} by audio: coded as {_word(winner)}."
    evidence = (*facts.video_minutes.evidence, *facts.audio_minutes.evidence)
    steps.append(step(book, "majority_of_minutes", says, *evidence))
    return [_Contact(winner, {})]


def _levels(
    facts: EncounterFacts, book: PolicyBook, questions: list[Note], warnings: list[Note], steps: list[Step]
) -> list[tuple[MdmLevel | None, dict[str, Any]]]:
    levels = documented_levels(facts)
    elements = facts.mdm_elements.value
    by_elements = level_of(elements) if elements else None
    if by_elements is not None and elements is not None:
        says = f"Two of three elements reach {by_elements}: problems {_word(elements.problems)}, "
        says += f"data {_word(elements.data)}, risk {_word(elements.risk)}."
        steps.append(step(book, "mdm_two_of_three", says, *facts.mdm_elements.evidence))
    if len(levels) > 1:
        said = " and ".join(levels)
        warnings.append(remark(book, "mdm_conflict", levels=said))
        questions.append(Note("mdm", f"The record states two MDM levels, {said}. {book.guidelines.questions['mdm']}"))
        return [(level, {"mdm": level}) for level in levels]
    return [(levels[0] if levels else None, {})]


def _options(
    fact: Fact[Any], unknown: Iterable[Any], name: str, book: PolicyBook, questions: list[Note]
) -> list[Option]:
    """The value; or the rivals that contradict each other; or, if unknown, the answers there could be."""
    if fact.value is not None:
        return [(fact.value, {})]
    answers = list(dict.fromkeys(rival.value for rival in fact.conflict)) or list(unknown)
    if answers == [None]:
        return [(None, {})]
    questions.append(question(book, name, fact))
    return [(answer, {name: answer}) for answer in answers]


def _within(discussion: int | None, total: int | None) -> int | None:
    """Discussion as far as the total leaves room for it."""
    return discussion if discussion is None or total is None else min(discussion, total)


def _either_mode() -> list[_Contact]:
    return [_Contact(mode, {"modality": mode}) for mode in (Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY)]


def _at_odds(facts: EncounterFacts) -> str | None:
    """What the minutes say against the mode that the visit is called by: that most of them were in the other one.

    Where those in one mode alone are known, the other can have had no more than the rest of the total.
    """
    mode, total = facts.modality.value, facts.total_minutes.value
    if mode not in {Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY}:
        return None
    video, audio = facts.video_minutes.value, facts.audio_minutes.value
    own, other = (video, audio) if mode is Modality.AUDIO_VIDEO else (audio, video)
    if other is None:
        return None
    if own is not None:
        told = f"{video} minutes by video and {audio} by audio"
        return told if other >= own > 0 or other > own else None
    if total is None or other <= total - other:
        return None
    return f"{other} of its {total} minutes by {'audio' if mode is Modality.AUDIO_VIDEO else 'video'}"


def _total_minutes(facts: EncounterFacts, book: PolicyBook, questions: list[Note]) -> list[Option]:
    """The total; discussion is part of it, so more discussion than total is a record at odds with itself."""
    total, discussion = facts.total_minutes.value, facts.discussion_minutes.value
    if total is None or discussion is None or discussion <= total:
        return _options(facts.total_minutes, (None,), "total_minutes", book, questions)
    text = book.guidelines.questions["minutes_disagree"].format(total=total, discussion=discussion)
    questions.append(Note("total_minutes", text))
    return [(minutes, {"total_minutes": minutes}) for minutes in (total, discussion)]


def _within_a_day(minute: Option, more: int, book: PolicyBook, questions: list[Note]) -> Option:
    """The minutes of this visit; none, and a question, where with `more` of the other visit they exceed the day."""
    own, supposing = minute
    if own is None or own + more <= _DAY:
        return minute
    text = book.guidelines.questions["minutes_exceed_day"].format(total=own + more)
    questions.append(Note("total_minutes", text))
    return None, supposing


def _combined_with(facts: EncounterFacts, contacts: list[_Contact]) -> SameDayVisit | None:
    """The other visit that day, where both are visits: check-ins and online exchanges are never added to one."""
    other = facts.same_day_visit.value
    if other is None or other.modality is Modality.ASYNCHRONOUS:
        return None
    return other if all(contact.contact in VISITS for contact in contacts) else None


def _word(value: object) -> str:
    """A value as a person says it; modes are written with a hyphen."""
    return "not documented" if value is None else str(value).replace("_", "-")
