"""Every tab can be used by everybody: light and dark, on a desk and on a phone, and the rules by a coder with paper.

The pictures of the documents are made here too, where TESTS_SCREENSHOTS names a folder:

    TESTS_SCREENSHOTS=docs .venv/bin/pytest tests/servers/browser -k picture
"""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.servers.browser.conftest import SIZES, Open, Scheme

CALCULATED = (
    "/calculator?service_date=2026-11-20&modality=audio_video&patient_status=established&total_minutes=34"
    "&payers=cpt-telemedicine&patient_location=home&mdm_elements.problems=moderate&mdm_elements.data=low"
)
TABS = {
    "visits": "/?sample=medicare-video-at-home",
    "a question": "/?sample=new-or-established",
    "calculator": CALCULATED,
    "an empty calculator": "/calculator",
    "what does not fit": "/calculator?total_minutes=1441",
    "rules": "/rules?on=2026-11-20&payer=medicare-ffs&from=2024-12-31&to=2026-01-01",
    "activity": "/activity",
}
BEST = 150_000
"""Bytes of a picture in the documents, at most."""


def settled(page: Page) -> None:
    """Where there is a card to be had, have it, with everything that is folded opened."""
    send = page.get_by_role("button", name="Send to the service")
    if send.count():
        send.click()
        expect(page.locator("article.card")).to_be_visible()
    for folded in page.locator("details").all():
        folded.evaluate("one => { one.open = true }")


def faults(page: Page, axe: str) -> dict[str, list[str]]:
    """What axe-core finds, the smallest fault too: each rule with the elements that break it."""
    page.evaluate(axe)
    found: list[Any] = page.evaluate("axe.run().then((told) => told.violations)")
    return {one["id"]: [node["html"][:160] for node in one["nodes"]] for one in found}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", TABS)
def test_everybody_can_use_every_tab(window: Open, axe: str, tab: str, size: str, scheme: Scheme) -> None:
    page = window(size, scheme).open(TABS[tab])
    settled(page)
    assert faults(page, axe) == {}


def test_axe_is_a_judge_that_says_no(window: Open, axe: str) -> None:
    page = window().open(TABS["calculator"])
    page.evaluate("document.querySelector('label[for=ask-payers]').remove()")
    page.locator(".hint").first.evaluate("one => { one.style.color = '#ddd' }")
    assert faults(page, axe).keys() == {"select-name", "color-contrast"}


@pytest.mark.parametrize("tab", TABS)
def test_no_tab_is_wider_than_a_phone(window: Open, tab: str) -> None:
    page = window("phone").open(TABS[tab])
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]


def test_each_tab_leads_to_the_others_and_says_which_it_is(window: Open) -> None:
    page = window("phone").open("/")
    for tab in ("Calculator", "Rules", "Activity", "Visits"):
        page.get_by_role("navigation", name="Workbench").get_by_role("link", name=tab).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(tab)
        expect(page.locator("nav [aria-current=page]")).to_have_text(tab)


def test_a_coder_looks_up_a_payer_on_a_day_and_compares_two_days(window: Open) -> None:
    page = window().open("/rules")
    page.get_by_label("Date of service", exact=True).fill("2026-11-20")
    page.get_by_label("Payer", exact=True).select_option("cpt-telemedicine")
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row", name="98007")
    expect(row.first).to_contain_text("40 minutes or more")
    expect(row.first).to_contain_text("2025-01-01")
    expect(row.first.get_by_role("link", name="JUCM")).to_be_visible()
    page.get_by_label("From", exact=True).fill("2024-12-31")
    page.get_by_label("To", exact=True).fill("2025-01-01")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("98006 (established) begins")).to_be_visible()
    expect(page.get_by_label("Payer", exact=True)).to_have_value("cpt-telemedicine")


def test_what_is_printed_is_the_tables_and_nothing_around_them(window: Open) -> None:
    page = window().open("/rules?on=2026-11-20")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    expect(page.get_by_role("rowheader", name="98006")).to_be_visible()
    expect(page.locator(".print-head")).to_contain_text("rules of 2026-11-20")


@pytest.mark.parametrize("name", ["visits", "calculator"])
def test_a_picture_for_the_documents_shows_the_tab_and_stays_small(window: Open, tmp_path: Path, name: str) -> None:
    page = window(viewport={"width": 1080, "height": 760}).open(TABS[name])
    if name == "visits":
        page.get_by_role("button", name="Send to the service").click()
        expect(page.locator("article.card")).to_be_visible()
    folder = Path(os.environ.get("TESTS_SCREENSHOTS") or tmp_path)
    taken = folder / f"workbench-{name}.png"
    page.screenshot(path=taken)
    assert 0 < taken.stat().st_size < BEST


def test_the_picture_of_a_card_shows_how_it_begins_and_stays_small(window: Open, tmp_path: Path) -> None:
    page = window(viewport={"width": 900, "height": 900}).open(TABS["visits"])
    page.get_by_role("button", name="Send to the service").click()
    card = page.locator("article.card")
    expect(card.get_by_role("table")).not_to_have_count(0)
    card.evaluate("one => { one.style.maxHeight = '780px'; one.style.overflow = 'hidden' }")
    taken = Path(os.environ.get("TESTS_SCREENSHOTS") or tmp_path) / "card.png"
    card.screenshot(path=taken)
    assert 0 < taken.stat().st_size < BEST
