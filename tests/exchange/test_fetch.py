"""What a request lacks is fetched: all at once, from its own server, with its own token, and leaves no trace."""

import logging
import threading
import time
from pathlib import Path

import pytest

from cds_hooks.exchange.answers import LARGEST_ANSWER
from cds_hooks.exchange.fetch import LINES
from cds_hooks.exchange.hook import Access
from fhir_mapping.sent import failure
from tests.exchange.asking import COVERAGE, ENCOUNTER, PATIENCE, code, fetcher, fill, request
from tests.fhir_server import TOKEN, Behaviour, FhirServer, Seen, body, hang, ok, raw, searchset, status

VISIT = {"resourceType": "Encounter", "id": "e1"}
SEVERAL = {f"key{number}": f"Encounter/v{number}" for number in range(6)}


def answers(call: Seen) -> Behaviour:
    return ok(VISIT) if call.kind == "Encounter" else ok(searchset())


def test_what_is_lacking_is_fetched_with_the_requests_own_token(fhir: FhirServer) -> None:
    fhir.answer = answers
    with fetcher(fhir.base) as made:
        found = fill(made, request(fhir.base), ENCOUNTER | COVERAGE)
    assert found == {"encounter": VISIT, "coverage": searchset()}
    assert {call.headers["authorization"] for call in fhir.seen} == {f"Bearer {TOKEN}"}
    assert {call.headers["accept"] for call in fhir.seen} == {"application/fhir+json"}


@pytest.mark.parametrize("sent", [None, {"resourceType": "OperationOutcome"}, {"resourceType": "Bundle"}, VISIT])
def test_p12_p13_a_key_that_was_sent_is_never_asked_for_again(fhir: FhirServer, sent: object) -> None:
    fhir.answer = answers
    with fetcher(fhir.base) as made:
        found = fill(made, request(fhir.base, prefetch={"encounter": sent}), ENCOUNTER | COVERAGE)
    assert set(found) == {"coverage"}
    assert [call.kind for call in fhir.seen] == ["Coverage"]


def test_everything_is_asked_for_at_once(fhir: FhirServer) -> None:
    together = threading.Barrier(len(SEVERAL))

    def answer(_: Seen) -> Behaviour:
        together.wait(PATIENCE)  # nobody is answered until all have asked
        return ok(VISIT)

    fhir.answer = answer
    with fetcher(fhir.base) as made:
        found = fill(made, request(fhir.base), SEVERAL)
    assert found == dict.fromkeys(SEVERAL, VISIT)


def test_a_line_to_the_server_is_used_again(fhir: FhirServer) -> None:
    fhir.answer = answers
    with fetcher(fhir.base) as made:
        for _ in range(5):
            fill(made, request(fhir.base), ENCOUNTER)
    assert len(fhir.seen) == 5
    assert fhir.connections == 1


def test_where_a_site_says_so_searches_go_by_post_and_no_id_stands_in_an_address(fhir: FhirServer) -> None:
    fhir.answer = answers
    templates = {"codes": "Observation?patient={{context.patientId}}&code=http://a.example/x|total-time,b&_count=5"}
    with fetcher(fhir.base, by_post=frozenset({fhir.base})) as made:
        fill(made, request(fhir.base), templates)
    (call,) = fhir.seen
    assert (call.method, call.target) == ("POST", "/fhir/Observation/_search")
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.query == {"patient": "p1", "code": "http://a.example/x|total-time,b", "_count": "5"}


def test_elsewhere_searches_go_by_get_with_the_same_words(fhir: FhirServer) -> None:
    fhir.answer = answers
    with fetcher(fhir.base) as made:
        fill(made, request(fhir.base), {"codes": "Observation?patient={{context.patientId}}&code=http://a.example/x|y"})
    assert (fhir.seen[0].method, fhir.seen[0].query) == ("GET", {"patient": "p1", "code": "http://a.example/x|y"})


def test_a_template_whose_token_the_context_lacks_is_left_out(fhir: FhirServer) -> None:
    fhir.answer = answers
    with fetcher(fhir.base) as made:
        assert set(fill(made, request(fhir.base, encounter_id=None), ENCOUNTER | COVERAGE)) == {"coverage"}


@pytest.mark.parametrize("dots", [".", "..", "..."])
def test_an_id_of_dots_is_no_id_but_a_way_up_the_path(fhir: FhirServer, dots: str) -> None:
    with fetcher(fhir.base) as made:
        assert fill(made, request(fhir.base, encounter_id=dots), ENCOUNTER) == {}
        errand = made.errand(request(fhir.base))
        assert errand is not None
        assert errand.read([f"Binary/{dots}"]) == {}
    assert fhir.connections == 0


@pytest.mark.parametrize(
    ("reference", "read"),
    [
        ("Binary/b1", "Binary/b1"),
        ("{base}/Binary/b1", "Binary/b1"),
        ("Binary/b1/_history/3", "Binary/b1"),
        ("#b1", None),
        ("urn:uuid:5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11", None),
        ("Binary", None),
        ("Binary/b1?x=y", None),
        ("Binary/b1/..", None),
        ("/Binary/b1", None),
        ("b1", None),
        ("", None),
    ],
)
def test_a_reference_is_read_where_it_is_plain_and_on_the_same_base(
    fhir: FhirServer, reference: str, read: str | None
) -> None:
    fhir.answer = lambda call: ok({"resourceType": call.kind})
    with fetcher(fhir.base) as made:
        errand = made.errand(request(fhir.base))
        assert errand is not None
        found = errand.read([reference.format(base=fhir.base)])
    assert found == ({read: {"resourceType": "Binary"}} if read else {})
    assert [call.target for call in fhir.seen] == ([f"/fhir/{read}"] if read else [])


