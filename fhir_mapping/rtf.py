"""Turns rich text (RTF) into plain text, as a reader of its page sees it."""

import re

from striprtf.striprtf import font_table_group, rtf_to_text

from fhir_mapping.rtf_page import as_shown

# striprtf looks for links and fonts by patterns that take a broken text apart in every way there is.
_LINK = re.compile(r"(\\fldinst)\{", re.IGNORECASE)
_FONT = re.compile(r"\\f([0-9]{1,6})[0-9]*", re.IGNORECASE)
_CHARSET = re.compile(r"(\\fcharset[0-9]{1,6})[0-9]*", re.IGNORECASE)


def from_rtf(markup: str) -> str:
    """The plain text of a rich text.

    Raises ValueError if it is broken.
    """
    try:
        return str(rtf_to_text(_bounded(as_shown(markup)), errors="replace"))  # type: ignore[no-untyped-call]  # striprtf has no types
    except Exception as broken:  # noqa: BLE001 - striprtf names none of its own: a number that lacks is a TypeError
        raise ValueError(f"striprtf ended in {type(broken).__name__}") from None


def _bounded(markup: str) -> str:
    """Write each font on a line of its own, with its end, and no link as one: then striprtf reads every text once."""
    markup = _LINK.sub(r"\1 {", markup)
    fonts: str = font_table_group(markup)  # type: ignore[no-untyped-call]  # striprtf has no types
    if not fonts:
        return markup
    ended = _FONT.sub(r";\n\\f\1", _CHARSET.sub(r"\1", fonts.rstrip("}")))
    return markup.replace(fonts, ended + ";" + fonts[len(fonts.rstrip("}")) :], 1)
