"""The rules tab prints the tables of a day as they stand in the policy book, each row with its source and start."""

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.print_out import code_rows, code_tables
from cds_hooks.web.rules import look_up
from tests.web.test_page_calculator import HOSTILE, Page

Json = dict[str, Any]


def opened(client: FlaskClient, query: dict[str, str], status: int = 200) -> Page:
    answer = client.get(f"/rules?{urlencode(query)}")
    assert answer.status_code == status
    return Page(answer.get_data(as_text=True))


def codes(client: FlaskClient, **query: str) -> set[str]:
    found = look_up(query, client.application.extensions["telecode"].book, date(2026, 11, 20))
    return {row.code for table in found.tables for row in table.rows}


@pytest.mark.parametrize("day", ["2024-01-01", "2025-01-01", "2026-11-20"])
def test_every_code_in_force_stands_on_the_page_with_its_time_and_its_start(client: FlaskClient, day: str) -> None:
    page = opened(client, {"on": day})
    book: PolicyBook = client.application.extensions["telecode"].book
    rows = list(code_rows(book, date.fromisoformat(day)))
    assert rows
    for row in rows:
        assert row.code in page.text
        assert row.time in page.text or row.time == "none"
        assert row.since.isoformat() in page.text


def test_the_telemedicine_codes_stand_on_no_page_of_the_day_before_they_began(client: FlaskClient) -> None:
    assert "98006" not in codes(client, on="2024-12-31")
    assert "98006" in codes(client, on="2025-01-01")


def test_every_table_leads_to_the_pages_it_was_read_from(client: FlaskClient, book: PolicyBook) -> None:
    links = {link.get("href") for tag, link in opened(client, {"on": "2026-11-20"}).tags if tag == "a"}
    for table in code_tables(book, date(2026, 11, 20)):
        urls = {book.sources[name].url for name in table.sources} - {None}
        assert urls <= links


@pytest.mark.parametrize("path", ["/rules?on=2026-11-20&payer=medicare-ffs", "/calculator?service_date=2026-11-20"])
def test_what_one_source_alone_says_is_not_shown_as_said_by_more(client: FlaskClient, path: str) -> None:
    page = client.get(f"{path}&modality=audio_video&patient_status=established&mdm=low&payers=medicare-ffs")
    sources = re.findall(
        r"([^<>]*)(?:</a>)?([^<>]*?)(?: · |<span class=\"sure\">)one source", page.get_data(as_text=True)
    )
    assert sources
    assert not [said for said in sources if " more" in "".join(said)]


def test_a_payers_page_holds_its_own_policy_and_only_the_codes_it_takes(client: FlaskClient) -> None:
    page = opened(client, {"on": "2026-11-20", "payer": "medicare-ffs"})
    for words in ("G2212", "93 required", "Was the patient at home?", "Place of service", "10", "02", "status I"):
        assert words in page.text
    assert "98006" not in codes(client, on="2026-11-20", payer="medicare-ffs")
    assert {"98006", "99417"} <= codes(client, on="2026-11-20", payer="cpt-telemedicine")


def test_a_plan_of_unknown_adoption_shows_the_codes_of_both_policies(client: FlaskClient) -> None:
    assert {"98006", "99214"} <= codes(client, on="2026-11-20", payer="commercial")
    assert "Adoption differs from plan to plan" in opened(client, {"on": "2026-11-20", "payer": "commercial"}).text


def test_a_day_past_the_verified_rules_says_so(client: FlaskClient) -> None:
    assert "no longer confirmed" not in opened(client, {"on": "2026-12-31"}).text
    assert "no longer confirmed: verified through 2026-12-31 only" in opened(client, {"on": "2027-01-01"}).text


def test_a_day_before_every_table_says_that_none_is_loaded(client: FlaskClient) -> None:
    assert "No code table is loaded for this date" in opened(client, {"on": "2023-12-31"}).text
    assert "No policy of this payer is loaded" in opened(client, {"on": "2023-12-31", "payer": "medicare-ffs"}).text


def test_what_changed_between_two_dates_is_told_by_table(client: FlaskClient) -> None:
    dates = {"from": "2024-12-31", "to": "2025-01-01"}
    assert "98006 (established) begins" in opened(client, dates).text
    of_medicare = opened(client, {"payer": "medicare-ffs", **dates}).text
    assert "98006 (established) begins" not in of_medicare
    assert "modifier 93" in of_medicare
    assert "Nothing changed between" in opened(client, {"from": "2025-02-01", "to": "2025-02-02"}).text


@pytest.mark.parametrize("name", ["on", "payer", "from", "to"])
@pytest.mark.parametrize("poison", [*HOSTILE, "2026-02-30", "20261120T"])
def test_what_does_not_fit_is_shown_as_text_beside_the_form(client: FlaskClient, name: str, poison: str) -> None:
    page = opened(client, {name: poison}, 400)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "svg"}
    assert any(tag.get("role") == "alert" for _, tag in page.tags)
    assert not any(attribute.startswith("on") and attribute != "on" for _, tag in page.tags for attribute in tag)
