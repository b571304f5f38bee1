"""In a real browser the calculator answers as it is filled in, and its address carries what was stated."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page, expect

from tests.running import running
from tests.servers.browser.conftest import Open

START = "/calculator?service_date=2026-11-20"


def choose(page: Page, group: str, answer: str) -> None:
    page.get_by_role("group", name=group, exact=True).get_by_label(answer, exact=True).check()


def video_visit(page: Page, minutes: str = "34") -> None:
    page.get_by_label("Payer", exact=True).select_option("cpt-telemedicine")
    choose(page, "How they met", "Video")
    choose(page, "Patient", "Established")
    choose(page, "Where the patient was", "At home")
    page.get_by_label("Total minutes", exact=True).fill(minutes)


CODE = ".answer .recommended .line"


def test_the_answer_follows_each_fact_as_it_is_stated(window: Open) -> None:
    page = window().open(START)
    expect(page.locator("#outcome")).to_contain_text("Nothing stated yet")
    video_visit(page, "39")
    expect(page.locator(CODE)).to_have_text("98006, POS 10")
    expect(
        page.get_by_role("listitem").filter(has_text="98007 needs high MDM or 40 minutes; 1 more minute.")
    ).to_be_visible()
    page.get_by_label("Total minutes", exact=True).fill("40")
    expect(page.locator(CODE)).to_have_text("98007, POS 10")
    expect(page.locator("svg .chosen .code")).to_have_text("98007")
    for element, level in (("Problems", "low"), ("Data", "low"), ("Risk", "moderate")):
        page.get_by_label(f"{element}: {level}").check()
    expect(page.locator("#outcome")).to_contain_text("MDM by its elements. Low: two of the three elements meet it.")
    page.get_by_label("Total minutes", exact=True).fill("")
    expect(page.locator(CODE)).to_have_text("98005, POS 10")


def test_a_question_is_asked_and_its_answer_settles_the_code(window: Open) -> None:
    page = window().open(START)
    video_visit(page)
    choose(page, "Patient", "Not known")
    expect(page.locator("#outcome")).to_contain_text("Is the patient new or established")
    expect(page.locator("svg.drawn")).to_have_count(2)
    page.get_by_role("link", name="if the patient is new").click()
    expect(page.locator(CODE)).to_have_text("98001, POS 10")
    choose(page, "Patient", "Established")
    expect(page.locator(CODE)).to_have_text("98006, POS 10")


def test_the_link_that_is_copied_gives_the_same_answer_to_whoever_opens_it(window: Open) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"]).open(START)
    video_visit(page)
    expect(page.locator(CODE)).to_have_text("98006, POS 10")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert dict(parse_qsl(urlsplit(link).query))["total_minutes"] == "34"
    assert urlsplit(page.url).query == urlsplit(link).query
    other = window().page
    other.goto(link)
    expect(other.locator(CODE)).to_have_text("98006, POS 10")
    expect(other.get_by_label("Total minutes", exact=True)).to_have_value("34")


def test_what_does_not_fit_is_said_beside_the_form(window: Open) -> None:
    page = window().open(START)
    video_visit(page, "1441")
    expect(page.get_by_role("alert")).to_contain_text("Total minutes: 1441 does not fit")


def test_the_calculator_is_filled_in_by_keyboard_alone(window: Open) -> None:
    page = window().open(f"{START}&modality=audio_video&payers=cpt-telemedicine&patient_location=home&total_minutes=30")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("group", name="Patient", exact=True).get_by_label("Not known").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(CODE)).to_have_text("98006, POS 10")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(CODE)).to_have_text("98001, POS 10")


def test_minutes_of_each_mode_are_asked_for_where_a_visit_was_interrupted(window: Open) -> None:
    page = window().open(START)
    expect(page.get_by_label("Minutes by video")).to_be_hidden()
    choose(page, "How they met", "Video, then audio")
    page.get_by_label("Minutes by video").fill("20")
    choose(page, "How they met", "Video")
    expect(page.get_by_label("Minutes by video")).to_be_visible()  # it is stated, and must not be hidden


def test_the_form_works_without_a_script(window: Open) -> None:
    page = window(java_script_enabled=False).open(START)
    video_visit(page)
    page.get_by_role("button", name="Show the code").click()
    expect(page.locator(CODE)).to_have_text("98006, POS 10")
    expect(page.get_by_role("button", name="Copy link")).to_be_hidden()


def test_a_service_that_was_stopped_is_said_to_be_silent(window: Open, tmp_path: Path) -> None:
    with running(tmp_path, workers=1, environment="development") as service:
        page = window(url=service.url).open(START)
        service.stop()
        video_visit(page)
        expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
