"""The `telecode config` commands: check settings, trust list, tables and store before a running service meets them."""

from __future__ import annotations

import click
import orjson

from cds_hooks.checks import problems
from cds_hooks.endings import Ending


@click.group()
def config() -> None:
    """Check what a service is configured with."""


@config.command(epilog="Example: telecode config check && systemctl reload telecode@8001")
@click.option(
    "--host",
    default="127.0.0.1",
    envvar="TELECODE_HOST",
    show_default=True,
    help="Address that the service is to listen on (or TELECODE_HOST).",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(host: str, *, as_json: bool) -> None:
    """Check settings, trust list, tables, client profiles, site vocabulary and store, as a start does.

    One line a problem, with file and line where there is a file, and exit code 2 if there is one. Nothing is changed.
    """
    found = problems(host)
    if as_json:
        click.echo(orjson.dumps({"problems": found}, option=orjson.OPT_INDENT_2))
    elif not found:
        click.echo("ok: settings, trust list, tables and store")
    for problem in () if as_json else found:
        click.echo(f"error: {problem}", err=True)
    if found:
        raise SystemExit(Ending.UNUSABLE)
