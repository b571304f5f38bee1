"""What `make run` tells the service: it is a developer's, and the public CDS Hooks Sandbox may call it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.running import LONG

ROOT = Path(__file__).parents[1]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A folder with a command in telecode's place that prints what it is told."""
    command = tmp_path / "telecode"
    command.write_text('#!/bin/sh\necho "words=$*"\nenv\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def run(folder: Path, **settings: str) -> set[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TELECODE_", "MAKE"))}
    made = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "-s", "-o", ".venv/run", "run", f"BIN={folder}"],  # noqa: S607 - whichever make a developer has
        cwd=ROOT,
        env=own | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=LONG,
    )
    return set(made.stdout.splitlines())


def test_make_run_serves_as_the_public_sandbox_needs_it(told: Path) -> None:
    assert run(told) >= {
        "words=serve",
        "PORT=8000",
        "TELECODE_CLIENT=sandbox",
        "TELECODE_CORS_ORIGINS=http://localhost:8080,http://127.0.0.1:8080",
    }


def test_what_a_developer_sets_is_kept(told: Path) -> None:
    own = {"PORT": "8001", "TELECODE_CLIENT": "epic", "TELECODE_CORS_ORIGINS": "https://ehr.example.org"}
    assert run(told, **own) >= {f"{name}={value}" for name, value in own.items()}
