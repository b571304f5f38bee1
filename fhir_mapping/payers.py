"""Tells what kind of payer one coverage is: by the site's own ids, by its type, by its names, and by nothing else."""

from collections.abc import Iterator
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.facts import Evidence
from fhir_mapping.payer_names import (
    ACCIDENTS_ONLY,
    ADVANTAGE,
    COMMERCIAL,
    DUAL,
    DUAL_STATUS,
    HOSPITAL_PART,
    MEDICARE,
    NOT_FOR_VISITS,
    ORIGINAL,
    SUPPLEMENT,
    medicare_parts,
    named,
    signs,
)
from fhir_mapping.resources import NOTHING, Json, codings, concepts, evidence, quote, record, records, reference, text

_UNSPECIFIED, _UNLISTED = "unspecified", "unlisted"
_NO_POLICY = {
    None: "neither its type nor a name says what kind of payer it is",
    MEDICARE: "it is Medicare, but fee-for-service or Advantage is not said",
    SUPPLEMENT: "it is a Medicare supplement, which pays after Medicare",
    DUAL: "it names Medicare and Medicaid together",
}
_PAYS_NO_VISITS = {
    NOT_FOR_VISITS: "it pays no visits (drugs, teeth, glasses, income or care at home)",
    HOSPITAL_PART: "Part A of Medicare pays hospitals, not visits",
    DUAL_STATUS: "it says that the patient has Medicare and Medicaid, and is no plan of its own",
    ACCIDENTS_ONLY: "it pays for a work injury or an accident only",
}
# A type and a less exact name that go together.
_FITTING = {(ADVANTAGE, MEDICARE), (ORIGINAL, MEDICARE), (ADVANTAGE, DUAL)}
# A type and a more exact name: the name counts.
_REFINED = {
    (COMMERCIAL, SUPPLEMENT),
    *((line, NOT_FOR_VISITS) for line in (COMMERCIAL, "medicaid", "tricare")),
    (ORIGINAL, HOSPITAL_PART),
    (ADVANTAGE, DUAL_STATUS),
}
_BROAD = {COMMERCIAL, "medicaid", "tricare", _UNLISTED}
_LIMITED = {NOT_FOR_VISITS, ACCIDENTS_ONLY}
_PERSONS = {"Patient", "RelatedPerson"}


class Payer(NamedTuple):
    """The policy a coverage pays under, or `None` and why, with what was read, and the parts of Medicare it names."""

    policy: str | None
    why: str
    evidence: tuple[Evidence, ...]
    parts: frozenset[str] = frozenset()


class _Said(NamedTuple):
    words: str
    evidence: Evidence


class _Contradiction(Exception):
    """The type, the names and the numbers of a coverage do not fit together."""


def payer_of(chart: Chart, coverage: Json) -> Payer:
    """Classify one coverage. A type beats its own display; where type and name contradict each other, none is used.

    The policy may also be one of `NOT_FOR_VISITS`, `HOSPITAL_PART` and `ACCIDENTS_ONLY`, which pay no ordinary visit.
    """
    site = next(_by_site(chart, coverage), None)
    if site:
        return Payer(site.words, "", (site.evidence,))
    typed = list(_by_type(chart, coverage))
    names: list[_Said] = []
    try:
        code = _one(typed)
        names = list(_names(chart, coverage, with_text=code in {None, MEDICARE}))
        found = [signs(one.words, chart.vocabulary) for one in names]
        line = _line(chart, coverage, code, frozenset().union(*found))
    except _Contradiction as contradiction:
        return Payer(None, str(contradiction), tuple(one.evidence for one in (*typed, *names)))
    if any("pending" in one for one in found):
        return Payer(NOT_FOR_VISITS, "it is applied for, which is no coverage yet", tuple(n.evidence for n in names))
    if code == _UNLISTED:
        return Payer(None, f"there is no rule for its type {typed[0].evidence.said}", (typed[0].evidence,))
    for said in names:
        plan = chart.vocabulary.plan(
            said.words,
            lambda plan: plan.line == line or (line is None and plan.line == COMMERCIAL and not plan.line_must_be_said),
        )
        if plan:
            return Payer(plan.payer, "", (*(one.evidence for one in typed), said.evidence))
    telling = [one for one, told in zip(names, found, strict=True) if told]
    read = tuple(one.evidence for one in (*typed, *telling))
    if line == MEDICARE and not read:
        read = (evidence(coverage, "Coverage.identifier", "a Medicare number"),)
    parts = frozenset().union(*(medicare_parts(one.words) for one in names))
    if line in _PAYS_NO_VISITS:
        policy = NOT_FOR_VISITS if line == DUAL_STATUS else line
        return Payer(policy, _PAYS_NO_VISITS[line], read, parts)
    if line in _NO_POLICY:
        lacking = unsent_payer(chart, coverage) if line in {None, MEDICARE} else ""
        return Payer(None, _NO_POLICY[line] + (f", and {lacking}" if lacking else ""), read, parts)
    return Payer(line, "", read, parts)


