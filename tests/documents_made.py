"""What the documents show that is made by the program: what commands print, and tables.

`make docs` runs this module: it writes both anew.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from cds_hooks.cards.profile import ClientProfile, PreferenceList, load_profiles
from cds_hooks.cli import main
from cds_hooks.coding.families import Edition
from cds_hooks.coding.loading import load_book
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.settings import Settings
from fhir_mapping.tables import config_folder, read_table
from tests.documents import ROOT, TELECODE, Rows, blocks_of, commands, pages, table


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


def _families() -> Rows:
    """Each edition of each family of codes: what it is, its codes, from which day, where read, how sure."""
    book = load_book(config_folder())
    editions = [
        (family.title, [*one.new, *one.established, *one.anyone], day, one)
        for family in book.families.values()
        for day, one in sorted(family.editions.items())
        if isinstance(one, Edition)
    ]
    return [
        [title, _span([rung.code for rung in rungs]), day.isoformat(), _read_at(one.sources, book), f"{one.sure}"]
        for title, rungs, day, one in editions
    ]


def _span(codes: Sequence[str]) -> str:
    runs: list[list[str]] = []
    for code in codes:
        follows = runs and code.isdigit() and runs[-1][-1].isdigit() and int(code) == int(runs[-1][-1]) + 1
        runs = [*runs[:-1], [*runs[-1], code]] if follows else [*runs, [code]]
    return ", ".join("-".join(dict.fromkeys((run[0], run[-1]))) for run in runs)


def _read_at(sources: Sequence[str], book: PolicyBook) -> str:
    publishers = list(dict.fromkeys(book.sources[name].publisher for name in sources if book.sources[name].confirms))
    return ", ".join(publishers[:3]) + (" and others" if len(publishers) > 3 else "")


def _override_reasons() -> Rows:
    reasons = read_table(config_folder() / "cards.yaml").data["override_reasons"]
    return [[f"`{reason['code']}`", reason["display"]] for reason in reasons]


def _client_profiles() -> Rows:
    profiles = load_profiles(config_folder())
    members = [name for name in ClientProfile.model_fields if name != "sources"]
    return [
        [f"`{member}`", *(_member(profiles[name], member) for name in ("generic", "epic", "oracle", "sandbox"))]
        for member in members
    ]


def _member(profile: ClientProfile, member: str) -> str:
    if member == "triggers":
        return "any" if profile.triggers is None else _said(profile.triggers) or "none yet"
    return _said(getattr(profile, member))


TABLES: Mapping[tuple[str, str], Callable[[], Rows]] = {
    ("docs/operators.md", "Settings"): _settings,
    ("docs/coders.md", "The families"): _families,
    ("docs/coders.md", "Payers"): _payers,
    ("docs/integrators.md", "Feedback and override reasons"): _override_reasons,
    ("docs/integrators.md", "Client profiles"): _client_profiles,
}
"""The tables that are made from the program and its tables: page and heading, and what stands there."""


def _said(value: object) -> str:
    """A value as a table shows it; nothing where nothing is asked or bounded."""
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
    for block in blocks_of(page):
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
        left_out = shown.calls or "...\n" in shown.printed
        if shown.block.page == page and TELECODE in shown.command and not left_out:
            with TemporaryDirectory() as folder:
                lay_out(Path(folder), page, shown.block.line)
                old = f"$ {shown.command}\n{shown.printed}"
                text = text.replace(old, f"$ {shown.command}\n{run(shown.command, Path(folder))}", 1)
    return text


def _with_rows(text: str, heading: str, said: Rows) -> str:
    old = table(text, heading)
    new = [*old[:2], *("| " + " | ".join(row) + " |" for row in said)]
    return text.replace("\n".join(old), "\n".join(re.sub(r"  +\|", " |", line) for line in new), 1)


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
