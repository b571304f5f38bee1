"""The key of the digests in the store, which is never kept in the database: who steals that cannot test a guess."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_bytes, token_hex
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from cds_hooks.store.database import BadDatabaseError

SHORTEST = 32
"""Characters of a key that a site chooses; 64 hexadecimal digits are what `openssl rand -hex 32` prints."""
ELSEWHERE = "telecode.key"
"""The file of a developer's database on a server, in the folder that telecode was started in."""


def digest_key(database_url: str, chosen: str | None) -> bytes:
    """The key of a database: the one the site chose, else one that is made once in a file beside the database.

    Parameters: `chosen`, the setting, at least `SHORTEST` characters. A database in memory gets a key for its life.
    Raises BadDatabaseError if the file can be neither made nor read, or holds no key.
    """
    if chosen:
        return chosen.encode()
    path = key_file(database_url)
    if path is None:
        return token_bytes(SHORTEST)
    try:
        if not path.exists():
            _make(path)
        kept = path.read_bytes().strip()
    except OSError as failed:
        raise BadDatabaseError(
            f"the file of the digest key, {path.name}, cannot be used: {type(failed).__name__}"
        ) from None
    if len(kept) < SHORTEST:
        raise BadDatabaseError(f"the file of the digest key, {path.name}, holds no key of {SHORTEST} characters")
    return kept


def key_file(database_url: str) -> Path | None:
    """Where the key of a database is kept: beside its file, with the ending `.key`; nowhere for one in memory."""
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise BadDatabaseError("the database address cannot be used: ArgumentError") from None
    if url.get_backend_name() != "sqlite":
        return Path(ELSEWHERE)
    name = url.database or ":memory:"
    path = Path(unquote(urlsplit(name).path) if name.startswith("file:") else name)
    if path.name in {"", ":memory:"} or url.query.get("mode") == "memory":
        return None
    return path.with_suffix(".key") if path.suffix != ".key" else path.with_name(f"{path.name}.key")


def _make(path: Path) -> None:
    """Make a key that nobody else can read, whole or not at all; of several workers that start at once, one does it."""
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{token_hex(SHORTEST)}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
