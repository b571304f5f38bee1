"""From the facts of a visit to the code for each payer: the one gesture of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from cds_hooks.coding.billing import OptionalModifiers
from cds_hooks.coding.case import ASKABLE
from cds_hooks.coding.checklist import missing_documentation
from cds_hooks.coding.decide import Verdict, decide
from cds_hooks.coding.outcome import Candidate, Kind, Note, Outcome, Step
from cds_hooks.coding.policy import PolicyBook, Rules
from cds_hooks.coding.reasoning import Desk
from cds_hooks.coding.reported import check_reported
from cds_hooks.coding.visit import Branch, Visit, question, read_visit
from fhir_mapping.facts import EncounterFacts, Modality, PatientClass

UNKNOWN_PAYER = "unknown"


@dataclass(frozen=True, slots=True)
class Options:
    """A site's choices: whether unverified dates still show candidates, and what to do with optional modifiers."""

    strict: bool = False
    optional_modifiers: OptionalModifiers = OptionalModifiers.POLICY


class _Answer(NamedTuple):
    """What one payer's rules make of the visit."""

    kind: Kind
    candidates: tuple[Candidate, ...] = ()
    questions: Sequence[Note] = ()
    warnings: Sequence[Note] = ()
    reasons: Sequence[Note] = ()
    steps: Sequence[Step] = ()
    crossover: str = ""


def select(facts: EncounterFacts, book: PolicyBook, options: Options = Options()) -> Outcome:
    """Select the code of a visit for each of its payers, on the law of its date of service.

    Parameters: `facts` of the visit, unknown where the record is silent; `book` of policy; a site's `options`.
    The same facts, book and options always give the same outcome. Nothing is assumed for what is unknown: where it
    matters the outcome is `undetermined`, with the question and the code that each answer would give.
    """
    day = facts.service_date.value
    if day is None:
        ask = question(book, "service_date", facts.service_date)
        return Outcome(Kind.UNDETERMINED, (), (ask,), (), (), (), None, book.fingerprint, book.sources)
    visit = read_visit(facts, book)
    answers = _answers(Desk(facts, book, day, options.optional_modifiers), visit, options)
    kind = _together(answers)
    declined = answers[0].kind is Kind.NOT_REPORTABLE and kind is Kind.SELECTION
    if declined:
        kind = Kind.UNDETERMINED
    candidates: list[Candidate] = []
    asked: list[Note] = []
    warnings = list(visit.warnings)
    reasons: list[Note] = []
    steps = list(visit.steps)
    for answer in answers:
        candidates += answer.candidates
        asked += answer.questions
        warnings += answer.warnings
        reasons += answer.reasons
        steps += answer.steps
    if visit.doubt is not None and kind is not Kind.NOT_REPORTABLE:
        kind = Kind.UNDETERMINED
        asked.insert(0, visit.doubt)
        supposed = {"patient_class": PatientClass.OUTPATIENT}
        candidates = [replace(one, supposing=supposed | dict(one.supposing or {})) for one in candidates]
    if kind is Kind.SELECTION:
        # What one payer does not take is said beside the code that another does.
        warnings += reasons
        reasons = []
    else:
        candidates = [replace(c, recommended=False) if c.recommended else c for c in candidates]
    if declined:
        asked.insert(0, question(book, "primary_payer"))
    questions = _in_order(_once(asked), book)
    warnings += check_reported(facts, book, candidates, kind, questions)
    warnings += missing_documentation(facts, book, kind)
    return Outcome(
        kind,
        tuple(candidates),
        questions,
        _once(warnings),
        _once(reasons),
        _each(steps),
        day,
        book.fingerprint,
        book.sources,
    )


def _together(answers: Sequence[_Answer]) -> Kind:
    kinds = [answer.kind for answer in answers]
    if Kind.UNDETERMINED in kinds:
        return Kind.UNDETERMINED
    return Kind.SELECTION if Kind.SELECTION in kinds else Kind.NOT_REPORTABLE


