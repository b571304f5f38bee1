"""A card's link to the calculator gives the same answer there, and holds nothing that tells who the patient is."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient

from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import select
from cds_hooks.exchange.calculator_link import calculator_link
from cds_hooks.exchange.facts_json import FactsJson, read_facts
from cds_hooks.exchange.facts_query import read_query
from cds_hooks.samples import load_samples
from fhir_mapping.facts import EncounterFacts, Fact
from fhir_mapping.tables import config_folder
from tests.exchange.signers import claims, signed
from tests.test_cases import CASES, read_cases
from tests.web.trusting import OPEN_PRODUCTION, trusting_app

ADDRESS = "https://telecode.example.org"
PATH = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]


def pairs(link: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(link).query)


def said(outcome: Any) -> Json:
    """An outcome as the API answers it, without the date it was asked for."""
    told: Json = outcome.as_json()
    del told["policy"]
    return told


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read_cases(CASES)])
def test_the_link_gives_the_answer_of_the_card(case: Json, book: PolicyBook) -> None:
    facts = read_facts(case["given"], book)
    link = calculator_link(facts, book, ADDRESS)
    first = min(start for family in book.families.values() for start in family.starts)
    if link is None:
        assert date.fromisoformat(case["given"]["service_date"]) < first
        return
    there = said(select(read_facts(read_query(pairs(link)), book), book))
    here = said(select(facts, book))
    for outcome in (there, here):
        for step in outcome["steps"]:
            step["evidence"] = [piece for piece in step["evidence"] if piece["path"] != "service_date"]
    assert there == here


@pytest.mark.parametrize("sample", load_samples(config_folder()), ids=lambda sample: sample.name)
def test_a_link_holds_facts_of_the_api_and_no_word_of_the_chart(
    app_with: Callable[..., FlaskClient], sample: Any
) -> None:
    client = app_with(public_url=ADDRESS, client="sandbox")
    offer = client.application.extensions["telecode"].offer.services
    asked = sample.as_request()
    service = next(one.id for one in offer.values() if asked["hook"] in one.hooks)
    for card in client.post(f"/cds-services/{service}", json=asked).get_json()["cards"]:
        (link,) = card["links"]
        told = pairs(link["url"])
        assert {name.partition(".")[0] for name, _ in told} <= FactsJson.model_fields.keys()
        day = date.fromisoformat(card["extension"]["org.example.telecode.outcome"]["policy"]["service_date"])
        since = client.application.extensions["telecode"].book.unchanged_since(day)
        assert dict(told)["service_date"] == since.isoformat()
        assert asked["context"]["patientId"] not in link["url"]
        assert client.get(f"/calculator?{urlsplit(link['url']).query}").status_code == 200


@pytest.mark.parametrize(
    ("day", "since"),
    [
        ("2024-12-31", "2024-12-01"),  # Blue Cross NC commercial had begun
        ("2025-01-01", "2025-01-01"),
        ("2025-01-02", "2025-01-01"),
        ("2025-09-30", "2025-07-01"),
        ("2025-11-12", "2025-10-06"),  # the lapse, in which UnitedHealthcare Medicare Advantage began
        ("2025-11-13", "2025-11-13"),
        ("2026-11-20", "2026-10-01"),
        ("2026-12-31", "2026-10-01"),
        ("2027-01-01", "2027-01-01"),
    ],
)
def test_instead_of_the_date_stands_the_day_since_which_its_rules_hold(book: PolicyBook, day: str, since: str) -> None:
    assert book.unchanged_since(date.fromisoformat(day)) == date.fromisoformat(since)


def test_no_day_since_which_rules_hold_lies_after_the_day_itself(book: PolicyBook) -> None:
    day = date(2024, 1, 1)
    while day < date(2029, 1, 1):
        since = book.unchanged_since(day)
        assert since is not None
        assert since <= day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    "facts",
    [
        EncounterFacts(),
        EncounterFacts(service_date=Fact(date(2023, 12, 31))),
        EncounterFacts(service_date=Fact(date(2026, 3, 2)), total_minutes=Fact(1441)),
        EncounterFacts(service_date=Fact(date(2026, 3, 2)), reported_code=Fact("Jane Doe")),
    ],
    ids=["no date", "before every edition", "more minutes than a day", "a code that is none"],
)
def test_what_no_form_takes_makes_no_link(facts: EncounterFacts, book: PolicyBook) -> None:
    assert calculator_link(facts, book, ADDRESS) is None


def test_a_payer_that_no_policy_stands_for_is_left_out(book: PolicyBook) -> None:
    facts = EncounterFacts(service_date=Fact(date(2026, 3, 2)), payers=Fact(("a-plan-of-the-site", "medicare-ffs")))
    assert dict(pairs(calculator_link(facts, book, ADDRESS) or ""))["payers"] == "medicare-ffs"


def test_a_service_without_its_page_links_to_none(app_with: Callable[..., FlaskClient], good: Json) -> None:
    closed = app_with(**OPEN_PRODUCTION, public_url=ADDRESS)
    assert "links" not in closed.post(PATH, json=good).get_json()["cards"][0]
    opened = app_with(**OPEN_PRODUCTION, public_url=ADDRESS, page="true")
    assert "links" in opened.post(PATH, json=good).get_json()["cards"][0]


def test_nobody_is_sent_to_a_page_that_asks_for_a_token(tmp_path: Path, good: Json) -> None:
    client = trusting_app(tmp_path, page=True).test_client()
    token = {"Authorization": f"Bearer {signed(claims(PATH))}"}
    (card,) = client.post(PATH, json=good, headers=token).get_json()["cards"]
    assert "links" not in card
    assert "url" not in card["source"]
