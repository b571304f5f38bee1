"""Writes a rich text (RTF) anew as its page shows it, so that its plain text says what a reader sees.

Left out is what is struck out or hidden. What is raised is parted from the number beside it, a footnote is marked where
it hangs and follows at the end, a box of a form is ticked or open, and a letter in a font of signs is the sign drawn.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from striprtf.striprtf import destinations, remove_pict_groups, specialchars

from fhir_mapping.raised import MARK, between, parts_a_number
from fhir_mapping.rtf_fields import Field
from fhir_mapping.rtf_fonts import Fonts
from fhir_mapping.symbols import UNREADABLE, drawn

_TOKEN = re.compile(r"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|([{}])|\\'([0-9a-fA-F]{2})|\\(.)|([^\\{}]+)|\\", re.DOTALL)
_OUT_OF_SIGHT = ("strike", "striked", "v", "deleted")  # each begins with the bare word or a 1, and ends with a 0
_SHIFTS = {"super": "raised", "up": "raised", "sub": "lowered", "dn": "lowered"}  # and each of these
# Words within which the digits of a number may change: formatting that neither moves nor resizes what it holds.
_PLAIN = frozenset(
    {
        *(
            "b",
            "i",
            "ul",
            "ulnone",
            "uld",
            "uldb",
            "ulw",
            "f",
            "af",
            "fcs",
            "ab",
            "ai",
            "cf",
            "cb",
            "chcbpat",
            "highlight",
        ),
        *("lang", "langnp", "langfe", "langfenp", "loch", "hich", "dbch", "ltrch", "rtlch", "noproof", "uc", "kerning"),
        *("insrsid", "charrsid", "revised", "revauth", "revdttm", "plain", "nosupersub", *_OUT_OF_SIGHT, *_SHIFTS),
    }
)
_TIME = re.compile(
    r"(?:[0-9]|\b(?:min\w*|hours?|hrs?|h)\.?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|teen|ty)\W?$"
)
_RECENT = 24  # letters before a footnote that tell whether it hangs at a length of time
_BYTE = 0x80  # from here on a letter is drawn in the font of the high ones


class _Group(NamedTuple):
    """What holds within a group of the text; `low` and `high` are the numbers of fonts."""

    hidden: frozenset[str] = frozenset()
    ignored: bool = False
    shift: tuple[int, str] = (0, "")
    low: str = ""
    high: str = ""
    fallbacks: int = 1  # letters behind one of Unicode that stand in for it
    field: Field | None = None
    footnote: bool = False
    fonts: bool = False
    bullet: bool = False


def as_shown(markup: str) -> str:
    """The rich text with what its page shows in place of what it says; the time grows with its length alone."""
    return _Page().write(remove_pict_groups(markup))  # type: ignore[no-untyped-call]  # striprtf has no types


@dataclass(slots=True)
class _Page:
    now: _Group = field(default_factory=_Group)
    opens: str = ""  # what the group that is open began: a "footnote" or a "field"
    outer: list[tuple[_Group, str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    footnotes: list[str] = field(default_factory=list)
    fonts: Fonts = field(default_factory=Fonts)
    shifts: int = 0
    last: str = ""  # what was shown last, and whether it was raised
    last_shift: tuple[int, str] = (0, "")
    skips: int = 0
    is_parted: bool = False  # whether a word that is no plain formatting stood since the last letters

    def write(self, markup: str) -> str:
        for token in _TOKEN.finditer(markup):
            word, number, brace, byte, sign, text = token.groups()
            if brace == "{":
                self._open()
            elif brace:
                self._close()
            elif word:
                self._word(word, number, token[0])
            elif byte:
                self._letter(chr(int(byte, 16)), token[0])
            elif sign:
                self._sign(sign, token[0])
            elif text:
                self._text(text)
        return "".join((*self.body, *self.footnotes))

    def _put(self, token: str) -> None:
        (self.footnotes if self.now.footnote else self.body).append(token)

    def _open(self) -> None:
        self._put("{")
        self.skips = 0
        self.outer.append((self.now, self.opens, self.last))
        self.opens = ""

    def _close(self) -> None:
        self.skips = 0
        closed, opened = self.now, self.opens
        self.now, self.opens, last = self.outer.pop() if self.outer else (_Group(), "", self.last)
        if opened == "footnote":
            self.footnotes.append("}")
            self.last = last
        if not self.outer:  # the end of all that is shown
            self.body += self.footnotes
            self.footnotes.clear()
        self._put("}")
        if opened == "field" and closed.field and (shown := closed.field.result()):
            self._show(shown, self._written(shown))

    def _word(self, word: str, number: str | None, token: str) -> None:
        self.skips = 0
        now = self.now
        if word == "footnote" and not (now.ignored or now.footnote or now.hidden):
            self._footnote()
        elif word == "u":
            self._letter(chr(int(number or 0) % 0x10000), token)
            self.skips = now.fallbacks
        elif word in specialchars:
            self._show(specialchars[word], token)
        else:
            self._put(token)
            self.is_parted = self.is_parted or word not in _PLAIN
            self._change(word, number)

    def _footnote(self) -> None:
        now = self.now
        self.body.append(MARK if _TIME.search(self.last.casefold()) else "")
        self.footnotes.append(rf"{{\uc{now.fallbacks}\f{now.low or self.fonts.default or 0}\par Footnote: ")
        self.now, self.last = now._replace(footnote=True), ""
        self.opens = "footnote"

    def _change(self, word: str, number: str | None) -> None:
        """Note what a word changes for the letters behind it, to the end of its group."""
        now = self.now
        if word in destinations:
            self.now = now._replace(ignored=True, fonts=word == "fonttbl")
        elif word == "plain":
            self.now = now._replace(hidden=frozenset(), shift=(0, ""), low=self.fonts.default, high=self.fonts.default)
        elif word in _OUT_OF_SIGHT:
            self.now = now._replace(hidden=now.hidden - {word} if number == "0" else now.hidden | {word})
        elif word in _SHIFTS or word == "nosupersub":
            self.shifts += 1
            ended = number == "0" or word == "nosupersub"
            self.now = now._replace(shift=(0, "") if ended else (self.shifts, _SHIFTS[word]))
        elif word == "uc":
            self.now = now._replace(fallbacks=max(0, int(number or 1)))
        elif word == "listtext":
            self.now = now._replace(bullet=True)
        elif word == "field":
            self.now = now._replace(field=Field())
            self.opens = "field"
        elif now.field and word in {"ffres", "ffdefres"}:
            now.field.stand(word, number or "")
        else:
            self._font(word, number or "")

    def _font(self, word: str, number: str) -> None:
        low, high = self.fonts.choose(word, number, in_table=self.now.fonts)
        if low or high:
            self.now = self.now._replace(low=number if low else self.now.low, high=number if high else self.now.high)

    def _sign(self, sign: str, token: str) -> None:
        self.skips = 0
        if sign == "*":
            self.now = self.now._replace(ignored=True, fonts=False)
        elif sign == "\\" and self.now.field:
            self.now.field.tell(sign)
        self._show(specialchars.get(sign, ""), token)

    def _text(self, text: str) -> None:
        now = self.now
        if now.ignored:
            if now.fonts:
                self.fonts.tell(text)
            elif now.field:
                now.field.tell(text)
            self._put(text)
            return
        at = 0
        while self.skips and at < len(text):
            self.skips -= text[at] not in "\r\n"
            at += 1
        self._put("" if now.hidden else text[:at])
        said = text[at:]
        font = self.fonts.of_signs(now.low)
        if font is not None:
            said = self._drawn(font, said)
        self._show("".join(said.splitlines()), said if font is None else self._written(said))

    def _letter(self, letter: str, token: str) -> None:
        """A letter by its number: of a byte, or of Unicode."""
        now = self.now
        if self.skips and token[1] == "'":
            self.skips -= 1
            self._put("" if now.hidden else token)
            return
        font = self.fonts.of_signs(now.high if ord(letter) >= _BYTE else now.low)
        if font is None:
            shown = bytes([ord(letter)]).decode("cp1252", "replace") if token[1] == "'" else letter
            self._show(shown, token)
            return
        sign = self._drawn(font, letter)
        self._show(sign, self._written(sign) if token[1] == "'" else rf"\u{_signed(sign)} ")

    def _drawn(self, font: str, said: str) -> str:
        signs = drawn(font, said)
        return signs.replace(UNREADABLE, "\u2022") if self.now.bullet else signs

    def _written(self, said: str) -> str:
        fallbacks = self.now.fallbacks
        return "".join(
            one if one.isascii() and one not in "\\{}" else rf"\uc0\u{_signed(one)} \uc{fallbacks} " for one in said
        )

    def _show(self, said: str, token: str) -> None:
        """Put letters where they are shown, parted from what they do not belong to; of hidden ones the lines alone."""
        now = self.now
        if now.hidden and not (said.isspace() and token[1:2].isalpha()):
            return
        if said and not now.ignored:
            if now.shift != self.last_shift:
                lowered = {now.shift[1], self.last_shift[1]} <= {"", "lowered"}
                parts = between(self.last[-1:], said, lowered=lowered)
                self._put(parts)
                self.is_parted = self.is_parted and not parts
            if self.is_parted and parts_a_number(self.last, said):
                self._put(MARK)
            self.is_parted = False
            self.last, self.last_shift = (self.last + said)[-_RECENT:], now.shift
            if now.field:
                now.field.shown = True
        self._put(token)


def _signed(letter: str) -> int:
    return ord(letter) - (ord(letter) >= 0x8000) * 0x10000  # noqa: PLR2004 - RTF counts to there