def _answers(desk: Desk, visit: Visit, options: Options) -> list[_Answer]:
    # A site's vocabulary may name a payer that no policy file stands for: it is then asked about like any unknown one.
    named = desk.facts.payers.value or (UNKNOWN_PAYER,)
    found: list[_Answer] = []
    for payer in dict.fromkeys([payer if payer in desk.book.payers else UNKNOWN_PAYER for payer in named]):
        answer = _for_payer(desk, visit, payer, options)
        if found and found[0].crossover and found[0].kind is Kind.SELECTION:
            answer = _crossed_over(found[0], answer, payer)
        found.append(answer)
    return found


def _crossed_over(first: _Answer, own: _Answer, payer: str) -> _Answer:
    """A later payer's own code where it is known; else the one with which the claim crosses over to it."""
    if own.kind is not Kind.UNDETERMINED:
        return own
    note = Note("crossover", first.crossover)
    carried = tuple(replace(candidate, payer=payer) for candidate in first.candidates)
    return first._replace(candidates=carried, warnings=(note,))


def _for_payer(desk: Desk, visit: Visit, payer: str, options: Options) -> _Answer:
    if visit.refusal is not None:
        refused = _Answer(Kind.NOT_REPORTABLE, reasons=(visit.refusal,))
        return _after_verification(desk, desk.book.guidelines.verified_through, refused, options)
    rules = desk.book.rules(payer, desk.day)
    if not rules:
        ask = question(desk.book, "rules_not_loaded")
        return _Answer(Kind.UNDETERMINED, questions=(ask, *visit.questions))
    verdicts = [
        ({**branch.supposing, **rule.supposing, **verdict.supposing}, verdict)
        for rule in rules
        for branch in visit.branches
        for verdict in _carried(desk, visit, branch, rule, payer)
    ]
    through = min([verdict.verified_through for _, verdict in verdicts])
    return _after_verification(desk, through, _merged(desk, visit, payer, rules, verdicts), options)


def _carried(desk: Desk, visit: Visit, branch: Branch, rules: Rules, payer: str) -> tuple[Verdict, ...]:
    """The verdict on a case; on a visit combined with another that day, one for each family that could carry it."""
    verdict = decide(desk, branch.case, rules, payer)
    other = visit.other_contact
    if not visit.combined or other == branch.case.contact:
        return (verdict,)
    ask = question(desk.book, "same_day_family")
    if other is None:
        supposed = {**verdict.supposing, "modality": branch.case.contact}
        return (verdict._replace(blocking=(*verdict.blocking, ask), supposing=supposed),)
    second = decide(desk, branch.case._replace(contact=other), rules, payer)
    same_code = [c.code for c in verdict.candidates] == [c.code for c in second.candidates] != []
    if same_code and not verdict.blocking and not second.blocking:
        carrier = verdict if branch.case.contact == Modality.IN_PERSON else second
        bare = tuple(replace(c, place_of_service=None, modifiers=(), optional_modifiers=()) for c in carrier.candidates)
        return (carrier._replace(candidates=bare, questions=(ask,)),)
    return tuple(
        one._replace(blocking=(*one.blocking, ask), supposing={**one.supposing, "modality": contact})
        for one, contact in ((verdict, branch.case.contact), (second, other))
    )


def _merged(
    desk: Desk, visit: Visit, payer: str, rules: tuple[Rules, ...], verdicts: Sequence[tuple[dict[str, Any], Verdict]]
) -> _Answer:
    always_ask = desk.book.payers[payer].always_ask
    which_rules = rules[0].question
    if which_rules is not None and not always_ask and not _differ(verdicts):
        which_rules = None
        verdicts = [(_but_payers(supposing), verdict) for supposing, verdict in verdicts]
    open_verdicts: list[tuple[dict[str, Any], Verdict]] = []
    steps: list[Step] = []
    reasons: list[Note] = []
    warnings: list[Note] = []
    for supposing, verdict in verdicts:
        steps += verdict.steps
        if verdict.refusals:
            reasons += verdict.refusals
        else:
            open_verdicts.append((supposing, verdict))
            warnings += verdict.warnings
    if not open_verdicts:
        return _Answer(Kind.NOT_REPORTABLE, reasons=reasons, steps=steps)

    if not reasons and not always_ask and _settled([verdict for _, verdict in open_verdicts]):
        # A mode that changes nothing is still a fact that the note should state.
        mode = [note for note in visit.questions if note.id == "modality"]
        _, first = open_verdicts[0]
        standing, crossover = (*first.questions, *mode), rules[0].edition.crossover or ""
        return _Answer(Kind.SELECTION, first.candidates, standing, warnings, (), steps, crossover)

    questions = [*visit.questions]
    if which_rules is not None:
        why = desk.facts.payers.why_unknown if always_ask else None
        asked = f"{which_rules} ({why})" if why else which_rules
        questions.append(Note("payers" if always_ask else "payer_adoption", asked))
    # What only one answer would make it necessary to ask is not asked before that answer is given.
    always = set.intersection(*({note.id for note in verdict.blocking} for _, verdict in open_verdicts))
    blocking = [note for _, verdict in open_verdicts for note in verdict.blocking]
    questions += [note for note in blocking if note.id in always or note.id not in ASKABLE]
    questions = questions or blocking
    for _, verdict in open_verdicts:
        questions += verdict.questions
    candidates = tuple(
        replace(
            verdict.candidates[0],
            supposing=supposing,
            payer=supposing["payers"][0] if always_ask and "payers" in supposing else payer,
        )
        for supposing, verdict in open_verdicts
        if verdict.candidates
    )
    return _Answer(Kind.UNDETERMINED, _distinct(candidates), questions, warnings, reasons, steps)


