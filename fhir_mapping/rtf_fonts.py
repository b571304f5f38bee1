"""The fonts of a rich text (RTF): which of them draw signs, and which one its words choose for the letters behind."""

from dataclasses import dataclass, field

from fhir_mapping.symbols import draws_signs

_SIGNS = "2"  # the set of letters of a font that draws signs
_KINDS = frozenset({"loch", "hich", "dbch", "rtlch", "ltrch"})  # of letters that the next font is for


@dataclass(slots=True)
class Fonts:
    """Fonts by their numbers; `default` is the one where none is chosen."""

    default: str = ""
    _signs: dict[str, str] = field(default_factory=dict)
    _told: tuple[str, str, str] = ("", "", "")  # the one of the table: number, set of letters, name
    _kind: str = ""

    def of_signs(self, number: str) -> str | None:
        """The name of a font, if it draws signs."""
        return self._signs.get(number or self.default)

    def tell(self, name: str) -> None:
        """Take the name of a font in the table, which ends with a semicolon."""
        number, letters, begun = self._told
        said, ended, _ = name.partition(";")
        self._told = number, letters, begun + said
        if ended and (letters == _SIGNS or draws_signs(begun + said)):
            self._signs[number] = begun + said

    def choose(self, word: str, number: str, *, in_table: bool) -> tuple[bool, bool]:
        """Take a word about fonts, and say whether it chooses one for the low letters, and for the high ones.

        Parameters: `in_table`, whether the word stands in the table of the fonts, where it tells what a font is.
        """
        if word in _KINDS:
            self._kind = word
        elif word == "deff":
            self.default = number
        elif in_table and word == "f":
            self._told = number, "", ""
        elif in_table and word == "fcharset":
            self._told = self._told[0], number, self._told[2]
        elif word == "f":
            return True, self._kind != "loch"
        elif word == "af":
            return self._kind == "loch", self._kind == "hich"
        return False, False
