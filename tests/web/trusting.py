"""An app that believes the tests' EHR, and nobody else."""

from pathlib import Path
from typing import Any

from flask import Flask

from cds_hooks.app import create_app
from cds_hooks.settings import Settings
from tests.exchange.signers import BASE, ISSUER, KEYS, key_set

OPEN_PRODUCTION = {"environment": "production", "allow_unauthenticated": "true"}
"""A production that was told to answer everybody, as behind a gateway."""
MEMBERS = "jwks_file: keys.json, tenants: ['', north]"


def trust_file(folder: Path, members: str = MEMBERS) -> Path:
    (folder / "keys.json").write_bytes(key_set(*KEYS))
    path = folder / "trust.yaml"
    path.write_text(f"issuers: {{'{ISSUER}': {{{members}}}}}", encoding="utf-8")
    return path


def trusting_app(folder: Path, members: str = MEMBERS, **settings: Any) -> Flask:
    trust, database = trust_file(folder, members), f"sqlite:///{folder}/telecode.db"
    return create_app(Settings(auth="required", trust=trust, public_url=(BASE,), database_url=database, **settings))
