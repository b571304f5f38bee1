"""How a command ends: with what it was asked for, or with one line that says why not and what to do."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import click


class Ending(IntEnum):
    """The exit codes of every command; 0 is what was asked for."""

    REFUSED = 1
    """Somebody else refused: the service a request, the FHIR server a record."""
    UNUSABLE = 2
    """Options, a file, a table, a setting or the store cannot be used."""
    NOT_REACHED = 3
    """A server cannot be reached, or is not what it should be."""


def stop(why: str, ending: Ending = Ending.UNUSABLE) -> NoReturn:
    """End the command with one line on standard error."""
    click.echo(f"error: {why}", err=True)
    raise SystemExit(ending)
