"""The activity tab shows what the store holds, as pictures and as numbers, and says so where there is nothing yet."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from cds_hooks.charts import as_part_of_a_page, by_code, by_month, by_reason
from cds_hooks.store.ledger import Caller, Feedback, Ledger
from cds_hooks.store.statistics import Tally
from tests.web.test_page_calculator import HOSTILE, Page

Json = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
REASON = {"reason": {"system": "https://example.org/fhir/telecode/CodeSystem/override-reason", "code": "payer-rule"}}


@pytest.fixture
def fresh(app_with: Callable[..., FlaskClient], tmp_path: Path) -> FlaskClient:
    return app_with(database_url=f"sqlite:///{tmp_path}/telecode.db")


def given(client: FlaskClient, good: Json) -> Json:
    card: Json = client.post(NOTE_SIGN, json=good).get_json()["cards"][0]
    return card


def told(client: FlaskClient, card: Json, **event: Any) -> None:
    event |= {"card": card["uuid"], "outcomeTimestamp": "2026-11-20T20:30:00Z"}
    assert client.post(f"{NOTE_SIGN}/feedback", json={"feedback": [event]}).status_code == 200


def cells(page: str, heading: str) -> list[str]:
    row = page.partition(f'<th scope="row">{heading}</th>')[2].partition("</tr>")[0]
    return re.findall("<td>(.*?)</td>", row)


def test_an_empty_store_says_what_to_do_and_draws_nothing(fresh: FlaskClient) -> None:
    page = fresh.get("/activity").get_data(as_text=True)
    assert "No card was given yet." in page
    assert "<svg" not in page


def test_a_card_that_was_given_is_counted_at_once_with_what_became_of_it(fresh: FlaskClient, good: Json) -> None:
    first, second, _ = given(fresh, good), given(fresh, good), given(fresh, good)
    told(fresh, first, outcome="accepted", acceptedSuggestions=[{"id": first["suggestions"][0]["uuid"]}])
    told(fresh, second, outcome="overridden", overrideReason=REASON)
    page = fresh.get("/activity").get_data(as_text=True)
    assert cells(page, "99214") == ["3", "1", "1", "1", "50%"]
    assert cells(page, "mdm") == ["3", "1", "1", "1", "50%"]
    assert cells(page, "The payer wants it coded another way") == ["1"]
    assert page.count("<svg") == 3


def test_the_pictures_hold_the_numbers_of_the_tables_and_nothing_that_runs(fresh: FlaskClient, good: Json) -> None:
    for _ in range(7):
        given(fresh, good)
    page = fresh.get("/activity").get_data(as_text=True)
    pictures = [ET.fromstring(f"<svg{part.split('</svg>')[0]}</svg>") for part in page.split("<svg")[1:]]  # noqa: S314 - our own pictures
    assert len(pictures) == 2
    for picture in pictures:
        assert picture.get("role") == "img"
        assert picture.get("aria-label")
        values = [text.text for text in picture.iter() if text.get("class") == "value"]
        assert "7" in values
        names = {str(part.tag).rpartition("}")[2] for part in picture.iter()}
        assert not names & {"script", "style"}
        assert not [part for part in picture.iter() if part.get("style") or part.get("id")]


def test_a_span_of_days_leaves_out_the_cards_of_others(fresh: FlaskClient, good: Json) -> None:
    given(fresh, good)
    assert "No card was given in these days." in fresh.get("/activity?until=2020-01-01").get_data(as_text=True)
    assert cells(fresh.get("/activity?since=2020-01-01").get_data(as_text=True), "99214")[0] == "1"


def test_a_reason_that_is_no_code_is_shown_as_text_though_the_store_holds_it(fresh: FlaskClient, good: Json) -> None:
    kept: Ledger = fresh.application.extensions["ledger"]
    poison, now = "<img src=x onerror=alert(1)>", datetime.now(UTC)
    kept.hear([Feedback(given(fresh, good)["uuid"], "overridden", now, (), "s", poison)], "svc", Caller(), now)
    page = fresh.get("/activity").get_data(as_text=True)
    assert "<img" not in page
    assert "&lt;img" in page


@pytest.mark.parametrize("poison", [*HOSTILE, "2026-13-01"])
def test_a_day_that_is_none_is_shown_as_text(fresh: FlaskClient, poison: str) -> None:
    answer = fresh.get("/activity", query_string={"since": poison})
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 400
    assert "is not a date as YYYY-MM-DD" in page.text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "svg"}


def test_a_store_that_is_down_is_said_to_be_so(fresh: FlaskClient) -> None:
    with fresh.application.extensions["ledger"].database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE card")
    answer = fresh.get("/activity")
    assert answer.status_code == 503
    assert "The store does not answer" in answer.get_data(as_text=True)


def test_cards_are_counted_by_ones_on_every_axis() -> None:
    few = [Tally("2026-11", 2, 1, 0)]
    for chart in (by_month(few), by_code(few), by_reason([("payer-rule", 1), ("other", 2)])):
        assert not re.search(r"<text[^>]*>[0-9]+\.[0-9]+<", as_part_of_a_page(chart))
