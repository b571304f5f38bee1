"""One case under one payer's rules: the code it earns with all that stands beside it, or why it earns none."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from cds_hooks.coding.billing import modifiers, place_of_service
from cds_hooks.coding.case import Case
from cds_hooks.coding.families import Condition, ProlongedEdition, Refusal
from cds_hooks.coding.levels import Reached, below, reached
from cds_hooks.coding.outcome import Candidate, Note, Step
from cds_hooks.coding.payers import Route
from cds_hooks.coding.policy import Rules
from cds_hooks.coding.reasoning import Desk, Page, Reasoning
from cds_hooks.coding.standing import listed, standings
from cds_hooks.coding.visit import guideline_steps, question, refusal
from fhir_mapping.facts import Clinician, Modality, PatientStatus

OUTSIDE_EM = {
    Clinician.CLINICAL_STAFF: "clinical_staff",
    Clinician.THERAPIST: "outside_em",
    Clinician.PSYCHOLOGIST_OR_SOCIAL_WORKER: "outside_em",
}


NOTHING: Mapping[str, Any] = {}
"""What is supposed where no question is open."""


class Verdict(NamedTuple):
    """What one case earns under one payer's rules.

    `refusals` say why it earns no code. `blocking` questions leave the code open, and the candidates then hold only
    `supposing` their answers; `questions` stand beside a code that holds whatever the answer.
    """

    candidates: tuple[Candidate, ...] = ()
    refusals: tuple[Note, ...] = ()
    blocking: tuple[Note, ...] = ()
    questions: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()
    steps: tuple[Step, ...] = ()
    supposing: Mapping[str, Any] = NOTHING
    verified_through: date = date.max


def decide(desk: Desk, case: Case, rules: Rules, payer: str) -> Verdict:
    """Select the code of one case under one payer's rules.

    Parameters: `desk` with the facts' evidence, the law and the day; `case` with one answer for each open question of
    few answers; `rules` of the payer on that day; `payer`, its id.
    """
    route = rules.route(case)
    outside = _outside_em(desk, case, route)
    if outside is not None:
        return outside
    if route is not None and route.instead is not None:
        return Verdict(blocking=(Note(route.instead.id, route.instead.text),))
    page = open_book(desk, case, rules, route, payer)
    if page is None:
        return Verdict(blocking=(question(desk.book, "rules_not_loaded"),))
    through = page.verified_through
    reasoning = Reasoning(desk, page)
    reasoning.payer(case)
    if not page.ladder and page.edition.not_for_new is not None:
        refusals = (_no(page.edition.not_for_new, case, reasoning),)
        return Verdict(refusals=refusals, steps=tuple(reasoning.steps), verified_through=through)

    opened, failed = _conditions(desk, case, page, reasoning)
    if failed:
        return Verdict(refusals=failed, steps=tuple(reasoning.steps), verified_through=through)
    found = _level(desk, case, page, reasoning)
    if found:
        return _claim(case, found, opened, reasoning)
    missing = _missing(desk, case, page)
    if missing:
        blocking = (*missing, *(Note(condition.fact, condition.question) for condition in opened))
        return Verdict(blocking=blocking, steps=tuple(reasoning.steps), verified_through=through)
    refusals = (_below_threshold(case, page, reasoning),)
    return Verdict(refusals=refusals, steps=tuple(reasoning.steps), verified_through=through)


def _outside_em(desk: Desk, case: Case, route: Route | None) -> Verdict | None:
    """The refusal of a clinician whose scope holds no E/M, unless the payer's route names that clinician."""
    name = OUTSIDE_EM.get(case.clinician) if case.clinician else None
    if name is None or (route is not None and case.clinician in route.when.clinician):
        return None
    steps = guideline_steps(desk.book, name, *desk.facts.clinician.evidence)
    through = desk.book.guidelines.verified_through
    return Verdict(refusals=(refusal(desk.book, name),), steps=steps, verified_through=through)


def open_book(desk: Desk, case: Case, rules: Rules, route: Route | None, payer: str) -> Page | None:
    """The page for this contact, or `None` where no rules are loaded for it on that day."""
    if route is None or route.family is None:
        return None
    family = desk.book.families[route.family]
    found = family.at(desk.day)
    if found is None:
        return None
    since, edition = found
    status = case.patient_status or PatientStatus.ESTABLISHED
    through = min(rules.verified_through, family.verified_through, desk.book.guidelines.verified_through)
    if rules.edition.prolonged:
        through = min(through, desk.book.prolonged.verified_through)
    return Page(payer, rules, route, family, edition, since, edition.ladder(status), through)


def _conditions(
    desk: Desk, case: Case, page: Page, reasoning: Reasoning
) -> tuple[tuple[Condition, ...], tuple[Note, ...]]:
    """The conditions that nobody has answered yet, and what to say of those that fail."""
    named = desk.book.guidelines.conditions
    opened: list[Condition] = []
    failed: list[Note] = []
    for name in (*page.edition.requires, *page.route.requires):
        condition = named[name]
        held = _holds(condition, case)
        if held is None:
            opened.append(condition)
            continue
        reasoning.condition(condition, case, met=held)
        if not held:
            failed.append(_no(condition.otherwise, case, reasoning))
    return tuple(opened), tuple(failed)