def _differ(verdicts: Sequence[tuple[dict[str, Any], Verdict]]) -> bool:
    """Whether rules of which only one is the payer's make something else of the visit, whatever else is open."""
    rules = {str(supposing.get("payers")) for supposing, _ in verdicts}
    made: dict[str, list[tuple[object, ...]]] = {}
    for supposing, verdict in verdicts:
        if not verdict.candidates and not verdict.refusals:
            return True  # where not even a level is known yet, they may still differ in the code
        notes = (*verdict.refusals, *verdict.blocking)
        line = verdict.candidates[0].billed if verdict.candidates else None
        made.setdefault(str(_but_payers(supposing)), []).append((line, *(note.id for note in notes)))
    return any(len(lines) < len(rules) or len(set(lines)) > 1 for lines in made.values())


def _but_payers(supposing: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer for name, answer in supposing.items() if name != "payers"}


def _settled(verdicts: Sequence[Verdict]) -> bool:
    """Whether all verdicts give one and the same line, whatever is still unknown."""
    first = None
    for verdict in verdicts:
        if verdict.blocking or not verdict.candidates:
            return False
        first = first or verdict.candidates[0]
        if verdict.candidates[0] is not first and verdict.candidates[0].billed != first.billed:
            return False
    return True


def _after_verification(desk: Desk, through: date, answer: _Answer, options: Options) -> _Answer:
    """Past the day a table was verified through, what it gives is shown but no longer recommended."""
    if desk.day <= through:
        return answer
    text = desk.book.guidelines.questions["rules_not_verified"].format(through=through.isoformat())
    questions = (Note("rules_not_verified", text), *answer.questions)
    candidates = () if options.strict else answer.candidates[: 1 if answer.kind is Kind.SELECTION else None]
    return answer._replace(kind=Kind.UNDETERMINED, candidates=candidates, questions=questions)


def _in_order(notes: tuple[Note, ...], book: PolicyBook) -> tuple[Note, ...]:
    """The questions in the order in which a coder asks them."""
    if len(notes) < 2:  # noqa: PLR2004 - nothing to put in order
        return notes
    order = book.guidelines.asking_order
    return tuple(sorted(notes, key=lambda note: order.index(note.id) if note.id in order else len(order)))


def _once(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Each note once: a fact is asked for once however it is put, but two plans may each have their say."""
    found: dict[tuple[str, str], Note] = {}
    for note in notes:
        found.setdefault((note.id, "" if note.id in ASKABLE else note.text), note)
    return tuple(found.values())


def _each(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Every step once, in order: a rule that says the same for two answers is one step."""
    found: dict[tuple[str, str], Step] = {}
    for step in steps:
        found.setdefault((step.rule, step.says), step)
    return tuple(found.values())


def _distinct(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates that differ in what would be billed or in what they suppose."""
    found: dict[tuple[object, ...], Candidate] = {}
    for candidate in candidates:
        found.setdefault((candidate.billed, str(candidate.supposing)), candidate)
    return tuple(found.values())
