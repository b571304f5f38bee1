"""What every command of telecode has in common: examples, JSON, standard input, exit codes, progress and completion."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cds_hooks.cli import main
from cds_hooks.endings import Ending
from cds_hooks.progress import watched
from cds_hooks.samples import load_samples
from fhir_mapping.tables import config_folder
from tests.running import LONG

TELECODE = Path(sys.executable).parent / "telecode"
WITHOUT_JSON = {
    "serve": "prints nothing to be read",
    "completion": "prints a script",
    "policy schema": "writes files",
    "samples show": "prints JSON anyway",
    "feedback export": "prints a line of JSON an event anyway",
}
WRITES = {"folder", "chart"}
EXAMPLE = re.compile(r"\btelecode ([a-z].*)")


def commands(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


COMMANDS = dict(commands())
EXAMPLES = [
    (path, example)
    for path, command in COMMANDS.items()
    for line in (command.epilog or "").splitlines()
    for part in line.split("|")
    for example in EXAMPLE.findall(re.split(" [<>] ", part)[0])
]


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_of_every_command_shows_it_at_work(path: str) -> None:
    told = CliRunner().invoke(main, [*path.split(), "--help"])
    assert told.exit_code == 0
    assert re.search(rf"\btelecode {path}\b", told.stdout.split("Example", 1)[1])


@pytest.mark.parametrize(("path", "example"), EXAMPLES)
def test_an_example_names_a_command_and_options_that_are_there(path: str, example: str) -> None:
    words = shlex.split(example)
    name = next(
        known for known in sorted(COMMANDS, key=len, reverse=True) if words[: len(known.split())] == known.split()
    )
    known = {option for param in COMMANDS[name].params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= known, path


@pytest.mark.parametrize("path", COMMANDS)
def test_whatever_prints_something_to_read_can_print_it_as_json(path: str) -> None:
    has = any("--json" in param.opts for param in COMMANDS[path].params)
    assert has != (path in WITHOUT_JSON)


@pytest.mark.parametrize("path", COMMANDS)
def test_whatever_reads_a_file_takes_a_dash_for_standard_input(path: str) -> None:
    for param in COMMANDS[path].params:
        if isinstance(param.type, click.Path):
            assert param.name in WRITES
        elif isinstance(param.type, click.File):
            assert "-" in str(param.metavar)


@pytest.mark.parametrize(
    "words",
    [
        "policy check",
        "policy show",
        "policy diff 2024-12-31 2025-01-01",
        "policy sources",
        "policy mdm",
        "samples list",
    ],
)
def test_what_is_printed_as_json_is_json_and_nothing_else(words: str) -> None:
    told = CliRunner().invoke(main, [*words.split(), "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)


def test_a_warning_about_a_table_stands_in_the_json_too() -> None:
    told = CliRunner().invoke(main, ["policy", "check", "--on", "2027-06-01", "--json"])
    assert json.loads(told.stdout)["warnings"]
    assert told.stderr == ""


def test_the_minutes_that_count_are_told_as_json() -> None:
    told = json.loads(CliRunner().invoke(main, ["policy", "mdm", "--json"]).stdout)
    assert set(told["elements"]["problems"]["levels"]) == {"straightforward", "low", "moderate", "high"}
    assert told["minutes"]["counts"]


def test_what_was_forgotten_is_told_as_json(tmp_path: Path) -> None:
    settings = {"TELECODE_DATABASE_URL": f"sqlite:///{tmp_path}/telecode.db"}
    told = CliRunner().invoke(main, ["store", "forget", "--days", "365", "--json"], env=settings)
    assert json.loads(told.stdout)["dropped"] == 0
    kept = CliRunner().invoke(main, ["store", "forget", "--json"], env={"TELECODE_RETENTION_DAYS": "0"})
    assert json.loads(kept.stdout) == {"dropped": 0, "before": None}


def test_the_exit_codes_are_told_by_the_help() -> None:
    told = CliRunner().invoke(main, ["--help"]).stdout.split("Exit codes of every command:")[1]
    codes = [int(code) for code in re.findall(r"^ +(\d)  \S", told, re.MULTILINE)]
    assert codes == [0, *sorted(Ending)]


@pytest.mark.parametrize("path", COMMANDS)
def test_an_option_that_is_not_there_is_exit_code_2(path: str) -> None:
    assert CliRunner().invoke(main, [*path.split(), "--no-such-option"]).exit_code == Ending.UNUSABLE


@pytest.mark.parametrize("words", ["feedback export", "feedback stats", "store forget --days 1"])
def test_a_store_that_cannot_be_used_is_exit_code_2(words: str) -> None:
    told = CliRunner().invoke(main, words.split(), env={"TELECODE_DATABASE_URL": "sqlite:////none/such/telecode.db"})
    assert told.exit_code == Ending.UNUSABLE
    assert told.stderr.startswith("error: the store cannot be used")


# -- progress


def test_nobody_who_does_not_watch_is_shown_progress(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(watched([1, 2, 3], "counting")) == [1, 2, 3]
    assert capfd.readouterr() == ("", "")


def test_whoever_watches_long_work_at_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"text": "Video visit.", "modality": "audio_video"}\n' * 30, encoding="utf-8")
    watching, told = os.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        [TELECODE, "note", "eval", "--json", notes],
        stdout=subprocess.PIPE,
        stderr=told,
        env=os.environ | {"TERM": "xterm"},
        text=True,
    ) as process:
        printed, _ = process.communicate(timeout=LONG)
    os.close(told)
    shown = os.read(watching, 65536)
    os.close(watching)
    assert b"reading notes" in shown
    assert json.loads(printed)["fields"]


# -- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_telecode(shell: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell]).stdout
    assert f"_TELECODE_COMPLETE={shell}_complete" in script
    assert "telecode" in script


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("telecode sam", ["samples"]),
        ("telecode samples lo", ["load"]),
        ("telecode call --sam", ["--sample"]),
        ("telecode call --sample two", ["two-totals"]),
        ("telecode samples show ", [sample.name for sample in load_samples(config_folder())]),
        ("telecode completion f", ["fish"]),
    ],
)
def test_the_program_answers_what_such_a_script_asks(begun: str, offered: list[str]) -> None:
    asked = {"_TELECODE_COMPLETE": "bash_complete", "COMP_WORDS": begun, "COMP_CWORD": str(begun.count(" "))}
    told = subprocess.run([TELECODE], env=os.environ | asked, capture_output=True, text=True, check=True, timeout=LONG)  # noqa: S603 - our own command
    assert [line.partition(",")[2] for line in told.stdout.splitlines()] == offered


def test_a_shell_that_nobody_knows_is_exit_code_2() -> None:
    assert CliRunner().invoke(main, ["completion", "csh"]).exit_code == Ending.UNUSABLE
