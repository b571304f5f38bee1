"""The `telecode policy` commands: check the tables, print them, compare two days, name the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click
import orjson

from cds_hooks.coding.print_out import changes, citations, code_rows
from cds_hooks.coding.schemas import schemas
from cds_hooks.service import Telecode
from cds_hooks.web.days import today
from cds_hooks.web.operations import WARN_DAYS

Opener = Callable[[], Telecode]


class Day(click.ParamType[date]):
    """A date as YYYY-MM-DD."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the date, or say what it should look like."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a date as YYYY-MM-DD", param, ctx)


DAY = Day()


@click.group()
def policy() -> None:
    """Check, print and compare the tables of law."""


@policy.command(epilog="Example: telecode policy check --on 2026-12-01")
@click.option("--on", "day", type=DAY, default=today, show_default="today", help="Day to look ahead from.")
@click.option("--json", "as_json", is_flag=True, help="Print what was checked, and the warnings, as JSON.")
@click.pass_obj
def check(start: Opener, day: date, *, as_json: bool) -> None:
    """Check every table, and warn of what is about to pass the day it was verified through."""
    book = start().book
    warnings = list(book.expiring(day, WARN_DAYS))
    if as_json:
        counted = {"families": len(book.families), "payers": len(book.payers)}
        _print_json({**counted, "fingerprint": book.fingerprint, "warnings": warnings})
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"ok: {len(book.families)} code families, {len(book.payers)} payer policies, {book.fingerprint}")


@policy.command(epilog="Example: telecode policy show --on 2026-11-23")
@click.option("--on", "day", type=DAY, default=today, show_default="today", help="Date of service.")
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@click.pass_obj
def show(start: Opener, day: date, *, as_json: bool) -> None:
    """Print the code tables in force on a date of service."""
    book = start().book
    for warning in book.expiring(day, -1):
        click.echo(f"warning: {warning}", err=True)
    rows = list(code_rows(book, day))
    if as_json:
        _print_json([asdict(row) for row in rows])
        return
    head = ("code", "modality", "patient", "history and exam", "MDM", "time", "work RVU", "source", "sure", "since")
    _print_table(head, [tuple(map(str, asdict(row).values())) for row in rows])


@policy.command(epilog="Example: telecode policy diff 2024-12-31 2025-01-01")
@click.argument("first", type=DAY)
@click.argument("second", type=DAY)
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@click.pass_obj
def diff(start: Opener, first: date, second: date, *, as_json: bool) -> None:
    """Say what changed in law between two dates of service."""
    lines = list(changes(start().book, first, second))
    if as_json:
        _print_json(lines)
        return
    click.echo("\n".join(lines) if lines else f"nothing changed between {first} and {second}")


@policy.command(epilog="Example: telecode policy sources")
@click.option("--json", "as_json", is_flag=True, help="Print the sources as JSON.")
@click.pass_obj
def sources(start: Opener, *, as_json: bool) -> None:
    """Name every source, with the day it was read."""
    head = ("name", "source", "where", "read on")
    rows = [(name, said, where, day.isoformat()) for name, said, where, day in citations(start().book)]
    if as_json:
        _print_json([dict(zip(head, row, strict=True)) for row in rows])
        return
    _print_table(head, rows)


@policy.command(epilog="Example: telecode policy mdm")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_obj
def mdm(start: Opener, *, as_json: bool) -> None:
    """Print what each MDM element asks for, and which minutes count."""
    book = start().book
    if as_json:
        elements = {
            name: {"title": one.title, "levels": {str(level): lines for level, lines in one.levels.items()}}
            for name, one in book.mdm.elements.items()
        }
        minutes = {"counts": book.time.counts.items, "never counts": book.time.never.items}
        _print_json({"elements": elements, "minutes": minutes})
        return
    for name, element in book.mdm.elements.items():
        click.echo(f"{name}: {element.title} ({element.sure})")
        for level, lines in element.levels.items():
            for line in lines:
                click.echo(f"  {level:16} {line}")
    for word, activities in (("counts", book.time.counts), ("never counts", book.time.never)):
        for line in activities.items:
            click.echo(f"{word}: {line}")


@policy.command(epilog="Example: telecode policy schema config/schema")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def schema(folder: Path) -> None:
    """Write JSON Schemas of the tables into FOLDER, for an editor's completion."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(folder / name)


def _print_json(what: object) -> None:
    click.echo(orjson.dumps(what, option=orjson.OPT_INDENT_2))


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
