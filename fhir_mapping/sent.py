"""Lists the resources in what an EHR sent, whatever they are wrapped in: Bundles, lists, entries, JSON in a string."""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mapping.resources import Json, quote, record, records, text
from fhir_mapping.strict_json import JsonRefused, parse

Sent = list[tuple[str, Json]]
"""Resources, each with its full URL."""

_NESTED = 3  # a Bundle within a Bundle within a Bundle: what batch answers of EHRs need, and no more
_WRAPPED = 6  # wrappers around one value: an entry in a list in a string, and that once more
MOST_TEXTS = 2_000
"""Strings of one prefetch that are read as JSON; those beyond are named as too much."""
_HARMLESS = {"warning", "information"}
_NOT_ENTRIES = "a prefetched Bundle holds entries that are no FHIR resources"
_NOT_A_RESOURCE = "a prefetched value is not a FHIR resource"
_FAILED = {"401": "forbidden", "403": "forbidden", "404": "not-found", "410": "deleted"}


def failure(code: str) -> dict[str, Any]:
    """What stands for a resource that could not be had: `code` is one of FHIR's issue types."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}


_TOO_MUCH = failure("too-costly")


def opened(value: object, texts: Iterator[int] | None = None) -> object:
    """Take a prefetched value out of what it is wrapped in, where that is unambiguous.

    JSON in a string is parsed as strictly as a request body, a list of one is that one, and an entry of a Bundle, or of
    a prefetch of CDS Hooks 1.0, is its resource; one whose response failed, and JSON that is broken, is an
    OperationOutcome. An entry whose full URL is needed to follow references stays as it is, and so does all else.

    Parameters: `texts`, from which one is drawn for each string that is parsed; when there is none left, none is.
    """
    for _ in range(_WRAPPED):
        if isinstance(value, str):
            if value.lstrip()[:1] not in {"{", "[", '"'}:
                return value
            if texts is not None and next(texts, None) is None:
                return _TOO_MUCH
            try:
                inner = parse(value)
            except JsonRefused:
                return failure("structure")
        elif isinstance(value, list) and len(value) == 1:
            inner = value[0]
        elif _is_entry(value) and not text(record(value).get("fullUrl")):
            inner = _held(record(value))
        else:
            return value
        value = inner
    return value


def opened_prefetch(values: Mapping[str, object]) -> dict[str, object]:
    """Take each value of a prefetch out of what it is wrapped in, and each item of its list or Bundle."""
    texts = iter(range(MOST_TEXTS))
    return {key: _opened_through(value, texts) for key, value in values.items()}


def _opened_through(value: object, texts: Iterator[int], depth: int = 0) -> object:
    value = opened(value, texts)
    if depth >= _NESTED:  # what lies deeper is not read
        return value
    if isinstance(value, list):
        return _told_once([_opened_through(one, texts, depth + 1) for one in value])
    if _is_entry(value):
        return _entry_opened(value, texts, depth)
    entries = record(value).get("entry")
    if not isinstance(entries, list):
        return value
    found = [_entry_opened(one, texts, depth) for one in entries]
    unchanged = all(one is entry for one, entry in zip(found, entries, strict=True))
    return value if unchanged else {**record(value), "entry": _told_once(found)}


def _entry_opened(entry: object, texts: Iterator[int], depth: int) -> object:
    said = record(entry).get("resource")
    held = _opened_through(said, texts, depth + 1)
    if held is said:
        return entry
    return held if held is _TOO_MUCH else {**record(entry), "resource": held}


def _told_once(items: list[object]) -> list[object]:
    """The items, with one of those that were too many, to tell of all."""
    kept = [one for one in items if one is not _TOO_MUCH]
    return kept if len(kept) == len(items) else [*kept, _TOO_MUCH]


def resources_in(value: object) -> Iterator[Json]:
    """List the resources in a prefetched value."""
    sent: Sent = []
    collect(value, sent, [])
    yield from (resource for _, resource in sent)


def _is_entry(value: object) -> bool:
    entry = record(value)
    return "resourceType" not in entry and ("resource" in entry or "response" in entry)


def _held(entry: Json) -> object:
    """What an entry holds: its resource, or, where it has none, what its response says."""
    resource, response = entry.get("resource"), record(entry.get("response"))
    if resource is not None or not response:
        return resource
    outcome = record(response.get("outcome"))
    if outcome.get("resourceType") == "OperationOutcome":
        return outcome
    status = str(response.get("status") or "").strip()
    if status.startswith("2"):
        return None
    return failure(_FAILED.get(status[:3], "exception"))


def collect(value: object, sent: Sent, notes: list[str], url: str = "", depth: int = 0) -> None:
    """Add each resource in a prefetched value to `sent` with its full URL, and to `notes` what cannot be read."""
    value = opened(value)
    resource = record(value)
    kind = text(resource.get("resourceType"))
    if depth < _NESTED and isinstance(value, list) and value:
        for one in value:
            collect(one, sent, notes, url, depth + 1)
    elif depth < _NESTED and _is_entry(resource):
        collect(_held(resource), sent, notes, url or text(resource.get("fullUrl")), depth + 1)
    elif depth < _NESTED and kind == "Bundle":
        _collect_entries(resource, sent, notes, url, depth)
    elif kind == "OperationOutcome":
        notes.append(f"a prefetched resource could not be read by the EHR ({_issue(resource)})")
    elif kind and kind != "Bundle":
        sent.append((url, resource))
    elif value is not None:
        notes.append(_NOT_A_RESOURCE)


def _collect_entries(bundle: Json, sent: Sent, notes: list[str], url: str, depth: int) -> None:
    entries = bundle.get("entry")
    listed = entries if isinstance(entries, list) else records(entries)
    if (entries and not listed) or not all(isinstance(entry, dict | str) for entry in listed):
        notes.append(_NOT_ENTRIES)
    for entry in map(record, listed):
        # A resource may stand where its entry is due.
        held = opened(entry.get("resource", entry if "resourceType" in entry else None))
        if text(record(held).get("resourceType")) != "OperationOutcome":
            collect(held, sent, notes, url or text(entry.get("fullUrl")), depth + 1)
        elif not _says_empty(entry, record(held)):
            notes.append(f"{_asked(bundle)} could not be read by the EHR ({_issue(record(held))})")


def _says_empty(entry: Json, outcome: Json) -> bool:
    """Recognise Epic's way to say that a search found nothing."""
    severities = {text(issue.get("severity")) for issue in records(outcome.get("issue"))}
    return text(record(entry.get("search")).get("mode")) == "outcome" and bool(severities) and severities <= _HARMLESS


def _issue(outcome: Json) -> str:
    return next((quote(text(issue.get("code"))) for issue in records(outcome.get("issue"))), "") or "no reason given"


def _asked(bundle: Json) -> str:
    links = [link for link in records(bundle.get("link")) if link.get("relation") == "self"]
    kind = text(links[0].get("url")).partition("?")[0].rpartition("/")[2] if links else ""
    return f"a search for {kind}" if kind.isalpha() and kind.isascii() else "a search"
