"""Pages of a search become one list, and a list that did not come whole still says so."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from cds_hooks.exchange.pages import MOST_PAGES, is_cut
from fhir_mapping.searches import searches
from tests.exchange.asking import COVERAGE, fetcher, fill, request
from tests.fhir_server import Behaviour, FhirServer, Json, Seen, body, ok, searchset, status


def coverage(number: int) -> Json:
    return {"resourceType": "Coverage", "id": f"c{number}"}


def fetched(fhir: FhirServer, *whole: str, prefetch: Json | None = None) -> Json:
    with fetcher(fhir.base) as made:
        found: Json = fill(made, request(fhir.base, prefetch=prefetch or {}), COVERAGE, *whole)
    return found


def book(fhir: FhirServer, pages: int, **last: Any) -> None:
    """Have the server hold a list of so many pages, one coverage on each."""

    def answer(call: Seen) -> Behaviour:
        page = int(call.query.get("page", "1"))
        more = f"{fhir.base}?page={page + 1}&patient=p1" if page < pages else None
        found = searchset(coverage(page), following=more, total=pages)
        found["link"] = [*found.get("link", []), {"relation": "self", "url": f"{fhir.base}/Coverage?patient=p1"}]
        return ok(found | (last if page == pages else {}))

    fhir.answer = answer


def ids(bundle: Json) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle["entry"]]


def test_p16_pages_are_followed_and_become_one_whole_search(fhir: FhirServer) -> None:
    book(fhir, 3)
    found = fetched(fhir, "coverage")["coverage"]
    assert ids(found) == ["c1", "c2", "c3"]
    assert not is_cut(found)
    (search,) = searches([found])
    assert (search.kind, search.whole, search.matches) == ("Coverage", True, 3)


@pytest.mark.parametrize(("pages", "read"), [(MOST_PAGES - 1, 4), (MOST_PAGES, 5), (MOST_PAGES + 1, 5)])
def test_so_many_pages_are_read_and_no_more(fhir: FhirServer, pages: int, read: int) -> None:
    book(fhir, pages)
    found = fetched(fhir, "coverage")["coverage"]
    assert len(fhir.seen) == len(found["entry"]) == read
    (search,) = searches([found])
    assert search.whole is (pages == read)


def test_of_a_list_that_is_not_wanted_whole_the_first_page_does(fhir: FhirServer) -> None:
    book(fhir, 3)
    found = fetched(fhir)["coverage"]
    assert ids(found) == ["c1"]
    assert not searches([found])[0].whole


@pytest.mark.parametrize(
    "second", [status(500), body(b"{"), ok({"resourceType": "Patient"}), ok({"resourceType": "OperationOutcome"})]
)
def test_a_page_that_cannot_be_had_leaves_the_list_unfinished(fhir: FhirServer, second: Behaviour) -> None:
    first = ok(searchset(coverage(1), following=f"{fhir.base}?page=2"))
    fhir.answer = lambda call: second if "page" in call.query else first
    found = fetched(fhir, "coverage")["coverage"]
    assert ids(found) == ["c1"]
    assert not searches([found])[0].whole


@pytest.mark.parametrize("written", ["Coverage?page=2&patient=p1", "/r4/Coverage?page=2&patient=p1", "?page=2"])
def test_a_next_page_may_be_written_as_seen_from_the_base(fhir: FhirServer, written: str) -> None:
    def answer(call: Seen) -> Behaviour:
        if call.query.get("page") == "2":
            return ok(searchset(coverage(2)))
        return ok(searchset(coverage(1), following=written.replace("/r4", urlsplit(fhir.base).path)))

    fhir.answer = answer
    assert ids(fetched(fhir, "coverage")["coverage"]) == ["c1", "c2"]


@pytest.mark.parametrize(
    "written", ["../admin?page=2", "//evil.example/r4?page=2", "/elsewhere?page=2", "https://[", "ftp:x"]
)
def test_a_next_page_that_leads_off_the_base_is_left_alone(fhir: FhirServer, written: str) -> None:
    fhir.answer = lambda _: ok(searchset(coverage(1), following=written))
    found = fetched(fhir, "coverage")["coverage"]
    assert len(fhir.seen) == 1
    assert is_cut(found)


def test_pages_in_a_circle_are_read_once(fhir: FhirServer) -> None:
    fhir.answer = lambda _: ok(searchset(coverage(1), following=f"{fhir.base}?page=2"))
    found = fetched(fhir, "coverage")["coverage"]
    assert len(fhir.seen) == 2
    assert is_cut(found)


def test_a_list_that_was_sent_unfinished_is_finished(fhir: FhirServer) -> None:
    book(fhir, 3)
    sent = searchset(coverage(1), following=f"{fhir.base}?page=2")
    found = fetched(fhir, "coverage", prefetch={"coverage": sent, "patient": None})
    assert ids(found["coverage"]) == ["c1", "c2", "c3"]
    assert set(found) == {"coverage"}
    assert ids(sent) == ["c1"]


@pytest.mark.parametrize(("key", "finished"), [("coverage", False), ("their-key", True)])
def test_a_list_that_is_not_wanted_whole_stays_as_it_was_sent_unless_nobody_knows_what_it_is(
    fhir: FhirServer, key: str, *, finished: bool
) -> None:
    book(fhir, 2)
    sent = {"coverage": None} | {key: searchset(coverage(1), following=f"{fhir.base}?page=2")}
    found = fetched(fhir, prefetch=sent)
    assert (key in found) is finished


def test_a_list_that_was_sent_and_cannot_be_finished_stays_as_it_was_sent(fhir: FhirServer) -> None:
    fhir.answer = lambda _: status(403)
    assert fetched(fhir, "coverage", prefetch={"coverage": searchset(coverage(1), following=f"{fhir.base}?x")}) == {}


@pytest.mark.parametrize("odd", [{"link": "x"}, {"link": [1, None, {"relation": "next", "url": 5}]}, {"entry": {}}])
def test_a_bundle_of_odd_shape_is_taken_as_it_is(fhir: FhirServer, odd: Json) -> None:
    fhir.answer = lambda _: ok({"resourceType": "Bundle"} | odd)
    assert fetched(fhir, "coverage")["coverage"] == {"resourceType": "Bundle"} | odd
