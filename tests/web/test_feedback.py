"""Feedback over HTTP: every form an EHR sends is heard, told twice is kept once, and what does not fit says where."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.store.database import Database
from cds_hooks.store.ledger import Ledger
from cds_hooks.store.statistics import events

SERVICE = "/cds-services/telehealth-em-note-sign"
FEEDBACK = f"{SERVICE}/feedback"
AT = "2026-11-20T20:30:00Z"
Json = dict[str, Any]


@pytest.fixture
def ehr(app_with: Callable[..., FlaskClient], tmp_path: Any) -> FlaskClient:
    return app_with(database_url=f"sqlite:///{tmp_path}/telecode.db")


def heard(client: FlaskClient) -> list[Json]:
    ledger: Ledger = client.application.extensions["ledger"]
    return list(events(ledger.database))


def event(**members: Any) -> Json:
    return {"card": "c1", "outcome": "overridden", "outcomeTimestamp": AT} | members


def without(member: str) -> Json:
    return {name: value for name, value in event().items() if name != member}


def tell(client: FlaskClient, *told: Any) -> Any:
    return client.post(FEEDBACK, json={"feedback": list(told)})


def test_f1_a_suggestion_that_was_given_can_be_accepted_by_its_uuid(ehr: FlaskClient, good: Json) -> None:
    (card,) = ehr.post(SERVICE, json=good).get_json()["cards"]
    accepted = [{"id": card["suggestions"][0]["uuid"]}]
    answer = tell(ehr, event(card=card["uuid"], outcome="accepted", acceptedSuggestions=accepted))
    assert (answer.status_code, answer.get_json()) == (200, {})
    (kept,) = heard(ehr)
    assert (kept["known"], kept["outcome"], kept["accepted"]) == (True, "accepted", accepted[0]["id"])


def test_a_uuid_in_capital_letters_is_the_one_that_was_given(ehr: FlaskClient, good: Json) -> None:
    (card,) = ehr.post(SERVICE, json=good).get_json()["cards"]
    accepted = card["suggestions"][0]["uuid"]
    told = event(card=card["uuid"].upper(), outcome="accepted", acceptedSuggestions=[{"id": accepted.upper()}])
    assert tell(ehr, told).status_code == 200
    (kept,) = heard(ehr)
    assert (kept["known"], kept["accepted"]) == (True, accepted)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, ""),
        ({"overrideReason": {"reason": {"code": "payer-rule", "system": "urn:r"}}}, "payer-rule"),
        ({"overrideReason": {"userComment": "no"}}, ""),
        ({"overrideReason": {"reason": {"code": "other"}, "userComment": "no", "more": [1]}}, "other"),
        ({"overrideReasons": {"reason": {"code": "3", "system": "urn:epic", "display": "Not now"}}}, "3"),
        ({"overrideReasons": {"extension": {"com.epic": {"reasonCategory": "7", "reasonTitle": "x"}}}}, "7"),
        ({"overrideReasons": {"extension": {"reasonCategory": {"code": "8"}}}}, "8"),
        ({"overrideReasons": {"extension": {"reasonDisplay": "x"}}}, ""),
        ({"acceptedSuggestions": [{"id": "s1"}]}, ""),
        ({"unknown": {"deep": [1, 2]}}, ""),
        ({"card": "Epic-style-42"}, ""),
        ({"overrideReason": None, "userComment": None}, ""),
        ({"overrideReason": {"reason": None, "userComment": None}, "acceptedSuggestions": None}, ""),
        ({"overrideReason": {"reason": {"code": "JOHN CANARY is deaf", "system": "a b"}}}, "not-a-code"),
        ({"overrideReason": {"reason": {"code": "a\u0000b"}}}, "not-a-code"),
        ({"overrideReason": {"reason": {"code": "\u001b]0;mine\u0007"}}}, "not-a-code"),
        ({"overrideReason": {"reason": {"code": "=1+1"}}}, "not-a-code"),
    ],
)
def test_f6_every_way_to_override_is_heard(ehr: FlaskClient, members: Json, reason: str) -> None:
    assert tell(ehr, event(**members)).status_code == 200
    (kept,) = heard(ehr)
    assert (kept["reason_code"], kept["known"]) == (reason, False)


@pytest.mark.parametrize("at", [AT, "2026-11-20T20:30:00.123Z", "2026-11-20T15:30:00-05:00", "2026-11-20t20:30:00z"])
def test_f2_every_rfc_3339_moment_is_taken(ehr: FlaskClient, at: str) -> None:
    assert tell(ehr, event(outcomeTimestamp=at)).status_code == 200


def test_f3_a_batch_is_heard_whole_and_again_without_harm(ehr: FlaskClient) -> None:
    batch = [event(card=f"c{number}") for number in range(100)]
    for _ in range(2):
        assert tell(ehr, *batch).status_code == 200
    assert len(heard(ehr)) == 100


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "feedback"),
        ({"feedback": None}, "feedback"),
        ({"feedback": []}, "feedback"),
        ({"feedback": {"card": "c1"}}, "feedback"),
        ({"feedback": [event()] * 1001}, "feedback"),
        ({"feedback": [event(), "text"]}, "feedback.1"),
        ({"feedback": [without("card")]}, "feedback.0.card"),
        ({"feedback": [event(card="")]}, "feedback.0.card"),
        ({"feedback": [event(card="c" * 201)]}, "feedback.0.card"),
        ({"feedback": [event(card="a b\n")]}, "feedback.0.card"),
        ({"feedback": [without("outcome")]}, "feedback.0.outcome"),
        ({"feedback": [event(outcome="ignored")]}, "feedback.0.outcome"),
        ({"feedback": [event(outcome="accepted")]}, "feedback.0"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions=[])]}, "feedback.0"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions=[{}])]}, "feedback.0.acceptedSuggestions.0.id"),
        ({"feedback": [without("outcomeTimestamp")]}, "feedback.0"),
        ({"feedback": [event(outcomeTimestamp="2026-11-20")]}, "feedback.0"),
        ({"feedback": [event(outcomeTimestamp="2026-11-20T20:30:00")]}, "feedback.0"),
        ({"feedback": [event(outcomeTimestamp=1763670600)]}, "feedback.0"),
        ({"feedback": [event(outcomeTimestamp="2026-02-30T20:30:00Z")]}, "feedback.0.outcomeTimestamp"),
        ({"feedback": [event(outcomeTimestamp="0001-01-01T00:00:00+14:00")]}, "feedback.0.outcomeTimestamp"),
        ({"feedback": [event(outcomeTimestamp="9999-12-31T23:59:59-14:00")]}, "feedback.0.outcomeTimestamp"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions=None)]}, "feedback.0"),
        ({"feedback": [event(overrideReason="no")]}, "feedback.0.overrideReason"),
    ],
)
def test_f2_what_does_not_fit_is_refused_with_its_place_and_nothing_of_it_is_kept(
    ehr: FlaskClient, body: Json, where: str
) -> None:
    answer = ehr.post(FEEDBACK, json=body)
    assert answer.status_code == 400
    (issue,) = answer.get_json()["issue"]
    assert issue["expression"] == [where]
    assert heard(ehr) == []


def test_f7_what_is_heard_is_answered_with_nothing_and_a_refusal_never_quotes_what_was_sent(ehr: FlaskClient) -> None:
    assert tell(ehr, event()).text == "{}"
    answer = tell(ehr, event(outcome="CANARY-outcome", card="CANARY card"))
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    assert "CANARY" not in answer.text
    assert "Json" not in tell(ehr, "text").text  # nor does it tell how the service is built


def test_a_service_that_is_not_there_hears_nothing(ehr: FlaskClient) -> None:
    assert ehr.post("/cds-services/none/feedback", json={"feedback": [event()]}).status_code == 404
    assert ehr.get(FEEDBACK).status_code == 405


def test_while_the_store_is_down_cards_still_go_out_and_feedback_is_asked_for_again(
    ehr: FlaskClient, good: Json
) -> None:
    ledger: Ledger = ehr.application.extensions["ledger"]
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE feedback")
        connection.exec_driver_sql("DROP TABLE offer")
    assert len(ehr.post(SERVICE, json=good).get_json()["cards"]) == 1
    answer = tell(ehr, event())
    assert answer.status_code == 503
    assert answer.get_json()["issue"][0]["code"] == "transient"


def test_nothing_of_the_chart_reaches_the_store(ehr: FlaskClient, good: Json, tmp_path: Any) -> None:
    good["prefetch"]["patient"]["name"] = [{"family": "CANARY-NAME"}]
    good["prefetch"]["coverage"]["entry"][0]["resource"]["subscriberId"] = "CANARY-MEMBER"
    (card,) = ehr.post(SERVICE, json=good).get_json()["cards"]
    tell(ehr, event(card=card["uuid"], overrideReason={"userComment": "CANARY-COMMENT"}))
    ledger: Ledger = ehr.application.extensions["ledger"]
    ledger.database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("telecode.db*"))
    for secret in (b"CANARY", b"p-100", b"e-100", b"dr-lind", b"Observation", b"1961-04-12"):
        assert secret not in kept
    assert card["uuid"].encode() in kept


def test_an_app_opens_the_database_it_is_told_of(tmp_path: Any, ehr: FlaskClient) -> None:
    assert (tmp_path / "telecode.db").is_file()
    assert isinstance(ehr.application.extensions["ledger"].database, Database)
