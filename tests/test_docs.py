"""What the documents name is there, and what they say of the program is so."""

import re
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import click
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from cds_hooks import meters
from cds_hooks.cli import main
from cds_hooks.exchange.response import FORBIDDEN, RULES
from cds_hooks.settings import Settings
from cds_hooks.store.tables import METADATA
from cds_hooks.web.journal import KEYS
from tests.documents import ROOT, anchors, blocks, commands, links, pages, quoted, rows
from tests.documents_made import TABLES

OPERATORS = "docs/operators.md"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
ALL_BUT_THE_PAST = [page for page in pages() if page != "CHANGELOG.md"]
"""What changed may name settings and files that are gone."""


def test_the_readme_shows_a_transcript_and_pictures() -> None:
    assert any(shown.block.page == "README.md" and " explain " in shown.command for shown in commands())
    assert {"docs/card.png", "docs/flow.svg"} <= set(links("README.md"))


def test_the_picture_of_the_flow_is_told_to_those_who_cannot_see_it_and_reads_in_the_dark() -> None:
    picture = (ROOT / "docs" / "flow.svg").read_text(encoding="utf-8")
    drawn = ET.fromstring(picture)  # noqa: S314 - our own file
    names = {element.get("id"): element.text for element in drawn.iter()}
    assert all(names[name] for name in drawn.attrib["aria-labelledby"].split())
    assert "@media (prefers-color-scheme: dark)" in picture
    assert not re.search(r"""(?:href|src|url)\s*[=(]\s*["']?(?!#)""", picture.replace('xmlns="http', ""))


def test_every_picture_has_words_for_those_who_cannot_see_it() -> None:
    for text in pages().values():
        assert "![](" not in text
        assert "<img" not in text


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        target = urlsplit(link)
        if target.scheme:
            assert target.scheme in {"https", "mailto"}, link
            continue
        path = (ROOT / page).parent / target.path if target.path else ROOT / page
        assert path.resolve().is_relative_to(ROOT), link
        assert path.exists(), link
        if target.fragment:
            assert target.fragment in anchors(str(path.resolve().relative_to(ROOT))), link


@pytest.mark.parametrize("page", ALL_BUT_THE_PAST)
def test_what_a_document_names_is_there(page: str) -> None:
    rooms = r"(?:cds_hooks|fhir_mapping|config|deploy|docs|tests|bench)"
    written = {block.said.partition(" ")[2] for block in blocks("json", "yaml", "text") if block.page == page}
    for words in quoted(page):
        if re.fullmatch(rf"{rooms}/[\w./@-]+", words) and words not in written:
            assert (ROOT / words).exists(), words


@pytest.mark.parametrize("page", ALL_BUT_THE_PAST)
def test_every_setting_that_a_document_names_is_one(page: str) -> None:
    named = set(re.findall(r"\bTELECODE_([A-Z_]+[A-Z])\b", pages()[page]))
    assert named <= {name.upper() for name in Settings.model_fields} | {"CALL_TOKEN"}  # of a caller, not of the service


@pytest.mark.parametrize("page", pages())
def test_every_door_that_a_document_names_is_one(page: str, shared_app: Flask) -> None:
    doors = shared_app.url_map.bind("telecode.example.org")
    for method, path in re.findall(r"`(GET|POST) (/\S*?)`", pages()[page]):
        assert doors.match(path.replace("{id}", "telehealth-em-note-sign"), method), path


@pytest.mark.parametrize("page", pages())
def test_every_make_target_that_a_document_names_is_one(page: str) -> None:
    said = [*quoted(page), *(shown.command for shown in commands() if shown.block.page == page)]
    for target in (match[1] for words in said if (match := re.match(r"make ([a-z]+)", words))):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("page", pages())
def test_every_telecode_command_that_a_document_names_is_one(page: str) -> None:
    scripts = "".join(block.text for block in blocks("sh") if block.page == page)
    for said in [*quoted(page), *re.findall(r"^(?:\.venv/bin/)?(telecode .*)", scripts, re.MULTILINE)]:
        if said.startswith("telecode "):
            command: click.Command | None = main
            options = {"--version", "--help"}
            for word in said.split()[1:]:
                if word.startswith("--"):
                    assert word.partition("=")[0] in options, said
                elif isinstance(command, click.Group):
                    command = command.commands.get(word)
                    assert command is not None, said
                    options |= {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("page", pages())
def test_lines_are_no_longer_than_an_editor_shows(page: str) -> None:
    bare = re.sub(r"^ *```.*?^ *```$", "", pages()[page], flags=re.MULTILINE | re.DOTALL)
    assert [line for line in bare.splitlines() if len(line) > 120 and not line.lstrip().startswith(("|", "!["))] == []


@pytest.mark.parametrize(("page", "heading"), TABLES, ids=[heading for _, heading in TABLES])
def test_the_table_says_what_the_program_says(page: str, heading: str) -> None:
    assert rows(page, heading) == TABLES[page, heading]()


def test_the_fact_that_contributors_follow_stands_in_the_files_listed_and_in_no_other() -> None:
    page = pages()["docs/contributors.md"]
    fact = re.findall("<!-- where ([a-z_]+) stands -->", page)[0]
    listed = {row[0].strip("`") for row in rows("docs/contributors.md", "A fact")}
    files = [path for room in ("fhir_mapping", "cds_hooks", "config") for path in (ROOT / room).rglob("*.[py]*")]
    sources = [path for path in files if path.suffix in {".py", ".yaml"}]
    assert listed == {str(path.relative_to(ROOT)) for path in sources if fact in path.read_text(encoding="utf-8")}


def test_operators_are_told_every_key_of_the_journal() -> None:
    assert rows(OPERATORS, "The journal") == [[f"`{key}`", meaning] for key, meaning in KEYS.items()]


def test_operators_are_told_every_number_with_its_labels() -> None:
    meters.answered("hooks.call", "POST", 200, 0.1)
    meters.decided("s", "selection")
    meters.withheld("r", "s")
    meters.fhir_called("ok")
    meters.unreadable("note")
    meters.heard("s", "accepted")
    shown = meters.exposition(version="1", fingerprint="f", days_left={"t": 1}).decode()
    told = {name.strip("`"): (labels, meaning) for name, labels, meaning in rows(OPERATORS, "The numbers")}
    found = {}
    for family in text_string_to_metric_families(shown):
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (", ".join(labels), family.documentation)
    assert told == found


def test_every_column_that_is_stored_is_told_and_that_it_is_no_de_identified_data() -> None:
    kept = {name: [column.name for column in table.columns] for name, table in METADATA.tables.items()}
    explained = [row[0].strip("`") for row in rows("SECURITY.md", "What is stored")]
    assert sorted(explained) == sorted(f"{name}.{column}" for name, columns in kept.items() for column in columns)
    listed = {
        name.strip("`"): re.findall("`([a-z_]+)`", columns) for name, columns in rows("README.md", "What is stored")
    }
    assert listed == kept
    for page in ("SECURITY.md", "README.md"):
        assert "**not de-identified**" in pages()[page]
        assert "45 CFR 164.514(b)(2)" in pages()[page]


def test_every_rule_by_which_a_card_is_withheld_is_explained() -> None:
    for rule in {*RULES.values(), *FORBIDDEN.values(), "J2", "J4", "C1", "C11"}:
        assert f"\n| {rule} | " in pages()["docs/capability.md"]
