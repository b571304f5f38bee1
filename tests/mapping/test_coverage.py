"""Who pays: the type, names, dates and order of a coverage, and the traps that would bill the wrong payer."""

from typing import Any

import pytest

from tests.mapping.charts import ACT, SOPT, Json, bundle, claim, concept, coverage, extended, facts, read, visit

ADVANTAGE, ORIGINAL = "medicare-advantage", "medicare-ffs"


def payers(*resources: Json) -> tuple[str, ...] | None:
    return facts(visit(), *resources).payers.value


def why(*resources: Json) -> str:
    return facts(visit(), *resources).payers.why_unknown or ""


@pytest.mark.parametrize(
    ("codes", "payer"),
    [
        ("12 121 129", ORIGINAL),
        ("11 111 1111 1112 112 113 119 123 14 141 142", ADVANTAGE),
        ("2 21 211 212 213 219 22 23 25 26 29", "medicaid"),
        ("5 51 511 512 513 514 515 519 52 521 522 529 53 54 55 59", "commercial"),
        ("6 61 611 612 613 619 62 621 622 63 64 69", "commercial"),
        ("311 3111 3112 3113 3115", "tricare"),
        ("81 82", "self-pay"),
    ],
)
def test_a_payer_code_says_who_pays(codes: str, payer: str) -> None:
    assert {payers(coverage(code)) for code in codes.split()} == {(payer,)}


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        ("1 19", "it is Medicare, but fee-for-service or Advantage is not said"),
        ("523 623 3114", "it is a Medicare supplement, which pays after Medicare"),
        ("7 71 72 73 79 9 99 9999", "neither its type nor a name says what kind of payer it is"),
        ("13 24 3 31 32 321 33 37 371 3712 4 8 83 84 98", "there is no rule for its type"),
    ],
)
def test_a_payer_code_that_does_not_settle_it_leaves_the_payer_unknown(codes: str, reason: str) -> None:
    for code in codes.split():
        assert payers(coverage(code)) is None
        assert why(coverage(code)).startswith(f"Coverage/c1: {reason}")


@pytest.mark.parametrize("code", ["122", "191", "516", "517", "524", "561", "562", "614", "629"])
def test_drug_dental_and_vision_plans_pay_no_visits(code: str) -> None:
    gathered = read(visit(), coverage(code), coverage("121", "c2"))
    assert gathered.facts.payers.value == (ORIGINAL,)
    assert gathered.parties.coverages == ((ORIGINAL, "Coverage/c2"),)
    assert payers(coverage(code)) is None


@pytest.mark.parametrize(
    ("code", "display", "paid"),
    [
        ("311", "Medicare Managed Care Other", ("tricare",)),
        ("1", "Medicare Part B", None),
        ("99", "Private insurance", None),
    ],
)
def test_a_code_beats_its_own_display(code: str, display: str, paid: tuple[str, ...] | None) -> None:
    assert payers(coverage(type=concept(SOPT, code, display))) == paid


def test_the_text_beside_a_code_settles_what_the_code_leaves_open() -> None:
    assert payers(coverage(type=concept(SOPT, "1", text="Medicare Part B"))) == (ORIGINAL,)


def test_a_drug_plan_known_by_name_pays_no_visits() -> None:
    drugs = coverage() | {"class": [{"name": "Part D"}]}
    assert payers(drugs, coverage("121", "c2")) == (ORIGINAL,)


def test_the_other_address_of_the_code_system_is_understood() -> None:
    assert payers(coverage(type=concept("urn:oid:2.16.840.1.113883.3.221.5", "121"))) == (ORIGINAL,)


def test_a_policy_type_alone_says_nothing_about_the_payer() -> None:
    typed = coverage(type=concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "HMO", "health maintenance"))
    assert why(typed).startswith("Coverage/c1: neither its type nor a name says what kind of payer it is")


@pytest.mark.parametrize("code", ["123", "14", "141", "142"])
def test_an_unusual_medicare_plan_carries_a_remark(code: str) -> None:
    assert len(facts(visit(), coverage(code)).payers.notes) == 1


def named(*names: str, code: str | None = None) -> Json:
    return coverage(code, payor=[{"display": name} for name in names])


