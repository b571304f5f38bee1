"""Reads one FHIR resource as it comes, R4 or R5, valid or not: whatever its shape, reading it never fails.

Charts are read from plain JSON, because one unknown key of a real EHR would make a strict model refuse the whole visit.
The strict model is asked only to say what is wrong with the visit and its coverages, so that a reader can see it; and
only where they do not look valid at once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

from fhir.resources.R4B.coverage import Coverage
from fhir.resources.R4B.encounter import Encounter
from pydantic import BaseModel, ValidationError

from fhir_mapping.facts import Evidence, How
from fhir_mapping.shapes import compile_shape

Json = Mapping[str, object]
NOTHING: Json = MappingProxyType({})

_MODELS: dict[str, type[BaseModel]] = {"Encounter": Encounter, "Coverage": Coverage}
_LOOKS_VALID = {kind: compile_shape(kind) for kind in _MODELS}
_SAID = 80  # enough for a code and its display; more would carry chart text where only a quotation is due
_NAME = 300  # a reference must stay whole: some EHRs use ids beyond the 64 characters of FHIR
PLAIN_ID = re.compile(r"[A-Za-z0-9._\-]{1,256}")
"""FHIR ids, and the underscores and lengths that real EHRs send; a slash would reach into a URL."""
_RELATIVE = re.compile(r"([^/?#:]+)/(?!_history$)([^/?#:]+)")  # what nearly every reference is: Practitioner/p1
_LONGEST_CODE = 10**18


def record(value: object) -> Json:
    """Take `value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else NOTHING


def records(value: object) -> list[Json]:
    """List the objects in `value`; an object that stands where a list is due counts as a list of one."""
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def text(value: object) -> str:
    """Take `value` without outer blanks if it is text, else nothing."""
    return value.strip() if isinstance(value, str) else ""


def quote(value: str, longest: int = _SAID) -> str:
    """Make what the chart said safe to show: one line, no control or direction characters, `longest` at most."""
    shown = value[: 4 * longest]
    if not shown.isprintable():
        shown = "".join(letter if letter.isprintable() else " " for letter in shown)
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def name(resource: Json) -> str:
    """Name a resource: `Encounter/e1`, or just `Encounter` if it has no id."""
    kind, own = text(resource.get("resourceType")), text(resource.get("id"))
    return quote(f"{kind}/{own}" if own else kind, _NAME)


def evidence(resource: Json, path: str, said: str, how: How = How.STRUCTURED) -> Evidence:
    """Record where a thing was read: at `path` in `resource`, which `said` it."""
    return Evidence(name(resource), path, quote(said), how)


class Coding(NamedTuple):
    """A code of a code system."""

    system: str
    code: str
    display: str

    @property
    def said(self) -> str:
        """The code, with its display where there is one."""
        return f"{self.code} {self.display}".strip()


class Concept(NamedTuple):
    """A thing said by codes, by text, or by both."""

    codings: tuple[Coding, ...]
    text: str


def concepts(value: object) -> list[Concept]:
    """List the concepts in a Coding, a CodeableConcept, an R5 CodeableReference, or a list of these."""
    found = []
    for item in records(value):
        concept = _concept(item)
        said = [_coding(coding) for coding in _coded(concept)]
        found.append(Concept(tuple([one for one in said if one.code or one.display]), text(concept.get("text"))))
    return found


def codings(value: object) -> list[Coding]:
    """List the codings in whatever `concepts` understands."""
    said = [_coding(coding) for item in records(value) for coding in _coded(_concept(item))]
    return [one for one in said if one.code or one.display]


def codings_of(value: object, wanted: Callable[[str], bool]) -> list[Coding]:
    """List only the codings whose code is wanted: what a chart codes is mostly of no use for a bill."""
    found: list[Coding] = []
    for item in records(value):
        found += [_coding(coding) for coding in _coded(_concept(item)) if wanted(_code(coding))]
    return found


def _concept(item: Json) -> Json:
    inner = item.get("concept")
    return inner if isinstance(inner, dict) else item


def _coded(concept: Json) -> Sequence[Json]:
    listed = concept.get("coding")
    return (concept,) if listed is None else records(listed)


def _code(coding: Json) -> str:
    code = coding.get("code")
    if isinstance(code, str):
        return code.strip()
    whole = isinstance(code, int) and not isinstance(code, bool) and abs(code) < _LONGEST_CODE
    return str(code) if whole else ""


def _coding(value: Json) -> Coding:
    return Coding(text(value.get("system")), _code(value), text(value.get("display")))


class Reference(NamedTuple):
    """What a reference points at: `kind` and `id`, a `url` to look up, or an identifier (`system`, `value`).

    A contained resource has the kind `#`. What is not said is empty.
    """

    kind: str = ""
    id: str = ""
    url: str = ""
    system: str = ""
    value: str = ""

    @property
    def name(self) -> str:
        """`Practitioner/p1`, or nothing if the reference does not say it."""
        return f"{self.kind}/{self.id}" if self.id and self.kind not in {"", "#"} else ""


def reference(value: object) -> Reference:
    """Read a reference or its text: relative, absolute, versioned, contained, `urn:uuid`, conditional or logical."""
    target = record(value)
    said = text(value) or text(target.get("reference"))
    if plain := _RELATIVE.fullmatch(said):
        return Reference(plain[1], plain[2], said)
    kind = text(target.get("type"))
    if not said:
        identifier = record(target.get("identifier"))
        return Reference(kind, system=text(identifier.get("system")), value=text(identifier.get("value")))
    if said.startswith("#"):
        return Reference("#", said[1:])
    if said.startswith("urn:"):
        return Reference(kind, said.rpartition(":")[2], url=said)
    path, _, query = said.partition("?")
    if query:
        system, _, own = unquote(query.partition("identifier=")[2].partition("&")[0]).rpartition("|")
        return Reference(path.rpartition("/")[2], system=system, value=own)
    parts = [part for part in path.split("/") if part]
    if "_history" in parts[1:]:
        parts = parts[: parts.index("_history", 1)]
    if not parts:
        return Reference(kind)
    return Reference(parts[-2] if len(parts) > 1 else kind, parts[-1], url=said)


def check(resource: Json) -> str | None:
    """Say what the FHIR R4 model refuses in an Encounter or a Coverage, in one short note; nothing if it is valid.

    The note names the place and the rule, never a value of the chart.
    """
    kind = text(resource.get("resourceType"))
    if kind in _LOOKS_VALID and _LOOKS_VALID[kind](resource):
        return None
    try:
        _MODELS[kind].model_validate(dict(resource))
    except ValidationError as refused:
        where, why = _complaint(refused)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as refused:
        # The models let these through for an unknown type of contained resource, and for nesting beyond reason.
        where, why = "the resource", type(refused).__name__
    else:
        return None
    return f"{name(resource)} is not valid FHIR R4: {quote(where)}: {quote(why)}; read tolerantly"


def _complaint(refused: ValidationError) -> tuple[str, str]:
    try:
        first = refused.errors(include_url=False, include_context=False, include_input=False)[0]
    except ValueError:  # a complaint that quotes half a character cannot be put into words
        return "the resource", "text that is not Unicode"
    where = ".".join(str(part) for part in first["loc"]) or "the resource"
    return where, first["type"].replace("_", " ").replace(".", " ")
