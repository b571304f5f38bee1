"""Reads a length of time that was documented as a value: whole minutes, where its number and its unit are clear."""

import re
from decimal import Decimal

from fhir_mapping.resources import Json, record, text
from fhir_mapping.vocabulary import Vocabulary

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_DAY = 24 * 60
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)
_NUMBER_AND_UNIT = re.compile(rf"({_NUMBER.pattern})\s*([a-z]+\.?)", re.ASCII | re.IGNORECASE)
_QUANTITIES = ("valueDuration", "valueQuantity")
_NO_QUANTITY = "the value is not a quantity with a unit"


class RefusedError(ValueError):
    """A value that cannot be evidence, and why."""


def documented_minutes(holder: Json, vocabulary: Vocabulary) -> tuple[int, str, str]:
    """Read the value of an Observation or an extension: its whole minutes, the element, and what stands there.

    A string is taken if it is one number with one unit. Raises RefusedError for what is no plain length of time.
    """
    elements = [element for element in _QUANTITIES if element in holder]
    if elements and any(key.startswith("value") and value for key, value in holder.items() if key not in _QUANTITIES):
        raise RefusedError("it has values of several types")
    if not elements and (said := _NUMBER_AND_UNIT.fullmatch(text(holder.get("valueString")))):
        return whole_minutes({"value": said[1], "unit": said[2]}, vocabulary), "valueString", said[0]
    if not elements:
        raise RefusedError(_NO_QUANTITY)
    minutes = {whole_minutes(holder[element], vocabulary) for element in elements}
    if len(minutes) > 1:
        raise RefusedError("the value contradicts itself")
    quantity = record(holder[elements[0]])
    unit = text(quantity.get("unit")) or text(quantity.get("code"))
    return minutes.pop(), elements[0], f"{quantity.get('value')} {unit}"


def whole_minutes(quantity: object, vocabulary: Vocabulary) -> int:
    """Convert a Quantity or Duration to whole minutes, rounded down: a minute begun is not a minute spent.

    Raises RefusedError for anything but a plain number of seconds, minutes or hours within one day.
    """
    said = record(quantity)
    value, code = said.get("value"), text(said.get("code"))
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(_NO_QUANTITY)
    if said.get("comparator"):
        raise RefusedError("the value is not exact")
    # Some write the word where the code is due, such as MIN; of single letters UCUM tells small from capital ones.
    by_code = vocabulary.term("unit", "ucum", code) or (_worded(code, vocabulary) if len(code) > 1 else None)
    by_text = _worded(text(said.get("unit")), vocabulary)
    unit = by_code or by_text
    if unit is None or (code and not by_code):
        raise RefusedError("the unit is not known")
    if by_text not in {None, unit}:
        raise RefusedError("the unit contradicts itself")
    # The first bound also refuses NaN, and numbers too large to convert.
    if not 0 <= value <= _DAY * 60 or (minutes := Decimal(str(value)) * _SECONDS[unit] // 60) > _DAY:
        raise RefusedError("the value is no time within one day")
    return int(minutes)


def _worded(said: str, vocabulary: Vocabulary) -> str | None:
    """The unit that is said in a word; a rate such as `/min` is none."""
    return None if "/" in said else next(iter(vocabulary.phrases("unit", said)), None)
