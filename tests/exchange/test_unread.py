"""What could not be read is named as a clinician would name it, once, with the reason."""

import pytest

from cds_hooks.exchange.discovery import load_offer
from cds_hooks.exchange.unread import Reads, load_reads
from fhir_mapping.sent import failure
from fhir_mapping.tables import config_folder
from tests.fhir_server import searchset

READS: Reads = load_reads(config_folder())


@pytest.mark.parametrize(
    ("key", "code", "line"),
    [
        ("coverage", "timeout", "the patient's coverage could not be read: the EHR did not answer in time"),
        ("priorEncounters", "forbidden", "earlier visits could not be read: the EHR gave no access"),
        ("documents", "not-found", "the notes could not be read: the EHR does not have it"),
        ("charges", "too-costly", "charges already entered could not be read: there was too much of it"),
        ("Binary/b1", "transient", "the text of a note could not be read: the EHR could not be reached"),
        ("conditions", "x", "the diagnoses of the visit could not be read: the EHR answered with an error"),
    ],
)
def test_each_thing_is_named_with_its_reason(key: str, code: str, line: str) -> None:
    assert READS.set_apart({key: failure(code)}) == ([], (line,))


@pytest.mark.parametrize("issue", [None, [], {}, [None], [{}], [{"code": 5}], [{"code": ["timeout"]}]])
def test_a_failure_of_odd_shape_is_an_error_of_the_ehr(issue: object) -> None:
    _, notes = READS.set_apart({"coverage": {"resourceType": "OperationOutcome", "issue": issue}})
    assert notes == ("the patient's coverage could not be read: the EHR answered with an error",)


def test_two_texts_that_could_not_be_read_are_one_line() -> None:
    _, notes = READS.set_apart({"Binary/b1": failure("timeout"), "Binary/b2": failure("timeout")})
    assert len(notes) == 1


def test_p11_p12_what_is_absent_or_null_is_no_failure() -> None:
    assert READS.set_apart({"coverage": None, "patient": {"resourceType": "Patient"}}) == (
        [None, {"resourceType": "Patient"}],
        (),
    )


def test_a_list_that_did_not_come_whole_is_read_and_named() -> None:
    cut = searchset(following="https://fhir.example/r4?page=2")
    line = "the patient's coverage could not be read in full: there is more of it"
    assert READS.set_apart({"coverage": cut}) == ([cut], (line,))
    assert READS.set_apart({"documents": cut}) == ([cut], ())  # of these the newest do


def test_a_failure_under_a_key_of_the_ehrs_own_is_left_to_the_reader_of_the_chart() -> None:
    assert READS.set_apart({"their-key": failure("timeout")}) == ([failure("timeout")], ())


def test_everything_that_is_asked_for_has_a_name() -> None:
    offer = load_offer(config_folder(), base="https://example.org", hook_name="x", aliases=())
    assert set(offer.prefetch) <= set(READS.called)
