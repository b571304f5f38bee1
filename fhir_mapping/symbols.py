"""Reads the letters of fonts that draw signs instead of letters: Symbol, Wingdings and their like.

In such a font the letter £ is drawn as "at most", and þ as a ticked box. What cannot be told for certain is read as a
letter that nobody can read, never as the one that was written.
"""

from collections.abc import Mapping
from string import digits

UNREADABLE = "\ufffd"
_BULLET = "\u2022"
_OPEN, _TICKED, _CROSSED, _TICK = "\u2610", "\u2611", "\u2612", "\u2713"
_PRIVATE = range(0xF000, 0xF100)  # where the letters of these fonts lie in Unicode

_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_GREEK = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ"
_SYMBOL: Mapping[int, str] = {
    **{ord(one): one for one in digits + "()+,./:;<=>[]{}|%&!?#_"},
    **{ord(latin): greek for latin, greek in zip(_LATIN, _GREEK, strict=True)},
    ord("-"): "\u2212",
    ord("*"): "\u2217",
    ord("@"): "\u2245",
    ord("~"): "\u223c",
    **dict(enumerate("\u20ac\u03d2\u2032\u2264\u2044\u221eƒ\u2663\u2666\u2665\u2660", 0xA0)),
    **dict(enumerate("\u2194\u2190\u2191\u2192\u2193°±\u2033\u2265\u00d7\u221d\u2202", 0xAB)),
    **dict(enumerate("\u2022÷\u2260\u2261\u2248\u2026", 0xB7)),
}
_WINGDINGS: Mapping[int, str] = {
    **dict.fromkeys((0x6C, 0x6E, 0x73, 0x74, 0x75, 0x76, 0x77, 0x9E, 0x9F, 0xA1, 0xA7, 0xD8), _BULLET),
    **dict.fromkeys((0x6F, 0x70, 0x71, 0x72, 0xA8), _OPEN),
    0x78: _CROSSED,
    0xFC: _TICK,
    0xFD: _CROSSED,
    0xFE: _TICKED,
}
_DINGBATS: Mapping[int, str] = {0x33: _TICK, 0x34: _TICK, **dict.fromkeys(range(0x6F, 0x73), _OPEN)}
_FONTS: Mapping[str, Mapping[int, str]] = {
    "symbol": _SYMBOL,
    "wingdings": _WINGDINGS,
    "wingdings 2": {0x50: _TICK, 0x52: _TICKED, 0x54: _CROSSED, 0xA3: _OPEN},
    "wingdings 3": {},
    "webdings": {0x61: _TICK, 0x63: _OPEN},
    "zapfdingbats": _DINGBATS,
    "zapf dingbats": _DINGBATS,
}


def draws_signs(font: str) -> bool:
    """Whether a font is known to draw signs in place of letters, by its name."""
    return _name(font) in _FONTS


def drawn(font: str, said: str) -> str:
    """What the letters of a text look like in a font that draws signs; blanks stay as they are."""
    signs = _FONTS.get(_name(font), {})
    return "".join(letter if letter.isspace() else _sign(signs, ord(letter)) for letter in said)


def _sign(signs: Mapping[int, str], code: int) -> str:
    if code in _PRIVATE:
        code -= _PRIVATE.start
    elif code > 0xFF:  # noqa: PLR2004 - a letter of Unicode, which such a font does not hold, is drawn as itself
        return chr(code)
    return signs.get(code, UNREADABLE)


def _name(font: str) -> str:
    return font.strip(" ;'\"").casefold()
