"""What the README shows is what the commands print, and every setting stands in it."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from cds_hooks import meters
from cds_hooks.cli import main
from cds_hooks.settings import Settings
from cds_hooks.web.journal import KEYS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
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


def rows(text: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    below = text.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    table = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_operators_are_told_every_key_of_the_journal() -> None:
    assert rows(OPERATORS, "The journal") == [[f"`{key}`", meaning] for key, meaning in KEYS.items()]


def test_operators_are_told_every_number_with_its_labels() -> None:
    meters.answered("hooks.call", "POST", 200, 0.1)
    meters.decided("s", "selection")
    meters.withheld("r", "s")
    meters.fhir_called("ok")
    meters.heard("s", "accepted")
    shown = meters.exposition(version="1", fingerprint="f", days_left={"t": 1}).decode()
    told = {name.strip("`"): (labels, meaning) for name, labels, meaning in rows(OPERATORS, "The numbers")}
    found = {}
    for family in text_string_to_metric_families(shown):
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (", ".join(labels), family.documentation)
    assert told == found
