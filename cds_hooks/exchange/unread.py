"""Says in plain words what could not be read, and why: each thing once, by its name and never by its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_hooks.exchange.answers import failure_code
from cds_hooks.exchange.pages import is_cut
from fhir_mapping.tables import Row, read_table


class _Thing(Row):
    called: str
    whole: bool = False


class _Reads(Row):
    things: dict[str, _Thing]
    reasons: dict[str, str]
    otherwise: str
    cut: str
    mix_ups: dict[str, str]
    unread: str


@dataclass(frozen=True)
class Reads:
    """The things that are read.

    How each is `called`, by prefetch key or resource type; those wanted `whole`; the `reasons` for not reading one, by
    issue code, else `otherwise`, or that a list was `cut`. Why nothing is suggested after one of the `mix_ups`, by the
    key of the record that is another one, and why each fact is then `unread`.
    """

    called: Mapping[str, str]
    whole: frozenset[str]
    reasons: Mapping[str, str]
    otherwise: str
    cut: str
    mix_ups: Mapping[str, str]
    unread: str

    def set_apart(self, values: Mapping[str, Any]) -> tuple[list[Any], tuple[str, ...]]:
        """What can be read of the values, and a line for each thing that could not be."""
        readable: list[Any] = []
        notes: list[str] = []
        for key, value in values.items():
            name = self.called.get(key) or self.called.get(key.partition("/")[0])
            code = failure_code(value)
            if name is not None and code is not None:
                notes.append(f"{name} could not be read: {self.reasons.get(code, self.otherwise)}")
            else:
                readable.append(value)
                if name is not None and key in self.whole and is_cut(value):
                    notes.append(f"{name} could not be read in full: {self.cut}")
        return readable, tuple(dict.fromkeys(notes))

    def another(self, key: str) -> str:
        """A line for a thing in whose place another record came."""
        return f"{self.called[key]} could not be read: {self.reasons['conflict']}"


def load_reads(folder: Path) -> Reads:
    """Read `reads.yaml`. Raises TableError with file and line."""
    table = read_table(folder / "reads.yaml", root=folder).as_model(_Reads)
    return Reads(
        called={key: thing.called for key, thing in table.things.items()},
        whole=frozenset(key for key, thing in table.things.items() if thing.whole),
        reasons=table.reasons,
        otherwise=table.otherwise,
        cut=table.cut,
        mix_ups=table.mix_ups,
        unread=table.unread,
    )
