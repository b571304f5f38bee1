"""Members as EHRs send them: what is unknown is let pass, a known name misspelled is not, and one may stand for a list.

What is let pass is lost, so a name that was plainly meant to be a known one is refused with the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class Lenient(BaseModel):
    """A JSON object of which only some members are known: vendors and later versions add others.

    `MEANT` leads names that are often written, in small letters alone, to the member that is meant.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    MEANT: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_slips(cls, body: Any) -> Any:  # noqa: ANN401 - JSON is any shape
        names, meant_by = _names(cls)
        for name, value in body.items() if isinstance(body, Mapping) else ():
            if value and name not in names and (meant := meant_by.get(_letters(name))):
                raise PydanticCustomError(
                    "name", "has a misspelled or misplaced member: {meant} is meant", {"meant": meant}
                )
        return body


def as_list(words: str = "") -> Callable[[Any], Any]:
    """A validator that takes one object for a list of one.

    Parameters: `words`, the member that a string stands for; without it a string is refused.
    """

    def listed(value: Any) -> Any:  # noqa: ANN401 - JSON is any shape
        several = value if isinstance(value, list) else [] if value is None else [value]
        if words:
            several = [{words: one} if isinstance(one, str) else one for one in several]
        if several and not isinstance(value, list) and not isinstance(several[0], Mapping):
            raise PydanticCustomError("shape", "must be an object, or a list of them")
        return several

    return listed


def path_to(loc: tuple[int | str, ...], body: Any) -> list[str]:  # noqa: ANN401 - JSON is any shape
    """Where a fault lies in a body as it was sent, without the places in lists that it has none of."""
    path = []
    for part in loc:
        if isinstance(part, int) and not isinstance(body, list):
            continue
        path.append(str(part))
        if isinstance(body, list):
            body = body[int(part)] if int(part) < len(body) else None
        else:
            body = body.get(part) if isinstance(body, Mapping) else None
    return path


@cache
def _names(model: type[Lenient]) -> tuple[frozenset[str], Mapping[str, str]]:
    """The known names of members, and by the letters of a name the one that is meant."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        alias = field.validation_alias or name
        names.extend(map(str, alias.choices) if isinstance(alias, AliasChoices) else [str(alias)])
    return frozenset(names), {_letters(name): name for name in reversed(names)} | dict(model.MEANT)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalpha()).removesuffix("s")
