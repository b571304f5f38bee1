"""Facts as an address carries them: the calculator's query string, which a link can share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from cds_hooks.exchange.facts_json import FactsRefused

LISTS = frozenset({"payers", "reported_modifiers"})
"""Facts of several words: each word stands once more in the address."""
NONE = "none"
"""A list that is known to be empty, where a blank would be an unknown one."""
TEXTS = frozenset({"reported_code", "reported_modifiers", "reported_place_of_service"})
"""Facts whose digits are a name and no number."""
PARTS = "."
"""Between a fact and its part: `mdm_elements.data`."""
YES_NO = {"true": True, "false": False}
MOST_DIGITS = 6


def read_query(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The facts JSON that a query string stands for; what is blank in it is unknown.

    Parameters: `pairs` of a fact's name (`total_minutes`, or `mdm_elements.data` for a part of it) and its value.
    Raises FactsRefused for a fact told twice. Names and values are not judged here: `read_facts` does.
    """
    body: dict[str, Any] = {}
    for name, written in pairs:
        text = written.strip()
        if not text:
            continue
        fact, _, part = name.partition(PARTS)
        value = text if fact in TEXTS else _value(text)
        if fact in LISTS and not part:
            body.setdefault(fact, []).extend([] if text == NONE else [value])
            continue
        whole = body.setdefault(fact, {}) if part else body
        if not isinstance(whole, dict) or (part or fact) in whole:
            raise FactsRefused(name[:40], "stands twice")
        whole[part or fact] = value
    return body


def write_query(body: Mapping[str, Any]) -> str:
    """The query string of facts JSON, without what is unknown."""
    return urlencode(list(_pairs(body, "")))


def _pairs(body: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{before}{name}{PARTS}")
        elif isinstance(value, list | tuple):
            yield from ((f"{before}{name}", str(item)) for item in value or (NONE,))
        elif value is not None:
            yield f"{before}{name}", str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> str | int | bool:
    if text in YES_NO:
        return YES_NO[text]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else text
