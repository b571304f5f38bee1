"""Whatever goes wrong with one note or one resource costs that one: it is named, and what it may decide is unknown."""

from typing import Any

import pytest

from fhir_mapping import attachments, narrative
from fhir_mapping.facts import Modality, PatientStatus
from fhir_mapping.latest_visit import latest_visit
from fhir_mapping.note import read_within
from fhir_mapping.unreadable import KINDS, OTHER, VISIT, fault_of
from tests.mapping.charts import (
    Json,
    by_method,
    claim,
    coverage,
    earlier,
    level,
    minutes,
    note,
    observed,
    read,
    visit,
    vocabulary,
)

PATIENT = "Mrs. Example"
SAID = "Visit conducted by video. Total time: 34 minutes."
pytestmark = pytest.mark.usefixtures("fenced")


class Faulty(dict[str, Any]):
    """A resource that no reader gets anything out of but its name, and whose it is."""

    KEPT = frozenset(
        {"resourceType", "id", "subject", "patient", "beneficiary", "modifierExtension", "identifier", "entry"}
    )

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self.KEPT:
            raise RuntimeError(PATIENT)
        return super().get(key, default)


def person(kind: str, own: str = "dr1", **members: Any) -> Json:
    return {"resourceType": kind, "id": own} | members


OF_ROLE = {"practitioner": {"reference": "Practitioner/dr1"}}
BOOKED = {"resourceType": "Appointment", "id": "a1", "participant": [{"actor": {"reference": "Patient/p1"}}]}
ORDER = {"resourceType": "ServiceRequest", "id": "s1", "subject": {"reference": "Patient/p1"}, "status": "draft"}
ITEM = {"resourceType": "ChargeItem", "id": "i1", "subject": {"reference": "Patient/p1"}}
WHOLE = [
    visit(
        extension=[by_method("video")],
        location=[{"location": {"reference": "Location/l1"}}],
        serviceProvider={"reference": "Organization/o1"},
        appointment=[{"reference": "Appointment/a1"}],
    ),
    note(SAID),
    minutes("total-time", 34),
    coverage("121"),
    earlier("e0", "2025-06-03"),
]


@pytest.mark.parametrize(
    ("resource", "unknown"),
    [
        (coverage("512", "c2"), {"payers"}),
        ({"resourceType": "Account", "id": "k1"}, {"payers"}),
        (observed("total-time", id="o9"), {"total_minutes", "mdm", "modality"}),
        (claim("99215"), {"reported_code", "modality"}),
        (ITEM, {"reported_code", "modality"}),
        (ORDER, {"reported_code", "modality"}),
        (person("Practitioner"), {"clinician", "patient_status"}),
        (person("PractitionerRole", "r1", **OF_ROLE), {"clinician", "patient_status"}),
        (person("Organization", "o1"), {"payers", "setting", "patient_status"}),
        (person("Location", "l1"), {"patient_location", "modality", "setting"}),
        (BOOKED, {"modality"}),
        (earlier("e5", "2024-01-01"), set()),
        (person("Condition", "x", encounter={"reference": "Encounter/e1"}), set()),
        (note("Total time: 50 minutes.", own="d2"), set()),
    ],
    ids=lambda given: given["resourceType"] if isinstance(given, dict) else "",
)
def test_a_resource_that_cannot_be_read_is_left_out_and_what_it_may_decide_is_unknown(
    resource: Json, unknown: set[str]
) -> None:
    good = read(*WHOLE)
    found = read(*WHOLE, Faulty(resource))
    kind, called = resource["resourceType"], f"{resource['resourceType']}/{resource['id']}"
    assert any(said.startswith(f"{called}") and "could not be read" in said for said in found.facts.notes)
    assert [(fault.kind, fault.error) for fault in found.faults] == [
        (kind, "RuntimeError")
    ] or kind == "DocumentReference"
    for name in ("payers", "total_minutes", "mdm", "modality", "reported_code", "patient_status", "clinician"):
        fact = getattr(found.facts, name)
        if name in unknown:
            assert (fact.value, fact.why_unknown) == (None, f"a resource that may tell it could not be read: {kind}")
        else:
            assert fact.value == getattr(good.facts, name).value
    assert PATIENT not in repr(found)


def test_an_unreadable_coverage_makes_the_payer_unknown_rather_than_another_one() -> None:
    assert read(visit(), coverage("121")).facts.payers.value == ("medicare-ffs",)
    assert read(visit(), coverage("121"), Faulty(coverage("512", "c2"))).facts.payers.value is None


