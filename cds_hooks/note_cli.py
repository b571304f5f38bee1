"""The `telecode note` commands: read a note, and measure the reader on labelled notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import IO, Any

import click
import orjson

from cds_hooks.endings import stop
from cds_hooks.progress import watched
from cds_hooks.service import Telecode
from fhir_mapping.note import read_note
from fhir_mapping.note_score import FIELDS, score

SHOWN = 160

Opener = Callable[[], Telecode]


@click.group()
def note() -> None:
    """Read notes, and measure how well they are read."""


@note.command("read", epilog="Example: telecode note read visit.txt")
@click.argument("file", metavar="FILE|-", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--json", "as_json", is_flag=True, help="Print the readings as JSON.")
@click.pass_obj
def read_command(start: Opener, file: IO[str], *, as_json: bool) -> None:
    """Read one note in plain text, and print what it says with the words it rests on."""
    found = read_note(file.read(), start().note_rules)
    if as_json:
        click.echo(orjson.dumps([asdict(one) for one in found], option=orjson.OPT_INDENT_2))
        return
    for one in found:
        value = "to be asked" if one.value is None else one.value
        click.echo(f"{one.target:20} {value!s:16} [{one.start}:{one.end}] {one.said[:SHOWN]}")


@note.command("eval", epilog="Example: telecode note eval notes.jsonl --misses")
@click.argument("file", metavar="FILE|-", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@click.option("--misses", is_flag=True, help="Name every line that was read otherwise than labelled.")
@click.pass_obj
def eval_command(start: Opener, file: IO[bytes], *, as_json: bool, misses: bool) -> None:
    """Measure the reader on labelled notes: FILE holds one JSON object a line, with `text` and labels.

    Labels: minutes_total, discussion_minutes, modality, patient_location, consent, audio_only_reason, mdm_level; null
    where the note does not say it. Exit code 2 for a line that is no labelled note.
    """
    notes = list(_labelled(file))
    scores, missed = score(watched(notes, "reading notes"), start().note_rules)
    if as_json:
        shown = [
            asdict(one) | {"accuracy": one.accuracy, "precision": one.precision, "recall": one.recall} for one in scores
        ]
        whole: dict[str, Any] = {"fields": shown}
        if misses:
            whole["misses"] = [asdict(one) for one in missed]
        click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
        return
    click.echo(f"{'field':20} {'notes':>6} {'right':>6} {'accuracy':>9} {'precision':>9} {'recall':>7} {'invented':>9}")
    for one in scores:
        rates = [_percent(rate) for rate in (one.accuracy, one.precision, one.recall)]
        click.echo(
            f"{one.field:20} {one.notes:6} {one.right:6} {rates[0]:>9} {rates[1]:>9} {rates[2]:>7} {one.invented:9}"
        )
    for miss in missed if misses else ():
        click.echo(f"line {miss.number}: {miss.field} is {miss.label}, read as {miss.said}")


def _labelled(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            labelled = orjson.loads(line)
        except orjson.JSONDecodeError as broken:
            stop(f"line {number} is no JSON: {broken}")
        if not isinstance(labelled, dict) or not isinstance(labelled.get("text"), str):
            stop(f"line {number} has no text")
        if not labelled.keys() & FIELDS.keys():
            stop(f"line {number} has none of the labels {', '.join(FIELDS)}")
        yield labelled


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
