"""Reads JSON strictly: bounded depth, each key once, no NaN. For a request body, and for JSON sent within a string."""

import json

import orjson

DEEPEST = 64
"""Levels of nesting; the deepest real FHIR request seen has about a dozen."""
_TOO_DEEP = b"\n" + b"  " * (DEEPEST + 1)
"""How a line begins that stands deeper, in JSON indented by two; within a string no line begins."""
_ESCAPED_COLONS = (b"\\u003a", b"\\u003A")


class JsonRefused(ValueError):
    """What cannot be read as strict JSON; the words say why, and where."""


def parse(raw: bytes | str) -> object:
    """One JSON value. Raises JsonRefused for what is not strict JSON (NaN, a key written twice, too deep)."""
    written = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    try:
        found: object = orjson.loads(written)
    except orjson.JSONDecodeError as broken:
        raise JsonRefused(f"not JSON: {broken.msg} at line {broken.lineno} column {broken.colno}") from None
    if isinstance(found, dict | list):
        _refuse_depth_and_repetition(written, found)
    return found


def _refuse_depth_and_repetition(raw: bytes, found: object) -> None:
    """Compare the text with itself written anew, which a library does faster than the tree can be walked here."""
    try:
        indented = orjson.dumps(found, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # nested beyond what is ever written
        raise JsonRefused(f"nested deeper than {DEEPEST} levels") from None
    if _TOO_DEEP in indented:
        raise JsonRefused(f"nested deeper than {DEEPEST} levels")
    anew = orjson.dumps(found)
    if anew == raw:  # as most EHRs write, without blanks: what is written once stood there once
        return
    # A key that stood twice is written once, and its colon is missing. Only a colon that was written as an escape could
    # make up for it; then, as wherever the numbers differ, the slow and exact reader decides.
    if raw.count(b":") != anew.count(b":") or any(escape in raw for escape in _ESCAPED_COLONS):
        _refuse_repeated_keys(raw)


def _refuse_repeated_keys(raw: bytes) -> None:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise JsonRefused("a key stands twice in one object")
        return found

    json.loads(raw, object_pairs_hook=once)
