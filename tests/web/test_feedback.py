"""Feedback over HTTP: every form an EHR sends is heard, told twice is kept once, and what does not fit says where."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from cds_hooks.exchange.feedback import read_feedback
from cds_hooks.exchange.override_reasons import Reasons
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
        ({"overrideReasons": {"reason": {"code": "3", "system": "urn:epic", "display": "Not now"}}}, "other"),
        ({"overrideReasons": {"extension": {"com.epic": {"reasonCategory": "7", "reasonTitle": "x"}}}}, "7"),
        ({"overrideReasons": {"extension": {"reasonCategory": {"code": "8"}}}}, "8"),
        ({"overrideReasons": {"extension": {"reasonCategory": 9}}}, "9"),
        ({"overrideReasons": {"extension": {"com.epic": {"reasonCategory": "1234567"}}}}, "other"),
        ({"overrideReasons": {"extension": {"com.epic": {"reasonCategory": "payer-rule"}}}}, "payer-rule"),
        ({"overrideReasons": {"extension": {"reasonDisplay": "x"}}}, "other"),
        ({"overrideReasons": {"extension": {"com.example": {"more": "x"}}}}, ""),
        ({"acceptedSuggestions": [{"id": "s1"}]}, ""),
        ({"unknown": {"deep": [1, 2]}}, ""),
        ({"card": "Epic-style-42"}, ""),
        ({"overrideReason": None, "userComment": None}, ""),
        ({"overrideReason": {"reason": None, "userComment": None}, "acceptedSuggestions": None}, ""),
        ({"overrideReason": {"reason": {"code": "JOHN CANARY is deaf", "system": "a b"}}}, "other"),
        ({"overrideReason": {"reason": {"code": "a\u0000b"}}}, "other"),
        ({"overrideReason": {"reason": {"code": "\u001b]0;mine\u0007"}}}, "other"),
        ({"overrideReason": {"reason": {"code": "=1+1"}}}, "other"),
    ],
)
def test_f6_every_way_to_override_is_heard(ehr: FlaskClient, members: Json, reason: str) -> None:
    assert tell(ehr, event(**members)).status_code == 200
    (kept,) = heard(ehr)
    assert (kept["reason_code"], kept["known"]) == (reason, False)


OWN = "https://example.org/fhir/telecode/CodeSystem/override-reason"
RULE = {"code": "payer-rule", "system": OWN}
SITE = {"code": "A.17", "system": "urn:oid:1.2.3"}


@pytest.mark.parametrize("name", ["overrideReason", "overrideReasons"])
@pytest.mark.parametrize(
    ("override", "system", "code"),
    [
        ({"reason": RULE}, OWN, "payer-rule"),
        (RULE, OWN, "payer-rule"),
        ({"code": "payer-rule"}, OWN, "payer-rule"),
        ({"reason": [RULE]}, OWN, "payer-rule"),
        ([{"reason": RULE}], OWN, "payer-rule"),
        ([RULE, RULE], OWN, "payer-rule"),
        ([RULE, {"userComment": "no"}], OWN, "payer-rule"),
        ({"reason": {"coding": [RULE], "text": "words"}}, OWN, "payer-rule"),
        ({"reason": {"coding": RULE}}, OWN, "payer-rule"),
        ({"coding": [RULE]}, OWN, "payer-rule"),
        ({"reason": {"coding": [{"code": "x", "system": "urn:x"}, SITE, RULE]}}, OWN, "payer-rule"),
        ({"reason": {"coding": [{"code": "x", "system": "urn:x"}, SITE]}}, "urn:oid:1.2.3", "A.17"),
        ({"reason": {"text": "The payer wants it coded another way"}}, OWN, "payer-rule"),
        ({"reason": {"display": "the payer wants it coded another way "}}, OWN, "payer-rule"),
        ({"reason": "payer-rule"}, OWN, "payer-rule"),
        ({"reason": "Mrs. Canary said no"}, "", "other"),
        ({"reason": {"text": "Mrs. Canary said no"}}, "", "other"),
        ({"reason": {"display": "Mrs. Canary said no"}}, "", "other"),
        ({"reason": {"value": "Canary"}}, "", "other"),
        ({"value": "Canary"}, "", "other"),
        ({"reason": SITE}, "urn:oid:1.2.3", "A.17"),
        ({"reason": SITE | {"system": "urn:oid:1.2.3.4"}}, "", "other"),
        ({"reason": SITE | {"code": "Mrs. Canary"}}, "", "other"),
        ({"reason": RULE | {"system": "urn:canary"}}, "", "payer-rule"),
        ({"reason": {"system": OWN, "code": "canary"}}, "", "other"),
        ({"reason": {}}, "", ""),
        ({}, "", ""),
        ([], "", ""),
    ],
)
def test_a_reason_is_read_in_every_shape_and_kept_if_it_is_known(
    name: str, override: Any, system: str, code: str
) -> None:
    known = Reasons(OWN, {"payer-rule": "The payer wants it coded another way"}, frozenset({"urn:oid:1.2.3"}))
    (read,) = read_feedback({"feedback": [event(**{name: override})]}, known)
    assert (read.reason_system, read.reason_code) == (system, code)


def test_the_codes_of_a_system_that_the_site_names_are_kept(
    app_with: Callable[..., FlaskClient], tmp_path: Any
) -> None:
    ehr = app_with(database_url=f"sqlite:///{tmp_path}/telecode.db", override_systems="urn:a, urn:oid:1.2.3")
    assert tell(ehr, event(overrideReason={"reason": SITE})).status_code == 200
    (kept,) = heard(ehr)
    assert (kept["reason_system"], kept["reason_code"]) == ("urn:oid:1.2.3", "A.17")


def test_a_reason_and_a_comment_under_the_two_names_are_both_heard(ehr: FlaskClient) -> None:
    assert tell(ehr, event(overrideReason={"userComment": "no"}, overrideReasons={"reason": RULE})).status_code == 200
    (kept,) = heard(ehr)
    assert (kept["reason_code"], kept["commented"]) == ("payer-rule", True)


@pytest.mark.parametrize("form", [lambda one: [one], lambda one: [{"uuid": one}], lambda one: {"id": one}, str])
def test_an_accepted_suggestion_is_read_in_every_shape(
    ehr: FlaskClient, good: Json, form: Callable[[str], Any]
) -> None:
    (card,) = ehr.post(SERVICE, json=good).get_json()["cards"]
    suggestion = card["suggestions"][0]["uuid"]
    told = event(card=f"urn:uuid:{card['uuid']}", outcome="accepted", acceptedSuggestions=form(suggestion))
    assert tell(ehr, told).status_code == 200
    (kept,) = heard(ehr)
    assert (kept["card"], kept["accepted"], kept["unknown_suggestions"]) == (card["uuid"], suggestion, "")


def test_a_suggestion_that_the_card_never_had_is_told_apart_wherever_acceptance_is_counted(
    ehr: FlaskClient, good: Json
) -> None:
    first, second = (ehr.post(SERVICE, json=good).get_json()["cards"][0] for _ in range(2))
    foreign = second["suggestions"][0]["uuid"]
    counted = [
        f'telecode_feedback_total{{outcome="{outcome}",service="telehealth-em-note-sign"}}'
        for outcome in ("accepted", "unknown")
    ]

    def numbers() -> list[float]:
        lines = dict(line.rsplit(" ", 1) for line in ehr.get("/metrics").text.splitlines() if line[0] != "#")
        return [float(lines.get(name, 0)) for name in counted]

    before = numbers()
    for one, suggestion in ((first, foreign), (second, foreign), ({"uuid": str(uuid4())}, foreign)):
        told = event(card=one["uuid"], outcome="accepted", acceptedSuggestions=[{"id": suggestion}])
        assert tell(ehr, told).status_code == 200
    assert [after - there for after, there in zip(numbers(), before, strict=True)] == [1, 2]
    page = ehr.get("/activity").text
    assert "Accepted suggestions that their card never had: 1." in page
    assert '<th scope="row">99214</th><td>2</td><td>1</td><td>0</td><td>1</td><td>0</td><td>100%</td>' in page
    assert sorted((row["accepted"], row["unknown_suggestions"]) for row in heard(ehr)) == [
        ("", foreign),
        ("", foreign),
        (foreign, ""),
    ]


@pytest.mark.parametrize("at", [AT, "2026-11-20T20:30:00.123Z", "2026-11-20T15:30:00-05:00", "2026-11-20t20:30:00z"])
def test_f2_every_rfc_3339_moment_is_taken(ehr: FlaskClient, at: str) -> None:
    assert tell(ehr, event(outcomeTimestamp=at)).status_code == 200


def test_f3_a_batch_is_heard_whole_and_again_without_harm(ehr: FlaskClient) -> None:
    batch = [event(card=f"c{number}") for number in range(100)]
    for _ in range(2):
        assert tell(ehr, *batch).status_code == 200
    assert len(heard(ehr)) == 100


def test_instances_of_one_database_keep_an_event_once_by_the_key_beside_it(
    app_with: Callable[..., FlaskClient], tmp_path: Any
) -> None:
    url = f"sqlite:///{tmp_path}/telecode.db"
    for _ in range(2):
        ehr = app_with(database_url=url)
        assert tell(ehr, event(), event(outcomeTimestamp="2026-11-20T20:30:01Z")).status_code == 200
        assert len(heard(ehr)) == 2
    assert (tmp_path / "telecode.key").is_file()
    assert tell(app_with(database_url=url, digest_key="k" * 32), event()).status_code == 200
    assert len(heard(ehr)) == 3  # another key knows nothing of those before


@pytest.mark.parametrize(
    ("stored", "at"),
    [
        ("hour", "2026-11-20T20:00:00+00:00"),
        ("day", "2026-11-20T00:00:00+00:00"),
        ("exact", "2026-11-20T20:30:00+00:00"),
    ],
)
def test_a_site_says_to_what_times_are_rounded(
    app_with: Callable[..., FlaskClient], tmp_path: Any, stored: str, at: str
) -> None:
    ehr = app_with(database_url=f"sqlite:///{tmp_path}/telecode.db", stored_time=stored)
    assert tell(ehr, event()).status_code == 200
    assert heard(ehr)[0]["at"] == at


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
        ({"feedback": [event(overrideReason=["no"])]}, "feedback.0.overrideReason.0"),
        ({"feedback": [event(overrideReasons="no")]}, "feedback.0.overrideReasons"),
        ({"feedback": [event(overrideReason={"reason": 5})]}, "feedback.0.overrideReason.reason"),
        ({"feedback": [event(overrideReason={"reason": {"code": 5}})]}, "feedback.0.overrideReason.reason.code"),
        (
            {"feedback": [event(overrideReason=[{"reason": [{"code": 5}]}])]},
            "feedback.0.overrideReason.0.reason.0.code",
        ),
        ({"feedback": [event(overrideReason={"reason": ["payer-rule", "other"]})]}, "feedback.0.overrideReason"),
        ({"feedback": [event(overrideReasons=[RULE, SITE])]}, "feedback.0.overrideReasons"),
        (
            {"feedback": [event(overrideReason={"reason": {"coding": [RULE, RULE | {"code": "other"}]}})]},
            "feedback.0.overrideReason",
        ),
        ({"feedback": [event(overrideReason={"comment": "no"})]}, "feedback.0.overrideReason"),
        ({"feedback": [event(userComment="no")]}, "feedback.0"),
        ({"feedback": [event(reason=RULE)]}, "feedback.0"),
        ({"feedback": [event(), event(override_reason={"reason": RULE})]}, "feedback.1"),
        ({"feedback": [event(OverrideReason={"reason": RULE})]}, "feedback.0"),
        ({"feedback": [event(acceptedSuggestion=[{"id": "s1"}])]}, "feedback.0"),
        ({"feedback": [event(outcome="Accepted", acceptedSuggestions=[{"id": "s1"}])]}, "feedback.0.outcome"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions=[5])]}, "feedback.0.acceptedSuggestions.0"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions={"i": 5})]}, "feedback.0.acceptedSuggestions.id"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions=[""])]}, "feedback.0.acceptedSuggestions.0.id"),
        ({"feedback": [event(outcome="accepted", acceptedSuggestions=["s"] * 41)]}, "feedback.0.acceptedSuggestions"),
        ({"feedback": [without("card") | {"cardId": "c1"}]}, "feedback.0.card"),
        ({"feedback": [without("card") | {"uuid": "c1"}]}, "feedback.0.card"),
        (event(), "feedback"),
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
