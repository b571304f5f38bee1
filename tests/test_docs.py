"""What the documents show is what the commands print and the service answers, and every setting stands in them."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from cds_hooks import meters
from cds_hooks.cli import main
from cds_hooks.exchange.response import FORBIDDEN, RULES
from cds_hooks.settings import Settings
from cds_hooks.web.journal import KEYS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ \.venv/bin/telecode (.*)\n((?:(?!\$ |```).*\n)*)", README, re.MULTILINE)
BLOCK = re.compile(r"<!-- (.*?) -->\n\n```json\n(.*?)```", re.DOTALL)
BLOCKS = [
    (page.name, said, json.loads(block))
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for said, block in BLOCK.findall(page.read_text(encoding="utf-8"))
]
"""Each JSON block of the documents with the comment before it: a request, or the status and body that answer it."""


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


def shows(shown: Any, real: Any) -> bool:
    """Whether a document shows what is real, though not all of it: `...` stands for words left out."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(name in real and shows(part, real[name]) for name, part in shown.items())
    if isinstance(shown, list):
        return isinstance(real, list) and all(any(shows(part, one) for one in real) for part in shown)
    if isinstance(shown, str) and shown.endswith("..."):
        return isinstance(real, str) and real.startswith(shown.removesuffix("..."))
    return bool(shown == real)


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=[f"{page}: {said}" for page, said, _ in BLOCKS])
def test_the_documents_show_what_the_service_answers(client: FlaskClient, good: dict[str, Any], number: int) -> None:
    _, said, block = BLOCKS[number]
    method, _, rest = said.partition(" ")
    if method == "GET":
        assert shows(block, client.get(rest).get_json())
    elif method == "POST":
        answer = client.post(rest, json=block)
        assert f"{answer.status_code}" == BLOCKS[number + 1][1]
        assert shows(BLOCKS[number + 1][2], answer.get_json())
    elif method == "context":
        good |= {"hook": rest.removeprefix("of "), "context": block}
        del good["prefetch"]["observations"]
        (card,) = client.post("/cds-services/telehealth-em-note-sign", json=good).get_json()["cards"]
        assert card["summary"].startswith("99214, POS 10, not 99215.")
    else:
        assert BLOCKS[number - 1][1].startswith("POST ")


def test_every_json_block_of_the_documents_is_tried() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")]
    assert len(BLOCKS) == sum(page.count("```json") for page in pages) >= 8


def test_every_rule_by_which_a_card_is_withheld_is_explained() -> None:
    page = (ROOT / "docs" / "capability.md").read_text(encoding="utf-8")
    for rule in {*RULES.values(), *FORBIDDEN.values(), "J2", "J4", "C1", "C11"}:
        assert f"\n| {rule} | " in page
