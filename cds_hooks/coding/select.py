"""From the facts of a visit to the code for each payer: the one gesture of this package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from cds_hooks.coding.billing import OptionalModifiers
from cds_hooks.coding.case import ASKABLE
from cds_hooks.coding.checklist import missing_documentation
from cds_hooks.coding.decide import Verdict, decide
from cds_hooks.coding.outcome import Candidate, Kind, Note, Outcome, Step
from cds_hooks.coding.policy import PolicyBook, Rules
from cds_hooks.coding.reasoning import Desk
from cds_hooks.coding.reported import check_reported
from cds_hooks.coding.visit import Branch, Visit, question, read_visit
from fhir_mapping.facts import EncounterFacts, Modality

UNKNOWN_PAYER = "unknown"


@dataclass(frozen=True, slots=True)
class Options:
    """A site's choices: whether unverified dates still show candidates, and what to do with optional modifiers."""

    strict: bool = False
    optional_modifiers: OptionalModifiers = OptionalModifiers.POLICY


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one payer's rules make of the visit."""

    kind: Kind
    candidates: tuple[Candidate, ...] = ()
    questions: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()
    reasons: tuple[Note, ...] = ()
    steps: tuple[Step, ...] = ()
    crossover: str | None = field(default=None)


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
    desk = Desk(facts, book, day, options.optional_modifiers)
    answers = list(_answers(desk, visit, options))
    kind = _together(answers)
    declined = answers[0].kind is Kind.NOT_REPORTABLE and kind is Kind.SELECTION
    if declined:
        kind = Kind.UNDETERMINED
    candidates = tuple(c for answer in answers for c in answer.candidates)
    if kind is not Kind.SELECTION:
        candidates = tuple(replace(c, recommended=False) for c in candidates)
    warnings = [*visit.warnings, *(note for answer in answers for note in answer.warnings)]
    reasons = [note for answer in answers for note in answer.reasons]
    if kind is Kind.SELECTION:
        # What one payer does not take is said beside the code that another does.
        warnings += reasons
        reasons = []
    order = book.guidelines.asking_order
    asked = _once(note for answer in answers for note in answer.questions)
    if declined:
        asked = (question(book, "primary_payer"), *asked)
    questions = tuple(sorted(asked, key=lambda note: order.index(note.id) if note.id in order else len(order)))
    warnings += check_reported(facts, book, candidates, kind, frozenset(note.id for note in questions))
    warnings += missing_documentation(facts, book, kind)
    return Outcome(
        kind,
        candidates,
        questions,
        _once(warnings),
        _once(reasons),
        _each((*visit.steps, *(step for answer in answers for step in answer.steps))),
        day,
        book.fingerprint,
        book.sources,
    )


def _together(answers: Sequence[_Answer]) -> Kind:
    kinds = [answer.kind for answer in answers]
    if Kind.UNDETERMINED in kinds:
        return Kind.UNDETERMINED
    return Kind.SELECTION if Kind.SELECTION in kinds else Kind.NOT_REPORTABLE


def _answers(desk: Desk, visit: Visit, options: Options) -> Iterator[_Answer]:
    # A site's vocabulary may name a payer that no policy file stands for: it is then asked about like any unknown one.
    named = desk.facts.payers.value or (UNKNOWN_PAYER,)
    payers = tuple(dict.fromkeys(payer if payer in desk.book.payers else UNKNOWN_PAYER for payer in named))
    first: _Answer | None = None
    for payer in payers:
        answer = _for_payer(desk, visit, payer, options)
        if first is not None and first.crossover is not None and first.kind is Kind.SELECTION:
            answer = _crossed_over(first, answer, payer)
        first = first or answer
        yield answer


def _crossed_over(first: _Answer, own: _Answer, payer: str) -> _Answer:
    """A later payer's own code where it is known; else the one with which the claim crosses over to it."""
    if own.kind is not Kind.UNDETERMINED:
        return own
    note = Note("crossover", first.crossover or "")
    carried = tuple(replace(candidate, payer=payer) for candidate in first.candidates)
    return replace(first, candidates=carried, warnings=(note,))


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
    through = min(verdict.verified_through for _, verdict in verdicts)
    answer = _merged(desk, visit, payer, rules, verdicts)
    answer = _after_verification(desk, through, answer, options)
    return replace(answer, crossover=rules[0].edition.crossover)


def _carried(desk: Desk, visit: Visit, branch: Branch, rules: Rules, payer: str) -> Iterator[Verdict]:
    """The verdict on a case; on a visit combined with another that day, one for each family that could carry it."""
    verdict = decide(desk, branch.case, rules, payer)
    other = visit.other_contact
    if not visit.combined or other == branch.case.contact:
        yield verdict
        return
    ask = question(desk.book, "same_day_family")
    if other is None:
        yield replace(verdict, blocking=(*verdict.blocking, ask))
        return
    second = decide(desk, replace(branch.case, contact=other), rules, payer)
    same_code = [c.code for c in verdict.candidates] == [c.code for c in second.candidates] != []
    if same_code and not verdict.blocking and not second.blocking:
        carrier = verdict if branch.case.contact == Modality.IN_PERSON else second
        bare = tuple(replace(c, place_of_service=None, modifiers=(), optional_modifiers=()) for c in carrier.candidates)
        yield replace(carrier, candidates=bare, questions=(ask,))
        return
    for one, contact in ((verdict, branch.case.contact), (second, other)):
        supposing = {**one.supposing, "modality": contact}
        yield replace(one, blocking=(*one.blocking, ask), supposing=supposing)


def _merged(
    desk: Desk, visit: Visit, payer: str, rules: tuple[Rules, ...], verdicts: Sequence[tuple[dict[str, Any], Verdict]]
) -> _Answer:
    steps = _each(step for _, verdict in verdicts for step in verdict.steps)
    reasons = _once(reason for _, verdict in verdicts for reason in verdict.refusals)
    open_verdicts = [(supposing, verdict) for supposing, verdict in verdicts if not verdict.refusals]
    if not open_verdicts:
        return _Answer(Kind.NOT_REPORTABLE, reasons=reasons, steps=steps)

    _, first = open_verdicts[0]
    warnings = _once(note for _, verdict in open_verdicts for note in verdict.warnings)
    always_ask = desk.book.payers[payer].always_ask
    one_answer = (
        len({verdict.candidates[0].billed if verdict.candidates else None for _, verdict in open_verdicts}) == 1
    )
    settled = all(verdict.candidates and not verdict.blocking for _, verdict in open_verdicts)
    if settled and one_answer and not reasons and not always_ask:
        # A mode that changes nothing is still a fact that the note should state.
        mode = tuple(note for note in visit.questions if note.id == "modality")
        return _Answer(Kind.SELECTION, first.candidates, (*first.questions, *mode), warnings, (), steps)

    questions = [*visit.questions]
    if rules[0].question is not None:
        questions.append(Note("payers" if always_ask else "payer_adoption", rules[0].question))
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
    return _Answer(Kind.UNDETERMINED, _distinct(candidates), _once(questions), warnings, reasons, steps)


def _after_verification(desk: Desk, through: date, answer: _Answer, options: Options) -> _Answer:
    """Past the day a table was verified through, what it gives is shown but no longer recommended."""
    if desk.day <= through:
        return answer
    text = desk.book.guidelines.questions["rules_not_verified"].format(through=through.isoformat())
    questions = (Note("rules_not_verified", text), *answer.questions)
    candidates = () if options.strict else answer.candidates[: 1 if answer.kind is Kind.SELECTION else None]
    return replace(answer, kind=Kind.UNDETERMINED, candidates=candidates, questions=questions)


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
