"""The one guarded door for JSON: what comes through is one object, of bounded size and depth, each key once."""

import json
from typing import Any

import orjson
from flask import Request

DEEPEST = 64
"""Levels of nesting; the deepest real FHIR request seen has about a dozen."""
TOO_DEEP = b"\n" + b"  " * (DEEPEST + 1)
"""How a line begins that stands deeper, in JSON indented by two; within a string no line begins."""
ESCAPED_COLONS = (b"\\u003a", b"\\u003A")


class BodyRefused(ValueError):
    """A body that cannot be read: the HTTP `status`, and `why`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def read_object(request: Request, largest: int) -> dict[str, Any]:
    """The request's body as one JSON object.

    Parameters: `largest` size in bytes. Raises BodyRefused: 415 for another content type, 413 for too large a body,
    400 for what is not strict JSON (NaN, a key written twice, too deep, not an object).
    """
    if not request.is_json:
        raise BodyRefused(415, "the content type must be application/json")
    if request.content_encoding not in {None, "", "identity"}:
        raise BodyRefused(415, "compressed bodies are not taken")
    # One that is said to be too large is read all the same, as far as one that is not: who still sends hears no answer.
    raw = request.stream.read(largest + 1)
    if len(raw) > largest or (request.content_length or 0) > largest:
        raise BodyRefused(413, f"the body is larger than {largest} bytes")
    return parse_object(raw)


def parse_object(raw: bytes) -> dict[str, Any]:
    """One JSON object out of bytes. Raises BodyRefused (400)."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as broken:
        raise BodyRefused(400, f"not JSON: {broken.msg} at line {broken.lineno} column {broken.colno}") from None
    if not isinstance(found, dict):
        raise BodyRefused(400, "the body must be a JSON object")
    _refuse_depth_and_repetition(raw, found)
    return found


def _refuse_depth_and_repetition(raw: bytes, found: dict[str, Any]) -> None:
    """Compare the body with itself written anew, which a library does faster than the tree can be walked here."""
    try:
        indented = orjson.dumps(found, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # nested beyond what is ever written
        raise BodyRefused(400, f"nested deeper than {DEEPEST} levels") from None
    if TOO_DEEP in indented:
        raise BodyRefused(400, f"nested deeper than {DEEPEST} levels")
    anew = orjson.dumps(found)
    if anew == raw:  # as most EHRs write, without blanks: what is written once stood there once
        return
    # A key that stood twice is written once, and its colon is missing. Only a colon that was written as an escape could
    # make up for it; then, as wherever the numbers differ, the slow and exact reader decides.
    if raw.count(b":") != anew.count(b":") or any(escape in raw for escape in ESCAPED_COLONS):
        _refuse_repeated_keys(raw)


def _refuse_repeated_keys(raw: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BodyRefused(400, "a key stands twice in one object")
        return found

    json.loads(raw, object_pairs_hook=once)
