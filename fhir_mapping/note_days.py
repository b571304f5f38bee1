"""Tells whether a total in a note is said to be of another day than the visit's: its minutes count for no visit."""

import re
from datetime import date

_DATE = r"(?P<first>\d{1,2})(?:/|-)(?P<second>\d{1,2})(?:(?:/|-)(?P<year>\d{4}|\d{2}))?(?![\d/%]|\.\d|\s?(?:min|h))"
_BEHIND = re.compile(
    rf"\b(?:time|minutes|mins?|spent|total)\b[^.;:\d]{{0,25}}?\b(?:on|for|from|dated|spent) \(?(?<!\d){_DATE}",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"\W*(?:on )?{_DATE}\W{{1,3}}(?:(?:i|my|spent|total|time)\b)", re.IGNORECASE)
_OF_CENTURY = 100


def is_of_another_day(sentence: str, day: date) -> bool:
    """Whether a date that stands beside the time a sentence tells is not that of the visit, in either order of writing.

    Parameters: `sentence` of the note; `day` of the visit.
    """
    found = _BEFORE.match(sentence) or _BEHIND.search(sentence)
    if found is None:
        return False
    year = int(found["year"]) % _OF_CENTURY if found["year"] else day.year % _OF_CENTURY
    written = {int(found["first"]), int(found["second"])}
    return written != {day.month, day.day} or year != day.year % _OF_CENTURY