@pytest.mark.parametrize(
    ("name", "payer"),
    [
        ("Medicare Part B", ORIGINAL),
        ("Original Medicare", ORIGINAL),
        ("Aetna Medicare Advantage PPO", "aetna-medicare-advantage"),
        ("Humana Medicare HMO", ADVANTAGE),
        ("Medicare", None),
        ("Medicare Supplement Plan G", None),
        ("Medigap F", None),
        ("Medicare-Medicaid Plan", None),
        ("Medi-Cal", "medicaid"),
        ("Blue Cross Medicaid", "medicaid"),
        ("TRICARE East", "tricare"),
        ("Humana Military", "tricare"),
        ("Self-pay", "self-pay"),
        ("Acme Health Plan", None),
        ("Blue Cross Blue Shield", None),
        ("Blue Cross Blue Shield of Alabama", None),
        ("Blue Cross Blue Shield of Michigan", "bcbs-michigan"),
        ("BCBSM PPO", "bcbs-michigan"),
        ("Blue Cross Blue Shield of Michigan Medicare Advantage", ADVANTAGE),
        ("Blue Cross NC Medicare Advantage", "bcbs-north-carolina-medicare-advantage"),
        ("Blue Cross NC", None),
        ("Blue Cross NC Commercial", "bcbs-north-carolina-commercial"),
        ("Blue Cross and Blue Shield of Texas", "bcbs-texas"),
        ("BCBSTX Blue Choice PPO", "bcbs-texas"),
        ("Blue Cross Blue Shield of Texas Medicare Advantage", ADVANTAGE),
        ("Blue Cross Blue Shield of Texas Medicaid", "medicaid"),
        ("BCBS of Illinois", "bcbs-illinois"),
        ("Blue Cross Blue Shield of Illinois Medicare Advantage", ADVANTAGE),
        ("Anthem", None),
        ("Anthem Blue Cross Blue Shield", None),
        ("Anthem Commercial", "anthem"),
        ("Anthem Medicare Advantage", ADVANTAGE),
        ("Anthem HealthKeepers Medicaid", "medicaid"),
        ("Humana", "humana"),
        ("Humana Gold Plus HMO", "humana"),
        ("Humana Commercial", "commercial"),
        ("Humana Medicare", None),
        ("Humana Medicare Supplement", None),
        ("Humana Medicaid", "medicaid"),
        ("Aetna", None),
        ("Aetna Commercial", "aetna"),
        ("Aetna Better Health of Ohio", None),
        ("Aetna Dual Complete", None),
        ("Aetna Senior Plan", None),
        ("Aetna Better Health Medicaid", "medicaid"),
        ("Cigna Healthcare", None),
        ("Cigna Commercial", "cigna-commercial"),
        ("Cigna HealthSpring", None),
        ("Cigna Dental", None),
        ("Medicaid pending", None),
        ("Horizon BCBSNJ", "horizon-bcbs-new-jersey"),
        ("UnitedHealthcare", None),
        ("UnitedHealthcare Commercial", "unitedhealthcare-commercial"),
        ("UHC Medicare Advantage", "unitedhealthcare-medicare-advantage"),
        ("AARP Medicare Advantage HMO", "unitedhealthcare-medicare-advantage"),
        ("AARP Medicare Supplement", None),
        ("AARP", None),
        ("MEDICARE A AND B", ORIGINAL),
        ("MEDICARE A/B", ORIGINAL),
        ("MEDICARE PART A & B", ORIGINAL),
        ("Medicare A&B", ORIGINAL),
        ("Medicare Parts A, B", ORIGINAL),
        ("Medicare Parts A, B and D", ORIGINAL),
        ("Medicare AB", ORIGINAL),
        ("MEDICARE B", ORIGINAL),
        ("Medicare Pt B", ORIGINAL),
        ("MCR A/B", ORIGINAL),
        ("Medicare FFS", ORIGINAL),
        ("Traditional Medicare", ORIGINAL),
        ("Railroad Medicare", ORIGINAL),
        ("RRB Medicare", ORIGINAL),
        ("Palmetto GBA Railroad Medicare", ORIGINAL),
        ("Novitas Solutions", ORIGINAL),
        ("NGS Medicare", ORIGINAL),
        ("First Coast Service Options", ORIGINAL),
        ("Noridian Healthcare Solutions, LLC", ORIGINAL),
        ("WPS GHA", ORIGINAL),
        ("CGS Administrators", ORIGINAL),
        ("Centers for Medicare & Medicaid Services - Part B", ORIGINAL),
        ("Medicare Part C", ADVANTAGE),
        ("MEDICARE HMO PLAN", ADVANTAGE),
        ("MAPD Medicare", ADVANTAGE),
        ("Centers for Medicare & Medicaid Services", None),
        ("MCR", None),
        ("Medicare A", None),
        ("Medicare Part A only", None),
        ("Medicare, a Humana plan", None),
        ("Medicare Parts A, B, C", None),
        ("Medicare Part A and B HMO", None),
        ("Medicare Part D", None),
        ("Humana Medicare Part D", None),
        ("Aetna Medicare", None),
        ("Humana Medicare Part B", None),
        ("Kaiser Medicare A and B", None),
        ("Humana Medicare Private Fee-for-Service", None),
        ("UHC Medicare Complete", None),
        ("UnitedHealthcare Railroad Medicare", None),
        ("Railroad Medicare Supplement", None),
        ("Medicare Supp Part B", None),
        ("Medicare Plan G", None),
        ("Medicare Part B / Medicaid", None),
        ("WPS", None),
        ("NGS", None),
        ("Noridian", None),
        ("First Coast", None),
        ("Noridian Healthcare Solutions DME", None),
        ("Part B", None),
        ("Novitas Solutions TRICARE", "tricare"),
        ("Novitas Solutions Commercial", "commercial"),
    ],
)
def test_without_a_code_a_name_says_who_pays_where_it_is_plain(name: str, payer: str | None) -> None:
    assert payers(named(name)) == ((payer,) if payer else None)


