"""The hooks of section B: what each context must hold and may hold, and when a service answers."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.chart_server import ChartServer

Json = dict[str, Any]
App = Callable[..., FlaskClient]
NOTE_SIGN = "telehealth-em-note-sign"
ORDER_SIGN = "telehealth-em-order-sign"
CPT = "http://www.ama-assn.org/go/cpt"


def ask(client: FlaskClient, service: str, body: Json) -> list[Json]:
    answer = client.post(f"/cds-services/{service}", json=body)
    assert answer.status_code == 200, answer.get_json()
    found: list[Json] = answer.get_json()["cards"]
    return found


def order(code: str = "99215", **members: Any) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": "o1",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": CPT, "code": code}]},
        "subject": {"reference": "Patient/p-100"},
        "encounter": {"reference": "Encounter/e-100"},
    } | members


def collected(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def note(text: str, **members: Any) -> Json:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "id": "n1",
        "status": "current",
        "docStatus": "preliminary",
        "subject": {"reference": "Patient/p-100"},
        "context": {"encounter": [{"reference": "Encounter/e-100"}]},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    } | members


@pytest.fixture
def signing(good: Json) -> Json:
    """An order-sign request whose one draft order is the visit itself."""
    good["hook"] = "order-sign"
    good["context"]["draftOrders"] = collected(order())
    return good


@pytest.mark.parametrize("service", [NOTE_SIGN, "telehealth-em-encounter-discharge"])
def test_b3_a_visit_that_is_signed_or_closed_is_named(client: FlaskClient, good: Json, service: str) -> None:
    good["hook"] = "encounter-discharge" if "discharge" in service else good["hook"]
    del good["context"]["encounterId"]
    answer = client.post(f"/cds-services/{service}", json=good)
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == ["context.encounterId"]


def test_b3_patient_view_needs_no_visit_and_says_nothing_without_one(client: FlaskClient, good: Json) -> None:
    good["hook"] = "patient-view"
    assert len(ask(client, "telehealth-em-patient-view", good)) == 1
    del good["context"]["encounterId"]
    assert ask(client, "telehealth-em-patient-view", good) == []


def test_b3_the_draft_note_is_read_like_one_that_is_stored(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["observations"] = None
    good["context"]["draftNote"] = collected(note("Total time spent on the date of the encounter: 34 minutes."))
    (card,) = ask(client, NOTE_SIGN, good)
    assert card["summary"].startswith("99214, POS 10: moderate by time, 34 min")


def test_b3_the_draft_charges_are_the_code_already_chosen(client: FlaskClient, good: Json) -> None:
    charge = {
        "resourceType": "ChargeItem",
        "id": "c1",
        "status": "planned",
        "code": {"coding": [{"system": CPT, "code": "99215"}]},
        "subject": {"reference": "Patient/p-100"},
    }
    nameless = {name: value for name, value in order().items() if name != "encounter"}
    for draft in (charge, order(), nameless):
        good["context"]["draftCharges"] = collected(draft)
        (card,) = ask(client, NOTE_SIGN, good)
        assert card["summary"].startswith("99214, POS 10, not 99215.")


@pytest.mark.parametrize("kind", ["DocumentReference", "Composition"])
def test_b3_a_draft_note_that_names_no_visit_is_of_the_one_that_is_signed(
    client: FlaskClient, good: Json, kind: str
) -> None:
    good["prefetch"]["observations"] = None
    said = "Total time spent on the date of the encounter: 34 minutes."
    draft = note(said)
    if kind == "Composition":
        section = [{"text": {"status": "generated", "div": f"<div xmlns='http://www.w3.org/1999/xhtml'>{said}</div>"}}]
        draft = {"resourceType": kind, "status": "preliminary", "subject": draft["subject"], "section": section}
    draft.pop("context", None)
    good["prefetch"]["documents"] = collected(draft)
    (card,) = ask(client, NOTE_SIGN, good)
    assert card["summary"].startswith("Visit code open.")  # it could be of any visit
    good["context"]["draftNote"] = collected(draft)
    (card,) = ask(client, NOTE_SIGN, good)
    assert card["summary"].startswith("99214, POS 10: moderate by time, 34 min")


def test_b3_a_stored_note_that_is_named_is_fetched(app_with: App, good: Json) -> None:
    good["prefetch"]["observations"] = None
    good["context"]["documentReferenceId"] = "n1"
    text = "Total time spent on the date of the encounter: 34 minutes."
    chart = ChartServer(**{"DocumentReference/n1": note(text)})
    with chart.running() as base:
        (card,) = ask(app_with(fhir_allow=base, fhir_deadline="10"), NOTE_SIGN, good | {"fhirServer": base})
    assert card["summary"].startswith("99214, POS 10: moderate by time, 34 min")


def test_b3_another_patients_draft_is_left_out(client: FlaskClient, good: Json) -> None:
    good["context"]["draftCharges"] = collected(order(subject={"reference": "Patient/p-2"}))
    (card,) = ask(client, NOTE_SIGN, good)
    assert card["summary"].startswith("99214, POS 10: moderate by MDM")


@pytest.mark.parametrize("name", ["draftNote", "draftCharges"])
@pytest.mark.parametrize("value", [[], "note", 7, True])
def test_b3_a_draft_that_is_no_bundle_is_refused(client: FlaskClient, good: Json, name: str, value: object) -> None:
    good["context"][name] = value
    answer = client.post(f"/cds-services/{NOTE_SIGN}", json=good)
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == [f"context.{name}"]


@pytest.mark.parametrize(
    "value", [None, {}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": [None, {}]}]
)
def test_b3_an_empty_draft_changes_nothing(client: FlaskClient, good: Json, value: object) -> None:
    good["context"] |= {"draftNote": value, "draftCharges": value, "documentReferenceId": None}
    (card,) = ask(client, NOTE_SIGN, good)
    assert card["summary"].startswith("99214, POS 10: moderate by MDM")


def test_b3_a_hook_that_defines_no_drafts_reads_none(client: FlaskClient, good: Json) -> None:
    good["hook"] = "encounter-discharge"
    good["context"] |= {"draftCharges": collected(order()), "draftNote": "x"}
    (card,) = ask(client, "telehealth-em-encounter-discharge", good)
    assert "not 99215" not in card["summary"]


def test_b3_an_em_code_that_is_signed_as_an_order_is_checked(app_with: App, signing: Json) -> None:
    client = app_with(order_sign="true")
    (card,) = ask(client, ORDER_SIGN, signing)
    assert card["summary"].startswith("99214, POS 10, not 99215.")
    assert card["indicator"] == "warning"
    signing["context"]["draftOrders"] = collected(order("71046", id="xray"), order("99214"))
    (card,) = ask(client, ORDER_SIGN, signing)
    assert card["summary"] == "The record supports the code already chosen, 99214."


@pytest.mark.parametrize(
    "orders",
    [
        collected(),
        collected(order("71046")),
        collected(order() | {"resourceType": "MedicationRequest"}),
        {"resourceType": "Bundle"},
        {},
    ],
)
def test_b3_other_orders_get_no_card_and_no_412(app_with: App, signing: Json, orders: Json) -> None:
    signing["context"]["draftOrders"] = orders
    del signing["prefetch"]["encounter"]
    assert ask(app_with(order_sign="true"), ORDER_SIGN, signing) == []


@pytest.mark.parametrize("orders", [None, [], "x"])
def test_b3_order_sign_without_orders_is_refused(app_with: App, signing: Json, orders: object) -> None:
    signing["context"]["draftOrders"] = orders
    answer = app_with(order_sign="true").post(f"/cds-services/{ORDER_SIGN}", json=signing)
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == ["context.draftOrders"]


@pytest.mark.parametrize("profile", ["generic", "sandbox"])
def test_b3_order_sign_without_a_visit_gets_no_card(app_with: App, signing: Json, profile: str) -> None:
    del signing["context"]["encounterId"]
    assert ask(app_with(order_sign="true", client=profile), ORDER_SIGN, signing) == []


@pytest.mark.parametrize(
    "other",
    [
        {"subject": {"reference": "Patient/p-2"}},
        {"encounter": {"reference": "Encounter/e-2"}},
        {"status": "active"},
        {"doNotPerform": True},
        {"occurrenceDateTime": "2027-03-01"},
    ],
)
def test_b3_an_order_that_is_none_of_this_visit_gets_no_card(app_with: App, signing: Json, other: Json) -> None:
    signing["context"]["draftOrders"] = collected(order(**other))
    assert ask(app_with(order_sign="true"), ORDER_SIGN, signing) == []


def test_b3_a_follow_up_ordered_by_video_makes_no_telehealth_of_a_visit_in_the_office(
    client: FlaskClient, good: Json
) -> None:
    visit = good["prefetch"]["encounter"]
    visit["class"]["code"] = "AMB"
    for element in ("extension", "location", "contained"):
        del visit[element]
    assert ask(client, NOTE_SIGN, good) == []
    good["context"]["draftCharges"] = collected(order("98006", intent="plan"))
    assert ask(client, NOTE_SIGN, good) == []


def test_b3_a_draft_in_the_context_takes_no_part_in_prefetch_keys(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["draftCharges"] = "anything"
    good["context"]["draftCharges"] = collected(order())
    (card,) = ask(client, NOTE_SIGN, good)
    assert card["summary"].startswith("99214, POS 10, not 99215.")
