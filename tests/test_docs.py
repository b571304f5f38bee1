"""What the README shows is what the commands print, and every setting stands in it."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_hooks.cli import main
from cds_hooks.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ \.venv/bin/telecode (.*)\n((?:(?!\$ |```).*\n)*)", README, re.MULTILINE)


@pytest.mark.parametrize(("command", "printed"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_readme_shows_what_the_command_prints(command: str, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(main, shlex.split(command)).stdout == printed


def test_the_readme_shows_a_transcript_and_a_picture_that_is_there() -> None:
    assert any(command.startswith("explain") for command, _ in SHOWN)
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_every_setting_stands_in_the_readme_with_its_meaning() -> None:
    for name, setting in Settings.model_fields.items():
        assert f"| `TELECODE_{name.upper()}` | {setting.description} |" in README