@pytest.mark.parametrize(
    ("code", "name", "payer"),
    [
        ("1", "Medicare Part B", ORIGINAL),
        ("1", "Part B", ORIGINAL),
        ("19", "Humana Gold HMO", ADVANTAGE),
        ("1", "Acme", None),
        ("512", "UnitedHealthcare", "unitedhealthcare-commercial"),
        ("6", "Blue Cross Blue Shield of Michigan", "bcbs-michigan"),
        ("112", "Blue Cross NC", "bcbs-north-carolina-medicare-advantage"),
        ("6", "Blue Cross NC", "bcbs-north-carolina-commercial"),
        ("6", "Blue Cross Blue Shield", "commercial"),
        ("6", "BCBS TX", "bcbs-texas"),
        ("112", "BCBS TX", ADVANTAGE),
        ("211", "BCBSIL", "medicaid"),
        ("512", "Anthem Blue Cross", "anthem"),
        ("112", "Anthem MediBlue", ADVANTAGE),
        ("211", "Anthem", "medicaid"),
        ("99", "Anthem", None),
        ("512", "Humana", "commercial"),
        ("112", "Humana", ADVANTAGE),
        ("211", "Humana", "medicaid"),
        ("99", "Humana", "humana"),
        ("1", "Humana", None),
        ("121", "Humana", ORIGINAL),
        ("311", "Humana Military", "tricare"),
        ("112", "UnitedHealthcare", "unitedhealthcare-medicare-advantage"),
        ("211", "UnitedHealthcare", "medicaid"),
        ("112", "Aetna", "aetna-medicare-advantage"),
        ("211", "Aetna", "medicaid"),
        ("99", "Aetna", None),
        ("512", "Aetna", "aetna"),
        ("512", "Cigna", "cigna-commercial"),
        ("121", "Medicare", ORIGINAL),
        ("512", "Aetna Medicare Advantage", None),
        ("121", "Aetna Medicare Advantage", None),
        ("59", "Medigap Plan G", None),
        ("59", "Aetna Medicare", None),
        ("141", "Medicare-Medicaid Plan", ADVANTAGE),
        ("1", "Medicaid", None),
        ("32", "Aetna", None),
        ("112", "Aetna Medicare Premier with Part D", "aetna-medicare-advantage"),
        ("112", "Part D", None),
        ("11", "Novitas Solutions", None),
        ("512", "Novitas Solutions", None),
        ("121", "Novitas Solutions", ORIGINAL),
    ],
)
def test_a_name_refines_a_code_and_never_contradicts_it_in_silence(code: str, name: str, payer: str | None) -> None:
    assert payers(named(name, code=code)) == ((payer,) if payer else None)


def test_a_contradiction_between_code_and_name_says_so() -> None:
    assert why(named("Aetna Medicare Advantage", code="121")) == (
        "Coverage/c1: its type says medicare-ffs, its name medicare-advantage"
    )


