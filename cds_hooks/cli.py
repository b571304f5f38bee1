"""The `telecode` command: serve, explain a request, try facts, check the tables."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import IO, Any

import click
import orjson

from cds_hooks import __version__
from cds_hooks.call_cli import call
from cds_hooks.cards.words import ALWAYS_SHOWN, FACT_LABELS, basis, claim_line, said, supposition
from cds_hooks.checks import problems
from cds_hooks.coding.outcome import Outcome
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.completion_cli import completion
from cds_hooks.config_cli import config
from cds_hooks.endings import stop
from cds_hooks.exchange.facts_json import FactsRefused
from cds_hooks.exchange.facts_out import facts_as_json
from cds_hooks.exchange.hook import HookRefused, read_hook
from cds_hooks.listening import CannotListenError, listen
from cds_hooks.meters import SHARED
from cds_hooks.note_cli import note
from cds_hooks.policy_cli import policy
from cds_hooks.samples_cli import samples
from cds_hooks.service import EncounterNotHad, Telecode
from cds_hooks.settings import Settings, UnsafeStartError
from cds_hooks.store.database import BadDatabaseError, Database, StoreUnavailableError
from cds_hooks.store_cli import feedback, store
from cds_hooks.web.body import BodyRefused, parse_object
from cds_hooks.web.days import today
from fhir_mapping.facts import EncounterFacts
from fhir_mapping.gather import WrongPatient
from fhir_mapping.tables import TableError

EXIT_CODES = """\b
Exit codes of every command:
  0  done; telecode call: answered, with a card or with none
  1  somebody else refused: a service the request, a FHIR server a record
  2  options, a file, a table, a setting or the store cannot be used
  3  a FHIR server or a service cannot be reached

Everything that reads a FILE takes - for standard input. See telecode completion --help for your shell.
"""


class Commands(click.Group):
    """The commands, each of which ends in one line where the settings cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever a command returns
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UnsafeStartError as refused:
            stop(str(refused))


@click.group(cls=Commands, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="telecode", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Suggest the E/M code of a telehealth visit, with its reasons."""
    context.obj = _start


main.add_command(config)
main.add_command(policy)
main.add_command(note)
main.add_command(feedback)
main.add_command(store)
main.add_command(call)
main.add_command(samples)
main.add_command(completion)


@main.command(epilog="Example: telecode serve --port 8080 --workers 2")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, envvar="PORT", show_default=True, help="Port to listen on (or PORT).")
@click.option("--workers", default=1, envvar="WEB_CONCURRENCY", show_default=True, help="Worker processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve over HTTP. Tables, settings, a store or a port that cannot be used stop the start with exit code 2."""
    try:
        from cds_hooks import serving  # noqa: PLC0415 - the server is an extra that only serving needs
    except ImportError:
        stop("to serve, telecode must be installed with its extra: pip install 'telecode[serve]'")
    host = host.strip().lower()
    os.environ["TELECODE_HOST"] = host  # the workers are told too
    settings = _checked()
    try:
        listener = listen(host, port)
    except CannotListenError as refused:
        stop(str(refused))
    with listener, ExitStack() as numbers:
        try:
            numbers.enter_context(serving.shared_numbers())
        except OSError as refused:
            stop(f"{SHARED} names no folder that can be written: {refused.strerror}")
        _open_store(settings)
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"telecode {__version__} on http://{shown}:{port}/cds-services")
        serving.serve(listener, workers, settings.notice)


