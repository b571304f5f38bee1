"""Reads the boxes of a form in a note: what is ticked was chosen, and what is not ticked says nothing."""

import re

_OPEN, _TICKED = "[ ]", "[x]"
_MINUTES = r"\s*min(?:ute)?s?\b"
_DRAWN = str.maketrans(dict.fromkeys("☒☑✅", _TICKED))
_OF_A_FORM = str.maketrans({**dict.fromkeys("☐□▢⬜", _OPEN), **dict.fromkeys("☒☑✅✓✔", _TICKED)})
_ANY = re.compile(r"[☒☑✅☐□▢⬜]|\[[ _]{0,9}\]|\( {0,9}\)")
_SIGNS = (*"☒☑✅☐□▢⬜", "[ ", "[_", "[]", "( ", "()")
"""One of these stands in every text that `_ANY` finds a box in; to look for them costs far less."""
_SURE = re.compile(rf"\[[ _]{{0,9}}\](?!{_MINUTES})|\( {{0,9}}\)(?!{_MINUTES})|[☐□▢⬜]")
"""An open box. A blank before "min" is a length of time that nobody filled in."""
_ROUND = re.compile(r"\( ?([xX✓✔]?) ?\)")
_SQUARE = re.compile(rf"\[[ _]{{0,9}}\](?!{_MINUTES})|\[ ?[xX✓✔] ?\]")
_BOX = re.compile(rf"\[([ x])\](?!{_MINUTES})")
_CLAUSE = re.compile(r"[;|]")
_LABEL = re.compile(r"[:?](?=.*\w)")


def boxed(text: str) -> bool:
    """Whether a text holds a box, drawn or open: of any other its ticks are read as they are written."""
    return any(sign in text for sign in _SIGNS) and _ANY.search(text) is not None


def ticked(sentence: str) -> str:
    """A sentence of a form with what was chosen and no other choice; each tick that leads its choice stays, as `[x]`.

    Where a form puts the box before its choice and where behind it is told by where the first and the last box stand.
    Of a question with no box ticked nothing stays, for what it asks was not answered.
    """
    if not _SURE.search(sentence):
        return sentence.translate(_DRAWN)
    plain = _SQUARE.sub(_square, _ROUND.sub(_round, sentence)).translate(_OF_A_FORM)
    boxes = list(_BOX.finditer(plain))
    if not boxes:
        return plain
    question = plain[: boxes[0].start()]
    if all(box[1] == " " for box in boxes):
        kept = max((one.end() for one in _CLAUSE.finditer(question)), default=0)
        return f"{question[:kept]} {_after(plain, boxes)}".strip()
    return _trailing(plain, boxes) if _trail(plain, boxes) else _leading(plain, boxes)


def _round(box: re.Match[str]) -> str:
    return _TICKED if box[1] else _OPEN


def _square(box: re.Match[str]) -> str:
    return _OPEN if not box[0].strip("[] _") else _TICKED


def _trail(plain: str, boxes: list[re.Match[str]]) -> bool:
    """Whether each box stands behind its choice: nothing is behind the last, and a choice is before the first."""
    if plain[boxes[-1].end() :].strip(" .,;"):
        return False
    leads = [plain[: box.start()].rstrip() for box in boxes]
    return bool(leads[0].strip("-*• ")) and (not leads[0].endswith(":") or all(lead.endswith(":") for lead in leads))


def _leading(plain: str, boxes: list[re.Match[str]]) -> str:
    kept = [plain[: boxes[0].start()]]
    for box, following in zip(boxes, [*boxes[1:], None], strict=True):
        if box[1] == "x":
            kept.append(f"{_TICKED} {plain[box.end() : following.start() if following else len(plain)].strip()} ")
    return "".join((*kept, "" if boxes[-1][1] == "x" else _after(plain, boxes))).strip()


def _trailing(plain: str, boxes: list[re.Match[str]]) -> str:
    first = plain[: boxes[0].start()]
    label = max((one.end() for one in _LABEL.finditer(first)), default=0)
    kept, at = [first[:label]], label
    for box in boxes:
        if box[1] == "x":
            kept.append(plain[at : box.start()].rstrip(" :,;"))
        at = box.end()
    return " ".join(one.strip() for one in kept).strip()


def _after(plain: str, boxes: list[re.Match[str]]) -> str:
    """What stands behind a list of choices, in a clause of its own; a box that stands alone opens all that follows."""
    end = _CLAUSE.search(plain, boxes[-1].end()) if len(boxes) > 1 else None
    return plain[end.start() :] if end else ""
