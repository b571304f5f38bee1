"""The documents as a reader meets them: their blocks, links and tables, and the commands that they show.

`make docs` runs this module: it writes anew what the shown commands print and what the tables say.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cds_hooks.cards.profile import ClientProfile, PreferenceList, load_profiles
from cds_hooks.cli import main
from cds_hooks.coding.loading import load_book
from cds_hooks.settings import Settings
from fhir_mapping.tables import config_folder, read_table

ROOT = Path(__file__).parent.parent
ROOMS = ("docs", "cds_hooks", "fhir_mapping", "config", "deploy", "bench", "tests")
TELECODE = ".venv/bin/telecode"
Rows = list[list[str]]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A block of code: what the comment before it says of it, its language, and its text."""

    page: str
    line: int
    said: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.said}"


@dataclass(frozen=True)
class Shown:
    """A command of a `console` block, with what is shown to be printed.

    In what is printed `...` ends a line of which the beginning is shown, and alone stands for lines left out.
    """

    block: Block
    command: str
    printed: str

    def __str__(self) -> str:
        return f"{self.block.page}: {self.command}"


@cache
def pages() -> Mapping[str, str]:
    """Every document of the repository by its path, without those of other people's packages."""
    found = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]
    return {
        str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
        for page in sorted(found)
        if "node_modules" not in page.parts
    }


@cache
def _tokens(page: str) -> list[Token]:
    return _MARKDOWN.parse(pages()[page])


def blocks(*languages: str) -> list[Block]:
    """Every block of these languages, in the order of the pages."""
    return [block for page in pages() for block in _blocks(page) if block.language in languages]


def _blocks(page: str) -> Iterator[Block]:
    said = ""
    for token in _tokens(page):
        if token.type == "fence":
            yield Block(page, (token.map or [0])[0] + 1, said, token.info, token.content)
        comment = re.fullmatch(r"<!-- (.*?) -->\s*", token.content) if token.type == "html_block" else None
        said = comment[1] if comment else ""


def commands() -> list[Shown]:
    """Every command that a document shows, with what it shows to be printed."""
    shown = []
    for block in blocks("console"):
        for part in re.findall(r"^\$ .*\n(?:(?!\$ ).*\n)*", block.text, re.MULTILINE):
            command, _, printed = part.removeprefix("$ ").partition("\n")
            shown.append(Shown(block, command, printed))
    return shown


def links(page: str) -> list[str]:
    """Where the links and pictures of a page lead."""
    inline = [child for token in _tokens(page) for child in token.children or ()]
    return [str(address) for token in inline if (address := token.attrGet("href") or token.attrGet("src"))]


def quoted(page: str) -> list[str]:
    """What a page quotes within its sentences and tables: names of files, commands, settings."""
    return [child.content for token in _tokens(page) for child in token.children or () if child.type == "code_inline"]


def anchors(page: str) -> set[str]:
    """The names under which the headings of a page can be linked, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    tokens = _tokens(page)
    for opening, heading in pairwise(tokens):
        if opening.type == "heading_open":
            words = "".join(child.content for child in heading.children or () if child.type in {"text", "code_inline"})
            name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def rows(page: str, heading: str) -> Rows:
    """The rows of the table below a heading, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in _table(pages()[page], heading)[2:]]


def _table(text: str, heading: str) -> list[str]:
    below = re.split(rf"^#+ {re.escape(heading)}\n", text, maxsplit=1, flags=re.MULTILINE)[1]
    found = re.search(r"^\|.*\n(?:\|.*\n)*", below, re.MULTILINE)
    return found[0].splitlines() if found else []


def _settings() -> Rows:
    return [
        [f"`TELECODE_{name.upper()}`", _said(setting.default), str(setting.description)]
        for name, setting in Settings.model_fields.items()
    ]


def _payers() -> Rows:
    policies = sorted(load_book(config_folder()).payers.values(), key=lambda policy: policy.id)
    return [
        [f"`{policy.id}`", policy.name, ", ".join(day.isoformat() for day in sorted(policy.editions))]
        for policy in policies
    ]