@main.command(epilog="Example: telecode samples show two-totals | telecode explain -")
@click.argument("request_file", metavar="FILE|-", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print facts, outcome and cards as JSON.")
def explain(request_file: IO[bytes], *, as_json: bool) -> None:
    """Explain what a hook request in FILE (or on standard input) gives, and why."""
    telecode = _start()
    try:
        body = parse_object(request_file.read())
        answer = telecode.answer(read_hook(body, None, telecode.offer.services))
    except (BodyRefused, HookRefused) as refused:
        stop(str(refused))
    except WrongPatient:
        stop("the Encounter is another patient's")
    except EncounterNotHad:
        stop("the Encounter is missing: send it in prefetch")
    if as_json:
        whole = {"facts": facts_as_json(answer.facts), "outcome": answer.outcome.as_json(), "cards": answer.cards}
        _print_json(whole)
        return
    _print_facts(answer.facts)
    _print_outcome(answer.outcome, answer.facts, telecode.book)
    for card in answer.cards:
        click.echo(f"\ncard      {card['summary']}")


TRY_EXAMPLES = """\b
Examples:
  telecode try --minutes 34 --modality audio_video --patient established --payer medicare-ffs --location home
  telecode try --modality audio_only --mdm low --payer cpt-telemedicine --fact discussion_minutes=12 --json
"""


@main.command("try", epilog=TRY_EXAMPLES)
@click.option("--date", "service_date", default=None, help="Date of service, YYYY-MM-DD.  [default: today]")
@click.option("--modality", help="audio_video, audio_only, interrupted, asynchronous or in_person.")
@click.option("--patient", "patient_status", help="new or established.")
@click.option("--minutes", "total_minutes", type=int, help="Total minutes on the date of service.")
@click.option("--discussion", "discussion_minutes", type=int, help="Minutes of medical discussion.")
@click.option("--mdm", help="straightforward, low, moderate or high.")
@click.option("--payer", "payers", multiple=True, help="A payer policy; primary first.")
@click.option("--location", "patient_location", help="Where the patient was: home or not_home.")
@click.option("--fact", "others", multiple=True, metavar="NAME=JSON", help="Any other fact of the facts JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def try_facts(*, others: tuple[str, ...], as_json: bool, **named: Any) -> None:  # noqa: ANN401 - click's values
    """Try facts without FHIR."""
    telecode = _start()
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in named.items() if value}
    body |= {name: named[name] for name in ("total_minutes", "discussion_minutes") if named[name] is not None}
    body.setdefault("service_date", today().isoformat())
    for other in others:
        name, _, value = other.partition("=")
        try:
            body[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            body[name] = value
    try:
        outcome = telecode.select(body)
    except FactsRefused as refused:
        stop(str(refused))
    if as_json:
        _print_json(outcome.as_json())
    else:
        _print_outcome(outcome, None, telecode.book)


def _start() -> Telecode:
    try:
        return Telecode.start(Settings())
    except TableError as broken:
        stop(str(broken))
    except ValueError as refused:  # pydantic names the setting that does not fit
        stop(str(refused))


def _checked() -> Settings:
    """The settings, once all that the workers need has been checked: what stops them is one line and no traceback."""
    if found := problems():
        more = f"; telecode config check tells {len(found) - 1} more" if found[1:] else ""
        stop(found[0] + more)
    return Settings()


def _open_store(settings: Settings) -> None:
    """Bring the store up to date before the workers open it."""
    try:
        Database.open(settings.database_url).close()
    except (BadDatabaseError, StoreUnavailableError) as down:
        stop(f"the store cannot be used: {down}")


def _print_json(body: dict[str, Any]) -> None:
    click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2))


def _print_facts(facts: EncounterFacts) -> None:
    for name, label in FACT_LABELS.items():
        fact = getattr(facts, name)
        if fact.conflict:
            click.echo(f"{label:31} contradicts itself: " + " or ".join(said(r.value) for r in fact.conflict))
        elif fact.known:
            where = "; ".join(f"{e.resource} {e.path}: {e.said}" for e in fact.evidence[:1])
            click.echo(f"{label:31} {said(fact.value):22} {where}")
        elif fact.why_unknown and name in ALWAYS_SHOWN:
            click.echo(f"{label:31} {'unknown':22} {fact.why_unknown}")
    click.echo()


def _print_outcome(outcome: Outcome, facts: EncounterFacts | None, book: PolicyBook) -> None:
    click.echo(f"{outcome.kind.replace('_', ' ')}")
    for c in outcome.candidates:
        optional = f" (optional {', '.join(c.optional_modifiers)})" if c.optional_modifiers else ""
        mark = "->" if c.recommended else "  "
        level = basis(c, facts or EncounterFacts(), book)
        lower = f"next lower {c.lower_code}" if c.lower_code else ""
        parts = [claim_line(c) + optional, level, lower, c.payer, supposition(c)]
        click.echo(f" {mark} " + "; ".join(part for part in parts if part))
    for mark, notes in (("?", outcome.questions), ("x", outcome.reasons), ("!", outcome.warnings)):
        for one in notes:
            see = f" See {', '.join(one.see)}." if one.see else ""
            click.echo(f" {mark}  {one.text}{see}")
    for step in outcome.steps:
        source = outcome.sources[step.sources[0]]
        click.echo(f" -  {step.says} [{source.publisher}, since {step.edition.isoformat()}, {step.sure}]")


if __name__ == "__main__":
    main()
