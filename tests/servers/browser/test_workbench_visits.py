"""In a real browser a developer picks a visit, changes it, sends it, and acts on the card as in an EHR."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.chart_server import ChartServer
from tests.running import running
from tests.servers.browser.conftest import Open

SEND = "Send to the service"


def send(page: Page) -> None:
    page.get_by_role("button", name=SEND).click()


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="The request, with the visit's FHIR")


def edit(page: Page, text: str) -> None:
    editor(page).fill(text)


def request_in(page: Page) -> str:
    return editor(page).input_value()


def test_a_visit_is_picked_sent_and_its_card_accepted_and_counted(window: Open) -> None:
    page = window().open("/")
    page.get_by_role("link", name="Medicare by video, at home").click()
    expect(page.get_by_role("heading", level=2, name="Medicare by video, at home")).to_be_visible()
    send(page)
    card = page.locator("article.card")
    expect(card.get_by_role("heading")).to_contain_text("99214, POS 10")
    expect(card).to_contain_text("Information")
    expect(card.get_by_role("table")).not_to_have_count(0)
    expect(page.get_by_text(re.compile(r"Answered in \d+ ms"))).to_be_visible()
    card.get_by_role("button", name="Accept: 99214, POS 10").click()
    expect(card.get_by_role("status")).to_contain_text("Accepted: 99214, POS 10. Recorded by the service (200).")
    page.get_by_role("heading", name="What went over the wire").click()
    feedback = page.locator(".exchange").first
    expect(feedback).to_contain_text("/feedback · 200")
    expect(feedback).to_contain_text('"outcome": "accepted"')
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("rowheader", name="99214").first).to_be_visible()
    expect(page.locator("svg[role=img]").first).to_be_visible()


def test_a_card_is_overridden_with_a_reason_and_a_comment(window: Open) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    send(page)
    card = page.locator("article.card")
    card.get_by_text("Override or dismiss").click()
    card.get_by_label("Reason").select_option(label="The payer wants it coded another way")
    card.get_by_label("Comment").fill("Their letter says so.")
    card.get_by_role("button", name="Override").click()
    expect(card.get_by_role("status")).to_contain_text("Overridden: The payer wants it coded another way. Recorded")
    page.get_by_role("heading", name="What went over the wire").click()
    expect(page.locator(".exchange").first).to_contain_text('"userComment": "Their letter says so."')
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("rowheader", name="The payer wants it coded another way")).to_be_visible()


def test_a_changed_record_changes_the_card(window: Open) -> None:
    page = window().open("/?sample=plan-video-time-above-mdm")
    send(page)
    before = page.locator("article.card h2").inner_text()
    asked = json.loads(request_in(page))
    del asked["prefetch"]["coverage"]
    edit(page, json.dumps(asked, indent=2))
    send(page)
    expect(page.locator("article.card h2")).not_to_have_text(before)
    expect(page.locator("article.card")).to_have_class(re.compile("warning"))
    page.get_by_role("link", name="Undo changes").click()
    send(page)
    expect(page.locator("article.card h2")).to_have_text(before)


def test_a_visit_without_a_card_says_why(window: Open) -> None:
    page = window().open("/?sample=in-person")
    send(page)
    expect(page.locator("#answer")).to_contain_text("No card: the service has nothing to suggest")
    expect(page.locator("#answer")).to_contain_text("in person")


def test_another_service_is_called_by_its_own_hook(window: Open) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    page.get_by_label("Service called").select_option("/cds-services/telehealth-em-encounter-discharge")
    assert json.loads(request_in(page))["hook"] == "encounter-discharge"
    send(page)
    expect(page.locator("article.card h2")).to_contain_text("99214")


def test_the_card_leads_to_the_calculator_which_gives_the_same_code(window: Open) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    send(page)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Check it in the calculator").click()
    expect(opened.value.locator(".answer .line").first).to_have_text("99214, POS 10")


@pytest.mark.parametrize("key", ["hook", "birthDate", "valueQuantity"])
def test_broken_json_is_told_with_its_line(window: Open, key: str) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    lines = request_in(page).split("\n")
    line = next(number for number, written in enumerate(lines, 1) if f'"{key}":' in written)
    lines[line - 1] = lines[line - 1].replace('"', "", 1)
    edit(page, "\n".join(lines))
    send(page)
    fault = page.locator("#fault")
    expect(fault).to_contain_text(f"The fault is at line {line}")
    expect(fault).to_contain_text(lines[line - 1].strip()[:20])
    selected = page.evaluate(
        "document.activeElement.value.slice(0, document.activeElement.selectionStart).split('\\n')"
    )
    assert len(selected) == line


def test_a_request_that_does_not_fit_is_told_in_the_services_own_words(window: Open) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    edit(page, '{"hook": "org.example.telecode.note-sign"}')
    send(page)
    expect(page.get_by_role("alert").filter(has_text="400")).to_contain_text("hookInstance")


def test_a_visit_without_its_encounter_says_what_to_add(window: Open) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    asked = json.loads(request_in(page))
    asked["context"]["encounterId"] = "elsewhere"
    del asked["prefetch"]["encounter"]
    edit(page, json.dumps(asked))
    send(page)
    expect(page.locator("#answer")).to_contain_text("412: the Encounter of this request could not be read")
    expect(page.locator("#answer")).to_contain_text("Add the Encounter to prefetch")


def unsigned(route: Route) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}
    route.fulfill(status=401, json=outcome, headers={"WWW-Authenticate": "Bearer"})


def test_a_service_that_wants_signed_calls_is_told_from_one_that_is_broken(window: Open) -> None:
    page = window().open("/?sample=medicare-video-at-home")
    page.route("**/cds-services/**", unsigned)
    send(page)
    expect(page.locator("#answer")).to_contain_text("401")
    expect(page.locator("#answer")).to_contain_text("this page cannot sign")


def test_a_service_that_was_stopped_is_said_to_be_silent_and_answers_again_later(window: Open, tmp_path: Path) -> None:
    with running(tmp_path, workers=1, environment="development") as first:
        opened = window(url=first.url)
        page = opened.open("/?sample=medicare-video-at-home")
        first.stop()
        send(page)
        expect(page.locator("#answer")).to_contain_text("The service does not answer. Is it still running")
        with running(tmp_path, workers=1, port=first.port, environment="development"):
            send(page)
            expect(page.locator("article.card h2")).to_contain_text("99214")


def test_markup_in_a_chart_is_drawn_as_text(window: Open) -> None:
    page = window().open("/?sample=payer-unknown")
    poison = "<img src=x onerror=alert(1)> ![p](https://evil.example/p.png) [l](javascript:alert(1)) <script>x</script>"
    asked = json.loads(request_in(page))
    coverage = {"resourceType": "Coverage", "id": "c", "status": "active", "payor": [{"display": poison}]}
    asked["prefetch"]["coverage"] = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": coverage}]}
    edit(page, json.dumps(asked))
    send(page)
    card = page.locator("article.card")
    expect(card).to_be_visible()
    assert card.locator("img, script").count() == 0
    addresses = [link.get_attribute("href") or "" for link in card.get_by_role("link").all()]
    assert all(re.match("https?://", address) for address in addresses)


def test_a_visit_is_read_from_a_fhir_server_and_sent(window: Open, tmp_path: Path, good: dict[str, Any]) -> None:
    chart = ChartServer(
        **{"Encounter/e-100": good["prefetch"]["encounter"]}, Observation=good["prefetch"]["observations"]
    )
    with chart.running() as base, running(tmp_path, workers=1, fhir_allow=base, fhir_deadline="10") as service:
        page = window(url=service.url).open("/")
        page.get_by_text("A visit on a FHIR server").click()
        expect(page.get_by_label("FHIR server")).to_have_value(base)
        page.get_by_label("Id of the Encounter").fill("e-100")
        page.get_by_role("button", name="Read it").click()
        expect(page.get_by_role("heading", level=2, name="Encounter e-100")).to_be_visible()
        send(page)
        expect(page.locator("article.card h2")).to_contain_text("Visit code open.")


def test_a_fhir_server_that_is_down_says_what_to_look_for(window: Open) -> None:
    page = window().open("/")
    page.get_by_text("A visit on a FHIR server").click()
    page.get_by_label("Id of the Encounter").fill("e-100")
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_role("alert")).to_contain_text("Does the FHIR server run")
