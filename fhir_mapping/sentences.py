"""Cuts a note into its sentences, as one does who knows hard line breaks, bullets, headings and "min." at sight."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from fhir_mapping.joined import CUT

_LONGEST = 496  # characters of one sentence: what runs on longer is a table or a paste, and is cut
_BETWEEN = re.compile(r"(?<=[,;:|])\s")  # where it is cut if it can be: a number is not taken apart there
_WORD = 8  # characters of the longest word of `_OPEN_END`, and of what stands before it
_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(r"\s*(?:[-*\u2013>\u00b7\u2022\u25a1\u2610-\u2612\u2713]|\d{1,2}[.)]\s|\[[ xX]?\]|\([ xX]?\))")
_HEADING = re.compile(r"\s*(?:[A-Z][\w /&()'-]{0,45}:(?!\d)|\[[A-Z][\w /&-]{1,30}\](?!\s*min))")
_OPEN_END = re.compile(
    r"(?:\b(?:of|the|a|an|with|and|or|for|by|via|was|were|is|in|on|to|at|from|total|spent|than)|,)\s*$", re.IGNORECASE
)
_NUMBER_ALONE = re.compile(r"\s*\d{1,3}(?:\s*min\w*\.?)?\s*")
_WRAPPED = 60  # a line this long that ends in mid-sentence was wrapped, not ended
_END = re.compile(r"[.!](?:[.!]*[\"')\]]*(?=\s|$)|(?<=[a-z0-9)]\.)(?=[A-Z][a-z]))")
_CUT_BEFORE, _CUT_BEHIND = f"{CUT} ", f" {CUT}"
_SHORT_FORM = re.compile(
    r"\b(?:(?P<title>dr|drs|mr|mrs|ms|st|vs)|mins?|incl|excl|hrs?|secs?|pt|pts|approx|appt|no|ave|tel|ph|ext|dept|wk"
    r"|yr|mo|e\.g|i\.e|a\.m|p\.m|etc)\.$"
)
_OPENING = re.compile(r"[A-Z][a-z]|I\b|[A-Z]{2,}|total for today\b[^.;:]{0,60}\d ?min")
# What is surely a hyphen, and what a reader of the note does not see: soft hyphens, joiners, marks of direction.
_AS_SEEN = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011", "-"),
        **dict.fromkeys("\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u180e\u061c\ufe0e\ufe0f", ""),
    }
)


class Sentence(NamedTuple):
    """One sentence: its words on one line as they are seen, where it stands in the note, and the heading above it.

    Where it was cut for its length, the words end or begin with `CUT`.
    """

    text: str
    start: int
    end: int
    heading: str


def sentences(note: str) -> Iterator[Sentence]:
    """Cut a note into sentences, in order; blank lines, bullets and headings end one, a wrapped line does not."""
    heading = ""
    runs_on = False
    for start, end, goes_on in _passages(note):
        found = _HEADING.match(note, start, end)
        if found:
            heading = found[0].strip(" :[]").casefold()
        for first, last, is_piece in _split(note, start, end):
            words = " ".join(note[first:last].translate(_AS_SEEN).split())
            if words:
                cut = is_piece or (goes_on and last == end)
                yield Sentence(f"{_CUT_BEFORE * runs_on}{words}{_CUT_BEHIND * cut}", first, last, heading)
                runs_on = cut


def _passages(note: str) -> Iterator[tuple[int, int, bool]]:
    """Join the lines that belong together, up to a length; the last value tells whether that alone ends a passage."""
    start = end = -1
    for line in _LINE.finditer(note):
        goes_on = start >= 0 and _goes_on(note, start, end, line)
        if start >= 0 and not (goes_on and line.end() - start <= _LONGEST):
            yield start, end, goes_on
            start = -1
        start, end = (line.start() if start < 0 else start), line.end()
    if start >= 0:
        yield start, end, False


def _goes_on(note: str, start: int, end: int, line: re.Match[str]) -> bool:
    before, after = note[max(start, end - 200) : end], line[0]
    if line.start() - end > 1 or not after.strip() or not before.strip():
        return False
    if _BULLET.match(after) or _HEADING.match(after):
        return False
    if _NUMBER_ALONE.fullmatch(after):
        return True
    first = after.lstrip()[0]
    if _OPEN_END.search(before.rstrip()[-_WORD:]) or first.islower():
        return not before.rstrip().endswith((".", "!", "?", ":"))
    previous = before.rpartition("\n")[2]
    return len(previous) >= _WRAPPED and not previous.rstrip().endswith((".", "!", "?", ":", ";"))


def _split(note: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    first = start
    for stop in _END.finditer(note, start, end):
        short = _SHORT_FORM.search(note[max(first, stop.end() - 8) : stop.end()].lower())
        if short and (short["title"] or not _opens(note[stop.end() : stop.end() + 90].lstrip())):
            continue
        yield from _pieces(note, first, stop.end())
        first = stop.end()
    yield from _pieces(note, first, end)


def _pieces(note: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """A sentence, or the pieces of one that is too long: cut behind a comma or its like, else between words.

    The last value tells whether it goes on behind this piece.
    """
    while end - start > _LONGEST:
        last = start + _LONGEST
        between = [one.end() for one in _BETWEEN.finditer(note, start + 1, last)]
        stop = between[-1] if between else max(note.rfind(" ", start + 1, last), note.rfind("\n", start + 1, last)) + 1
        stop = stop or _before_a_word(note, start, last)
        yield start, stop, True
        start = stop
    yield start, end, False


def _before_a_word(note: str, start: int, end: int) -> int:
    """Where to cut what has no blank in it: the end, or before the word or number that would be taken apart there."""
    stop = end
    while stop > start + 1 and note[stop - 1].isalnum():
        stop -= 1
    return stop if stop > start + 1 else end


def _opens(after: str) -> bool:
    """Whether a new sentence opens here: after "min." a capital letter with a word behind it, or a total of its own."""
    return bool(_OPENING.match(after))