def test_two_codes_that_contradict_each_other_leave_the_payer_unknown() -> None:
    both = {"coding": [{"system": SOPT, "code": "121"}, {"system": SOPT, "code": "211"}]}
    assert why(coverage(type=both)) == "Coverage/c1: its types contradict each other: 121, 211"


def test_a_general_and_a_special_medicare_code_are_no_contradiction() -> None:
    both = {"coding": [{"system": SOPT, "code": "1"}, {"system": SOPT, "code": "121"}]}
    assert payers(coverage(type=both)) == (ORIGINAL,)


@pytest.mark.parametrize("contained", [True, False])
def test_the_name_is_read_from_the_payers_organization(contained: bool) -> None:
    organization = {"resourceType": "Organization", "id": "x", "name": "Aetna Commercial"}
    if contained:
        assert payers(coverage(payor=[{"reference": "#x"}], contained=[organization])) == ("aetna",)
    else:
        assert payers(coverage(), organization) == ("aetna",)


def test_the_plan_name_of_the_class_is_read() -> None:
    plan = [{"type": {"text": "plan"}, "value": "B", "name": "Medicare Part B"}]
    assert payers(coverage() | {"class": plan}) == (ORIGINAL,)


def test_a_patient_who_pays_is_never_quoted_by_name() -> None:
    found = facts(visit(), coverage(payor=[{"reference": "Patient/p1", "display": "Aetna Medicare Jones"}])).payers
    assert found.value is None
    assert "Jones" not in repr(found)


def test_r5_writes_the_insurer_and_self_pay_in_other_elements() -> None:
    assert payers(coverage(payor=None, insurer={"display": "Aetna Commercial"}, kind="insurance")) == ("aetna",)
    assert payers(coverage(payor=None, kind="self-pay")) == ("self-pay",)


def test_self_pay_has_a_code_system_of_its_own() -> None:
    assert payers(coverage(type=concept("http://terminology.hl7.org/CodeSystem/coverage-selfpay", "pay"))) == (
        "self-pay",
    )


MBI = [{"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1EG4TE5MK73"}]


def test_a_medicare_number_proves_medicare_but_not_which_kind() -> None:
    patient = {"resourceType": "Patient", "id": "p1", "identifier": MBI}
    assert why(patient) == (
        "the patient has a Medicare number, but no Coverage says whether it is fee-for-service or Advantage"
    )
    assert "it is Medicare, but fee-for-service or Advantage is not said" in why(coverage(identifier=MBI))
    numbered = facts(visit(), coverage(identifier=MBI)).payers.evidence
    assert [(one.path, one.said) for one in numbered] == [("Coverage.identifier", "a Medicare number")]
    assert payers(coverage("121", identifier=MBI)) == (ORIGINAL,)
    assert payers(coverage(identifier=MBI, payor=[{"display": "Aetna"}])) is None
    assert payers(coverage("59", identifier=MBI)) is None


@pytest.mark.parametrize("status", ["cancelled", "draft", "entered-in-error", None, 1])
def test_a_coverage_that_is_not_active_does_not_pay(status: object) -> None:
    said = f"has the status {status}" if isinstance(status, str) else "has no status"
    assert why(coverage("121", status=status)) == (
        "none of the 1 coverages at hand pays visits and is active on the day of the visit; "
        f"found but not usable: Coverage/c1 {said}"
    )


@pytest.mark.parametrize(
    ("period", "covers"),
    [
        ({"start": "2026-11-23"}, True),
        ({"start": "2026-11-24"}, False),
        ({"end": "2026-11-23"}, True),
        ({"end": "2026-11-22"}, False),
        ({"start": "2026-01-01T08:00:00.000+00:00", "end": "2026-12-31T08:15:00.000+00:00"}, True),
        ({"start": "2026", "end": "2026"}, True),
        ({"start": "2025-01", "end": "2026-11"}, True),
        ({"end": "2026-10"}, False),
        ({"start": "soon"}, False),
        ({"start": 2026}, False),
        ({}, True),
    ],
)
def test_a_coverage_pays_within_its_period_only(period: Json, covers: bool) -> None:
    assert (payers(coverage("121", period=period)) == (ORIGINAL,)) is covers


def test_no_coverage_is_no_payer() -> None:
    assert why() == "no Coverage is at hand"


