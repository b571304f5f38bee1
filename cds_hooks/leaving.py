"""Says to balancers that this service is about to stop, while it still answers whoever calls."""

from __future__ import annotations

import os
from pathlib import Path

from cds_hooks.meters import SHARED

MARK = "leaving"


def announce() -> None:
    """Let every worker of this service know that it is about to stop."""
    _mark().touch()


def forget() -> None:
    """Take back what an earlier run of this service announced."""
    _mark().unlink(missing_ok=True)


def announced() -> bool:
    """Whether this service is about to stop; a service of one process never says so."""
    return SHARED in os.environ and _mark().exists()


def _mark() -> Path:
    return Path(os.environ[SHARED]) / MARK
