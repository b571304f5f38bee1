"""Reads the lengths of time in a sentence of a note: whose they are, which is the total, and which are its parts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fhir_mapping.durations import DAY, Duration, Kind, Told
from fhir_mapping.effort import Effort
from fhir_mapping.note_rules import PART, TAKEN_OUT, TIMES, TOTAL, NoteRules, ReadRule
from fhir_mapping.sentences import Sentence

MARK = re.compile(r"⟦[mvbc](\d+)⟧")
_WITHIN = re.compile(r"includ|of which|of that|of those|consist|which|total|with over|more than half|%")
_QUOTED = 76  # characters: a quotation on a card holds 80
_LABEL = re.compile(r"(?:t[it]?m?e|\btt|minutes|minuts|mins|discussion)\b")
_NUMBER, _TOTAL_NUMBER = re.compile(r"\d"), re.compile(r"\d total\b")
_PARTS = 2  # so many at least make a sum


@dataclass(frozen=True, slots=True)
class Found:
    """One thing the note says: `value` is `None` where it must be asked about; the words stand at `start` to `end`.

    `corrects`: it takes back what was written before. `weak`: a passing mention, which counts only by itself.
    """

    target: str
    value: object
    start: int
    end: int
    said: str
    corrects: bool = False
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence as it is read: its place in the note, its lengths of time, and whether it corrects another.

    `may`: the rows that may find something in it, as bits; `effort` counts what is searched in it.
    """

    number: int
    sentence: Sentence
    told: Told
    corrects: bool
    may: int
    effort: Effort

    def matched(self, rules: NoteRules, bits: int) -> Iterator[tuple[ReadRule, re.Match[str]]]:
        """Every place where one of the rows that `bits` stand for finds something, row by row."""
        for row in rules.among(self.may & bits):
            for match in self.find(row):
                yield row, match

    def find(self, row: ReadRule) -> Iterator[re.Match[str]]:
        """Every place where a row finds something."""
        self.effort.row(len(self.told.text))
        return row.find(self.told.text, self.sentence.heading)

    def effect(self, rules: NoteRules, target: str, match: re.Match[str], value: object) -> str | None:
        """What the words around a find do to it."""
        self.effort.context(len(self.told.text))
        return rules.effect(target, self.told.text, match, value)

    def found(self, target: str, value: object, words: str, *, weak: bool = False) -> Found:
        """What was found in this sentence; of a long one, the telling `words` and those around them are quoted."""
        one = self.sentence
        at = one.text.casefold().find(words) if len(one.text) > _QUOTED else -1
        first = max(0, at - (_QUOTED - len(words)) // 2)
        said = ("…" if first else "") + one.text[first : first + _QUOTED] if at >= 0 else one.text
        return Found(target, value, one.start, one.end, said, self.corrects, weak)


@dataclass(frozen=True, slots=True)
class Part:
    """Minutes of one activity, and the number of the sentence that tells of it."""

    number: int
    minutes: int
    found: Found


Claims = Mapping[int, tuple[ReadRule, re.Match[str]]]


def times(line: Line, rules: NoteRules) -> Iterator[Found | Part]:
    """The lengths of time that a sentence tells, each claimed by one rule; parts that make a whole are summed."""
    numbers = list(_numbers(line, rules)) if line.may & rules.numbers and _is_labelled(line.told.text) else []
    yield from numbers
    if not line.told.durations:
        return
    labelled = any(one.target == TOTAL for one in numbers)
    claims = _claims(line, rules)
    parts = {index: duration for index, duration in _parts(line, rules, claims).items() if index in claims}
    if len(parts) >= _PARTS and not labelled and not _total_beside(claims, parts):
        total = _sum(list(parts.values())) if _make_a_whole(line, claims, parts) else None
        yield line.found(TOTAL, total, next(iter(parts.values())).said)
        claims = {i: claim for i, claim in claims.items() if i not in parts or claim[0].target not in {TOTAL, PART}}
    elif labelled or _total_beside(claims, {}):
        claims = {i: claim for i, claim in claims.items() if not (claim[0].target == TOTAL and claim[0].soft)}
    for index, (rule, match) in claims.items():
        duration = line.told.durations[index]
        effect = line.effect(rules, rule.target, match, None)
        exact = effect is None and duration.kind in {Kind.EXACT, Kind.CLOCK}
        if rule.target == PART and exact:
            yield Part(line.number, duration.minutes, line.found(PART, duration.minutes, duration.said))
        elif effect != "drop" and rule.target in {*TIMES, TAKEN_OUT}:
            yield line.found(rule.target, duration.minutes if exact else None, duration.said)


def summed(parts: Sequence[Part]) -> Iterator[Found]:
    """The whole of the time where its parts stand in lines one below the other."""
    run: list[Part] = []
    for part in (*parts, None):
        if part is not None and (not run or part.number - run[-1].number <= 1):
            run.append(part)
            continue
        if len(run) >= _PARTS:
            said = " + ".join(str(one.minutes) for one in run)
            first, last = run[0].found, run[-1].found
            total = _within_a_day(sum(one.minutes for one in run))
            yield replace(first, target=TOTAL, value=total, end=last.end, said=said)
        run = [part] if part is not None else []


def standing(totals: Sequence[Found], taken_out: Sequence[Found]) -> Iterator[Found]:
    """The totals that stand: the last correction alone, if there is one; a vague one only where no exact one is.

    What is reported separately is taken out of them; where nobody knows how long that was, or it was longer than the
    total, nothing exact is left.
    """
    exact = [one for one in totals if isinstance(one.value, int)]
    corrections = [one for one in exact if one.corrects]
    elsewhere = [one.value for one in taken_out]
    for one in corrections[-1:] or exact or totals:
        yield replace(one, value=_less(one.value, elsewhere)) if isinstance(one.value, int) else one


def _less(total: int, elsewhere: Sequence[object]) -> int | None:
    known = [minutes for minutes in elsewhere if isinstance(minutes, int)]
    return _within_a_day(total - sum(known)) if len(known) == len(elsewhere) else None


def _within_a_day(minutes: int) -> int | None:
    """Minutes that were worked out, if they make a length of time as a note may tell it: a day at most."""
    return minutes if 0 <= minutes <= DAY else None


def _is_labelled(text: str) -> bool:
    """Whether a number stands somewhere behind a label of one, or, as a total, behind a length of time.

    It is looked for behind the first of them alone: from each to the end would take long in a sentence full of them.
    """
    label, length = _LABEL.search(text), text.find("⟦")
    if label and _NUMBER.search(text, label.end()):
        return True
    return length >= 0 and _TOTAL_NUMBER.search(text, length) is not None


def _numbers(line: Line, rules: NoteRules) -> Iterator[Found]:
    """Fields whose label says that the number is one of minutes."""
    for rule, match in line.matched(rules, rules.numbers):
        if line.effect(rules, rule.target, match, None) is None:
            piece = rules.grammar.is_piece(line.told.text, *match.span("number"))
            yield line.found(rule.target, None if piece else int(match["number"]), match[0])


def _claims(line: Line, rules: NoteRules) -> dict[int, tuple[ReadRule, re.Match[str]]]:
    """The first rule that claims each length of time; one that its context drops leaves it to the next."""
    claims: dict[int, tuple[ReadRule, re.Match[str]]] = {}
    for rule, match in line.matched(rules, rules.claims):
        index = int(MARK.findall(match[0])[-1])
        claims.setdefault(index, (rule, match))
    return claims


def _parts(line: Line, rules: NoteRules, claims: Claims) -> dict[int, Duration]:
    """The lengths of time that tell of one activity each, whatever else they tell."""
    found: dict[int, Duration] = {}
    for _, match in line.matched(rules, rules.parts) if claims else ():
        index = int(MARK.findall(match[0])[-1])
        if claims[index][0].may_be_part and line.effect(rules, PART, match, None) is None:
            found.setdefault(index, line.told.durations[index])
    return dict(sorted(found.items()))


def _total_beside(claims: Claims, parts: Mapping[int, Duration]) -> bool:
    """Whether a total stands in the sentence that is not one of its parts: one that says so, or one apart from them."""
    totals = {index: rule for index, (rule, _) in claims.items() if rule.target == TOTAL}
    return any(not rule.soft or (parts and index not in parts) for index, rule in totals.items())


def _make_a_whole(line: Line, claims: Claims, parts: Mapping[int, Duration]) -> bool:
    """Whether the parts are all there is: none told twice, none within another, and nobody knows what else."""
    restated = sum(claims[index][0].target not in {TOTAL, PART} for index in parts)
    beside = any(rule.target in TIMES and index not in parts for index, (rule, _) in claims.items())
    if restated > 1 or beside or len(claims) < len(line.told.durations):
        return False
    marks = list(MARK.finditer(line.told.text))
    between = [line.told.text[marks[i].end() : marks[i + 1].start()] for i in range(len(marks) - 1)]
    return not any(_WITHIN.search(words) for words in between)


def _sum(parts: Sequence[Duration]) -> int | None:
    """The parts together; none where one is vague. A first or last one as long as all others together is their sum."""
    if any(part.kind is not Kind.EXACT for part in parts):
        return None
    total, stated = sum(part.minutes for part in parts), max(parts[0].minutes, parts[-1].minutes)
    return _within_a_day(stated if stated * 2 == total and len(parts) > _PARTS else total)
