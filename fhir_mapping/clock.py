"""Reads spans by the clock: "10:05 to 10:30", "start 2:10 pm, stop 2:31 pm"."""

import re

_TIME = r"(?:[01]?\d|2[0-3])(?::[0-5]\d)(?::[0-5]\d)?\s*(?:[ap]\.?m\b\.?)?"
_ENDED = r"(?:ed)?(?:\s+time)?\s*:?\s*(?:at\s+)?"
SPAN = (
    rf"\b{_TIME}\s*(?:-|\u2013|\u2014|to|until|till|through|and)\s*(?:(?:end|stop|finish){_ENDED})?{_TIME}(?!\d)"
    rf"|\b(?:start|began|begin|connected){_ENDED}{_TIME}[\s,;/|-]*(?:and\s+)?"
    rf"(?:end|stop|finish|disconnect|conclud){_ENDED}{_TIME}"
)
"""A pattern for a span in small letters."""
_HALF_DAY = 12 * 60


def minutes_of_span(said: str) -> int | None:
    """Minutes between two times of the clock; none where they do not make a span within half a day."""
    times = []
    for hour, minute, half in re.findall(r"(\d{1,2}):(\d{2})(?::\d{2})?\s*(?:([ap])\.?m)?", said):
        times.append((int(hour), int(minute), half))
    if len(times) != 2:  # noqa: PLR2004 - a span has two ends
        return None
    (first, first_minute, first_half), (last, last_minute, last_half) = times
    begins = (first % 12 + 12 * ((first_half or last_half) == "p")) if (first_half or last_half) else first
    ends = (last % 12 + 12 * (last_half == "p")) if last_half else last
    minutes = (ends * 60 + last_minute) - (begins * 60 + first_minute)
    if minutes < 0 and (not first_half or not last_half):
        minutes += _HALF_DAY
    return minutes if 0 < minutes <= _HALF_DAY else None
