"""Tells what kind of payer one coverage is: by the site's own ids, by its type, by its names, and by nothing else."""

from collections.abc import Iterator
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Evidence
from fhir_mapping.resources import NOTHING, Json, codings, concepts, evidence, record, records, reference, text

NOT_FOR_VISITS = "not-for-visits"

_MEDICARE, _ADVANTAGE, ORIGINAL = "medicare", "medicare-advantage", "medicare-ffs"
_COMMERCIAL, _SUPPLEMENT, _DUAL = "commercial", "medicare-supplement", "medicare-and-medicaid"
_UNSPECIFIED, _UNLISTED = "unspecified", "unlisted"
_NO_POLICY = {
    None: "neither its type nor a name says what kind of payer it is",
    _MEDICARE: "it is Medicare, but fee-for-service or Advantage is not said",
    _SUPPLEMENT: "it is a Medicare supplement, which pays after Medicare",
    _DUAL: "it names Medicare and Medicaid together",
}
# A type and a less exact name that go together.
_FITTING = {(_ADVANTAGE, _MEDICARE), (ORIGINAL, _MEDICARE), (_ADVANTAGE, _DUAL)}
_PERSONS = {"Patient", "RelatedPerson"}


class Payer(NamedTuple):
    """The policy a coverage pays under, or `None` and why, with what was read."""

    policy: str | None
    why: str
    evidence: tuple[Evidence, ...]


class _Said(NamedTuple):
    words: str
    evidence: Evidence


class _Contradiction(Exception):
    """The type, the names and the numbers of a coverage do not fit together."""


def payer_of(chart: Chart, coverage: Json) -> Payer:
    """Classify one coverage. A type beats its own display; where type and name contradict each other, none is used."""
    site = next(_by_site(chart, coverage), None)
    if site:
        return Payer(site.words, "", (site.evidence,))
    typed = list(_by_type(chart, coverage))
    names: list[_Said] = []
    try:
        code = _one(typed)
        names = list(_names(chart, coverage, with_text=code in {None, _MEDICARE}))
        signs = [chart.vocabulary.phrases("payer_sign", one.words) for one in names]
        line = _line(chart, coverage, code, {sign for found in signs for sign in found})
    except _Contradiction as contradiction:
        return Payer(None, str(contradiction), tuple(one.evidence for one in (*typed, *names)))
    if any("pending" in found for found in signs):
        return Payer(NOT_FOR_VISITS, "it is applied for, which is no coverage yet", tuple(n.evidence for n in names))
    if code == _UNLISTED:
        return Payer(None, f"there is no rule for its type {typed[0].evidence.said}", (typed[0].evidence,))
    for said in names:
        plan = chart.vocabulary.plan(
            said.words,
            lambda plan: (
                plan.line == line or (line is None and plan.line == _COMMERCIAL and not plan.line_must_be_said)
            ),
        )
        if plan:
            return Payer(plan.payer, "", (*(one.evidence for one in typed), said.evidence))
    telling = [one for one, found in zip(names, signs, strict=True) if found]
    read = tuple(one.evidence for one in (*typed, *telling))
    if line == _MEDICARE and not read:
        read = (evidence(coverage, "Coverage.identifier", "a Medicare number"),)
    return Payer(None, _NO_POLICY[line], read) if line in _NO_POLICY else Payer(line, "", read)


def has_medicare_number(chart: Chart, resource: Json) -> bool:
    """Tell whether a Patient or Coverage carries a Medicare number: it proves Medicare, of either kind."""
    for identifier in records(resource.get("identifier")):
        said = [(text(identifier.get("system")), text(identifier.get("value")))]
        said += [(coding.system, coding.code) for coding in codings(identifier.get("type"))]
        if any(chart.vocabulary.word("identifier", system, value) for system, value in said):
            return True
    return False


def _by_site(chart: Chart, coverage: Json) -> Iterator[_Said]:
    """Read payer and plan ids that the site has given a policy."""
    for target, organization in _payors(chart, coverage):
        for identifier in (*records(target.get("identifier")), *records(organization.get("identifier"))):
            value = text(identifier.get("value"))
            if word := chart.vocabulary.word("payer", text(identifier.get("system")), value):
                yield _Said(word, evidence(coverage, "Coverage.payor.identifier", value))
    for group in records(coverage.get("class")):
        value = text(group.get("value"))
        if word := chart.vocabulary.term("payer", "plan", value):
            yield _Said(word, evidence(coverage, "Coverage.class.value", value))


