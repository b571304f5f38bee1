"""The one guarded door for JSON: what comes through is one object, of bounded size and depth, each key once."""

import codecs
from typing import Any

from flask import Request

from fhir_mapping.strict_json import JsonRefused, parse

_DECLARED = {"iso-8859-1": "latin-1", "latin1": "latin-1", "windows-1252": "cp1252"}
"""Charsets that older HTTP clients declare and write, and their codecs; all else must be UTF-8, as JSON is."""


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
        raise BodyRefused(415, "compressed bodies are not taken: send it without Content-Encoding")
    # One that is said to be too large is read all the same, as far as one that is not: who still sends hears no answer.
    raw = request.stream.read(largest + 1)
    if len(raw) > largest or (request.content_length or 0) > largest:
        raise BodyRefused(413, f"the body is larger than {largest} bytes")
    return parse_object(raw, request.mimetype_params.get("charset", ""))


def parse_object(raw: bytes, charset: str = "") -> dict[str, Any]:
    """One JSON object out of bytes.

    Parameters: `charset`, as the content type declares it; it is heeded where the bytes are not UTF-8.
    Raises BodyRefused (400).
    """
    try:
        try:
            found = parse(raw.removeprefix(codecs.BOM_UTF8))
        except JsonRefused:
            if _is_utf_8(raw):
                raise
            found = parse(_decoded(raw, charset))
    except JsonRefused as refused:
        raise BodyRefused(400, str(refused)) from None
    if not isinstance(found, dict):
        raise BodyRefused(400, "the body must be a JSON object")
    return found


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in raw[:4]  # the ASCII in which JSON begins has such a byte in UTF-16 and UTF-32


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(_DECLARED[charset.casefold()])
    except (KeyError, UnicodeDecodeError):
        raise BodyRefused(400, "the body is not UTF-8: send JSON in UTF-8") from None
