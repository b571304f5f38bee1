"""Poison in every string of a good request: on the card it is text; nothing can be clicked, drawn or hidden."""

import base64
import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from markdown_it import MarkdownIt

from fhir_mapping.tables import config_folder, read_table
from tests.protocol.checker import check_answer

Json = dict[str, Any]
Place = tuple[str | int, ...]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
CPT = "http://www.ama-assn.org/go/cpt"

POISONS = {
    "a tag": "<img src=x onerror=alert(1)>",
    "a script": "</td><script>alert(1)</script>",
    "a comment": "<!-- x --><b>bold</b>",
    "an entity": "&lt;img src=x&gt;&#60;b&#62;",
    "a link": "[click](javascript:alert(1)) [c](https://evil.example)",
    "an image": "![i](https://evil.example/x.png)",
    "a reference": "[x]: https://evil.example\n\n[x] ![x][x]",
    "an address": "https://evil.example www.evil.example <https://evil.example> a@evil.example",
    "another address": "ftp://evil.example HTTPS://EVIL.EXAMPLE WWW.EVIL.EXAMPLE //evil.example mailto:a@evil.example",
    "a table": "a | b\n| --- | --- |\n| c | d |",
    "a heading": "\n\n# big\n\n> quoted\n\n- item\n\n1. one",
    "code": "`a` ```\nb\n``` ~~c~~ **d** _e_ \\",
    "bidi": "\u202egnp.\u202c \u2066x\u2069 \u200b\ufeff",
    "control": "a\x00b\x07\x1b[31mc\x85d\u2028e\u2029f",
    "half a character": "\U0001f600" * 90,
}
LINKS = {
    source["url"]
    for source in read_table(config_folder() / "sources.yaml").data["sources"].values()
    if source.get("url")
}
"""The only addresses a detail may lead to."""


def renderer() -> MarkdownIt:
    """As GitHub-flavoured Markdown is drawn by a client that lets HTML through and turns addresses into links.

    Of those without a scheme it finds more than GitHub does, which takes only those that begin with www: they are
    looked for apart.
    """
    made = MarkdownIt("gfm-like", {"html": True})
    assert made.linkify is not None
    made.linkify.set({"fuzzy_link": False})
    return made


def drawn(tokens: Any) -> Iterator[Any]:
    for token in tokens or ():
        yield token
        yield from drawn(token.children)


def check_inert(detail: str) -> None:
    for token in drawn(renderer().parse(detail)):
        assert token.type not in {"html_block", "html_inline", "image", "heading_open", "blockquote_open", "fence"}
        assert token.type not in {"code_block", "code_inline", "s_open", "ordered_list_open", "em_open"}
        if token.type == "link_open":
            assert token.attrs["href"] in LINKS
        assert not (token.type == "text" and re.search(r"(?i)www\.|//", token.content))
    assert len(set(re.findall(r"^\|(?: --- \|)+$", detail, re.MULTILINE))) <= 4