def _override_reasons() -> Rows:
    reasons = read_table(config_folder() / "cards.yaml").data["override_reasons"]
    return [[f"`{reason['code']}`", reason["display"]] for reason in reasons]


def _client_profiles() -> Rows:
    profiles = load_profiles(config_folder())
    members = [name for name in ClientProfile.model_fields if name != "sources"]
    return [
        [f"`{member}`", *(_said(getattr(profiles[name], member)) for name in ("generic", "epic", "oracle", "sandbox"))]
        for member in members
    ]


TABLES: Mapping[tuple[str, str], Callable[[], Rows]] = {
    ("docs/operators.md", "Settings"): _settings,
    ("docs/coders.md", "Payers"): _payers,
    ("docs/integrators.md", "Feedback and override reasons"): _override_reasons,
    ("docs/integrators.md", "Client profiles"): _client_profiles,
}
"""The tables that are made from the program and its tables: page and heading, and what stands there."""


def _said(value: object) -> str:
    """A value as a table shows it; nothing for none."""
    if isinstance(value, PreferenceList):
        return "the site's keys"
    if isinstance(value, Mapping):
        return ", ".join(f"`{name}: {one}`" for name, one in value.items())
    if value is None or value in ("", ()):
        return ""
    words = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return f"`{words.lower() if isinstance(value, bool) else words}`"


def lay_out(folder: Path, page: str, line: int) -> None:
    """Lay out what a reader of a page has before a line: a checkout, with what the page had written till then.

    A block after the comment `write FILE` is that file; after `add to FILE`, it stands at its end.
    """
    shutil.copytree(ROOT / "config", folder / "config")
    for name in ("tests", "docs"):
        (folder / name).symlink_to(ROOT / name)
    for block in _blocks(page):
        does, _, name = block.said.replace("add to ", "add-to ").partition(" ")
        if block.line < line and does in {"write", "add-to"}:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            kept = path.read_text(encoding="utf-8") if does == "add-to" else ""
            path.write_text(kept + block.text, encoding="utf-8")


def run(command: str, folder: Path) -> str:
    """Run a shown `telecode` command, with the settings written before it, in a laid-out folder."""
    words = shlex.split(command, comments=True)
    start = words.index(TELECODE)
    own = dict(word.split("=", 1) for word in words[:start])
    with chdir(folder):
        return CliRunner().invoke(main, words[start + 1 :], env={"TELECODE_CONFIG": "config", **own}).output


def prints(shown: str, real: str) -> bool:
    """Whether a document shows what is printed, `...` standing for what it leaves out."""
    pattern = ""
    for line in shown.splitlines():
        rest = line.removesuffix("...")
        pattern += r"(?:.*\n)*?" if line == "..." else re.escape(rest) + (".*" if rest != line else "") + "\n"
    return bool(re.fullmatch(pattern, real))


def _rewritten(page: str) -> str:
    text = pages()[page]
    for shown in commands():
        if shown.block.page == page and TELECODE in shown.command and "...\n" not in shown.printed:
            with TemporaryDirectory() as folder:
                lay_out(Path(folder), page, shown.block.line)
                old = f"$ {shown.command}\n{shown.printed}"
                text = text.replace(old, f"$ {shown.command}\n{run(shown.command, Path(folder))}", 1)
    return text


def _with_rows(text: str, heading: str, said: Rows) -> str:
    table = _table(text, heading)
    new = [*table[:2], *("| " + " | ".join(row) + " |" for row in said)]
    return text.replace("\n".join(table), "\n".join(re.sub(r"  +\|", " |", line) for line in new), 1)


def write_anew() -> None:
    """Write what the commands of every document print, and the tables that are made from the program."""
    texts = {page: _rewritten(page) for page in pages()}
    for (page, heading), made in TABLES.items():
        texts[page] = _with_rows(texts[page], heading, made())
    for page, text in texts.items():
        if text != pages()[page]:
            (ROOT / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_anew()
