"""What stands in `deploy/` fits the program. No test can build a container, so its words are held to what is there."""

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import click
import pytest

from cds_hooks.cli import main

ROOT = Path(__file__).parent.parent
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STAGES = re.split(r"^FROM ", CONTAINER, flags=re.MULTILINE)[1:]


def said(word: str) -> list[str]:
    """What follows a word of the last stage, in order."""
    return re.findall(rf"^{word} (.*)", STAGES[-1], re.MULTILINE)


def test_the_container_copies_what_is_there_and_all_that_the_package_is_built_of() -> None:
    (copied,) = [line.split() for line in re.findall(r"^COPY (.* )\./$", STAGES[0], re.MULTILINE)]
    folders = re.findall(r"^COPY (\w+) \w+$", STAGES[0], re.MULTILINE)
    assert [name for name in [*copied, *folders] if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} == set(folders)
    assert {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"} <= set(copied)


def test_the_container_installs_the_lock_as_it_stands_and_nothing_beside_it() -> None:
    installs = re.findall(r"pip install (.*?)(?: &&|$)", CONTAINER, re.MULTILINE)
    assert len(installs) == 2
    assert all("--no-deps" in install for install in installs)
    assert "--require-hashes -r requirements.txt" in installs[0]
    assert "--no-build-isolation" in installs[1]


def test_both_stages_of_the_container_have_the_same_python_which_the_package_takes() -> None:
    bases = {stage.split()[0] for stage in STAGES}
    assert len(bases) == 1
    version = re.findall(r"python:3\.(\d+)", bases.pop())
    assert int(version[0]) >= 11


def test_the_container_runs_telecode_as_production_and_not_as_root() -> None:
    assert said("USER") == [re.findall(r"--uid (\d+)", STAGES[-1])[0]]
    assert said("USER") != ["0"]
    assert "TELECODE_ENVIRONMENT=production" in said("ENV")
    assert "TELECODE_AUTH" not in "".join(said("ENV"))


@pytest.mark.parametrize("file", ["Containerfile", "telecode@.service", "../Procfile"])
def test_what_is_started_is_a_command_of_telecode_with_options_that_it_has(file: str) -> None:
    text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
    if file == "Containerfile":
        text = " ".join(word for line in (*said("ENTRYPOINT"), *said("CMD")) for word in json.loads(line))
    started = re.findall(r"(?:telecode|cds_hooks\.cli) (serve .*)", text)
    assert len(started) == 1
    command = main.commands["serve"]
    known = {name for option in command.params if isinstance(option, click.Option) for name in option.opts}
    assert set(re.findall(r"--[a-z]+", started[0])) <= known


def test_the_notice_names_each_library_under_the_lgpl_that_is_installed_with_telecode() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    said = {name: " ".join(licences(name)) for name in locked}
    lesser = {name for name, licence in said.items() if re.search("LGPL|Lesser", licence)}
    assert lesser >= {"psycopg", "pygal"}  # else nothing was read
    named = dict(re.findall(r"^  ([a-z][a-z-]+) +(LGPL-\S+) +https://\S+$", notice, re.MULTILINE))
    assert set(named) == lesser


def licences(name: str) -> list[str]:
    """What an installed package says of its licence; nothing where it is for another system."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return []
    return [value for key in ("License", "License-Expression", "Classifier") for value in said.get_all(key, [])]