@pytest.mark.parametrize(("first", "second"), [(1, 2), (0, 1), (3, 9), (1, None), (1, True), (1, "2")])
def test_the_order_says_which_coverage_is_primary(first: object, second: object) -> None:
    gathered = read(visit(), coverage("512", "c2", order=second), coverage("121", "c1", order=first))
    assert gathered.facts.payers.value == (ORIGINAL, "commercial")
    assert gathered.parties.coverages == ((ORIGINAL, "Coverage/c1"), ("commercial", "Coverage/c2"))


@pytest.mark.parametrize(("first", "second"), [(None, None), (1, 1), (2, None)])
def test_without_an_order_that_tells_the_primary_the_payer_is_unknown(first: int | None, second: int | None) -> None:
    gathered = read(visit(), coverage("121", "c1", order=first), coverage("512", "c2", order=second))
    assert gathered.facts.payers.why_unknown == "several coverages are in force, and which is primary is not said"
    assert gathered.parties.coverages == ((ORIGINAL, "Coverage/c1"), ("commercial", "Coverage/c2"))


def test_the_account_says_which_coverage_is_primary_where_the_coverages_do_not() -> None:
    account = {
        "resourceType": "Account",
        "subject": [{"reference": "Patient/p1"}],
        "coverage": [
            {"coverage": {"reference": "Coverage/c2"}, "priority": 1},
            {"coverage": {"reference": "Coverage/c1"}, "priority": 2},
        ],
    }
    assert payers(coverage("121", "c1"), coverage("512", "c2"), account) == ("commercial", ORIGINAL)


def test_several_coverages_of_one_payer_need_no_order() -> None:
    assert payers(coverage("121", "c1"), coverage("12", "c2")) == (ORIGINAL,)


def test_an_unknown_primary_leaves_the_payer_unknown() -> None:
    gathered = read(visit(), coverage("99", "c1", order=1), coverage("121", "c2", order=2))
    assert gathered.facts.payers.value is None
    assert gathered.parties.coverages == (("unknown", "Coverage/c1"), (ORIGINAL, "Coverage/c2"))


def test_an_unknown_secondary_is_left_out_with_a_note() -> None:
    found = facts(visit(), coverage("121", "c1", order=1), coverage("623", "c2", order=2)).payers
    assert found.value == (ORIGINAL,)
    assert found.notes == ("Coverage/c2: it is a Medicare supplement, which pays after Medicare; left out",)


def test_a_coverage_of_somebody_else_does_not_pay() -> None:
    assert payers(coverage("121", beneficiary={"reference": "Patient/p2"})) is None


@pytest.mark.parametrize(("count", "known"), [(49, True), (50, True), (51, False)])
def test_more_coverages_than_a_person_can_have_are_not_told_apart(count: int, known: bool) -> None:
    found = facts(visit(), *(coverage("5", own=f"c{number}") for number in range(count))).payers
    assert found.known is known
    assert known or found.why_unknown == f"{count} coverages are in force, too many to tell apart"


def part(letter: str) -> Json:
    """A Coverage as Medicare itself keeps it: one for each part."""
    groups = [{"type": {"text": "group"}, "name": "Medicare"}, {"type": {"text": "plan"}, "name": f"Part {letter}"}]
    return coverage(own=letter.lower()) | {"class": groups}


@pytest.mark.parametrize(
    ("letters", "payer"),
    [("AB", ORIGINAL), ("ABD", ORIGINAL), ("ABC", ADVANTAGE), ("ABCD", ADVANTAGE), ("C", ADVANTAGE), ("D", None)],
)
def test_the_parts_of_medicare_are_one_payer(letters: str, payer: str | None) -> None:
    assert payers(*map(part, letters)) == ((payer,) if payer else None)


def test_a_part_that_another_pays_for_is_named_and_stands_on_no_claim() -> None:
    gathered = read(visit(), *map(part, "ABC"))
    assert gathered.parties.coverages == ((ADVANTAGE, "Coverage/c"),)
    assert "Coverage/a: a Part C plan pays in its place; left out" in gathered.facts.notes


def test_a_coverage_that_is_only_applied_for_pays_nothing_and_is_named() -> None:
    found = facts(visit(), named("Medicaid pending"), coverage("512", own="c2"))
    assert found.payers.value == ("commercial",)
    assert "Coverage/c1: it is applied for, which is no coverage yet; left out" in found.notes


CMS = "Centers for Medicare & Medicaid Services"


