"""What would break a rule of CDS Hooks never goes out: the answer is no card, and the log says which rule."""

import copy
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks import meters
from cds_hooks.exchange import response
from cds_hooks.exchange.response import broken_rule, sendable

Json = dict[str, Any]
NOTE_SIGN = "telehealth-em-note-sign"
CARD: Json = {
    "uuid": "5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11",
    "summary": "99214, POS 10",
    "indicator": "info",
    "detail": "**Why**\n\n| a | b |\n| --- | --- |\n| [1](https://jucm.com/x) | &lt;b&gt; |",
    "source": {
        "label": "telecode",
        "url": "https://telecode.example",
        "topic": {"system": "https://telecode.example/topic", "code": "em", "display": "E/M"},
    },
    "suggestions": [
        {
            "label": "99214",
            "uuid": "6b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11",
            "isRecommended": True,
            "actions": [
                {"type": "create", "description": "Draft claim", "resource": {"resourceType": "Claim", "a": 0}}
            ],
        },
        {"label": "99213"},
    ],
    "selectionBehavior": "at-most-one",
    "overrideReasons": [{"system": "urn:reasons", "code": "other", "display": "Another reason"}],
    "links": [{"label": "Calculator", "url": "https://telecode.example/?m=34", "type": "absolute"}],
    "extension": {"org.example.telecode.outcome": {"outcome": "selection", "wrvu": 0, "strict": False}},
}
GONE = object()


def changed(value: object, *path: str | int) -> Json:
    """The answer with one member of its card changed, or gone."""
    answer: Json = {"cards": [copy.deepcopy(CARD)]}
    place: Any = answer["cards"][0]
    for part in path[:-1]:
        place = place[part]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return answer


def test_a_card_that_keeps_every_rule_is_sent_as_it_is() -> None:
    assert sendable([CARD], NOTE_SIGN) == [CARD]
    assert sendable([], NOTE_SIGN) == []


BROKEN: list[tuple[str, object, tuple[str | int, ...]]] = [
    ("C3", GONE, ("summary",)),
    ("C3", "", ("summary",)),
    ("C3", " ", ("summary",)),
    ("C3", "x" * 140, ("summary",)),
    ("C3", "\U0001f600" * 70, ("summary",)),
    ("C3", "two\nlines", ("summary",)),
    ("C3", "a\u202eb", ("summary",)),
    ("C3", 99214, ("summary",)),
    ("C4", GONE, ("indicator",)),
    ("C4", "hard-stop", ("indicator",)),
    ("C5", GONE, ("source",)),
    ("C5", GONE, ("source", "label")),
    ("C5", "telecode.example", ("source", "url")),
    ("C5", "javascript:alert(1)", ("source", "url")),
    ("C5", "https://user@telecode.example", ("source", "url")),
    ("C5", "/icon.png", ("source", "icon")),
    ("C5", GONE, ("source", "topic", "code")),
    ("C5", GONE, ("source", "topic", "system")),
    ("C6", "card-1", ("uuid",)),
    ("C6", "6b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11", ("uuid",)),
    ("C7", "a <b>bold</b> word", ("detail",)),
    ("C7", "<!-- hidden -->", ("detail",)),
    ("C7", "![](https://evil.example/x.png)", ("detail",)),
    ("C7", "[click](javascript:alert(1))", ("detail",)),
    ("C7", "[click](data:text/html,x)", ("detail",)),
    ("C7", "a\u202eb", ("detail",)),
    ("C8", GONE, ("selectionBehavior",)),
    ("C8", "all", ("selectionBehavior",)),
    ("C8", GONE, ("suggestions",)),
    ("C8", True, ("suggestions", 1, "isRecommended")),
    ("C9", GONE, ("suggestions", 0, "label")),
    ("C9", "yes", ("suggestions", 0, "isRecommended")),
    ("C9", "1", ("suggestions", 0, "uuid")),
    ("C10", "all", ("suggestions", 0, "actionSelectionBehavior")),
    ("C11", [], ("suggestions", 0, "actions")),
    ("C11", "replace", ("suggestions", 0, "actions", 0, "type")),
    ("C11", GONE, ("suggestions", 0, "actions", 0, "description")),
    ("C11", GONE, ("suggestions", 0, "actions", 0, "resource")),
    ("C11", {"a": 1, "b": 2}, ("suggestions", 0, "actions", 0, "resource")),
    ("C11", "delete", ("suggestions", 0, "actions", 0, "type")),
    ("C11", "Claim/1", ("suggestions", 0, "actions", 0, "resourceId")),
    ("C12", GONE, ("overrideReasons", 0, "display")),
    ("C12", GONE, ("overrideReasons", 0, "code")),
    ("C12", GONE, ("overrideReasons", 0, "system")),
    ("C13", GONE, ("links", 0, "label")),
    ("C13", "relative", ("links", 0, "type")),
    ("C13", "ftp://telecode.example", ("links", 0, "url")),
    ("C13", "x", ("links", 0, "appContext")),
    ("J2", None, ("detail",)),
    ("J2", [], ("links",)),
    ("J2", {}, ("extension",)),
    ("J2", [{}], ("extension", "org.example.telecode.outcome")),
    ("J2", "", ("suggestions", 0, "actions", 0, "resource", "a")),
    ("J2", None, ("suggestions", 0, "actions", 0, "resource", "a")),
    ("J4", 1, ("priority",)),
    ("J4", [], ("extension",)),
    ("J4", True, ("links", 0, "autolaunchable")),
]


