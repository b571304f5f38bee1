"""Coverage-guided fuzzing of the JSON door, with Python's own reader as the judge of what may pass.

`make fuzz` runs it; by hand: `python tests/fuzz/json_door.py -max_total_time=60`.
"""

import json
import sys
from typing import Any

import atheris

with atheris.instrument_imports():
    from cds_hooks.web.body import BodyRefused, parse_object
    from fhir_mapping.strict_json import DEEPEST


PIECES = (
    *(b"{", b"}", b"[", b"]", b'"a":', b'"b":', b'"a" :', b'"\\u0061":', b",", b", ", b"\n", b"1", b"-0.5e3", b"1e999"),
    *(
        b"null",
        b"true",
        b'""',
        b'"\\u003a"',
        b'"\\u003A:"',
        b'"\\u0022:"',
        b'"x\\": y"',
        b'"\\ud800"',
        b'"\xc3\xa4"',
        b'"\xff"',
    ),
    *(b"NaN", b"-Infinity", b"'", b"//", b"\x00", b"\xef\xbb\xbf", b'{"a":' * 31, b"[" * 32, b"]" * 32, b"}" * 31),
)
"""What bodies are made of that come near to passing; a byte of the fuzzer's stands for a piece."""


class RepeatedError(ValueError):
    """A key stands twice."""


def judge(raw: bytes) -> dict[str, Any] | None:
    """What the door should let through: one object, strict, each key once, not too deep; else `None`."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise RepeatedError
        return dict(pairs)

    def strict(_: str) -> float:
        raise ValueError("no number of JSON")

    try:
        found = json.loads(raw.removeprefix(b"\xef\xbb\xbf").decode(), object_pairs_hook=once, parse_constant=strict)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and depth(found) <= DEEPEST else None


def depth(value: object) -> int:
    """Levels of nesting; an empty list or object does not count, for nothing stands in it."""
    deepest, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list) and part]:
        deepest += 1
        level = [inner for part in level for inner in (part.values() if isinstance(part, dict) else part)]
    return deepest


def made(data: bytes) -> bytes:
    """A body: of pieces, one for each byte, or, if the first byte is large, the bytes themselves."""
    return data[1:] if data[:1] > b"\xc0" else b"".join(PIECES[byte % len(PIECES)] for byte in data)


def try_one(data: bytes) -> None:
    """Nothing passes that the judge refuses, and nothing but a refusal is ever raised.

    The door may refuse more than the judge: half a character, or a number too large for a computer.
    """
    body = made(data)
    try:
        passed = parse_object(body)
    except BodyRefused:
        return
    judged = judge(body)
    assert judged is not None, "the door let pass what it should not"
    assert passed.keys() == judged.keys()


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
