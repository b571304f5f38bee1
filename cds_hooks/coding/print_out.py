"""The law as a person reads it: the code tables of a day, what changed between two days, and where it was read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from cds_hooks.coding.citation import Dated
from cds_hooks.coding.families import Edition, Family, ProlongedEdition, Rung
from cds_hooks.coding.payers import PayerEdition, Route, When
from cds_hooks.coding.policy import PolicyBook


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One code as a coder prints it; minutes in words, the work RVU with how far it can be trusted."""

    code: str
    modality: str
    patient: str
    history_and_exam: str
    mdm: str
    time: str
    work_rvu: str
    source: str
    sure: str
    since: date


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes of one family, or of one prolonged service, as one table with its sources.

    `family` is `None` for a prolonged service.
    """

    id: str
    title: str
    family: Family | None
    sources: tuple[str, ...]
    rows: tuple[CodeRow, ...]


def code_tables(book: PolicyBook, day: date) -> Iterator[CodeTable]:
    """Every table in force on `day`: the families, then the prolonged services; the lowest code of each first."""
    for family in book.families.values():
        edition, since = family.on(day), family.start(day)
        if edition is not None and since is not None:
            rows = tuple(_family_rows(book, family, edition, since, day))
            yield CodeTable(family.id, family.title, family, edition.sources, rows)
    for name, table in book.prolonged.tables.items():
        prolonged, since = table.on(day), table.start(day)
        if prolonged is not None and since is not None:
            rows = tuple(_prolonged_rows(book, table.code, prolonged, since))
            yield CodeTable(name, table.title, None, prolonged.sources, rows)


def code_rows(book: PolicyBook, day: date) -> Iterator[CodeRow]:
    """Every code in force on `day`, table by table, lowest first."""
    for table in code_tables(book, day):
        yield from table.rows


def _family_rows(book: PolicyBook, family: Family, edition: Edition, since: date, day: date) -> Iterator[CodeRow]:
    for patient, rung in _rungs(edition):
        rvu = book.work_rvu(family, rung.code, day)
        yield CodeRow(
            code=rung.code,
            modality=family.modality,
            patient=patient,
            history_and_exam=family.history_and_exam or "none",
            mdm=rung.mdm or "none",
            time=_minutes(rung, family),
            work_rvu=rvu.says() if rvu else "not published",
            source=_publishers(book, edition.sources),
            sure=edition.sure,
            since=since,
        )


def _prolonged_rows(book: PolicyBook, code: str, edition: ProlongedEdition, since: date) -> Iterator[CodeRow]:
    for base, minutes in edition.after.items():
        yield CodeRow(
            code=code,
            modality=f"with {base}",
            patient="any",
            history_and_exam="none",
            mdm="none",
            time=f"from {minutes + edition.step} minutes, each full {edition.step}",
            work_rvu="not published",
            source=_publishers(book, edition.sources),
            sure=edition.sure,
            since=since,
        )


def _publishers(book: PolicyBook, sources: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(book.sources[name].publisher for name in sources))


def changes(book: PolicyBook, first: date, second: date) -> Iterator[str]:
    """What changed in law from `first` to `second`, a line for each change."""
    for family in book.families.values():
        yield from _compared(family.id, _codes(family.on(first)), _codes(family.on(second)))
    for table in book.prolonged.tables.values():
        before, after = table.on(first), table.on(second)
        yield from _compared(
            table.code,
            _steps(before),
            _steps(after),
        )
    for payer in book.payers.values():
        yield from _compared(payer.id, _policy(payer.on(first), first), _policy(payer.on(second), second))
    for family in book.families.values():
        yield from _compared(f"{family.id}, work RVU", *(_work_rvus(book, family, day) for day in (first, second)))
    for ending in book.tables():
        if first <= ending.verified_through < second:
            yield f"{ending.id}: verified through {ending.verified_through.isoformat()} only"
    tables: list[Dated[Edition] | Dated[PayerEdition]] = [*book.families.values(), *book.payers.values()]
    for dated in tables:
        for start, edition in sorted(dated.editions.items()):
            if edition == "expected" and first < start <= second:
                yield f"{dated.id}: a change is expected on {start.isoformat()} and not yet loaded"  # type: ignore[union-attr]


def citations(book: PolicyBook) -> Iterator[tuple[str, str, str, date]]:
    """Every source: its name, title and publisher, address or locator, and the day it was read."""
    for name, source in sorted(book.sources.items()):
        where = " ".join(part for part in (source.url, source.locator) if part)
        yield name, f"{source.title}, {source.publisher}", where, source.retrieved


def _compared(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        was, now = before.get(key), after.get(key)
        if was is None:
            yield f"{name}: {key} begins: {now}"
        elif now is None:
            yield f"{name}: {key} ends: {was}"
        elif was != now:
            yield f"{name}: {key}: {was} -> {now}"


def _codes(edition: Edition | None) -> dict[str, str]:
    if edition is None:
        return {}
    said = {f"{rung.code} ({who})": _rung(rung) for who, rung in _rungs(edition)}
    said |= dict.fromkeys((f"condition {name}" for name in edition.requires), "asked for")
    if edition.not_for_new is not None:
        said["not for new patients"] = edition.not_for_new.text
    if edition.open_question is not None:
        said["open question"] = edition.open_question.text
    return said


def _steps(edition: ProlongedEdition | None) -> dict[str, str]:
    if edition is None:
        return {}
    return {f"with {base}": f"after {m} minutes, each full {edition.step}" for base, m in edition.after.items()}


def _policy(edition: PayerEdition | None, day: date) -> dict[str, str]:
    if edition is None:
        return {}
    said = {"one of": ", ".join(edition.either)} if edition.either else {}
    if edition.either_question:
        said["which of them"] = edition.either_question
    for route in edition.routes:
        said[_facts(route.when)] = _leads_to(route)
    said |= {f"declines {contact}": text for contact, text in edition.declines.items()}
    for rule in edition.modifiers or ():
        open_place = f"; {rule.ask_place_of_service}" if rule.ask_place_of_service else ""
        said[f"modifier {rule.modifier}, {_facts(rule.when)}"] = rule.use + open_place
    said |= {f"place of service, {where}": code for where, code in edition.place_of_service.items()}
    if edition.prolonged:
        said["prolonged"] = edition.prolonged
    if edition.crossover:
        said["second payer"] = edition.crossover
    said |= {f"remark {r.id}": r.text for r in edition.remarks if (r.first or day) <= day <= (r.last or day)}
    return said


def _leads_to(route: Route) -> str:
    if route.instead is not None:
        return route.instead.text
    asked = f"; asks for {', '.join(route.requires)}" if route.requires else ""
    return f"{route.family}{'; usual place of service' if route.place == 'usual' else ''}{asked}"


def _facts(when: When) -> str:
    said = ((name, sorted("unknown" if one is None else str(one) for one in values)) for name, values in when.tests)
    return "; ".join(f"{name} {' or '.join(values)}" for name, values in said)


def _work_rvus(book: PolicyBook, family: Family, day: date) -> dict[str, str]:
    edition = family.on(day)
    codes = [rung.code for _, rung in _rungs(edition)] if edition else []
    return {code: f"{rvu.value:.2f}" for code in codes if (rvu := book.work_rvu(family, code, day))}


def _rungs(edition: Edition) -> Iterator[tuple[str, Rung]]:
    for patient, rungs in (("new", edition.new), ("established", edition.established), ("any", edition.anyone)):
        for rung in rungs:
            yield patient, rung


def _rung(rung: Rung) -> str:
    parts = [f"{rung.mdm} MDM" if rung.mdm else "", f"from {rung.least} minutes" if rung.least is not None else ""]
    return " or ".join(part for part in parts if part) or "no level"


def _minutes(rung: Rung, family: Family) -> str:
    of = " of discussion" if family.measure == "discussion_minutes" else ""
    if rung.more_than is not None:
        return f"more than {rung.more_than} minutes{of}"
    return f"{rung.at_least} minutes or more{of}" if rung.at_least is not None else "none"