def _holds(condition: Condition, case: Case) -> bool | None:
    value = getattr(case, condition.fact)
    if value is not None:
        return condition.holds(value)
    # Discussion is part of the total: a total that is not enough leaves no room for enough discussion.
    total = case.own_minutes
    needs_more = condition.more_than is not None or condition.at_least is not None
    if condition.fact == "discussion_minutes" and total is not None and needs_more and not condition.holds(total):
        return False
    return None


def _level(desk: Desk, case: Case, page: Page, reasoning: Reasoning) -> tuple[Reached, ...]:
    """The rungs that the record reaches, the one to recommend first."""
    if page.family.measure == "none":
        return (Reached(page.ladder[0], None),)
    minutes = getattr(case, page.family.measure)
    prolonged = prolonged_code(desk, page)
    found = reached(page.ladder, case.mdm, minutes, prolonged[:2] if prolonged else None)
    if found and prolonged:
        reasoning.prolonged(found[0], minutes, *prolonged[1:])
    return found


def prolonged_code(desk: Desk, page: Page) -> tuple[str, ProlongedEdition, date] | None:
    """The prolonged-service code that the payer takes, its edition, and since when that is in force."""
    name = page.rules.edition.prolonged
    table = desk.book.prolonged.tables[name] if name else None
    found = table.at(desk.day) if table else None
    return (table.code, found[1], found[0]) if table and found else None


def _missing(desk: Desk, case: Case, page: Page) -> tuple[Note, ...]:
    """The questions whose answers could reach a level; none where the minutes are known and simply too few."""
    measure = page.family.measure
    if getattr(case, measure) is not None:
        return ()
    names = ("mdm", measure) if any(rung.mdm for rung in page.ladder) else (measure,)
    return tuple(question(desk.book, name, getattr(desk.facts, name), case.contact) for name in names)


def _claim(case: Case, found: tuple[Reached, ...], opened: tuple[Condition, ...], reasoning: Reasoning) -> Verdict:
    desk, page = reasoning.desk, reasoning.page
    supposed = {name: value for condition in opened for name, value in condition.supposing.items()}
    if opened:
        # What is supposed for a condition also settles the place of service and the modifiers.
        case = case._replace(**{c.fact: next(iter(c.supposing.values())) for c in opened})
    terms = page.rules.terms(case.contact, page.family.id)
    appended = modifiers(case, terms.modifiers, desk.optional_modifiers)
    place = place_of_service(case, page.rules.edition, page.route.place, appended, desk.book.guidelines.questions)
    reasoning.claim_line(case, place.code, appended)
    reasoning.level(found)

    candidates = []
    for index, reach in enumerate(found):
        rvu = desk.book.work_rvu(page.family, reach.rung.code, desk.day)
        if rvu is not None and index == 0:
            reasoning.work_rvu(rvu)
        lower = below(page.ladder, reach.rung)
        candidates.append(
            Candidate(
                payer=page.payer,
                family=page.family.id,
                code=reach.rung.code,
                level=reach.rung.mdm,
                basis=reach.basis,
                place_of_service=place.code,
                modifiers=appended.required,
                optional_modifiers=appended.optional,
                prolonged=reach.prolonged,
                wrvu=rvu.value if rvu else None,
                lower_code=lower.code if lower else None,
                recommended=index == 0,
            )
        )
    blocking = [Note(condition.fact, condition.question) for condition in opened]
    if page.edition.open_question is not None:
        blocking.append(Note(page.edition.open_question.id, page.edition.open_question.text))
    return Verdict(
        candidates=tuple(candidates),
        blocking=tuple(blocking),
        questions=(place.question,) if place.question else (),
        warnings=tuple([Note(r.id, r.text) for r in terms.remarks if r.applies(desk.day, case)]),
        steps=tuple(reasoning.steps),
        supposing=supposed,
        verified_through=page.verified_through,
    )


def _no(refused: Refusal, case: Case, reasoning: Reasoning) -> Note:
    return Note(refused.id, refused.text, _fitting(refused.see, case, reasoning))


def _fitting(codes: tuple[str, ...], case: Case, reasoning: Reasoning) -> tuple[str, ...]:
    """Of the codes to look at instead, those that exist for this patient on this day; none is for a visit in person.

    A code that no table lists is named as it stands: nothing is known of it.
    """
    if case.contact == Modality.IN_PERSON:
        return ()
    book, day = reasoning.desk.book, reasoning.desk.day
    statuses = {code: {place.status for place in standings(book, code, day)} for code in codes}
    return tuple(c for c, found in statuses.items() if case.patient_status in found or not listed(book, c))


def _below_threshold(case: Case, page: Page, reasoning: Reasoning) -> Note:
    least = next(rung.least for rung in page.ladder if rung.least is not None)
    minutes = getattr(case, page.family.measure)
    reasoning.below(minutes, least)
    by_mdm = any(rung.mdm for rung in page.ladder)
    found = refusal(reasoning.desk.book, "below_lowest_threshold" if by_mdm else "below_lowest_minutes")
    return found._replace(
        text=found.text.format(minutes=minutes, least=least), see=_fitting(found.see, case, reasoning)
    )