def test_an_unreadable_visit_leaves_everything_unknown() -> None:
    found = read(Faulty(visit()), minutes("total-time", 34), coverage("121"))
    assert found.facts.notes == ("Encounter/e1 could not be read; nothing was used",)
    assert (found.facts.total_minutes.value, found.parties.encounter) == (None, "Encounter/e1")
    assert [fault.kind for fault in found.faults] == [VISIT]


def test_a_resource_that_was_sent_under_two_keys_is_left_out_twice_and_named_once() -> None:
    broken = Faulty(coverage("512", "c2"))
    found = read(visit(), broken, Faulty(broken), minutes("total-time", 34))
    assert [said for said in found.facts.notes if "could not" in said] == ["Coverage/c2 could not be read; not used"]
    assert found.facts.total_minutes.value == 34


@pytest.mark.parametrize(("broken", "readable"), [(4, True), (5, False)])
def test_where_many_resources_cannot_be_read_all_are_left_out(broken: int, readable: bool) -> None:
    others = [Faulty(observed("total-time", id=f"o{number}")) for number in range(broken)]
    found = read(visit(), *others, coverage("121"))
    assert len(found.faults) == min(broken, 5)
    assert (found.facts.payers.value is not None) is readable
    assert found.facts.total_minutes.value is None


def test_of_a_very_long_chart_all_is_left_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_mapping.unreadable._MOST_RESOURCES", 2)
    found = read(visit(), coverage("121"), minutes("total-time", 34), Faulty(level("mdm-level", "low")))
    assert (found.facts.payers.value, found.facts.total_minutes.value, len(found.faults)) == (None, None, 1)


def test_an_unreadable_earlier_visit_never_makes_a_patient_new() -> None:
    history = {"resourceType": "Bundle", "link": [{"relation": "self", "url": "Encounter?patient=p1"}]}
    before = history | {"entry": [{"resource": earlier("e5", "2019-01-01")}]}
    assert read(visit(), before, complete_history=True).facts.patient_status.value is PatientStatus.NEW
    for unreadable in (earlier("e6", "2025-01-01"), claim("99213")):
        found = read(visit(), before, Faulty(unreadable), complete_history=True)
        assert found.facts.patient_status.value is None


def test_a_note_that_makes_its_reader_fail_costs_that_note_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str, *rest: Any) -> Any:
        if PATIENT in text:
            raise KeyError(PATIENT)
        return read_within(text, *rest)

    monkeypatch.setattr(narrative, "read_within", fail)
    found = read(visit(), note(f"{PATIENT}. Total time: 50 minutes."), note(SAID, own="d2"))
    assert "DocumentReference/d1 could not be read; not used" in found.facts.notes
    assert (found.facts.total_minutes.value, found.facts.modality.value) == (34, Modality.AUDIO_VIDEO)
    assert [(fault.kind, fault.error) for fault in found.faults] == [("note", "KeyError")]
    assert PATIENT not in repr(found)
    alone = read(visit(), note(f"{PATIENT}. Total time: 50 minutes.")).facts
    assert alone.consent_documented.why_unknown == ("found but not usable: DocumentReference/d1: it could not be read")


def test_a_note_whose_format_makes_its_reader_fail_costs_that_note_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> str:
        raise MemoryError

    monkeypatch.setitem(vars(attachments)["_READERS"], "text/rtf", fail)
    found = read(visit(), note(r"{\rtf1 x}", "text/rtf"), note(SAID, own="d2"))
    assert "DocumentReference/d1: its text could not be read; not read" in found.facts.notes
    assert found.facts.total_minutes.value == 34
    assert [fault.kind for fault in found.faults] == ["note"]


def test_the_latest_visit_is_found_behind_one_that_cannot_be_read() -> None:
    newest = Faulty(visit(id="e2"))
    faults: list[Any] = []
    older = visit(extension=[by_method("video")])
    assert latest_visit([newest, older], "p1", vocabulary(), faults) == "e1"
    assert [fault.kind for fault in faults] == ["Encounter"]


def test_a_fault_tells_nothing_that_stood_in_the_request() -> None:
    assert fault_of(PATIENT, KeyError(PATIENT)).kind == OTHER
    assert {fault_of(kind, KeyError()).kind for kind in KINDS} == KINDS
