"""Every row of law is exercised: a rule that no case reaches is a rule nobody has checked."""

from datetime import date
from typing import Any

import pytest

from cds_hooks.coding.families import Condition, Edition, OpenQuestion, Refusal
from cds_hooks.coding.outcome import Outcome
from cds_hooks.coding.payers import PayerEdition, Remark
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.references import rows
from cds_hooks.coding.select import select
from cds_hooks.exchange.facts_json import read_facts
from tests.test_cases import CASES, read_cases

Told = list[tuple[dict[str, Any], Outcome]]


@pytest.fixture(scope="module")
def told(book: PolicyBook) -> Told:
    return [(dict(case["given"]), select(read_facts(case["given"], book), book)) for case in read_cases(CASES)]


def said(told: Told) -> set[str]:
    return {note.id for _, o in told for note in (*o.questions, *o.warnings, *o.reasons)}


def test_every_code_of_every_edition_is_an_answer_of_some_case(book: PolicyBook, told: Told) -> None:
    answered = {
        (candidate.family, book.families[candidate.family].start(outcome.service_date), candidate.code)
        for _, outcome in told
        if outcome.service_date
        for candidate in outcome.candidates
    }
    rows = {
        (family.id, start, rung.code)
        for family in book.families.values()
        for start, edition in family.editions.items()
        if isinstance(edition, Edition)
        for rung in (*edition.new, *edition.established, *edition.anyone)
        if rung.mdm or rung.least is not None or family.measure == "none"  # 99211 is reached by no level
    }
    assert sorted(map(str, rows - answered)) == []


def test_every_prolonged_row_is_an_answer_of_some_case(book: PolicyBook, told: Told) -> None:
    answered = {
        (candidate.prolonged.code, candidate.code, outcome.service_date >= date(2025, 1, 1))
        for _, outcome in told
        for candidate in outcome.candidates
        if candidate.prolonged and outcome.service_date
    }
    rows = {
        (table.code, base, start >= date(2025, 1, 1))
        for table in book.prolonged.tables.values()
        for start, edition in table.editions.items()
        if edition is not None and edition != "expected"
        for base in edition.after
    }
    # Medicare's rows stand since 2024 and are exercised on later dates too.
    medicare = {row for row in rows if (row[0], row[1], True) in answered and not row[2]}
    assert sorted(rows - answered - medicare) == []


def test_every_edition_of_every_payer_is_asked(book: PolicyBook, told: Told) -> None:
    asked = {
        (payer, book.payers[payer].start(date.fromisoformat(given["service_date"])))
        for given, _ in told
        for payer in given.get("payers") or ["unknown"]
    }
    rows = {(payer.id, start) for payer in book.payers.values() for start in payer.starts}
    assert sorted(map(str, rows - asked)) == []


def test_every_modifier_rule_of_every_payer_is_applied(book: PolicyBook, told: Told) -> None:
    applied = set()
    for _, outcome in told:
        for candidate in outcome.candidates:
            if outcome.service_date is None:
                continue
            names = {candidate.payer, *(candidate.supposing.get("payers") or ())}
            uses = [(m, "required") for m in candidate.modifiers] + [
                (m, "optional") for m in candidate.optional_modifiers
            ]
            for name in names:
                start = book.payers[name].start(outcome.service_date)
                applied |= {(name, start, modifier, use) for modifier, use in uses}
    rows = {
        (payer.id, start, rule.modifier, rule.use)
        for payer in book.payers.values()
        for start, edition in payer.editions.items()
        if isinstance(edition, PayerEdition)
        for rule in edition.modifiers or ()
    }
    assert sorted(map(str, rows - applied)) == []


def ids(row: object) -> tuple[str, ...]:
    match row:
        case Condition():
            return (row.fact, row.otherwise.id)
        case Refusal() | OpenQuestion() | Remark():
            return (row.id,)
        case _:
            return ()


def test_every_condition_refusal_and_remark_is_said_in_some_case(book: PolicyBook, told: Told) -> None:
    tables = (*book.families.values(), *book.payers.values(), book.guidelines)
    rules = {name for table in tables for _, row in rows(table) for name in ids(row)}
    assert len(rules) > 30
    assert sorted(rules - said(told)) == []


def test_every_guideline_question_and_remark_is_used(book: PolicyBook, told: Told) -> None:
    texts = {note.text for _, o in told for note in (*o.questions, *o.warnings, *o.reasons)}
    unused = [
        name
        for name, text in {**book.guidelines.questions, **book.guidelines.remarks}.items()
        if not any(text.split("{")[0] in found for found in texts)
    ]
    # Charts alone bring these about: facts in JSON have a date, say the class outright, and hold nothing unusable.
    assert unused == ["patient_class", "service_date", "read_in_part"]
    cited = {step.rule for _, o in told for step in o.steps}
    assert sorted(book.guidelines.rules.keys() - cited) == []