@pytest.mark.parametrize(
    ("development", "access", "called"),
    [(True, None, True), (False, Access(TOKEN), True), (False, None, False)],
)
def test_r6_a_server_is_called_without_a_token_on_a_developers_machine_only(
    fhir: FhirServer, access: Access | None, *, development: bool, called: bool
) -> None:
    fhir.answer = answers
    with fetcher(fhir.base, development=development, private=True) as made:
        assert (made.errand(request(fhir.base, access=access)) is not None) is called


def test_an_ehr_bound_to_its_own_bases_may_name_no_other(fhir: FhirServer) -> None:
    with fetcher(fhir.base) as made:
        assert made.errand(request(fhir.base), frozenset({"https://other.example/fhir"})) is None
        assert made.errand(request(fhir.base), frozenset({fhir.base})) is not None
    with fetcher("https://other.example/fhir") as made:
        assert made.errand(request(fhir.base), frozenset({fhir.base})) is not None


def test_cookies_are_dropped(fhir: FhirServer) -> None:
    fhir.answer = lambda _: body(b'{"resourceType": "Encounter"}', Set_Cookie="session=of-another-patient; Path=/")
    with fetcher(fhir.base) as made:
        for _ in range(2):
            fill(made, request(fhir.base), ENCOUNTER)
    assert len(fhir.seen) == 2
    assert not any("cookie" in call.headers for call in fhir.seen)


def test_no_proxy_and_no_netrc_of_the_machine_is_heeded(
    fhir: FhirServer, trap: FhirServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    fhir.answer = answers
    with fetcher(fhir.base) as made:
        fill(made, request(fhir.base), ENCOUNTER)
        fill(made, request(fhir.base, access=None), ENCOUNTER)
    assert [call.headers.get("authorization") for call in fhir.seen] == [f"Bearer {TOKEN}", None]
    assert trap.connections == 0


def test_nothing_of_the_patient_or_the_token_gets_into_a_log_or_a_failure(
    fhir: FhirServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = raw(b"HTTP/1.1 200 OK\r\nthis is no header\r\n: nor this\r\n\r\n")
    fhir.answer = lambda call: broken if call.kind == "Encounter" else status(500)
    asked = request(fhir.base, patient_id="CANARY-PATIENT", encounter_id="CANARY-VISIT")
    with fetcher(fhir.base) as made:
        found = fill(made, asked, ENCOUNTER | COVERAGE)
    assert fhir.seen
    for said in (caplog.text, repr(found), repr(asked.access)):
        assert "CANARY" not in said
        assert TOKEN not in said


@pytest.mark.parametrize(("more", "read"), [(-1, True), (0, True), (1, False)])
def test_an_answer_is_read_up_to_the_largest_size(fhir: FhirServer, more: int, *, read: bool) -> None:
    whole = b'{"resourceType": "Encounter"' + b" " * LARGEST_ANSWER
    fhir.answer = lambda _: body(whole[: LARGEST_ANSWER + more - 1] + b"}")
    with fetcher(fhir.base) as made:
        found = fill(made, request(fhir.base), ENCOUNTER)["encounter"]
    assert found == ({"resourceType": "Encounter"} if read else failure("too-costly"))


def test_all_answers_together_are_bounded_too(fhir: FhirServer) -> None:
    large = body(b'{"resourceType": "Encounter", "id": "' + b"0" * 4_000_000 + b'"}')
    fhir.answer = lambda _: large
    with fetcher(fhir.base) as made:
        found = fill(made, request(fhir.base), SEVERAL)
    kept = [value for value in found.values() if value["resourceType"] == "Encounter"]
    assert len(kept) <= 2  # of 4 MB each, under 10 MB in all
    assert {code(value) for value in found.values() if value not in kept} == {"too-costly"}


def test_a_server_that_stopped_answering_is_left_alone(fhir: FhirServer, caplog: pytest.LogCaptureFixture) -> None:
    fhir.answer = lambda _: hang
    with fetcher(fhir.base, deadline=0.05) as made:
        for _ in range(4):
            assert code(fill(made, request(fhir.base), ENCOUNTER)["encounter"]) == "timeout"
    assert len(fhir.seen) == 3
    assert caplog.text.count("is left alone") == 1


def test_a_server_that_answers_a_part_in_time_is_not_left_alone(fhir: FhirServer) -> None:
    fhir.answer = lambda call: hang if call.kind == "Encounter" else ok(searchset())
    with fetcher(fhir.base, deadline=0.1) as made:
        for _ in range(4):
            assert fill(made, request(fhir.base), ENCOUNTER | COVERAGE)["coverage"] == searchset()


def test_one_servers_silence_takes_no_thread_from_another(fhir: FhirServer, trap: FhirServer) -> None:
    """The second server here is an allowed one too."""
    deadline = 2.0
    many = {f"key{number}": "Encounter/e1" for number in range(3 * LINES)}
    all_lines_are_taken = threading.Semaphore(0)

    def silent(_: Seen) -> Behaviour:
        all_lines_are_taken.release()
        return hang

    fhir.answer = silent
    trap.answer = answers
    with fetcher(fhir.base, trap.base, deadline=deadline) as made:
        waiting = threading.Thread(target=fill, args=(made, request(fhir.base), many))
        waiting.start()
        for _ in range(LINES):
            assert all_lines_are_taken.acquire(timeout=PATIENCE)
        started = time.monotonic()
        assert fill(made, request(trap.base), ENCOUNTER) == {"encounter": VISIT}
        assert time.monotonic() - started < deadline / 4
        waiting.join()
    assert len(fhir.seen) == LINES  # what found no line before the deadline was never sent
