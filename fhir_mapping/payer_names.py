"""Reads what the names on a coverage say about its payer: Medicare and its parts, Medicaid, an insurer, a dental plan.

A name is read word by word, so that a lookalike (a supplement, a drug plan, an insurer's Medicare plan) is never taken
for Medicare fee-for-service.
"""

from collections.abc import Iterator
from itertools import takewhile

from fhir_mapping.vocabulary import Vocabulary, words

MEDICARE = "medicare"
NOT_FOR_VISITS = "not-for-visits"
ACCIDENTS_ONLY = "accidents-only"
ADVANTAGE, ORIGINAL, HOSPITAL_PART = "medicare-advantage", "medicare-ffs", "medicare-part-a"
COMMERCIAL, SUPPLEMENT, DUAL, DUAL_STATUS = (
    "commercial",
    "medicare-supplement",
    "medicare-and-medicaid",
    "medicare-and-medicaid-status",
)

_NAMES_OF_MEDICARE = {"medicare", "mcr"}
_PART = {"part", "parts", "pt"}
_BETWEEN = {"and", "or", *_PART}
_LINES = {"medicaid", "tricare", "self-pay", COMMERCIAL}
_LETTERS = {"a": "a", "b": "b", "c": "c", "d": "d", "ab": "ab", "abd": "abd", "abcd": "abcd"}


def signs(said: str, vocabulary: Vocabulary) -> frozenset[str]:
    """List what a name says: the words of `payer_sign`, the parts of Medicare as `part-a` and so on.

    The name of the agency that runs Medicare is read as a whole, for it holds the words of two payers.
    """
    rest = vocabulary.without("payer_agency", said)
    found = {*vocabulary.phrases("payer_sign", rest), *vocabulary.phrases("payer_agency", said)}
    if "agency" in found:
        found.add(MEDICARE)
    letters = medicare_parts(rest)
    if letters and not _NAMES_OF_MEDICARE.isdisjoint(words(rest)):
        found.add(MEDICARE)
    return frozenset(found | {f"part-{letter}" for letter in letters})


def medicare_parts(said: str) -> frozenset[str]:
    """List the parts of Medicare that are named: "Part B", "Medicare A/B", "Medicare Parts A, B and D"."""
    tokens = words(said)
    return frozenset(letter for place in range(len(tokens)) for letter in _run(tokens, place))


def _run(tokens: list[str], place: int) -> Iterator[str]:
    """Read the letters that follow one word. An "a" behind "Medicare" is an article unless it ends the name."""
    if tokens[place] not in _NAMES_OF_MEDICARE | _PART:
        return
    following = list(takewhile(lambda token: token in _BETWEEN or token in _LETTERS, tokens[place + 1 :]))
    letters = [token for token in following if token in _LETTERS]
    article = letters == ["a"] and tokens[place] in _NAMES_OF_MEDICARE and following == letters
    if article and place + 2 < len(tokens):
        return
    for token in letters:
        yield from _LETTERS[token]


def named(found: frozenset[str]) -> str | None:
    """Combine what all names of a coverage say.

    Medicare goes first: "Aetna Medicare Advantage PPO" is no commercial plan.
    Parameters: `found`, the signs of all its names.
    """
    if "contractor" in found and found.isdisjoint({*_LINES, NOT_FOR_VISITS}):
        found |= {MEDICARE, "original"}
    if MEDICARE in found and "medicaid" in found:
        return DUAL_STATUS if "agency" in found else DUAL
    if "supplement" in found:
        return SUPPLEMENT
    advantage = not found.isdisjoint({"advantage", "part-c"})
    original = not found.isdisjoint({"original", "part-a", "part-b"})
    if NOT_FOR_VISITS in found and not (MEDICARE in found and (advantage or original)):
        return NOT_FOR_VISITS
    if "part-d" in found and not (advantage or original or found & _LINES):
        return NOT_FOR_VISITS
    if MEDICARE in found:
        return _of_medicare(found, advantage=advantage, original=original)
    others = found & _LINES
    return next(iter(others)) if len(others) == 1 else None


def _of_medicare(found: frozenset[str], *, advantage: bool, original: bool) -> str:
    """Tell which Medicare it is. No insurer pays for fee-for-service: its name beside "Part B" leaves the kind open."""
    if advantage == original:
        return MEDICARE
    if advantage:
        return ADVANTAGE
    if "insurer" in found:
        return MEDICARE
    return HOSPITAL_PART if "part-a" in found and "part-b" not in found else ORIGINAL
