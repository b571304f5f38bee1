"""Whether the tables are those that this version knows, and how older ones are brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, false, insert, select, table, update

from cds_hooks.store.tables import METADATA

VERSION = table("alembic_version", column("version_num"))


class WrongSchemaError(Exception):
    """The tables are not those of this version; the words say what to do."""


def is_current(connection: Connection) -> bool:
    """Whether the tables are those of this version. Raises WrongSchemaError if they are those of a newer one."""
    return _are_current(MigrationContext.configure(connection).get_current_heads())


def migrate(connection: Connection) -> None:
    """Bring the tables up to date, unless they are by now.

    The caller holds the lock under which one instance at a time does so. Raises WrongSchemaError.
    """
    if not is_current(connection):
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def look(connection: Connection) -> None:
    """Look at every table without reading a row.

    Raises WrongSchemaError if they are of another version, or a database error if one is missing.
    """
    if not _are_current(connection.scalars(select(VERSION.c.version_num)).all()):
        raise WrongSchemaError(
            "its tables are those of an older version of telecode: restart an instance of this version, which brings "
            "them up to date"
        )
    for one in METADATA.sorted_tables:
        connection.execute(select(one).where(false()))


def touch(connection: Connection) -> None:
    """Write to every table what leaves it as it is, and to the row of the version what stands there: it never grows.

    Raises a database error if that is not allowed or there is no room.
    """
    for one in METADATA.sorted_tables:
        connection.execute(insert(one).from_select(one.columns.keys(), select(one).where(false())))
    connection.execute(update(VERSION).values(version_num=VERSION.c.version_num))


def _are_current(revisions: Sequence[str]) -> bool:
    for revision in revisions:
        if revision not in _known():
            raise WrongSchemaError(
                f"its tables are those of a newer version of telecode (revision {revision!r:.40}): start that version, "
                "or restore the backup made before the upgrade"
            )
    return set(revisions) == {_scripts().get_current_head()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())