def _by_type(chart: Chart, coverage: Json) -> Iterator[_Said]:
    for coding in codings(coverage.get("type")):
        word = chart.vocabulary.word("payer", coding.system, coding.code)
        if word is None and chart.vocabulary.system(coding.system) == "sopt":
            word = _UNLISTED
        if word not in {None, _UNSPECIFIED}:
            yield _Said(word or "", evidence(coverage, "Coverage.type", coding.code))
    kind = text(coverage.get("kind"))
    if word := chart.vocabulary.term("payer", "coverage-kind", kind):
        yield _Said(word, evidence(coverage, "Coverage.kind", kind))


def _one(typed: list[_Said]) -> str | None:
    words = {one.words for one in typed}
    if len(words) > 1:
        words.discard(_MEDICARE)
    if len(words) > 1:
        raise _Contradiction(f"its types contradict each other: {', '.join(one.evidence.said for one in typed)}")
    return next(iter(words), None)


def _names(chart: Chart, coverage: Json, *, with_text: bool) -> Iterator[_Said]:
    """List the names on a coverage. A payor who is a person is not named: that would be the patient."""
    found: list[tuple[str, object]] = []
    for concept in concepts(coverage.get("type")) if with_text else []:
        local = [coding for coding in concept.codings if chart.vocabulary.system(coding.system) != "sopt"]
        found += [("Coverage.type", said) for said in (concept.text, *(coding.display for coding in local))]
    for target, organization in _payors(chart, coverage):
        if reference(target).kind not in _PERSONS:
            found += [("Coverage.payor", said) for said in (target.get("display"), organization.get("name"))]
    for group in records(coverage.get("class")):
        found += [(f"Coverage.class.{element}", group.get(element)) for element in ("name", "value")]
    for path, said in found:
        if words := text(said):
            yield _Said(words, evidence(coverage, path, words))


def _payors(chart: Chart, coverage: Json) -> Iterator[tuple[Json, Json]]:
    """List who pays, as named and as a record; the record once, however often it is named."""
    payments = [record(payment.get("party")) for payment in records(coverage.get("paymentBy"))]
    told: set[int] = set()
    for target in (*records(coverage.get("payor")), *records(coverage.get("insurer")), *payments):
        organization = chart.find(target, coverage) or NOTHING
        yield target, NOTHING if id(organization) in told else organization
        told.add(id(organization))


def _line(chart: Chart, coverage: Json, code: str | None, signs: set[str]) -> str | None:
    """Agree type, names and numbers on one line of business. Raises _Contradiction if they do not fit together."""
    named = _named({*signs, _MEDICARE} if code == _MEDICARE else signs)
    numbered = has_medicare_number(chart, coverage)
    if numbered and _COMMERCIAL in {code, named}:
        raise _Contradiction("it has a Medicare number, but its type or name is commercial")
    if code is None:
        return named or (_MEDICARE if numbered else None)
    if named in {None, code} or code in {_SUPPLEMENT, _UNLISTED} or (code, named) in _FITTING:
        return code
    if code == _MEDICARE or (code, named) == (_COMMERCIAL, _SUPPLEMENT):
        return named
    raise _Contradiction(f"its type says {code}, its name {named}")


def _named(signs: set[str]) -> str | None:
    """Combine what the names say. Medicare goes first: "Aetna Medicare Advantage PPO" is no commercial plan."""
    if _MEDICARE in signs and "medicaid" in signs:
        return _DUAL
    if "supplement" in signs:
        return _SUPPLEMENT
    kinds = {_ADVANTAGE: "advantage" in signs, ORIGINAL: "original" in signs}
    if NOT_FOR_VISITS in signs and not any(kinds.values()):
        return NOT_FOR_VISITS
    if _MEDICARE in signs:
        return next(kind for kind, said in kinds.items() if said) if sum(kinds.values()) == 1 else _MEDICARE
    if NOT_FOR_VISITS in signs:
        return NOT_FOR_VISITS
    others = signs & {"medicaid", "tricare", "self-pay", _COMMERCIAL}
    return others.pop() if len(others) == 1 else None
