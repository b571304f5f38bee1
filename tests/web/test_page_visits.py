"""The visits tab offers every sample, and draws a card's detail without letting anything out of the chart run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.samples import Sample, load_samples
from fhir_mapping.tables import config_folder
from tests.exchange.signers import claims, signed
from tests.web.test_page_calculator import HOSTILE, Page
from tests.web.trusting import trusting_app

Json = dict[str, Any]
SAMPLES = load_samples(config_folder())


def request_in(text: str) -> Json:
    written: Json = json.loads(Page(text).text.split("send it again.")[1].strip().partition("What went")[0])
    return written


def test_the_gallery_leads_to_every_sample(client: FlaskClient) -> None:
    page = Page(client.get("/").get_data(as_text=True))
    links = {link.get("href") for tag, link in page.tags if tag == "a"}
    assert {f"/?sample={sample.name}" for sample in SAMPLES} <= links
    assert len(SAMPLES) >= 12


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_the_request_in_the_editor_is_one_that_the_service_answers(client: FlaskClient, sample: Sample) -> None:
    shown = client.get("/", query_string={"sample": sample.name})
    asked = request_in(shown.get_data(as_text=True))
    assert asked["prefetch"] == sample.request["prefetch"]
    address = Page(shown.get_data(as_text=True)).chosen[""]
    assert client.post(address, json=asked).status_code == 200


def test_the_request_names_the_hook_by_the_name_that_a_site_gives_it(app_with: Callable[..., FlaskClient]) -> None:
    client = app_with(hook_name="org.north.note-sign")
    asked = request_in(client.get("/").get_data(as_text=True))
    assert asked["hook"] == "org.north.note-sign"
    assert client.post("/cds-services/telehealth-em-note-sign", json=asked).status_code == 200


@pytest.mark.parametrize("name", ["nobody", *HOSTILE])
def test_a_sample_that_is_not_there_is_said_to_be_missing(client: FlaskClient, name: str) -> None:
    answer = client.get("/", query_string={"sample": name})
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 404
    assert "There is no sample visit of that name" in page.text
    assert name not in page.text


def test_a_service_without_samples_still_has_its_page(
    app_with: Callable[..., FlaskClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_hooks.web.page.load_samples", lambda _: ())
    assert app_with(database_url=f"sqlite:///{tmp_path}/t.db").get("/").status_code == 404


def test_where_calls_must_be_signed_the_page_says_that_it_cannot(tmp_path: Path) -> None:
    client = trusting_app(tmp_path).test_client()
    assert client.get("/").status_code == 401
    page = client.get("/", headers={"Authorization": f"Bearer {signed(claims('/'))}"})
    assert "this page cannot sign" in page.get_data(as_text=True)


def drawn(client: FlaskClient, markdown: str) -> Page:
    answer = client.post("/visits/detail", json={"detail": markdown})
    assert answer.status_code == 200
    return Page(answer.get_data(as_text=True))


ALLOWED = {"p", "strong", "em", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "code", "pre", "h1"}


@pytest.mark.parametrize(
    "poison",
    [
        *HOSTILE,
        "![x](https://evil.example/p.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](//evil.example)",
        "[x](/rules)",
        "[x](vbscript:x)",
        "<https://evil.example/<script>>",
        '[x](https://a.example "onmouseover=alert(1)")',
        "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
        "# <style>*{display:none}</style>",
    ],
)
def test_no_detail_brings_a_tag_an_image_or_an_odd_link_of_its_own(client: FlaskClient, poison: str) -> None:
    page = drawn(client, poison)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for tag, attributes in page.tags:
        assert attributes.keys() <= ({"href", "rel", "target", "title"} if tag == "a" else {"style"})
        if tag == "a":
            assert (attributes["href"] or "").startswith("https://")


def test_a_real_detail_is_drawn_with_its_tables_and_sources(client: FlaskClient, good: Json) -> None:
    (card,) = client.post("/cds-services/telehealth-em-note-sign", json=good).get_json()["cards"]
    page = drawn(client, card["detail"])
    assert [tag for tag, _ in page.tags].count("table") >= 3
    links = [link for tag, link in page.tags if tag == "a"]
    assert links
    assert all(link["rel"] == "noreferrer" for link in links)
    assert "Next down: 99213 needs low MDM or 20 minutes" in page.text


def test_a_detail_is_read_through_the_same_guarded_door_as_any_body(client: FlaskClient) -> None:
    assert client.post("/visits/detail", data="{", content_type="application/json").status_code == 400
    assert client.post("/visits/detail", data="x" * 10, content_type="text/plain").status_code == 415
    assert client.post("/visits/detail", json={}).data == b""
