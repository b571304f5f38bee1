"""`telecode feedback` and `telecode store` at the shell: tables, JSON, CSV and a chart of how cards fare."""

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from cds_hooks.cli import main
from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.ledger import Caller, CardGiven, Feedback, Ledger, OfferedCode

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    monkeypatch.setenv("TELECODE_DATABASE_URL", url)
    ledger = Ledger(Database.open(url))
    for number, reason in enumerate(("", "payer-rule", None)):
        code = OfferedCode(f"s{number}", "medicare-ffs", "99214", "10", (), "mdm", recommended=True)
        ledger.give(CardGiven(f"card-{number}", "svc", "selection", (), "sha256:f", (code,)), Caller(), NOON)
        if reason is not None:
            outcome = "overridden" if reason else "accepted"
            ledger.hear([Feedback(f"card-{number}", outcome, NOON, ("s0",), "u", reason)], "svc", Caller(), NOON)
    ledger.hear([Feedback("elsewhere", "overridden", NOON)], "svc", Caller(), NOON)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_the_figures_print_as_a_table() -> None:
    assert run("feedback", "stats").stdout.splitlines() == [
        "all cards          given  accepted  overridden  acceptance",
        "  all                  3         1           1         50% ████████████",
        "by code            given  accepted  overridden  acceptance",
        "  99214                3         1           1         50% ████████████",
        "by basis           given  accepted  overridden  acceptance",
        "  mdm                  3         1           1         50% ████████████",
        "by outcome         given  accepted  overridden  acceptance",
        "  selection            3         1           1         50% ████████████",
        "by month           given  accepted  overridden  acceptance",
        "  2026-11              3         1           1         50% ████████████",
        "overridden because",
        "  payer-rule                     1",
        "feedback on cards that were never given to its sender: 1",
    ]


def test_a_card_accepted_with_no_suggestion_of_its_own_has_a_column_of_its_own() -> None:
    database = Database.open(os.environ["TELECODE_DATABASE_URL"])
    Ledger(database).hear([Feedback("card-2", "accepted", NOON, ("s0", "s1"))], "svc", Caller(), NOON)
    printed = run("feedback", "stats").stdout.splitlines()
    assert printed[:2] == [
        "all cards          given  accepted  overridden  unknown  acceptance",
        "  all                  3         1           1        1         50% ████████████",
    ]
    assert printed[-1] == "accepted suggestions that their card never had: 2"


def test_the_figures_come_as_json_for_a_span_of_days() -> None:
    found = json.loads(run("feedback", "stats", "--json", "--since", "2026-11-20", "--until", "2026-11-21").stdout)
    assert found["total"] == {"key": "all", "given": 3, "accepted": 1, "overridden": 1, "unknown": 0}
    assert json.loads(run("feedback", "stats", "--json", "--since", "2026-11-21").stdout)["total"]["given"] == 0


def test_the_chart_is_a_picture_that_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    assert run("feedback", "stats", "--chart", str(tmp_path / "chart.svg")).exit_code == 0
    drawn = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own picture
    assert "<script" not in drawn
    assert "2026-11" in drawn
    assert 'xlink:href="http' not in drawn


def test_every_event_is_exported_as_csv_and_as_json_lines() -> None:
    rows = list(csv.DictReader(io.StringIO(run("feedback", "export", "--csv").stdout)))
    lines = [json.loads(line) for line in run("feedback", "export").stdout.splitlines()]
    assert [row["card"] for row in rows] == [line["card"] for line in lines]
    assert {row["known"] for row in rows} == {"True", "False"}
    assert lines[0]["at"] == "2026-11-20T12:00:00+00:00"


def test_no_cell_of_the_export_is_a_formula() -> None:
    database = Database.open(os.environ["TELECODE_DATABASE_URL"])
    Ledger(database).hear([Feedback("c", "overridden", NOON, (), "@s", "=1+1")], "svc", Caller("-i"), NOON)
    (row,) = [row for row in csv.DictReader(io.StringIO(run("feedback", "export", "--csv").stdout)) if row["issuer"]]
    assert (row["issuer"], row["reason_system"], row["reason_code"]) == ("'-i", "'@s", "'=1+1")


def test_what_is_older_than_the_days_kept_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELECODE_RETENTION_DAYS", "0")
    assert run("store", "forget").stdout.startswith("everything is kept")
    age = (datetime.now(UTC) - NOON) // timedelta(days=1)
    assert run("store", "forget", "--days", str(age + 2)).stdout.startswith("0 rows")
    if age > 1:
        assert run("store", "forget", "--days", str(age - 1)).stdout.startswith("6 rows")


class Interrupted(NamedTuple):
    how: BaseException
    told: str


@pytest.mark.parametrize(
    "interrupted",
    [
        Interrupted(KeyboardInterrupt(), "interrupted: 2 rows dropped so far; run it again for the rest"),
        Interrupted(
            StoreUnavailableError("Busy"),
            "the store cannot be used: Busy; 2 rows dropped so far, run it again for the rest",
        ),
    ],
)
def test_forgetting_that_is_cut_short_says_how_far_it_came_and_is_taken_up_again(
    monkeypatch: pytest.MonkeyPatch, interrupted: Interrupted
) -> None:
    monkeypatch.setattr("cds_hooks.store.ledger.BATCH", 2)
    forgetting = Ledger.forgetting

    def cut_short(self: Ledger, _: datetime) -> Iterator[int]:
        yield next(forgetting(self, datetime.now(UTC)))
        raise interrupted.how

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "forgetting", cut_short)
        result = run("store", "forget", "--days", "1")
    assert (result.exit_code, result.stderr) == (2, f"error: {interrupted.told}\n")
    database = Database.open(os.environ["TELECODE_DATABASE_URL"])
    assert Ledger(database).forget(datetime.now(UTC)) == 4
    database.close()


@pytest.mark.parametrize("words", ["feedback stats", "feedback export", "store forget", "serve"])
def test_a_store_of_a_newer_version_is_one_line_that_says_what_to_do(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELECODE_HOST", "")  # so that what `serve` sets is taken back after the test
    with Database.open(os.environ["TELECODE_DATABASE_URL"]).writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    result = run(*words.split())
    assert result.exit_code == 2
    assert result.stderr == (
        "error: the store cannot be used: its tables are those of a newer version of telecode (revision '9999'): "
        "start that version, or restore the backup made before the upgrade\n"
    )


def test_a_store_that_cannot_be_opened_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELECODE_DATABASE_URL", "sqlite:////no/such/folder/telecode.db")
    result = run("feedback", "stats")
    assert result.exit_code == 2
    assert result.stderr == "error: the store cannot be used: OperationalError\n"