def of_cms(code: str, plan: str, own: str = "c1") -> Json:
    """A Coverage as Medicare itself sends it: the payer a contained Organization, the part of Medicare a class."""
    organization = {"resourceType": "Organization", "id": "cms-org", "name": CMS}
    return coverage(code, own, payor=[{"reference": "#cms-org"}], contained=[organization]) | {
        "class": [{"value": plan}]
    }


@pytest.mark.parametrize(
    ("sent", "payer"),
    [
        ([of_cms("121", "Part B")], ORIGINAL),
        (
            [of_cms("1", "Part A", "a"), of_cms("121", "Part B", "b"), of_cms("14", "Dual Medicare/Medicaid", "d")],
            ORIGINAL,
        ),
        ([of_cms("1", "Part A", "a"), of_cms("121", "Part B", "b"), of_cms("11", "Part C", "c")], ADVANTAGE),
        ([of_cms("121", "Part B", "b"), of_cms("122", "Part D", "d")], ORIGINAL),
        ([of_cms("1", "Part A")], None),
        ([of_cms("121", "Part A")], None),
        ([of_cms("122", "Part D")], None),
        ([of_cms("14", "Dual Medicare/Medicaid")], None),
    ],
)
def test_the_coverages_of_medicare_itself_are_read_part_by_part(sent: list[Json], payer: str | None) -> None:
    assert payers(*sent) == ((payer,) if payer else None)


def test_older_coverages_of_medicare_name_the_part_in_a_grouping_and_the_payer_as_an_identifier() -> None:
    assert payers(coverage(payor=None, grouping={"subGroup": "Medicare", "subPlan": "Part B"})) == (ORIGINAL,)
    named = coverage(payor=[{"identifier": {"value": "Centers for Medicare and Medicaid Services"}}])
    assert payers(named | {"class": [{"value": "Part B"}]}) == (ORIGINAL,)


def policy(code: str, own: str = "c1", **members: Any) -> Json:
    return coverage(own=own, type=concept(ACT, code), **members)


@pytest.mark.parametrize(
    "beside",
    [
        *(policy(code) for code in ("DENTAL", "DENTPRG", "VISPOL", "DRUGPOL", "HSAPOL", "LTC", "DIS", "LIFE")),
        *(policy(code) for code in ("WCBPOL", "AUTOPOL", "UNINSMOT", "PNC")),
        *(coverage(code) for code in ("93", "94", "95", "951", "96", "97")),
        coverage(type={"coding": [{"system": SOPT, "code": "512"}, {"system": ACT, "code": "DENTAL"}]}),
        policy("DENTAL", payor=[{"display": "Aetna Commercial"}]),
        named("Delta Dental PPO"),
        named("VSP"),
        named("Delta Dental", code="512"),
        named("Medicare", code="122"),
        named("Medicare Part A"),
    ],
)
def test_what_pays_no_visits_beside_part_b_asks_nobody_who_is_primary_and_is_named(beside: Json) -> None:
    gathered = read(visit(), beside, named("Medicare Part B") | {"id": "c2"})
    assert gathered.facts.payers.value == (ORIGINAL,)
    assert gathered.parties.coverages == ((ORIGINAL, "Coverage/c2"),)
    assert any(note.startswith("Coverage/c1: ") and note.endswith("; left out") for note in gathered.facts.notes)
    assert "found but not usable: Coverage/c1: " in why(beside)


@pytest.mark.parametrize("beside", [policy("MCPOL"), policy("MENTPOL"), policy("EHCPOL"), policy("PUBLICPOL")])
def test_a_policy_that_may_pay_visits_beside_part_b_is_asked_about(beside: Json) -> None:
    assert why(beside, coverage("121", "c2")) == "several coverages are in force, and which is primary is not said"


def test_a_drug_policy_of_an_advantage_plan_is_a_contradiction_and_never_left_out() -> None:
    assert payers(named("Humana Medicare Advantage", code="122"), coverage("121", "c2")) is None


@pytest.mark.parametrize(
    "about",
    [
        {"reasonCode": [{"text": "Work-related back injury"}]},
        {"type": [{"text": "Workers' Comp Follow Up"}]},
        {"reason": [{"value": [{"concept": {"text": "Car accident"}}]}]},
        {
            "extension": [
                {"url": "http://open.epic.com/FHIR/StructureDefinition/extension/accidentrelated", "valueBoolean": True}
            ]
        },
    ],
)
def test_a_visit_that_may_be_for_an_accident_is_asked_who_pays_first(about: Json) -> None:
    found = facts(visit(**about), policy("WCBPOL"), coverage("121", "c2")).payers
    assert found.why_unknown == "several coverages are in force, and which is primary is not said"