def rich(good: Json) -> Json:
    """The good request with something of every kind that is read."""
    patient, visit = {"reference": "Patient/p-100"}, {"reference": "Encounter/e-100"}
    text = "Total time 34 minutes on the date of service. Patient at home. Video visit by audio and video."
    good["prefetch"] |= {
        "documents": {
            "resourceType": "DocumentReference",
            "id": "note",
            "status": "current",
            "type": {"text": "Progress note", "coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
            "subject": patient,
            "context": {"encounter": [visit]},
            "content": [
                {"attachment": {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}}
            ],
        },
        "practitioner": {
            "resourceType": "Practitioner",
            "id": "dr-lind",
            "name": [{"text": "Dr Lind", "family": "Lind"}],
            "qualification": [{"code": {"text": "MD", "coding": [{"system": "x", "code": "MD", "display": "MD"}]}}],
        },
        "conditions": {
            "resourceType": "Condition",
            "id": "dx",
            "subject": patient,
            "encounter": visit,
            "code": {
                "text": "Cough",
                "coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "Cough"}],
            },
        },
        "appointments": {
            "resourceType": "Appointment",
            "id": "a-1",
            "status": "fulfilled",
            "appointmentType": {"text": "Video Visit"},
            "participant": [{"actor": patient | {"display": "Mary"}, "status": "accepted"}],
        },
        "charges": {
            "resourceType": "Claim",
            "id": "cl-1",
            "status": "draft",
            "use": "claim",
            "patient": patient,
            "item": [
                {
                    "sequence": 1,
                    "productOrService": {"text": "visit", "coding": [{"system": CPT, "code": "99213"}]},
                    "encounter": [visit],
                }
            ],
        },
        "medications": {
            "resourceType": "MedicationRequest",
            "id": "rx",
            "status": "active",
            "intent": "order",
            "subject": patient,
            "encounter": visit,
            "medicationCodeableConcept": {"text": "Amoxicillin"},
        },
    }
    good["prefetch"]["coverage"]["entry"][0]["resource"]["class"] = [
        {"type": {"text": "plan"}, "value": "Part B", "name": "Medicare Part B"}
    ]
    good["prefetch"]["encounter"] |= {
        "type": [{"text": "Video Visit", "coding": [{"system": "urn:x", "code": "v", "display": "Video Visit"}]}],
        "serviceProvider": {"reference": "Organization/o", "display": "North Clinic"},
    }
    good["extension"] = {"com.epic.cdshooks.request.bpa-trigger-action": "23", "fhirVersion": "R4"}
    return good


def leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*place, key))
    elif isinstance(value, str):
        yield place


def poisoned(body: Json, place: Place, poison: str, *, beside: bool) -> Json:
    """The body with poison in one of its strings, or behind what stands there."""
    found = copy.deepcopy(body)
    inner: Any = found
    for part in place[:-1]:
        inner = inner[part]
    said = f"{inner[place[-1]]} {poison}" if beside else poison
    inner[place[-1]] = base64.b64encode(said.encode()).decode() if place[-1] == "data" else said
    return found


def details(client: FlaskClient, body: Json, name: str, *, beside: bool) -> list[str]:
    """What cards say when each string of a body in turn is poisoned."""
    places = list(leaves(body))
    assert len(places) > 100
    found = []
    for place in places:
        answer = client.post(NOTE_SIGN, json=poisoned(body, place, POISONS[name], beside=beside))
        assert answer.status_code in {200, 400, 412}, place
        if answer.status_code != 200:
            assert "evil" not in answer.text
            continue
        check_answer(answer.get_json())
        found += [card["detail"] for card in answer.get_json()["cards"]]
    assert len(found) > len(places) // 2
    return found


def test_the_drawing_sees_poison_that_is_not_escaped() -> None:
    for name in ("a tag", "a script", "a comment", "a link", "an image", "an address", "a heading", "code"):
        with pytest.raises((AssertionError, KeyError)):
            check_inert(POISONS[name])


BESIDE = ("a tag", "a link", "another address", "a table", "a heading")
"""Poison that might do behind a word what it does not do alone."""
TRIED = [(name, False) for name in POISONS] + [(name, True) for name in BESIDE]


@pytest.mark.parametrize(("name", "beside"), TRIED, ids=[f"{n}{' beside' if b else ''}" for n, b in TRIED])
def test_poison_in_any_string_of_a_request_is_drawn_as_text(
    client: FlaskClient, good: Json, name: str, beside: bool
) -> None:
    for detail in details(client, rich(good), name, beside=beside):
        check_inert(detail)


@pytest.mark.parametrize("client_name", ["epic", "oracle", "sandbox"])
def test_poison_is_text_for_every_client(app_with: Callable[..., FlaskClient], good: Json, client_name: str) -> None:
    client = app_with(client=client_name)
    body = rich(good)
    for place in leaves(body["prefetch"]["observations"], ("prefetch", "observations")):
        for name in ("a tag", "a link", "bidi"):
            answer = client.post(NOTE_SIGN, json=poisoned(body, place, POISONS[name], beside=True))
            check_answer(answer.get_json())
            for card in answer.get_json()["cards"]:
                check_inert(card["detail"])
