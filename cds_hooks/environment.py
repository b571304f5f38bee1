"""Finds environment variables that are nearly settings: a name or a value with a slip must not pass for none.

An unknown name that is passed over is the most dangerous slip of all: `TELECODE_AUHT=required` would leave the service
open while its operator believes it closed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches

PREFIX = "TELECODE_"
_NAME = PREFIX.rstrip("_").casefold()
_ALIKE = 0.85
"""How like the prefix the beginning of a name must be to be a slip; TELECOM, another program's, is less so."""
_OF_KUBERNETES = re.compile(
    r"TELECODE_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes gives every container where a Service is called telecode, or telecode-something."""
_PORT_OF_KUBERNETES = re.compile(r"TELECODE_(\w+_)?PORT"), re.compile(r"(tcp|udp|sctp)://\S+")
_WITHOUT_PREFIX = {"PORT": "PORT", "WEB_CONCURRENCY": "WEB_CONCURRENCY", "WORKERS": "WEB_CONCURRENCY"}
"""Variables of `telecode serve` that hosts give under these very names, and what else they may be called."""


def complaints(
    environment: Mapping[str, str], settings: Collection[str], *, lists: Collection[str], others: Collection[str] = ()
) -> Iterator[str]:
    """What is wrong with the environment, one sentence a variable.

    Parameters: `settings`, the names of all settings, without the prefix and in small letters, as they are read
    whatever their case; `lists`, those of them that hold comma-separated words and may be empty; `others`, whole names
    that something else reads, in this very case.
    """
    known = {f"{PREFIX}{setting.upper()}" for setting in settings}
    nearest = {name.removeprefix(PREFIX): name for name in sorted(known | set(others))} | _WITHOUT_PREFIX
    taken: dict[str, str] = {}
    for name, value in environment.items():
        upper = name.upper()
        if upper in known:
            if upper in taken:
                yield f"{taken[upper]} and {name} are one setting: keep one of them"
            taken[upper] = name
            setting = upper.removeprefix(PREFIX).casefold()
            yield from _of_value(name, value, is_list=setting in lists, may_be_empty=setting in {*lists, "host"})
        elif name not in others and _is_meant(name, known) and not _is_of_kubernetes(name, value):
            (near,) = get_close_matches(_tail(upper), nearest, n=1, cutoff=0) or ("",)
            yield f"{name} is no setting of telecode; the nearest is {nearest[near]}"


def _of_value(name: str, value: str, *, is_list: bool, may_be_empty: bool) -> Iterator[str]:
    if not value.strip():
        if not may_be_empty:
            yield f"{name} is empty: give it a value, or unset it"
    elif re.search(r"\s#", value):
        yield f"{name} has a comment behind its value, which would be read as a part of it"
    elif re.search(r"^\s*[\"']|[\"']\s*$", value):
        yield f"{name} has quotes in its value, which would be read as a part of it"
    elif value != value.strip() and not is_list:
        yield f"{name} has blanks around its value, which would be read as a part of it"


def _is_meant(name: str, known: Collection[str]) -> bool:
    """Whether a name is one of ours by its beginning, or one of ours but for a slip in its beginning."""
    said = name.casefold()
    if re.match(rf"{_NAME}[^a-z0-9]", said):
        return True
    for setting in known:
        tail = setting.removeprefix(PREFIX).casefold()
        beginning = said.removesuffix(tail).rstrip("_")
        if said.endswith(tail) and SequenceMatcher(None, beginning, _NAME).ratio() >= _ALIKE:
            return True
    return False


def _tail(upper: str) -> str:
    """The name without its beginning, by which the nearest is found."""
    return re.sub(r"^TELECODE[^A-Z0-9]*", "", upper) or upper


def _is_of_kubernetes(name: str, value: str) -> bool:
    port, address = _PORT_OF_KUBERNETES
    return bool(_OF_KUBERNETES.fullmatch(name) or (port.fullmatch(name) and address.fullmatch(value)))
