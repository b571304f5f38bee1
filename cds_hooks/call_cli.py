"""The `telecode call` command: call a service as an EHR does, and see the card that a clinician would see."""

from __future__ import annotations

from typing import IO, Any
from uuid import uuid4

import click
import orjson
from rich.console import Console

from cds_hooks.ehr.connection import Connection, NotReachedError
from cds_hooks.ehr.drawing import drawn
from cds_hooks.ehr.prefetch import prefetch
from cds_hooks.ehr.service import CallRefusedError, NotOfferedError, Offered, called, chosen, offered
from cds_hooks.ehr.visit import NoSuchVisitError, context_of
from cds_hooks.ehr_options import BASE, PATIENCE, PLAIN, USER, fhir_server, token_options
from cds_hooks.endings import Ending, stop
from cds_hooks.samples_cli import sample_named, sample_names
from cds_hooks.web.body import BodyRefused, parse_object

EXAMPLES = """\b
Examples:
  telecode call --sample medicare-video-at-home
  telecode call --fhir http://127.0.0.1:8103/fhir/R4 --encounter okafor-visit
  telecode call --fhir https://ehr.example.org/fhir --encounter 17 --token-file - < token
  telecode samples show two-totals | telecode call - --json

\b
Exit codes:
  0  the service answered, with a card or with none
  1  the service refused the request
  2  the command, the request or the visit named in it cannot be used
  3  the FHIR server or the service cannot be reached
"""


@click.command(epilog=EXAMPLES)
@click.argument("request_file", metavar="[FILE|-]", type=click.File("rb"), required=False)
@click.option(
    "--sample", metavar="NAME", shell_complete=sample_names, help="Send a sample visit; see telecode samples list."
)
@click.option("--fhir", "fhir_base", type=BASE, help="Base of the FHIR server that holds the visit.")
@click.option("--encounter", "encounter_id", type=PLAIN, help="Id of the visit's Encounter.")
@click.option("--patient", "patient_id", type=PLAIN, help="Id of the patient.  [default: whom the Encounter names]")
@click.option("--user", type=USER, help="Who signs, as Practitioner/ID.  [default: whom the Encounter names]")
@token_options
@click.option(
    "--service", "service_base", type=BASE, default="http://127.0.0.1:8000", show_default=True, help="Where it runs."
)
@click.option("--service-id", help="Which of its services to call.  [default: the first that answers the hook]")
@click.option("--hook", help="Which hook to fire.  [default: that of the request, else of the first service]")
@click.option("--timeout", type=PATIENCE, default=10, show_default=True, help="Seconds to wait for each answer.")
@click.option("--json", "as_json", is_flag=True, help="Print the response as JSON.")
def call(  # noqa: PLR0913 - each is an option of the command
    request_file: IO[bytes] | None,
    sample: str | None,
    fhir_base: str | None,
    encounter_id: str | None,
    patient_id: str | None,
    user: str | None,
    token: str | None,
    service_base: str,
    service_id: str | None,
    hook: str | None,
    timeout: float,
    *,
    as_json: bool,
) -> None:
    """Call a service as an EHR does at sign-off, and print its card.

    The visit is one on a FHIR server (--fhir and --encounter), a sample (--sample), or a whole hook request in FILE or
    on standard input. For a visit on a FHIR server the service is asked what it wants sent along, and each of its
    templates is read there first; the token opens the FHIR server alone and is not passed on.
    """
    if [bool(request_file), bool(sample), bool(fhir_base)].count(True) != 1:
        raise click.UsageError("name one visit: --fhir with --encounter, --sample, or a FILE with a request")
    if bool(fhir_base) != bool(encounter_id):
        raise click.UsageError("--fhir and --encounter belong together")
    if not fhir_base and (patient_id or user):
        raise click.UsageError("--patient and --user are for a visit on a FHIR server: a request names its own")
    server = fhir_server(fhir_base, timeout, token) if fhir_base else None
    here = Connection("the service", service_base.removesuffix("/cds-services"), timeout)
    service = click.get_current_context().with_resource(here)
    request = {} if server else sample_named(sample).as_request() if sample else _read(request_file)
    try:
        services = offered(service)
        if server and encounter_id:
            one = chosen(services, service_id, hook)
            request = _opened(server, one, context_of(server, encounter_id, patient_id, user))
        else:
            one = chosen(services, service_id, hook or request["hook"])
            request["hook"] = one.hook if service_id or hook else request["hook"]
        response = called(service, one, request)
    except (NotOfferedError, NoSuchVisitError) as unusable:
        stop(str(unusable), Ending.UNUSABLE)
    except CallRefusedError as refused:
        stop(f"the service refuses the request. {refused}", Ending.REFUSED)
    except NotReachedError as silent:
        stop(str(silent), Ending.NOT_REACHED)
    if as_json:
        click.echo(orjson.dumps(response, option=orjson.OPT_INDENT_2))
        return
    show(response["cards"])


def show(cards: list[Any]) -> None:
    """Draw the cards of a response, or say that there is none."""
    console = Console(highlight=False)
    for card in cards:
        console.print(drawn(card if isinstance(card, dict) else {}))
    if not cards:
        console.print("no card: the service has nothing to say of this visit")


def _opened(server: Connection, one: Offered, context: dict[str, str]) -> dict[str, Any]:
    found = prefetch(one.prefetch, context, server)
    for why in found.left_out:
        click.echo(f"left out: {why}", err=True)
    return {
        "hook": one.hook,
        "hookInstance": str(uuid4()),
        "fhirServer": server.base,
        "context": context,
        "prefetch": found.values,
    }


def _read(file: IO[bytes] | None) -> dict[str, Any]:
    try:
        request = parse_object(file.read() if file else b"")
    except BodyRefused as refused:
        stop(f"the request cannot be read: {refused}", Ending.UNUSABLE)
    if not isinstance(request.get("hook"), str):
        stop("the request names no hook", Ending.UNUSABLE)
    return {"hookInstance": str(uuid4()), **request}
