"""The calculator answers in the page itself, without a script, and shows what was typed as text and as nothing else."""

import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from flask.testing import FlaskClient

from cds_hooks.coding.ladders import open_ladders
from cds_hooks.coding.outcome import Kind
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import Options, select
from cds_hooks.exchange.facts_json import FactsJson, FactsRefused, read_facts
from cds_hooks.exchange.facts_query import read_query, write_query
from cds_hooks.web.calculator import Worked, load_form, work
from cds_hooks.web.ladder import RIGHT, draw
from fhir_mapping.tables import config_folder
from tests.test_cases import CASES, read_cases
from tests.web.trusting import OPEN_PRODUCTION

Json = dict[str, Any]
VIDEO = {
    "service_date": "2026-11-20",
    "modality": "audio_video",
    "patient_status": "established",
    "total_minutes": "34",
    "payers": "cpt-telemedicine",
    "patient_location": "home",
}


class Page(HTMLParser):
    """The names of the controls, what is chosen in them, the tags, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.controls: set[str] = set()
        self.chosen: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        name = found.get("name") or ""
        if tag in {"input", "select"}:
            self.controls.add(name)
        if tag == "select":
            self._select = name
        if tag == "option" and "selected" in found:
            self.chosen.setdefault(self._select, found["value"] or "")
        if tag == "input" and (found.get("type") != "radio" or "checked" in found) and found.get("value"):
            self.chosen[name] = found["value"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def opened(client: FlaskClient, facts: Json | str, status: int = 200, path: str = "/calculator") -> Page:
    query = facts if isinstance(facts, str) else urlencode(facts, doseq=True)
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == status
    return Page(answer.get_data(as_text=True))


def test_the_form_asks_for_every_fact_that_a_coder_sets(client: FlaskClient) -> None:
    parts = {"mdm_elements": ("problems", "data", "risk"), "same_day_visit": ("modality", "total_minutes", "mdm")}
    wanted = {f"{fact}.{part}" for fact, of in parts.items() for part in of} | FactsJson.model_fields.keys() - parts
    assert wanted <= opened(client, "").controls


def test_every_answer_on_the_form_is_one_that_the_rules_know(book: PolicyBook) -> None:
    form = load_form(config_folder())
    for group in (*form.groups, *form.more):
        for asked in group.facts:
            for answer in asked.answers:
                pairs = [("service_date", "2026-11-20"), (asked.fact, answer)]
                assert read_facts(read_query(pairs), book)


def test_what_was_sent_stands_in_the_form_again_and_the_code_beside_it(client: FlaskClient) -> None:
    page = opened(client, VIDEO)
    assert {name: page.chosen[name] for name in VIDEO} == VIDEO
    assert "98006, POS 10" in page.text
    assert "98007 needs high MDM or 40 minutes; 6 more minutes" in page.text


@pytest.mark.parametrize(("minutes", "code"), [("29", "98005"), ("30", "98006"), ("31", "98006")])
def test_a_minute_more_or_less_than_a_threshold_changes_the_code(client: FlaskClient, minutes: str, code: str) -> None:
    assert f"{code}, POS 10" in opened(client, VIDEO | {"total_minutes": minutes}, path="/calculator/outcome").text


def test_the_live_answer_is_the_answer_of_the_whole_page(client: FlaskClient) -> None:
    whole = client.get("/calculator", query_string=VIDEO).get_data(as_text=True)
    part = client.get("/calculator/outcome", query_string=VIDEO).get_data(as_text=True)
    assert "".join(part.split()) in "".join(whole.split())


def test_elements_say_which_level_they_give(client: FlaskClient) -> None:
    elements = {"mdm_elements.problems": "high", "mdm_elements.data": "low"}
    assert "Between low and high" in opened(client, VIDEO | elements).text
    page = opened(client, VIDEO | elements | {"mdm_elements.risk": "high"})
    assert "High: two of the three elements meet it." in page.text
    assert "98007, POS 10" in page.text


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read_cases(CASES)])
def test_each_answer_that_a_question_offers_leads_to_the_code_it_promises(case: Json, book: PolicyBook) -> None:
    facts = list(parse_qsl(write_query(case["given"])))
    worked = work(facts, book, Options(), date(2026, 11, 20))
    for one in worked.named:
        if not one.condition:
            continue
        then = work(parse_qsl(one.query), book, Options(), date(2026, 11, 20))
        assert then.outcome is not None, then.fault
        assert one.candidate.code in {candidate.code for candidate in then.outcome.candidates}


def test_with_nothing_stated_the_page_offers_visits_to_start_from_and_each_gives_an_answer(client: FlaskClient) -> None:
    page = opened(client, "")
    links = [link["href"] for tag, link in page.tags if tag == "a" and "?" in (link.get("href") or "")]
    assert len(links) >= 4
    for link in links:
        assert "Suggested" in client.get(link or "").get_data(as_text=True)


def test_a_date_left_blank_is_asked_for_and_never_taken_for_today(client: FlaskClient) -> None:
    page = opened(client, VIDEO | {"service_date": ""}, 400)
    assert "Date of service: a date picks the law: state one" in page.text
    assert "98006" not in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("modality=hologram", "Modality: hologram does not fit"),
        ("total_minutes=1441", "Total minutes: 1441 does not fit"),
        ("total_minutes=-1", "Total minutes: -1 does not fit"),
        ("total_minutes=34&total_minutes=35", "Total minutes: stands twice"),
        ("mdm_elements=1&mdm_elements.data=low", "stands twice"),
        ("payers=nobody", "nobody is not a known payer"),
        ("service_date=2026-02-30", "Date of service"),
        ("colour=blue", "colour: is not a known fact"),
        ("mdm_elements.color=high", "is not a known fact"),
        ("patient=Jane", "patient: is not a known fact"),
    ],
)
def test_what_does_not_fit_is_named_and_answers_nothing(client: FlaskClient, query: str, said: str) -> None:
    page = opened(client, query, 400)
    assert said in page.text
    assert not any("selection" in (tag.get("class") or "") for _, tag in page.tags)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "{{ 7 * 7 }}",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\x00\u202e",
)


@pytest.mark.parametrize("poison", HOSTILE)
@pytest.mark.parametrize("name", [*VIDEO, "reported_code", "mdm_elements.data", "same_day_visit.mdm", None])
def test_a_hostile_query_string_is_shown_as_text_or_not_at_all(
    client: FlaskClient, name: str | None, poison: str
) -> None:
    query = urlencode({poison: "1"} if name is None else {name: poison})
    for path in ("/calculator", "/calculator/outcome"):
        answer = client.get(f"{path}?{query}")
        text = answer.get_data(as_text=True)
        page = Page(text)
        assert answer.status_code == 400
        assert "img" not in {tag for tag, _ in page.tags}
        scripts = [tag for kind, tag in page.tags if kind == "script"]
        assert all((tag.get("src") or "").startswith("/page/") for tag in scripts)
        assert not any(attribute.startswith("on") for _, tag in page.tags for attribute in tag)
        assert "<script>alert" not in text
        assert "49" not in re.findall(r">49<", text)


def test_no_page_holds_an_inline_style_or_script(client: FlaskClient) -> None:
    answer = client.get("/calculator", query_string=VIDEO)
    page = Page(answer.get_data(as_text=True))
    assert not [tag for kind, tag in page.tags if kind == "style" or "style" in tag]
    assert all("src" in tag for kind, tag in page.tags if kind == "script")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


def test_production_has_no_page_unless_it_is_turned_on(app_with: Callable[..., FlaskClient]) -> None:
    closed = app_with(**OPEN_PRODUCTION)
    for path in ("/", "/calculator", "/calculator/outcome", "/page/page.css"):
        assert closed.get(path).status_code == 404
    assert app_with(**OPEN_PRODUCTION, page="true").get("/calculator").status_code == 200


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read_cases(CASES)[::5]])
def test_an_address_carries_the_facts_of_a_case_whole(case: Json, book: PolicyBook) -> None:
    facts = read_facts(case["given"], book)
    again = read_query(parse_qsl(write_query(case["given"])))
    assert select(read_facts(again, book), book) == select(facts, book)


def test_a_fact_told_as_a_whole_and_in_parts_is_refused() -> None:
    with pytest.raises(FactsRefused, match="stands twice"):
        read_query([("same_day_visit", "x"), ("same_day_visit.mdm", "low")])


@pytest.mark.parametrize(
    ("minutes", "reached"), [(39, "98006"), (40, "98007"), (41, "98007"), (9, None), (10, "98004")]
)
def test_the_picture_marks_the_code_that_the_minutes_reach(book: PolicyBook, minutes: int, reached: str | None) -> None:
    facts = {**VIDEO, "payers": ["cpt-telemedicine"], "total_minutes": minutes}
    (ladder,) = open_ladders(read_facts(facts, book), book)
    picture = draw(ladder, "")
    assert [rung.code for rung in picture.rungs if rung.chosen] == ([reached] if reached else [])
    widths = {rung.code: rung.width for rung in picture.rungs}
    assert all(width > 0 for width in widths.values())
    assert picture.mark is not None
    chosen = next((rung for rung in picture.rungs if rung.chosen), None)
    if chosen:
        assert chosen.x <= picture.mark <= chosen.x + chosen.width


def test_minutes_beyond_the_ladder_stay_within_the_picture(book: PolicyBook) -> None:
    facts = {**VIDEO, "payers": ["cpt-telemedicine"], "total_minutes": 600}
    (ladder,) = open_ladders(read_facts(facts, book), book)
    picture = draw(ladder, "")
    assert picture.beyond
    assert picture.mark == RIGHT


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read_cases(CASES)])
def test_no_picture_shows_another_code_than_the_rules_give(case: Json, book: PolicyBook) -> None:
    facts = read_facts(case["given"], book)
    outcome = select(facts, book)
    for ladder in open_ladders(facts, book):
        picture = draw(ladder, "")
        assert sum(rung.chosen for rung in picture.rungs) <= 1
        recommended = [one for one in outcome.candidates if one.recommended and one.family == ladder.family.id]
        of_payer = [one.code for one in recommended if one.payer == ladder.payer]
        chosen = ladder.reached
        if of_payer and chosen and not ladder.supposing:
            assert chosen.code in of_payer


def worked(book: PolicyBook, **facts: object) -> Worked:
    whole = {"service_date": "2026-11-23", "patient_status": "established", **facts}
    return work(parse_qsl(write_query(whole)), book, Options(), date(2026, 11, 24))


@pytest.mark.parametrize(
    "facts",
    [
        {"modality": "audio_only", "payers": ["cpt-telemedicine"], "mdm": "high", "discussion_minutes": 10},
        {"modality": "audio_only", "payers": ["cpt-telemedicine"], "total_minutes": 25, "discussion_minutes": 10},
        {"modality": "audio_video", "payers": ["medicare-ffs"], "clinician": "therapist", "total_minutes": 25},
        {"modality": "audio_video", "payers": ["medicare-ffs"], "clinician": "clinical_staff", "total_minutes": 25},
    ],
)
def test_no_ladder_is_drawn_for_what_may_not_be_reported(book: PolicyBook, facts: Json) -> None:
    found = worked(book, **facts)
    assert found.headline == "Not reportable"
    assert found.pictures == ()


@pytest.mark.parametrize(("minutes", "drawn"), [(9, 1), (10, 1)])
def test_below_the_lowest_code_the_ladder_says_what_it_needs(book: PolicyBook, minutes: int, drawn: int) -> None:
    found = worked(book, modality="audio_video", payers=["cpt-telemedicine"], total_minutes=minutes)
    assert len(found.pictures) == drawn
    assert ("1 more minute" in " ".join(found.pictures[0].sentences)) is (minutes == 9)


def test_payers_with_other_prolonged_services_have_a_picture_each_by_their_names(book: PolicyBook) -> None:
    facts: Json = {"modality": "audio_video", "total_minutes": 60, "patient_location": "home"}
    pictures = worked(book, **facts, payers=["medicare-ffs", "cpt-office-modifier"]).pictures
    assert [picture.rungs[0].code for picture in pictures] == ["+ G2212", "+ 99417"]
    assert all(name in picture.title for picture, name in zip(pictures, ("Medicare", "office codes"), strict=True))
    assert len({picture.title for picture in worked(book, **facts).pictures}) == 3


def test_units_of_a_prolonged_service_are_told(book: PolicyBook) -> None:
    (picture,) = worked(book, modality="audio_video", payers=["cpt-telemedicine"], total_minutes=90).pictures
    assert "here 3 times" in " ".join(picture.sentences)


def test_two_visits_of_a_day_that_are_two_answers_have_no_one_ladder(book: PolicyBook) -> None:
    other = {"modality": "in_person", "total_minutes": 20, "mdm": "low"}
    facts: Json = {"modality": "audio_video", "payers": ["cpt-telemedicine"], "total_minutes": 25, "mdm": "low"}
    assert worked(book, **facts, same_day_visit=other).pictures == ()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read_cases(CASES)])
def test_no_case_that_is_not_reportable_shows_a_code_as_reached(case: Json, book: PolicyBook) -> None:
    found = work(parse_qsl(write_query(case["given"])), book, Options(), date(2026, 11, 24))
    if found.outcome is not None and found.outcome.kind is Kind.NOT_REPORTABLE:
        assert not any(rung.chosen for picture in found.pictures for rung in picture.rungs)
