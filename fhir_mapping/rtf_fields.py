"""Reads a field of a rich text (RTF) that shows no words of its own: a box of a form, a list, or a single sign."""

import re
from dataclasses import dataclass

from fhir_mapping.symbols import UNREADABLE, drawn, draws_signs

_SIGN = re.compile(r"SYMBOL\s+(0x[0-9a-f]{1,4}|[0-9]{1,5})\b[^\"]{0,20}?\\f\s*\"?([\w ]{1,40})", re.IGNORECASE)
_MOST = 200  # letters of what a field does that are looked at
_BOX, _LIST = "FORMCHECKBOX", "FORMDROPDOWN"


@dataclass(slots=True)
class Field:
    """A field: what it does, how its box stands and stood at first, and whether a result of it is shown."""

    does: str = ""
    stands: str = ""
    stood: str = ""
    shown: bool = False

    def tell(self, words: str) -> None:
        """Take some more words of what it does."""
        self.does = (self.does + words)[:_MOST]

    def stand(self, word: str, number: str) -> None:
        """Take how its box stands (`ffres`), which may be as it did at first (`ffdefres`): 1 is ticked, 0 is not."""
        if word == "ffres":
            self.stands = number
        else:
            self.stood = number

    def result(self) -> str:
        """What it shows where it has no result: nothing, a box, or a sign.

        A box of which it is not told how it stands is open, for from what is not ticked nothing is read.
        """
        if _BOX in self.does:
            stands = self.stands if self.stands in {"0", "1"} else self.stood
            return "[x] " if stands == "1" else "[ ] "
        if self.shown:
            return ""
        if found := _SIGN.search(self.does):
            code = int(found[1], 16 if found[1][:2].casefold() == "0x" else 10)
            return drawn(found[2], chr(code)) if draws_signs(found[2]) else UNREADABLE
        return UNREADABLE if _LIST in self.does else ""
