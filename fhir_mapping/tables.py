"""Reads the tables under `config/` so strictly that a slip of the pen stops the start, with file and line.

YAML bites exactly this kind of data: `02` becomes 2, `NO` becomes false, a key written twice wins silently. Here a key
may stand once, a code must be quoted, and only `true`, `false`, `null`, plain numbers and ISO dates are anything but
text.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

Place = tuple[str, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


class TableError(Exception):
    """A table that cannot be trusted: `file:line: what is wrong`."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line
        self.message = message


class Bare(str):
    """Text that stood in the table without quotes."""

    __slots__ = ()


def _must_be_quoted(value: object) -> object:
    if isinstance(value, Bare | int | float):
        raise ValueError(f"the code {value} must be quoted")  # noqa: TRY004 - pydantic wants a ValueError
    return value


Code = Annotated[str, BeforeValidator(_must_be_quoted), StringConstraints(pattern=r"^[A-Z0-9]{2,5}$")]
"""A billing code, modifier or place of service: always quoted in a table."""

QuotedCode = Annotated[str, BeforeValidator(_must_be_quoted), StringConstraints(min_length=1)]
"""A code of any other code system: always quoted in a table."""

Day = Annotated[date, BeforeValidator(lambda value: date.fromisoformat(value) if isinstance(value, str) else value)]
"""An ISO date, as a value or as a key."""


class Row(BaseModel):
    """A mapping in a table: unknown keys are refused and nothing can be changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Row):
    """A page or document that a table was read from."""

    title: str
    publisher: str
    url: str | None = None
    locator: str | None = None
    retrieved: Day


@dataclass(frozen=True)
class Table:
    """One file as read: its data, and the line on which each place in it stands."""

    file: str
    data: Any
    lines: Mapping[Place, int] = field(repr=False)

    def line(self, place: Place) -> int:
        """Line of `place`, or of the nearest place around it that stands in the file."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, place: Place, message: str) -> TableError:
        """A complaint about `place`."""
        return TableError(self.file, self.line(place), message)

    def as_model(self, model: type[ModelT], extra: Mapping[str, object] | None = None) -> ModelT:
        """The table checked against `model`; `extra` adds members that do not stand in the file (its own name, say).

        Raises TableError for the first thing that does not fit.
        """
        if not isinstance(self.data, dict):
            raise self.error((), "a table must be a mapping")
        try:
            return model.model_validate({**self.data, **(extra or {})})
        except ValidationError as refused:
            first = refused.errors()[0]
            said = [str(part) for part in (*first["loc"], *first.get("ctx", {}).get("at", ()))]
            where = [part for part in said if "(" not in part]  # pydantic names its own functions too
            place: Place = ()
            for part in where:  # pydantic also names the kinds it tried, which stand nowhere in the file
                place = (*place, part) if (*place, part) in self.lines else place
            name = ".".join(place if place[-1:] == tuple(where[-1:]) else (*place, where[-1]))
            raise self.error(place, f"{name}: {first['msg']}") from None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C parser where it was built
    """PyYAML's parser with the few resolvers that a table may use."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", ["t", "f"]),
    ("tag:yaml.org,2002:int", r"^(?:0|[1-9][0-9]*)$", list("0123456789")),
    ("tag:yaml.org,2002:float", r"^[0-9]+\.[0-9]+$", list("0123456789")),
    ("tag:telecode,date", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", list("0123456789")),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def read_table(path: Path, *, root: Path | None = None) -> Table:
    """Read one YAML file.

    Parameters: `path` of the file; `root`, the config folder, so that complaints name the file from there.
    Raises TableError for broken YAML, what is nested within itself, a number too long to be one, a key that stands
    twice, or a date that does not exist.
    """
    name = str(path.relative_to(root.parent)) if root else str(path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        raise TableError(name, mark.line + 1 if mark else 1, str(broken.problem)) from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as broken:
        raise TableError(name, 1, f"cannot be read: {broken}") from None
    lines: dict[Place, int] = {}
    try:
        return Table(name, _value(node, (), name, lines), lines)
    except RecursionError:
        raise TableError(name, 1, "cannot be read: it is nested too deep, or within itself") from None


def _value(node: yaml.Node | None, place: Place, file: str, lines: dict[Place, int]) -> Any:  # noqa: ANN401 - YAML is any shape
    if node is None:
        return None
    line = node.start_mark.line + 1
    lines.setdefault(place, line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, file, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, str(index)), file, lines) for index, item in enumerate(node.value)]
    return _scalar(node, file, line)


def _mapping(node: yaml.MappingNode, place: Place, file: str, lines: dict[Place, int]) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise TableError(file, line, "a key must be one word")
        key = _scalar(key_node, file, line)
        key = str(key) if isinstance(key, str) else key
        if isinstance(key, date):
            key = key.isoformat()
        if key in found:
            raise TableError(file, line, f"the key {key} stands twice")
        below = (*place, str(key))
        lines[below] = line
        found[key] = _value(value_node, below, file, lines)
    return found


def _scalar(node: yaml.Node, file: str, line: int) -> Any:  # noqa: ANN401 - a scalar is text, number, date, bool or null
    text: str = node.value
    if isinstance(node, yaml.ScalarNode) and node.style:  # quoted or a block
        return text
    match node.tag.rpartition(":")[2].rpartition(",")[2]:
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            try:
                return int(text)
            except ValueError:  # Python reads no number of thousands of digits
                raise TableError(file, line, "the number is too long") from None
        case "float":
            return float(text)
        case "date":
            try:
                return date.fromisoformat(text)
            except ValueError:
                raise TableError(file, line, f"{text} is not a day of the calendar") from None
        case _:
            return Bare(text)


def config_folder(chosen: Path | None = None) -> Path:
    """The folder of tables: the chosen one, else the checkout's `config/`, else the one an installed wheel carries.

    Raises TableError if there is none.
    """
    beside = Path(__file__).resolve().parent.parent
    places = [chosen] if chosen else [beside / "config", beside / "cds_hooks" / "_config"]
    for place in places:
        if (place / "codes").is_dir():
            return place
    raise TableError(str(places[0]), 1, "no tables here: a config folder has codes/, payers/ and vocabulary/")
