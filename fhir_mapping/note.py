"""Reads one note as a coder would: minutes, mode, places, consent and level as stated, with the words for each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_mapping.boxes import boxed, ticked
from fhir_mapping.durations import may_tell_time
from fhir_mapping.effort import Effort
from fhir_mapping.facts import Modality
from fhir_mapping.note_rules import CONSENT, MODE, REASON, SWITCHED, TAKEN_OUT, TOTAL, NoteRules
from fhir_mapping.note_times import Found, Line, Part, standing, summed, times
from fhir_mapping.sentences import Sentence, sentences

__all__ = ["Found", "read_note", "read_within"]

LONGEST = 200_000  # characters of a note that are read; a longer one is a paste of the chart
_SEEN = {Modality.AUDIO_VIDEO, Modality.IN_PERSON}
_BOTH = {Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY}


def read_note(text: str, rules: NoteRules) -> tuple[Found, ...]:
    """Everything a note says, in order.

    Parameters: `text` of the note, plain; `rules` to read it by. A total may be the sum of parts where no total stands,
    and has what is reported separately taken out. What is said too vaguely to be used has the value `None`.
    """
    return read_within(text, rules, Effort())[0]


def read_within(text: str, rules: NoteRules, effort: Effort) -> tuple[tuple[Found, ...], int]:
    """Everything a note says as far as it is read, and how many of its characters that are.

    Parameters: as above; `effort`, the work that may still be done, of which this takes its part.
    """
    found: list[Found] = []
    parts: list[Part] = []
    form = boxed(text)
    read_to = min(len(text), LONGEST)
    for number, sentence in _own(text, rules, effort):
        if effort.is_spent:
            read_to = sentence.start
            break
        told = rules.grammar.mark(ticked(sentence.text) if form else sentence.text)
        if told.durations or may_tell_time(told.text):
            effort.durations(len(told.durations), len(told.text))
        may = rules.needles.possible(told.text)
        if not may & rules.every:
            continue
        corrects = may & rules.corrections.bit and rules.corrections.pattern.search(told.text)
        line = Line(number, sentence, told, corrects=bool(corrects), may=may, effort=effort)
        for one in times(line, rules):
            if isinstance(one, Part):
                parts.append(one)
            else:
                found.append(one)
        found += _others(line, rules)
    totals = [one for one in found if one.target == TOTAL] or list(summed(parts))
    taken_out = [one for one in found if one.target == TAKEN_OUT]
    others = [one for one in found if one.target not in {TOTAL, TAKEN_OUT}]
    said = sorted((*standing(totals, taken_out), *_weighed(others)), key=lambda one: one.start)
    return tuple(said), read_to


def _own(text: str, rules: NoteRules, effort: Effort) -> Iterator[tuple[int, Sentence]]:
    """The sentences that were written for this visit: a quotation of another note is passed over until it closes."""
    quoted = False
    for number, sentence in enumerate(sentences(text[:LONGEST])):
        effort.sentence(len(sentence.text))
        marks = sentence.text.count('"') % 2
        if quoted:
            quoted = not (marks or rules.copy_closes.search(sentence.text.casefold()))
        elif marks and rules.copy_opens.search(sentence.text.casefold()):
            quoted = True
        else:
            yield number, sentence


def _others(line: Line, rules: NoteRules) -> Iterator[Found]:
    """What a sentence says besides lengths of time: for each target what stands in its context, each value once."""
    for target, trigger in rules.triggers.items():
        if line.may & trigger.rows and line.may & trigger.bit:
            found = list(_standing(line, rules, target))
            if found and trigger.pattern.search(line.sentence.text.casefold()):
                yield from found


def _standing(line: Line, rules: NoteRules, target: str) -> Iterator[Found]:
    """The first row that stands, and those that find something else in other words of the sentence."""
    taken: list[tuple[int, int]] = []
    values: set[object] = set()
    for row in rules.among(line.may & rules.triggers[target].rows):
        if row.value is not None and row.value in values:
            continue
        for match in line.find(row):
            value = row.value if row.value is not None or row.vague else rules.level(match["level"])
            start, end = match.span()
            if value in values or any(start < last and first < end for first, last in taken):
                continue
            effect = line.effect(rules, target, match, value)
            if effect == "drop":
                continue
            # What stands in the first line is the title of the note, no passing mention; but none tells of consent, nor
            # does what is not understood become plain there.
            weak = effect == "weak" or (row.weak and (line.number > 0 or target == CONSENT or row.vague))
            yield line.found(target, None if effect == "ask" else value, match[0], weak=weak)
            values.add(value)
            taken.append((start, end))


def _weighed(found: Sequence[Found]) -> list[Found]:
    """What counts of all that is said: a passing mention never stands against a plain statement, nor a slip corrected.

    Video and telephone both, with a sentence that tells of the change, make an interrupted visit. A change
    that the rules cannot name is asked about, whatever else is said.
    """
    plain = {one.target for one in found if not one.weak}
    corrected = {one.target: one for one in found if one.corrects and one.target not in {MODE, SWITCHED}}
    kept = [one for one in found if not one.weak or one.target not in plain]
    kept = [one for one in kept if corrected.get(one.target, one) is one]
    modes = [one for one in kept if one.target == MODE]
    others = [one for one in kept if one.target not in {MODE, SWITCHED}]
    if modes and {one.value for one in modes} <= _SEEN:
        # Why there was no video is said of audio-only visits alone; elsewhere it tells of another day.
        others = [one for one in others if one.target != REASON]
    if not modes or any(one.value is Modality.IN_PERSON for one in modes):
        # "Consent: verbal" says no more of what; of telehealth it is where the note tells of a telehealth visit alone.
        others = [one for one in others if not (one.target == CONSENT and one.weak)]
    changed = [one for one in modes if one.value is Modality.INTERRUPTED]
    if not changed and any(one.value is None for one in modes):
        modes = [one for one in modes if one.value is None]
    if not changed and {one.value for one in modes} == _BOTH and any(one.target == SWITCHED for one in kept):
        changed = [replace(one, value=Modality.INTERRUPTED) for one in modes]
    return others + (changed or modes)