def unsent_payers(chart: Chart, coverage: Json) -> list[str]:
    """List references of a coverage to organizations that pay and were not sent, as they are written."""
    targets = [target for target, organization in _payors(chart, coverage) if organization is None]
    named = [target for target in targets if reference(target).kind == "Organization"]
    return [said for target in named if (said := text(target.get("reference")))]


def unsent_payer(chart: Chart, coverage: Json) -> str:
    """Say that who pays is named by a reference to what was not sent; nothing if it is not so."""
    lacking = unsent_payers(chart, coverage)
    return f"its payer {quote(reference(lacking[0]).name)} was not sent" if lacking else ""


def names_its_payer(coverage: Json) -> bool:
    """Tell whether a coverage says in words who pays, not by reference alone."""
    payers = (*records(coverage.get("payor")), *records(coverage.get("insurer")))
    return any(text(payer.get("display")) for payer in payers)


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
        for identifier in (*records(target.get("identifier")), *records(record(organization).get("identifier"))):
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
    """Agree the types of a coverage on one word: the more exact of two that go together."""
    words = {one.words for one in typed}
    if not words.isdisjoint(_LIMITED):
        words -= _BROAD
    if len(words) > 1:
        words.discard(MEDICARE)
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
            found += [("Coverage.payor", said) for said in (target.get("display"), record(organization).get("name"))]
            # Medicare's own coverages write the name of their payer as an identifier.
            found.append(("Coverage.payor.identifier", record(target.get("identifier")).get("value")))
    for group in records(coverage.get("class")):
        found += [(f"Coverage.class.{element}", group.get(element)) for element in ("name", "value")]
    found += [(f"Coverage.grouping.{element}", said) for element, said in record(coverage.get("grouping")).items()]
    for path, said in found:
        if words := text(said):
            yield _Said(words, evidence(coverage, path, words))


def _payors(chart: Chart, coverage: Json) -> Iterator[tuple[Json, Json | None]]:
    """List who pays, as named and as a record: once, however often it is named, and `None` if it was not sent."""
    payments = [record(payment.get("party")) for payment in records(coverage.get("paymentBy"))]
    told: set[int] = set()
    for target in (*records(coverage.get("payor")), *records(coverage.get("insurer")), *payments):
        organization = chart.find(target, coverage)
        yield target, NOTHING if id(organization) in told else organization
        if organization is not None:
            told.add(id(organization))


def _line(chart: Chart, coverage: Json, code: str | None, found: frozenset[str]) -> str | None:
    """Agree type, names and numbers on one line of business. Raises _Contradiction if they do not fit together."""
    # A type says more than "Part D" within a longer name: Advantage plans pay drugs too.
    told = found if code in {None, MEDICARE} else found - {"part-d"}
    name = named(told | {MEDICARE} if code == MEDICARE else told)
    numbered = has_medicare_number(chart, coverage)
    if code in _LIMITED and name not in {ADVANTAGE, ORIGINAL}:
        return code
    if numbered and COMMERCIAL in {code, name}:
        raise _Contradiction("it has a Medicare number, but its type or name is commercial")
    if code is None:
        return name or (MEDICARE if numbered else None)
    if code == ORIGINAL and name is None and named(found | {MEDICARE}) == HOSPITAL_PART:
        return HOSPITAL_PART
    if code == MEDICARE or (code, name) in _REFINED:
        return name
    if name in {None, code} or code in {SUPPLEMENT, _UNLISTED} or (code, name) in _FITTING:
        return code
    raise _Contradiction(f"its type says {code}, its name {name}")
