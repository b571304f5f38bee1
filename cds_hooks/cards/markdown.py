"""Markdown that shows chart text as text: nothing from outside can become a link, an image, a tag or a table cell."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 120
SPECIAL = re.compile(r"[\\`*_{}\[\]()|~^@&<>]")
WRITTEN = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": " \\@ "}
"""How a special character is written where a backslash before it is not enough."""
ADDRESS = re.compile(r"(/(?=/)|www(?=\.))", re.IGNORECASE)
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Control, format (bidi among them), private, surrogate and unassigned characters, line and paragraph separators."""


def plain(text: str, longest: int = LONGEST) -> str:
    """One line of visible characters, cut at `longest`."""
    visible = text if text.isprintable() else "".join(" " if unicodedata.category(c) in HIDDEN else c for c in text)
    line = " ".join(visible.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def escaped(text: object, longest: int = LONGEST) -> str:
    """Text from outside, inert in GitHub-flavoured Markdown."""
    line = SPECIAL.sub(_inert, plain(str(text), longest))
    # GFM turns bare addresses into links, and some readers do so after they have read escapes and entities: only an
    # address that is none any more stays text everywhere.
    return ADDRESS.sub(r"\1 ", line) if "//" in line or "www." in line.lower() else line


def _inert(special: re.Match[str]) -> str:
    character = special[0]
    return WRITTEN.get(character) or f"\\{character}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A GFM table; the cells are Markdown already."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
