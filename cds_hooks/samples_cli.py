"""The `telecode samples` commands: see the sample visits, and put them on a FHIR server."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import click
import orjson

from cds_hooks.ehr.connection import Connection, NotReachedError, complaint
from cds_hooks.ehr.prefetch import FHIR
from cds_hooks.ehr_options import BASE, PATIENCE, fhir_server, token_options
from cds_hooks.endings import Ending, stop
from cds_hooks.progress import watched
from cds_hooks.samples import Sample, load_samples, resources
from cds_hooks.settings import Settings
from fhir_mapping.tables import TableError, config_folder

STORED = {HTTPStatus.OK, HTTPStatus.CREATED}
_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def sample_names(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """The names of samples that begin like this, for a shell that completes them."""
    return [sample.name for sample in _every_sample() if sample.name.startswith(begun)]


@click.group()
def samples() -> None:
    """See the sample visits, and put them on a FHIR server."""


@samples.command("list", epilog="Example: telecode samples list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_command(*, as_json: bool) -> None:
    """List the sample visits: name, Encounter, and what each is."""
    found = _every_sample()
    if as_json:
        rows = [{"name": one.name, "title": one.title, "about": one.about} for one in found]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    for one in found:
        click.echo(f"{one.name:34} {one.request['context']['encounterId']:18} {one.title}")


@samples.command(epilog="Example: telecode samples show two-totals | telecode explain -")
@click.argument("name", shell_complete=sample_names)
def show(name: str) -> None:
    """Print the hook request of one sample visit as JSON, under a new id."""
    click.echo(orjson.dumps(sample_named(name).as_request(), option=orjson.OPT_INDENT_2))


LOAD_EXAMPLES = """\b
Examples:
  telecode samples load --fhir http://127.0.0.1:8103/fhir/R4
  telecode samples load --fhir https://fhir.example.org/R4 --token-file token two-totals prolonged

\b
Exit codes:
  0  every record is stored
  1  the FHIR server refused some, which are named
  2  the command cannot be used
  3  the FHIR server cannot be reached, or gives no access
"""


@samples.command(epilog=LOAD_EXAMPLES)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=sample_names)
@click.option("--fhir", "fhir_base", type=BASE, required=True, help="Base of the FHIR server.")
@token_options
@click.option("--timeout", type=PATIENCE, default=10, show_default=True, help="Seconds to wait for each answer.")
@click.option("--json", "as_json", is_flag=True, help="Print what was stored and what failed as JSON.")
def load(names: tuple[str, ...], fhir_base: str, token: str | None, timeout: float, *, as_json: bool) -> None:
    """Put sample visits on a FHIR server, all of them or those named.

    Each record keeps its id, so that loading again changes nothing.
    """
    server = fhir_server(fhir_base, timeout, token)
    records = list(resources(map(sample_named, names) if names else _every_sample()))
    failed = {}
    try:
        for record in watched(records, "storing"):
            if why := _refused(server, record):
                failed[f"{record['resourceType']}/{record['id']}"] = why
    except NotReachedError as silent:
        stop(str(silent), Ending.NOT_REACHED)
    stored = len(records) - len(failed)
    if as_json:
        click.echo(orjson.dumps({"stored": stored, "failed": failed}, option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"{stored} of {len(records)} records stored at {fhir_base}")
    for name, why in failed.items():
        click.echo(f"failed: {name}: {why}", err=True)
    if failed:
        stop(f"the FHIR server refused {len(failed)} records", Ending.REFUSED)


def sample_named(name: str) -> Sample:
    """The sample visit of that name; ends the command if there is none."""
    known = {sample.name: sample for sample in _every_sample()}
    if name not in known:
        stop(f"no sample {name}; there are {', '.join(known)}")
    return known[name]


def _every_sample() -> tuple[Sample, ...]:
    try:
        return load_samples(config_folder(Settings().config))
    except (TableError, ValueError) as broken:
        stop(str(broken))


def _refused(server: Connection, record: Any) -> str:  # noqa: ANN401 - a FHIR resource
    """Store one record. Returns why the server would not, or nothing; raises NotReachedError without access."""
    answer = server.ask("PUT", f"{record['resourceType']}/{record['id']}", body=record, kind=FHIR)
    if answer.status in _DENIED:
        raise NotReachedError(
            f"the FHIR server answers {complaint(answer)}: give a token that may write to it (--token-file)"
        )
    return "" if answer.status in STORED else complaint(answer)
