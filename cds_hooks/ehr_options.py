"""What commands are told of a FHIR server: its address, how long to wait, and a token that leaves no trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import click

from cds_hooks.ehr import prefetch
from cds_hooks.ehr.connection import Connection, is_open

Command = TypeVar("Command", bound=Callable[..., Any])
TOKEN = "TELECODE_CALL_TOKEN"  # noqa: S105 - the name of a variable


class Base(click.ParamType[str]):
    """The address of a server, as it stands before what is asked of it."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take an http or https address with a plain path; a slash at its end is dropped."""
        said = str(value).rstrip("/")
        try:
            parts = urlsplit(said)
            known = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
        except ValueError:
            known = False
        if not known or "@" in parts.netloc or re.search(r"[?#\s\\]", said):
            self.fail("an address is http(s)://host/path, with no user, query or fragment", param, ctx)
        return said


class Shaped(click.ParamType[str]):
    """Words of one shape."""

    def __init__(self, name: str, shape: str) -> None:
        self.name = name
        self._shape = re.compile(shape)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take what has the shape."""
        said = str(value)
        if not self._shape.fullmatch(said):
            self.fail(f"{said!r} is no {self.name}", param, ctx)
        return said


BASE = Base()
PLAIN = Shaped("id", prefetch.ID)
USER = Shaped("reference", prefetch.USER)
PATIENCE = click.FloatRange(min=0, min_open=True, max=600)


def token_options(command: Command) -> Command:
    """Give a command a `token`: from a file, standard input or the environment; on the command line all can see it."""
    for decorate in (
        click.option("--token", envvar=TOKEN, help=f"Bearer token of the FHIR server; better in {TOKEN} or a file."),
        click.option(
            "--token-file",
            type=click.File("r"),
            metavar="FILE|-",
            expose_value=False,
            callback=_read_token,
            help="Read the token from FILE, or - for standard input.",
        ),
    ):
        command = decorate(command)
    return command


def fhir_server(base: str, seconds: float, token: str | None) -> Connection:
    """The FHIR server at `base`, until the command ends.

    Raises click.UsageError for a token that would travel in clear text, or is none.
    """
    context = click.get_current_context()
    token = context.meta.get(TOKEN) or token
    if token and is_open(base):
        raise click.UsageError("a token must not travel in clear text: give the https address of the FHIR server")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise click.UsageError("the token is no bearer token")
    return context.with_resource(Connection("the FHIR server", base, seconds, token))


def _read_token(ctx: click.Context, _: click.Parameter, file: IO[str] | None) -> None:
    if file is not None:
        ctx.meta[TOKEN] = file.read().strip()
