"""The `telecode feedback` and `telecode store` commands: how cards fare, and how long they are remembered."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from cds_hooks.charts import as_file, by_month
from cds_hooks.endings import stop
from cds_hooks.policy_cli import DAY
from cds_hooks.progress import watched
from cds_hooks.settings import Settings
from cds_hooks.store.database import BadDatabaseError, Database, StoreUnavailableError
from cds_hooks.store.ledger import Ledger
from cds_hooks.store.statistics import Tally, events, statistics

BAR = 24


@click.group()
def feedback() -> None:
    """See how cards fare: acceptance, overrides and their reasons."""


@feedback.command(epilog="Example: telecode feedback stats --since 2026-11-01 --chart november.svg")
@click.option("--since", type=DAY, help="Only cards given on this day or later.")
@click.option("--until", type=DAY, help="Only cards given before this day.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Also draw them into an SVG file.")
def stats(since: date | None, until: date | None, *, as_json: bool, chart: Path | None) -> None:
    """Print how often cards were accepted and overridden, by code, basis, outcome and month, and why."""
    found = _from_store(lambda database: statistics(database, _midnight(since), _midnight(until)))
    if chart is not None:
        chart.write_bytes(as_file(by_month(found.by_month)))
    if as_json:
        click.echo(orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2))
        return
    groups = (
        ("all cards", (found.total,)),
        ("by code", found.by_code),
        ("by basis", found.by_basis),
        ("by outcome", found.by_outcome),
        ("by month", found.by_month),
    )
    for title, tallies in groups:
        unknown = f" {'unknown':>8}" if found.total.unknown else ""
        click.echo(f"{title:16} {'given':>7} {'accepted':>9} {'overridden':>11}{unknown} {'acceptance':>11}")
        for tally in tallies:
            click.echo(_line(tally, f" {tally.unknown:8}" if found.total.unknown else ""))
    click.echo("overridden because")
    for reason, count in found.reasons:
        click.echo(f"  {reason:24} {count:7}")
    if found.unknown:
        click.echo(f"feedback on cards that were never given to its sender: {found.unknown}")
    if found.unknown_suggestions:
        click.echo(f"accepted suggestions that their card never had: {found.unknown_suggestions}")


@feedback.command(epilog="Example: telecode feedback export --csv > feedback.csv")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV with a header, not as JSON lines.")
def export(*, as_csv: bool) -> None:
    """Print every feedback event as JSON, oldest first, one a line."""
    rows = _from_store(lambda database: list(events(database)))
    if as_csv:
        click.echo(_as_csv(rows), nl=False)
        return
    for row in rows:
        click.echo(orjson.dumps(row).decode())


@click.group()
def store() -> None:
    """Look after what is remembered."""


@store.command(epilog="Example: telecode store forget --days 365")
@click.option("--days", type=click.IntRange(min=1), help="Instead of TELECODE_RETENTION_DAYS.")
@click.option("--json", "as_json", is_flag=True, help="Print what was dropped as JSON.")
def forget(days: int | None, *, as_json: bool) -> None:
    """Drop cards and feedback older than the days a site keeps them.

    The service may run meanwhile: it is done a thousand rows at a time. Interrupted, it is taken up by the next run.
    """
    kept = days or Settings().retention_days
    before = datetime.now(UTC) - timedelta(days=kept) if kept else None
    dropped = _from_store(lambda database: _forgotten(Ledger(database), before)) if before else 0
    if as_json:
        click.echo(orjson.dumps({"dropped": dropped, "before": before.date() if before else None}))
    elif before is None:
        click.echo("everything is kept: TELECODE_RETENTION_DAYS is 0")
    else:
        click.echo(f"{dropped} rows from before {before.date().isoformat()} dropped")


def _forgotten(ledger: Ledger, before: datetime) -> int:
    dropped = 0
    try:
        for batch in watched(ledger.forgetting(before), "dropping", ledger.batches(before)):
            dropped += batch
    except KeyboardInterrupt:
        stop(f"interrupted: {dropped} rows dropped so far; run it again for the rest")
    except StoreUnavailableError as down:
        stop(f"the store cannot be used: {down}; {dropped} rows dropped so far, run it again for the rest")
    return dropped


def _line(tally: Tally, unknown: str) -> str:
    rate = tally.acceptance
    share = "-" if rate is None else f"{rate:.0%}"
    bar = "" if rate is None else "█" * round(rate * BAR)
    return (
        f"  {tally.key:14} {tally.given:7} {tally.accepted:9} {tally.overridden:11}{unknown} {share:>11} {bar}".rstrip()
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _as_csv(rows: Sequence[dict[str, Any]]) -> str:
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _inert(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _inert(value: object) -> object:
    """A value as a table program shows it: what begins like a formula is marked as text, and never computed."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _from_store(ask: Callable[[Database], Any]) -> Any:  # noqa: ANN401 - whatever was asked
    try:
        database = Database.open(Settings().database_url)
        try:
            return ask(database)
        finally:
            database.close()
    except (BadDatabaseError, StoreUnavailableError) as down:
        stop(f"the store cannot be used: {down}")