@pytest.mark.parametrize(
    ("rule", "value", "path"), BROKEN, ids=[f"{r}-{p[-1]}-{n}" for n, (r, _, p) in enumerate(BROKEN)]
)
def test_a_card_that_breaks_a_rule_is_told_by_the_rules_id(
    rule: str, value: object, path: tuple[str | int, ...]
) -> None:
    assert broken_rule(changed(value, *path)) == rule


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("C1", {}),
        ("C1", {"cards": None}),
        ("C1", {"cards": {}}),
        ("C1", {"cards": ["99214"]}),
        ("C1", []),
        ("C14", {"cards": [], "systemActions": [{"type": "create", "resource": {"resourceType": "Claim"}}]}),
        ("J4", {"cards": [], "title": "x"}),
    ],
)
def test_an_answer_is_an_object_of_cards_and_nothing_that_acts_by_itself(rule: str, answer: object) -> None:
    assert broken_rule(answer) == rule


@pytest.mark.parametrize("summary", ["x" * 139, "\U0001f600" * 69 + "x"])
def test_139_characters_are_a_summary_however_they_are_counted(summary: str) -> None:
    assert broken_rule(changed(summary, "summary")) is None


def test_a_delete_names_what_it_deletes() -> None:
    action: Json = {"type": "delete", "description": "Draft order", "resourceId": "ServiceRequest/o1"}
    assert broken_rule(changed([action], "suggestions", 0, "actions")) is None
    for wrong in ("o1", "https://fhir.example/ServiceRequest/o1", "ServiceRequest/o1?x=1"):
        assert broken_rule(changed([action | {"resourceId": wrong}], "suggestions", 0, "actions")) == "C11"


def test_what_is_not_sent_is_logged_and_counted_by_rule_and_service_and_never_quoted(
    app_with: Callable[..., FlaskClient],
    good: Json,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = app_with()
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(meters, "withheld", lambda rule, service: counted.append((rule, service)))
    monkeypatch.setattr(response, "LONGEST_SUMMARY", 20)
    with caplog.at_level(logging.ERROR, logger="telecode"):
        answer = client.post(f"/cds-services/{NOTE_SIGN}", json=good)
    assert (answer.status_code, answer.get_json()) == (200, {"cards": []})
    assert counted == [("C3", NOTE_SIGN)]
    (line,) = [record.getMessage() for record in caplog.records if record.name == "telecode"]
    assert line == f"an answer of {NOTE_SIGN} was withheld: it breaks rule C3"
