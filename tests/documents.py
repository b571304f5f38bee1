"""The documents as a reader meets them: their blocks, links and tables, and the commands that they show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

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

    @property
    def calls(self) -> bool:
        """Whether it calls a service, which has to run beside it."""
        return f"{TELECODE} call " in self.command


@cache
def pages() -> Mapping[str, str]:
    """Every document of the repository by its path, without those of other people's packages."""
    found = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]
    return {
        str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
        for page in sorted(found)
        if not {"node_modules", ".cache"} & set(page.parts)
    }


@cache
def _tokens(page: str) -> list[Token]:
    return _MARKDOWN.parse(pages()[page])


def blocks(*languages: str) -> list[Block]:
    """Every block of these languages, in the order of the pages."""
    return [block for page in pages() for block in blocks_of(page) if block.language in languages]


def blocks_of(page: str) -> Iterator[Block]:
    """Every block of a page, from top to bottom."""
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
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table(pages()[page], heading)[2:]]


def table(text: str, heading: str) -> list[str]:
    """The lines of the table below a heading."""
    below = re.split(rf"^#+ {re.escape(heading)}\n", text, maxsplit=1, flags=re.MULTILINE)[1]
    found = re.search(r"^\|.*\n(?:\|.*\n)*", below, re.MULTILINE)
    return found[0].splitlines() if found else []
