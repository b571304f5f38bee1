"""Checks a discovery document and an answer from outside, by the words of the specification and by no code of ours."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

Json = dict[str, Any]

TOKENS = {
    "encounter-discharge": {"context.userId", "context.patientId", "context.encounterId"},
    "patient-view": {"context.userId", "context.patientId", "context.encounterId"},
    "order-sign": {"context.userId", "context.patientId", "context.encounterId"},
    "org.example.telecode.note-sign": {
        "context.userId",
        "context.patientId",
        "context.encounterId",
        "context.documentReferenceId",
    },
}
"""The fields of each hook's context that its definition marks as tokens."""
USER_TOKENS = {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
PARAMETER = re.compile(
    r"(?:patient|subject|encounter)=\{\{[A-Za-z.]+\}\}"  # references
    r"|(?:code|category|status|class|type)(?::in)?=[^&{}]+"  # tokens, by equality or :in
    r"|date=(?:eq|lt|gt|ge|le)[^&]+"
    r"|_count=\d+|_sort=-?[a-z\-]+"
)
CARD = {
    "uuid",
    "summary",
    "detail",
    "indicator",
    "source",
    "suggestions",
    "selectionBehavior",
    "overrideReasons",
    "links",
    "extension",
}


def blanks(value: object, path: str = "$") -> Iterator[str]:
    """Where a tree holds null, "", [] or {}."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from blanks(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from blanks(item, f"{path}[{index}]")


def strings(value: object) -> Iterator[str]:
    """Every string in a tree."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def check_template(template: str, hook: str) -> None:
    tokens = re.findall(r"\{\{(.*?)\}\}", template)
    assert tokens, template
    assert set(tokens) <= TOKENS[hook] | USER_TOKENS, template
    assert not re.search(r"[{}]", re.sub(r"\{\{.*?\}\}", "", template)), template
    assert not template.startswith(("/", "http"))
    path, _, query = template.partition("?")
    if query:
        assert re.fullmatch(r"[A-Z][A-Za-z]+", path), template
        assert all(PARAMETER.fullmatch(part) for part in query.split("&")), template
    else:
        assert re.fullmatch(r"[A-Z][A-Za-z]+/\{\{[A-Za-z.]+\}\}|\{\{context\.userId\}\}", path), template


def check_discovery(body: Json) -> None:
    assert set(body) == {"services"}
    assert isinstance(body["services"], list)
    assert list(blanks(body["services"])) == []
    for service in body["services"]:
        for member in ("hook", "title", "description", "id", "usageRequirements"):
            assert isinstance(service[member], str)
        assert re.fullmatch(r"[A-Za-z0-9_.\-]+", service["id"])
        for key, template in service["prefetch"].items():
            assert isinstance(key, str)
            check_template(template, service["hook"])
    ids = [service["id"] for service in body["services"]]
    assert len(set(ids)) == len(ids)


def check_answer(body: Json) -> None:
    """E8 to E13, E15 to E18."""
    assert set(body) == {"cards"}
    assert isinstance(body["cards"], list)
    assert [path for path in blanks(body) if path != "$.cards"] == []
    uuids = []
    for card in body["cards"]:
        assert set(card) <= CARD
        check_card(card)
        uuids += [part["uuid"] for part in (card, *card.get("suggestions", ()))]
    assert len(set(uuids)) == len(uuids)
    assert all(str(UUID(uuid)) == uuid for uuid in uuids)


def check_card(card: Json) -> None:
    assert card["summary"].strip() == card["summary"]
    assert "\n" not in card["summary"]
    assert len(card["summary"]) < 140
    assert len(card["summary"].encode("utf-16-le")) // 2 < 140
    assert card["indicator"] in {"info", "warning", "critical"}
    source = card["source"]
    assert isinstance(source["label"], str)
    assert {"code", "system"} <= set(source["topic"]) <= {"code", "system", "display"}
    assert re.fullmatch(r"[A-Za-z0-9]{1,100}", source["topic"]["code"])
    for link in (source.get("url"), source.get("icon"), *(link["url"] for link in card.get("links", ()))):
        if link is not None:
            parts = urlsplit(link)
            assert (parts.scheme, parts.username, parts.password) == ("https", None, None)
    check_detail(card["detail"])
    assert ("suggestions" in card) == ("selectionBehavior" in card)
    if "suggestions" in card:
        assert card["selectionBehavior"] in {"at-most-one", "any"}
        marked = [one for one in card["suggestions"] if one.get("isRecommended")]
        assert len(marked) <= 1 or card["selectionBehavior"] == "any"
        for suggestion in card["suggestions"]:
            check_suggestion(suggestion)
    for reason in card.get("overrideReasons", ()):
        assert set(reason) == {"code", "system", "display"}


def check_suggestion(suggestion: Json) -> None:
    assert set(suggestion) <= {"label", "uuid", "isRecommended", "actions"}
    assert suggestion["label"].strip()
    for action in suggestion.get("actions", ()):
        assert set(action) == {"type", "description", "resource"}
        assert action["type"] == "create"
        assert action["description"].strip()
        assert re.fullmatch(r"[A-Z][A-Za-z]+", action["resource"]["resourceType"])
        assert "id" not in action["resource"]


def check_detail(detail: str) -> None:
    assert not re.search(r"<[A-Za-z/!?]", detail)
    assert "![" not in detail.replace("\\!", "").replace("!\\[", "")
    assert not re.search(r"(?i)\]\(\s*(?!https://)", detail)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", detail)
