"""Checks all that a start needs, part by part, so that every fault is told at once while nothing has been given up.

`telecode config check` prints what is found here; a start, and a worker that cannot replace another, tell it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cds_hooks.cards.profile import ClientProfile
from cds_hooks.exchange.issuers import Issuer, load_issuers
from cds_hooks.exchange.key_set import Exposed, load_exposed
from cds_hooks.samples import load_samples
from cds_hooks.service import Telecode
from cds_hooks.settings import Settings, UnsafeStartError
from cds_hooks.store.database import BadDatabaseError, Database, StoreUnavailableError
from cds_hooks.web.calculator import load_form
from fhir_mapping.tables import TableError, config_folder


def load_trust(
    settings: Settings, clients: Mapping[str, ClientProfile] | None
) -> tuple[Mapping[str, Issuer], Exposed] | None:
    """The EHRs that may call, and the keys that are never believed; `None` where authentication is off.

    Parameters: `clients`, the client profiles by name; `None` where they could not be read, and only the rest of the
    list is checked. Raises TableError, with file and line.
    """
    if settings.auth == "off" or settings.trust is None:
        return None
    exposed = Exposed() if settings.development else load_exposed(config_folder(settings.config))
    lives = None
    if clients is not None:
        profiles = {**clients, "": clients[settings.client]}
        lives = {name: profile.longest_token_life for name, profile in profiles.items()}
    return load_issuers(settings.trust, development=settings.development, exposed=exposed, lives=lives), exposed


def problems(host: str | None = None) -> list[str]:
    """All that would stop a start, one sentence each, with file and line where there is a file; empty if nothing is.

    Parameters: `host` to be listened on, where the environment does not say it. Nothing is written, and no table of the
    store is made.
    """
    try:
        settings = Settings() if host is None else Settings(host=host)
    except UnsafeStartError as refused:
        return list(refused.problems)
    return list(dict.fromkeys([*settings.unsafe(), *_of_tables(settings), *_of_store(settings)]))


def reasons(fault: Exception) -> list[str]:
    """Why a worker could not load: all that the check finds, else what is known of the `fault` itself."""
    if isinstance(fault, BadDatabaseError | StoreUnavailableError):
        return problems() or [_of_database(fault)]
    return problems() or [f"an unexpected fault: {type(fault).__name__}"]


def _of_tables(settings: Settings) -> Iterator[str]:
    try:
        folder, loaders = config_folder(settings.config), Telecode.loaders(settings)
    except TableError as broken:
        yield str(broken)
        return
    loaded: dict[str, Any] = {}
    beside = {
        "form": lambda: load_form(folder),
        "samples": lambda: load_samples(folder),
        "exposed": lambda: load_exposed(folder),
        "trust": lambda: load_trust(settings, loaded.get("clients")),
    }
    for part, load in {**loaders, **beside}.items():
        yield from _faults(part, load, loaded)


def _faults(part: str, load: Callable[[], Any], loaded: dict[str, Any]) -> Iterator[str]:
    try:
        loaded[part] = load()
    except (TableError, ValueError) as broken:
        yield str(broken)
    except Exception as fault:  # noqa: BLE001 - a table in which nobody foresaw the slip must not end the check
        yield f"the tables of {part} cannot be loaded: {type(fault).__name__}"


def _of_store(settings: Settings) -> Iterator[str]:
    try:
        Database.look(settings.database_url)
    except (BadDatabaseError, StoreUnavailableError) as down:
        yield _of_database(down)


def _of_database(down: Exception) -> str:
    return f"the store cannot be used: {down}"
