"""No row of the protocol is left to chance: each has a test that carries its id in its name."""

import re
from pathlib import Path

ROWS = {"j": 4, "d": 11, "p": 18, "r": 11, "c": 15, "f": 7, "s": 9}
"""How many rows each table has: JSON, discovery, prefetch, request, cards, feedback, client authentication."""
NOT_GIVEN = {"p9"}
TESTS = Path(__file__).parents[1]


def test_every_row_has_a_test_of_its_name() -> None:
    names = re.findall(
        r"def (test_\w+)", "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    )
    named = {row for name in names for row in re.findall(r"_([a-z]\d+)(?=_)", name)}
    spanned = {f"c{number}" for number in range(1, 14)} if any("_c1_to_c13_" in name for name in names) else set()
    rows = {f"{table}{number}" for table, many in ROWS.items() for number in range(1, many + 1)} - NOT_GIVEN
    assert rows - named - spanned == set()