def test_a_bill_of_the_visit_for_an_accident_asks_who_pays_first() -> None:
    billed = claim("99213", accident={"date": "2026-11-20"})
    assert payers(policy("AUTOPOL"), coverage("121", "c2"), billed) is None
    assert payers(policy("AUTOPOL"), coverage("121", "c2"), claim("99213")) == (ORIGINAL,)


@pytest.mark.parametrize(("order", "payer"), [(0, None), (1, None), (2, (ORIGINAL,)), (None, (ORIGINAL,))])
def test_a_policy_for_accidents_that_is_said_to_be_primary_is_asked_about(
    order: int | None, payer: tuple[str, ...] | None
) -> None:
    assert payers(policy("WCBPOL", order=order), coverage("121", "c2", order=2 if order != 2 else 1)) == payer


def filed(target: str, *rest: str, code: str = "121", url: str = "fhir-ehr.cerner.com/r4", **members: Any) -> Json:
    tie = f"https://{url}/StructureDefinition/coverage-encounter"
    ties = [{"url": tie, "valueReference": {"reference": one}} for one in (target, *rest)]
    return coverage(code, extension=ties, **members)


def test_a_coverage_filed_for_another_visit_does_not_pay_and_is_named() -> None:
    found = facts(visit(), filed("Encounter/e9"), coverage("512", "c2"))
    assert found.payers.value == ("commercial",)
    assert "Coverage/c1 is filed for another visit; left out" in found.notes
    assert why(filed("Encounter/e9", url="fhir.example.org")).endswith(
        "found but not usable: Coverage/c1 is filed for another visit"
    )


@pytest.mark.parametrize(
    "ties", [["Encounter/e1"], ["https://ehr.example/r4/Encounter/e1"], ["Encounter/e9", "Encounter/e1"]]
)
def test_the_coverages_filed_for_this_visit_are_all_of_its_registration(ties: list[str]) -> None:
    found = facts(visit(), filed(*ties), coverage("512", "c2"))
    assert found.payers.value == (ORIGINAL,)
    assert "Coverage/c2 is filed for no visit, and another coverage is filed for this one; left out" in found.notes


@pytest.mark.parametrize("tie", [{}, {"valueReference": {}}, {"valueString": "Encounter/e9"}])
def test_a_coverage_whose_visit_is_not_said_is_the_patients(tie: Json) -> None:
    tied = {"url": "https://fhir-ehr.cerner.com/r4/StructureDefinition/coverage-encounter"} | tie
    assert payers(coverage("121", extension=[tied, extended("other")])) == (ORIGINAL,)


AETNA = {"resourceType": "Organization", "id": "o1", "name": "Aetna Commercial"}


@pytest.mark.parametrize(
    "target", ["Organization/o1", "https://ehr.example/r4/Organization/o1", "Organization/o1/_history/2"]
)
@pytest.mark.parametrize("element", ["payor", "insurer"])
def test_a_payer_that_is_only_referred_to_is_read_wherever_it_was_sent(target: str, element: str) -> None:
    members: Json = {"payor": None, element: [{"reference": target}] if element == "payor" else {"reference": target}}
    assert payers(coverage(**members), AETNA) == ("aetna",)
    assert payers(bundle(coverage(**members), AETNA)) == ("aetna",)
    assert why(coverage(**members)).endswith(", and its payer Organization/o1 was not sent")


def test_a_commercial_coverage_whose_payer_was_not_sent_says_so() -> None:
    assert facts(visit(), coverage("512")).payers.notes == ("Coverage/c1: its payer Organization/x was not sent",)
    assert facts(visit(), coverage("121")).payers.notes == ()


def test_a_coverage_of_another_patient_is_told_as_found_and_without_its_name() -> None:
    assert why(coverage("121", beneficiary={"reference": "Patient/p2"})) == (
        "found but not usable: a Coverage of another patient"
    )


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ({"end": "2026-11-22"}, "ended before the visit, on 2026-11-22"),
        ({"start": "2026-11-24"}, "begins after the visit, on 2026-11-24"),
        ({"start": "soon"}, "has a period that cannot be read"),
    ],
)
def test_a_coverage_that_is_not_in_force_says_why(period: Json, said: str) -> None:
    assert why(coverage("121", period=period)).endswith(f"found but not usable: Coverage/c1 {said}")
