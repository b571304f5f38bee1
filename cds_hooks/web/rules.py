"""The rules as a coder prints them: the code tables of a day, a payer's own rows, and what changed between two days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from cds_hooks.cards.words import confidence, said
from cds_hooks.coding.payers import PayerEdition, Route, When
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.print_out import CodeTable, changes, code_tables
from cds_hooks.web.days import asked_day

LABELS = {
    "contact": "",
    "family": "",
    "patient_location": "patient",
    "clinician_location": "clinician",
    "setting": "practice",
    "clinician": "seen by",
    "behavioral_health": "behavioral health",
}
"""How the facts that a row depends on are called; where nothing is said the value speaks for itself."""


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One row of a payer's policy: what it is `about`, `when` it applies, what it `says`, and its sources by name."""

    about: str
    when: str
    says: str
    sources: tuple[str, ...]
    sure: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A payer's policy in force on a day."""

    name: str
    since: date
    verified_through: date
    rows: tuple[PolicyRow, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What changed between two days, by the table that changed."""

    first: date
    second: date
    tables: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rules:
    """All that the tab shows; `fault` says what of the query does not fit."""

    day: date
    payer: str = ""
    tables: tuple[CodeTable, ...] = ()
    policy: Policy | None = None
    compared: Compared | None = None
    warnings: tuple[str, ...] = ()
    fault: str = ""


def look_up(query: Mapping[str, str], book: PolicyBook, today: date) -> Rules:
    """The tables that a query asks for.

    Parameters: `query` with the members `on` (a date of service; `today` where it is not told), `payer`, `from` and
    `to` (two dates of service to compare), each hostile until read.
    """
    payer = query.get("payer", "").strip()
    try:
        day = asked_day(query, "on") or today
        first, second = asked_day(query, "from"), asked_day(query, "to")
    except ValueError as refused:
        return Rules(today, fault=str(refused))
    if payer and payer not in book.payers:
        return Rules(day, fault=f"{payer[:40]} is no payer whose policy is loaded")
    return Rules(
        day=day,
        payer=payer,
        tables=tuple(_tables(book, payer, day)),
        policy=_policy(book, payer, day) if payer else None,
        compared=_compare(book, payer, first, second) if first and second else None,
        warnings=book.expiring(day, -1),
    )


def _tables(book: PolicyBook, payer: str, day: date) -> list[CodeTable]:
    """The code tables of a day, of those that the payer's routes lead to if one is named; those with levels first."""
    editions = [rules.edition for rules in book.rules(payer, day)] if payer else []
    taken = {route.family for edition in editions for route in edition.routes} | {e.prolonged for e in editions}
    found = [table for table in code_tables(book, day) if not payer or table.id in taken]
    return sorted(found, key=lambda table: all(row.mdm == "none" for row in table.rows))


def _policy(book: PolicyBook, payer: str, day: date) -> Policy | None:
    table = book.payers[payer]
    edition, since = table.on(day), table.start(day)
    if edition is None or since is None:
        return None
    return Policy(table.name, since, table.verified_through, tuple(_rows(book, edition, day)))


def _rows(book: PolicyBook, edition: PayerEdition, day: date) -> Iterator[PolicyRow]:
    own = (edition.sources, confidence(edition.sure))
    if edition.either_question:
        names = " or ".join(book.payers[name].name for name in edition.either)
        yield PolicyRow("Which rules", names, edition.either_question, *own)
    for route in edition.routes:
        yield PolicyRow("Codes", _when(route.when, book), _leads_to(route, book), *own)
    for contact, text in edition.declines.items():
        yield PolicyRow("Codes not taken", said(contact), text, *own)
    for where, code in edition.place_of_service.items():
        yield PolicyRow("Place of service", f"patient {said(where)}", code, *own)
    for rule in edition.modifiers or ():
        says = f"{rule.modifier} {rule.use}" + (f". {rule.ask_place_of_service}" if rule.ask_place_of_service else "")
        yield PolicyRow("Modifier", _when(rule.when, book), says, rule.sources, confidence(rule.sure))
    if edition.prolonged:
        yield PolicyRow("Prolonged", "by time", book.prolonged.tables[edition.prolonged].code, *own)
    if edition.crossover:
        yield PolicyRow("Second payer", "", edition.crossover, *own)
    for remark in edition.remarks:
        if (remark.first or day) <= day <= (remark.last or day):
            yield PolicyRow("Remark", _when(remark.when, book), remark.text, *own)


def _leads_to(route: Route, book: PolicyBook) -> str:
    """The codes that a route leads to with what is asked first, or the question put instead."""
    if route.instead:
        return route.instead.text
    title = book.families[route.family].title if route.family else ""
    asked = " ".join(book.guidelines.conditions[name].question for name in route.requires)
    return f"{title[:1].upper()}{title[1:]}" + (f". Asked first: {asked}" if asked else "")


def _when(when: When, book: PolicyBook) -> str:
    """The facts under which a row applies, as a person would say them."""
    told = []
    for name, values in when.tests:
        words = [book.families[str(one)].title if name == "family" else _word(one) for one in values]
        told.append(" ".join(filter(None, (LABELS[name], " or ".join(sorted(words))))))
    return "; ".join(told)


def _word(value: object) -> str:
    return "unknown" if value is None else said(value)


def _compare(book: PolicyBook, payer: str, first: date, second: date) -> Compared:
    taken = {table.id for day in (first, second) for table in _tables(book, payer, day)}
    taken |= {book.prolonged.tables[name].code for name in taken & book.prolonged.tables.keys()}
    found: dict[str, list[str]] = {}
    for line in changes(book, first, second):
        table, _, change = line.partition(": ")
        if not payer or table == payer or table.partition(",")[0] in taken:
            found.setdefault(_title(book, table), []).append(change)
    return Compared(first, second, {name: tuple(lines) for name, lines in found.items()})


def _title(book: PolicyBook, table: str) -> str:
    name, comma, rest = table.partition(",")
    if name in book.families:
        title = book.families[name].title + comma + rest
    else:
        title = book.payers[name].name if name in book.payers else table
    return f"{title[:1].upper()}{title[1:]}"
