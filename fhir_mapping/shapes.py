"""Knows what a valid visit or coverage looks like, so that the strict model is asked only about one that looks odd.

The shapes are compiled out of the models of fhir.resources themselves: their elements, how often each may stand, and
the patterns and bounds of their values. They are stricter than the models, and never laxer: for an empty value, a rare
kind of value and whatever else they do not know, the model has to be asked, and it words what is wrong.
"""

from collections.abc import Callable
from functools import cache, partial
from types import NoneType
from typing import Any, TypeGuard, get_args, get_origin

from fhir.resources.R4B import get_fhir_model_class
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.types import FhirBase, FhirElementOrResourceBase
from pydantic import TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator, core_schema

# Values and contained resources of these kinds are what EHRs put into a visit: each kind more takes time at start.
_USUAL = frozenset(
    (
        *("Address", "Age", "Annotation", "CodeableConcept", "Coding", "ContactPoint", "Duration", "Extension"),
        *("HumanName", "Identifier", "Meta", "Money", "Narrative", "Period", "Quantity", "Range", "Ratio", "Reference"),
    )
)
_CONTAINED = ("Location", "Organization", "Practitioner", "PractitionerRole")
_LARGEST = 1e15  # of a number that may have decimals: far beyond what a chart measures
_PARTIAL = core_schema.str_schema(pattern="^[0-9]{4}(-[0-9]{2})?$")  # a year or a month, which a model takes as text
_UNSURE = core_schema.is_instance_schema(bytes)  # what nothing in JSON ever is

_Model = type[FHIRAbstractModel]


def compile_shape(kind: str) -> Callable[[object], bool]:
    """Compile the look at a kind of resource: it tells whether FHIR R4 surely takes one.

    Parameters: `kind`, the name of the resource in FHIR.
    """
    shapes: dict[str, CoreSchema] = {}
    whole = _shape(get_fhir_model_class(kind), shapes)
    return SchemaValidator(core_schema.definitions_schema(whole, list(shapes.values()))).isinstance_python


def _shape(model: _Model, shapes: dict[str, CoreSchema]) -> CoreSchema:
    """Refer to the shape of a model, which is made when it is first met: an extension may hold extensions."""
    name = model.__name__
    if name not in shapes:
        shapes[name] = _UNSURE  # until it is made
        shapes[name] = {**(_UNSURE if _has_own_rules(model) else _elements(model, shapes)), "ref": name}
    return core_schema.definition_reference_schema(name)


def _has_own_rules(model: _Model) -> bool:
    """Tell whether a model is written with more rules than those all models share, which the shapes know."""
    own, shared = model.__pydantic_decorators__, FHIRAbstractModel.__pydantic_decorators__
    return bool(own.field_validators) or own.model_validators.keys() != shared.model_validators.keys()


def _elements(model: _Model, shapes: dict[str, CoreSchema]) -> CoreSchema:
    blank = model.model_construct()
    needed = {name for name, _ in blank.get_required_fields()}
    elements = {}
    for name, field in model.model_fields.items():
        written = field.alias or name
        required = field.is_required() or written in needed
        elements[written] = core_schema.typed_dict_field(_value(field.annotation, model, shapes), required=required)
    if model.has_resource_base():
        elements["resourceType"] = core_schema.typed_dict_field(core_schema.literal_schema([model.get_resource_type()]))
    shape: CoreSchema = core_schema.typed_dict_schema(elements, strict=True, extra_behavior="forbid")
    for names in blank.get_one_of_many_fields().values():
        ways = frozenset(model.model_fields[name].alias or name for name in names)
        extra = model.model_fields[names[0]].json_schema_extra
        least = 1 if isinstance(extra, dict) and extra["one_of_many_required"] else 0
        shape = core_schema.no_info_after_validator_function(partial(_chosen, ways, least), shape)
    return shape


def _chosen(ways: frozenset[str], least: int, found: dict[str, object]) -> None:
    """Refuse a value that is given in two ways, or in none where one is due."""
    if not least <= len(ways & found.keys()) <= 1:
        raise ValueError


def _is_complex(annotation: object) -> TypeGuard[type[FhirBase]]:
    return isinstance(annotation, type) and issubclass(annotation, FhirBase)


def _value(annotation: Any, model: _Model, shapes: dict[str, CoreSchema]) -> CoreSchema:  # noqa: ANN401 - types are any
    """Make the shape of what may stand in an element. Nothing at all may not: that is for the model to judge."""
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    if NoneType in get_args(annotation) and len(kinds) == 1:
        return _value(kinds[0], model, shapes)
    if get_origin(annotation) is list:
        return core_schema.list_schema(_value(kinds[0], model, shapes), strict=True)
    if not _is_complex(annotation):
        return _primitive(annotation)
    if issubclass(annotation, FhirElementOrResourceBase):
        held = {kind: _shape(get_fhir_model_class(kind), shapes) for kind in _CONTAINED}
        return core_schema.tagged_union_schema(held, "resourceType", strict=True)
    name = annotation._model_klass.rpartition(".")[2]  # noqa: SLF001 - its public look-up would import the model
    if name in _USUAL or name.startswith(model.__name__):
        return _shape(annotation.get_model_klass(), shapes)
    return _UNSURE


@cache
def _primitive(annotation: Any) -> CoreSchema:  # noqa: ANN401 - types are any
    """Take the schema of the model, without the functions in Python around it."""
    schema = TypeAdapter(annotation).core_schema
    match schema:
        case {"type": "str" | "int" | "bool"}:
            return {**schema, "strict": True}
        case {"type": "function-wrap", "schema": {"type": "str"}}:
            return core_schema.str_schema(strict=True)
        case {"type": "function-wrap", "schema": {"type": "decimal"}}:
            return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)
        case {"type": "function-wrap", "schema": {"type": "date" | "datetime" | "time"} as moment}:
            written = core_schema.str_schema(strict=True, pattern=f"^(?:{annotation.__metadata__[0].pattern.pattern})$")
            read = core_schema.union_schema([moment, _PARTIAL], mode="left_to_right")
            return core_schema.chain_schema([written, read])
        case _:
            return _UNSURE
