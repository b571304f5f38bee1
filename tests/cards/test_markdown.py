"""Chart text on a card is text: one line, visible, inert."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.cards.markdown import escaped, plain, table


@given(st.text())
def test_nothing_from_outside_can_open_a_tag_a_link_or_a_cell(text: str) -> None:
    shown = escaped(text)
    assert "<" not in shown
    assert ">" not in shown
    assert "\n" not in shown
    for special in "`*_[]()|~":
        assert not re.search(rf"(?<!\\)(?:\\\\)*{re.escape(special)}", shown)


@given(st.text(), st.integers(min_value=1, max_value=200))
def test_a_line_is_never_longer_than_asked(text: str, longest: int) -> None:
    assert len(plain(text, longest)) <= longest


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x00", "\u2028", "\r\n", "\ufeff"])
def test_control_and_bidi_characters_do_not_survive(hidden: str) -> None:
    assert plain(f"a{hidden}b") == "a b"


ADDRESSES = [
    "http://e.example/x",
    "https://e.example",
    "HTTPS://E.EXAMPLE",
    "ftp://e.example",
    "www.e.example",
    "WWW.E.EXAMPLE",
    "a@e.example",
    "mailto:a@e.example",
    "xmpp:a@e.example/x",
    "<https://e.example>",
    "[a](https://e.example)",
    "![a](https://e.example)",
    "https&#58;//e.example",
    "//e.example",
    "https:////e.example",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_not_turned_into_a_link(address: str) -> None:
    assert not re.search(r"(?i)//|www\.|[^ \\]@|@[^ ]", escaped(address))


def test_ordinary_words_stay_as_they_are() -> None:
    assert escaped("Observation/minutes: 34 min, 2026-11-20") == "Observation/minutes: 34 min, 2026-11-20"


def test_a_table_is_a_gfm_table() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
