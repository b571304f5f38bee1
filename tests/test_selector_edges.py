"""What the selector does where a chart is silent or contradicts itself, a site has its habits, or a table ends."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.coding.billing import OptionalModifiers
from cds_hooks.coding.levels import above, below
from cds_hooks.coding.loading import load_book
from cds_hooks.coding.mdm import level_of
from cds_hooks.coding.outcome import Kind
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.print_out import changes, code_rows
from cds_hooks.coding.select import Options, select
from fhir_mapping.facts import (
    ClinicianLocation,
    EncounterFacts,
    Evidence,
    Fact,
    MdmElements,
    MdmLevel,
    Modality,
    PatientLocation,
    PatientStatus,
    Rival,
    SameDayVisit,
    ServiceKind,
)
from fhir_mapping.tables import config_folder

LOW, MODERATE, HIGH = MdmLevel.LOW, MdmLevel.MODERATE, MdmLevel.HIGH
STRAIGHTFORWARD = MdmLevel.STRAIGHTFORWARD


def visit(**changed: Any) -> EncounterFacts:
    said: dict[str, Any] = {
        "service_date": Fact(date(2026, 3, 2)),
        "modality": Fact(Modality.AUDIO_VIDEO),
        "patient_status": Fact(PatientStatus.ESTABLISHED),
        "mdm": Fact(MODERATE),
        "payers": Fact(("medicare-ffs",)),
        "patient_location": Fact(PatientLocation.HOME),
    }
    return EncounterFacts(**(said | changed))


def rivals(*values: Any) -> Fact[Any]:
    return Fact(conflict=tuple(Rival(value, Evidence(f"Observation/{n}", "x", "")) for n, value in enumerate(values)))


@pytest.mark.parametrize(
    ("elements", "level"),
    [
        ((MODERATE, STRAIGHTFORWARD, MODERATE), MODERATE),
        ((HIGH, STRAIGHTFORWARD, MODERATE), MODERATE),
        ((HIGH, HIGH, STRAIGHTFORWARD), HIGH),
        ((LOW, MODERATE, STRAIGHTFORWARD), LOW),
        ((STRAIGHTFORWARD, STRAIGHTFORWARD, HIGH), STRAIGHTFORWARD),
        ((LOW, LOW, HIGH), LOW),
        ((LOW, LOW, None), LOW),
        ((None, HIGH, HIGH), HIGH),
        ((LOW, None, HIGH), None),
        ((HIGH, None, None), None),
        ((None, None, None), None),
    ],
)
def test_two_of_three_elements_make_the_level(elements: tuple[MdmLevel | None, ...], level: MdmLevel | None) -> None:
    assert level_of(MdmElements(*elements)) is level


def test_a_chart_without_a_date_is_asked_for_it(book: PolicyBook) -> None:
    outcome = select(visit(service_date=Fact(why_unknown="Encounter.period.start has no zone")), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert outcome.questions[0].id == "service_date"
    assert "has no zone" in outcome.questions[0].text
    assert outcome.as_json()["policy"] == {"service_date": None, "fingerprint": book.fingerprint}


DOUBT: Fact[Any] = Fact(evidence=(Evidence("Encounter/e1", "Encounter.class", "7"),), why_unknown="7 is no known class")


def test_a_doubt_whether_it_was_an_outpatient_visit_is_asked_before_a_code_is_recommended(book: PolicyBook) -> None:
    sure = select(visit(), book)
    assert sure.kind is Kind.SELECTION
    assert select(visit(patient_class=Fact(why_unknown="no class")), book).kind is Kind.SELECTION
    outcome = select(visit(patient_class=DOUBT), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert outcome.questions[0].id == "patient_class"
    assert "7 is no known class" in outcome.questions[0].text
    assert [one.code for one in outcome.candidates] == [one.code for one in sure.candidates]
    assert not any(one.recommended for one in outcome.candidates)
    assert {one.supposing["patient_class"] for one in outcome.candidates} == {"outpatient"}


def test_the_doubt_is_not_asked_where_the_contact_is_not_reportable_anyway(book: PolicyBook) -> None:
    outcome = select(visit(patient_class=DOUBT, service_kind=Fact(ServiceKind.RESULTS_ONLY)), book)
    assert outcome.kind is Kind.NOT_REPORTABLE
    assert outcome.questions == ()


@pytest.mark.parametrize(
    ("habit", "modifiers", "optional"),
    [
        (OptionalModifiers.POLICY, (), ("95",)),
        (OptionalModifiers.ALWAYS, ("95",), ()),
        (OptionalModifiers.NEVER, (), ()),
    ],
)
def test_a_site_settles_what_its_payer_leaves_open(
    book: PolicyBook, habit: OptionalModifiers, modifiers: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    (candidate,) = select(visit(), book, Options(optional_modifiers=habit)).candidates
    assert (candidate.modifiers, candidate.optional_modifiers) == (modifiers, optional)


def test_a_site_cannot_settle_away_what_its_payer_requires(book: PolicyBook) -> None:
    facts = visit(payers=Fact(("cpt-office-modifier",)))
    assert select(facts, book, Options(optional_modifiers=OptionalModifiers.NEVER)).candidates[0].modifiers == ("95",)


def test_two_totals_are_shown_and_neither_is_used(book: PolicyBook) -> None:
    outcome = select(visit(mdm=Fact(), total_minutes=rivals(20, 40)), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert [(c.code, dict(c.supposing)) for c in outcome.candidates] == [
        ("99213", {"total_minutes": 20}),
        ("99215", {"total_minutes": 40}),
    ]
    (question,) = outcome.questions
    assert question.text.startswith("The record says both 20 and 40. How many minutes")
    assert question.text.endswith("(20: Observation/0, 40: Observation/1)")


def test_two_levels_are_shown_and_neither_is_used(book: PolicyBook) -> None:
    outcome = select(visit(mdm=rivals(HIGH, LOW)), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert [(c.code, dict(c.supposing)) for c in outcome.candidates] == [
        ("99213", {"mdm": LOW}),
        ("99215", {"mdm": HIGH}),
    ]
    assert [note.id for note in outcome.questions] == ["mdm"]


def test_two_counts_of_discussion_are_asked_about(book: PolicyBook) -> None:
    facts = visit(
        modality=Fact(Modality.AUDIO_ONLY), discussion_minutes=rivals(8, 12), payers=Fact(("cpt-telemedicine",))
    )
    outcome = select(facts, book)
    assert outcome.kind is Kind.UNDETERMINED
    assert [(c.code, dict(c.supposing)) for c in outcome.candidates] == [("98014", {"discussion_minutes": 12})]
    (question,) = outcome.questions
    assert question.id == "discussion_minutes"
    assert question.text.startswith("The record says both 8 and 12. How many minutes")
    assert question.text.endswith("(8: Observation/0, 12: Observation/1)")


def test_a_contradiction_that_changes_nothing_leaves_the_code_standing(book: PolicyBook) -> None:
    outcome = select(visit(mdm=Fact(HIGH), total_minutes=rivals(20, 40)), book)
    assert outcome.kind is Kind.SELECTION
    assert outcome.candidates[0].code == "99215"


def test_two_modes_at_odds_give_a_candidate_each(book: PolicyBook) -> None:
    facts = visit(modality=rivals(Modality.AUDIO_VIDEO, Modality.IN_PERSON), payers=Fact(("cpt-telemedicine",)))
    outcome = select(facts, book)
    assert {(c.code, c.supposing["modality"]) for c in outcome.candidates} == {
        ("98006", "audio_video"),
        ("99214", "in_person"),
    }
    texts = {note.id: note.text for note in outcome.questions}
    assert texts["modality"].startswith("The record says both audio-video and in-person. Was the visit")
    assert texts["modality"].endswith("(audio-video: Observation/0, in-person: Observation/1)")


@pytest.mark.parametrize(
    ("mode", "of_its_own", "of_the_other", "asked"),
    [
        pytest.param(mode, *minutes, id=f"{mode}, {minutes[0]} of its own and {minutes[1]} of the other")
        for mode in (Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY)
        for minutes in ((20, 19, False), (20, 20, True), (19, 20, True), (1, 1, True), (0, 20, True), (0, 0, False))
    ],
)
def test_a_mode_that_did_not_fill_most_of_the_minutes_is_asked_about(
    book: PolicyBook, mode: Modality, of_its_own: int, of_the_other: int, *, asked: bool
) -> None:
    by_video, by_audio = (of_its_own, of_the_other) if mode is Modality.AUDIO_VIDEO else (of_the_other, of_its_own)
    facts = visit(
        modality=Fact(mode),
        video_minutes=Fact(by_video),
        audio_minutes=Fact(by_audio),
        discussion_minutes=Fact(20),
        payers=Fact(("cpt-telemedicine",)),
    )
    outcome = select(facts, book)
    assert ("modality" in {note.id for note in outcome.questions}) is asked
    assert {c.code for c in outcome.candidates} >= ({"98006", "98014"} if asked else set())


def test_a_missing_fact_says_why_it_is_missing(book: PolicyBook) -> None:
    outcome = select(visit(patient_status=Fact(why_unknown="no earlier visit at hand")), book)
    assert "(no earlier visit at hand)" in outcome.questions[0].text


@pytest.mark.parametrize("name", ["mdm", "total_minutes"])
def test_a_missing_level_says_why_it_is_missing(book: PolicyBook, name: str) -> None:
    silent: dict[str, Any] = {"mdm": Fact(), "total_minutes": Fact()}
    silent[name] = Fact(why_unknown="the Observation is preliminary")
    texts = {note.id: note.text for note in select(visit(**silent), book).questions}
    assert texts[name].endswith("(the Observation is preliminary)")


def test_missing_minutes_of_an_interrupted_visit_say_why_they_are_missing(book: PolicyBook) -> None:
    facts = visit(modality=Fact(Modality.INTERRUPTED), video_minutes=Fact(why_unknown="no Observation"))
    texts = {note.id: note.text for note in select(facts, book).questions}
    assert texts["video_minutes"].endswith("(no Observation)")


NEW_PAYER = """
id: plan-of-the-coast
name: Plan of the Coast
verified_through: 2026-12-31
editions:
  2026-01-01:
    sources: [aetna-of-old]
    sure: single
    either: [cpt-telemedicine, cpt-office-modifier]
    either_question: "Which coding does the Plan of the Coast take?"
    prolonged: medicare
    routes:
      - when: {contact: [audio_only]}
        instead: {id: coast_by_telephone, text: "Does the Plan of the Coast pay telephone visits at all?"}
"""


def test_an_operator_adds_a_payer_with_one_file_and_no_code(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    text = NEW_PAYER.replace("aetna-of-old", "practice")
    (folder / "payers" / "plan-of-the-coast.yaml").write_text(text, encoding="utf-8")
    book = load_book(folder)
    assert "plan-of-the-coast" in book.selectable_payers()
    payers = Fact(("plan-of-the-coast",))
    by_video = select(visit(payers=payers, mdm=Fact(), total_minutes=Fact(70)), book)
    assert [(c.code, c.prolonged and c.prolonged.code) for c in by_video.candidates] == [
        ("98007", None),  # Medicare's prolonged code knows no telemedicine base
        ("99215", "G2212"),
    ]
    by_telephone = select(visit(payers=payers, modality=Fact(Modality.AUDIO_ONLY)), book)
    assert {note.id for note in by_telephone.questions} >= {"coast_by_telephone"}
    assert by_telephone.candidates == ()


def test_a_plan_that_goes_by_medicare_does_not_pass_its_claims_on(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    text = NEW_PAYER.replace("aetna-of-old", "practice").replace(
        "[cpt-telemedicine, cpt-office-modifier]", "[medicare-ffs]"
    )
    (folder / "payers" / "plan-of-the-coast.yaml").write_text(text, encoding="utf-8")
    book = load_book(folder)
    second = ("commercial",)
    after_medicare = select(visit(payers=Fact(("medicare-ffs", *second))), book)
    assert after_medicare.kind is Kind.SELECTION
    assert "crossover" in {note.id for note in after_medicare.warnings}
    after_the_plan = select(visit(payers=Fact(("plan-of-the-coast", *second))), book)
    assert after_the_plan.kind is Kind.UNDETERMINED
    assert "crossover" not in {note.id for note in after_the_plan.warnings}


def test_a_refusal_that_names_no_guideline_is_still_given(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / "codes" / "guidelines.yaml"
    text = path.read_text(encoding="utf-8").replace("{rule: routine_communication, id:", "{id:")
    path.write_text(text, encoding="utf-8")
    outcome = select(visit(service_kind=Fact(ServiceKind.RESULTS_ONLY)), load_book(folder))
    assert [note.id for note in outcome.reasons] == ["results_only"]
    assert outcome.steps == ()


@pytest.mark.parametrize(("day", "codes"), [(date(2024, 12, 31), ("99441",)), (date(2025, 1, 1), ("98016", "99441"))])
def test_a_code_to_look_at_instead_is_one_of_its_day_or_of_no_table(
    tmp_path: Path, day: date, codes: tuple[str, ...]
) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / "codes" / "guidelines.yaml"
    text = path.read_text(encoding="utf-8")
    below = 'no MDM level is documented that would support one.", see: ["98016"'
    assert below in text
    path.write_text(text.replace(below, f'{below}, "99441"'), encoding="utf-8")
    facts = visit(service_date=Fact(day), mdm=Fact(), total_minutes=Fact(9))
    (reason,) = select(facts, load_book(folder)).reasons
    assert reason.see == codes


def test_a_code_of_no_table_is_the_wrong_form(book: PolicyBook) -> None:
    warnings = {note.id for note in select(visit(reported_code=Fact("99999")), book).warnings}
    assert "reported_code_wrong_form" in warnings


def test_nothing_is_said_of_a_chosen_code_that_an_open_answer_would_give(book: PolicyBook) -> None:
    open_status = visit(patient_status=Fact(), reported_code=Fact("99214"))
    assert not [note for note in select(open_status, book).warnings if note.id.startswith("reported")]
    too_high = visit(patient_status=Fact(), reported_code=Fact("99215"))
    assert "reported_code_too_high" in {note.id for note in select(too_high, book).warnings}


def test_nothing_is_said_of_a_chosen_code_while_no_level_is_known(book: PolicyBook) -> None:
    nothing = visit(mdm=Fact(), reported_code=Fact("99215"))
    assert not [note for note in select(nothing, book).warnings if note.id.startswith("reported")]


def test_the_ends_of_a_ladder_have_nothing_beyond(book: PolicyBook) -> None:
    edition = book.families["telemedicine-audio-video"].on(date(2026, 1, 1))
    assert edition is not None
    ladder = edition.ladder(PatientStatus.NEW)
    assert below(ladder, ladder[0]) is None
    assert above(ladder, ladder[-1]) is None
    assert above(ladder, ladder[0]) is ladder[1]


@pytest.fixture
def ending(tmp_path: Path) -> PolicyBook:
    """The shipped law, but audio-video codes and G2212 end on 2026-06-01, and a change is announced for 2026-09-01."""
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / "codes" / "telemedicine_audio_video.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("\n# CMS prints", "\n  2026-06-01: null\n  2026-09-01: expected\n# CMS prints", 1)
    path.write_text(text, encoding="utf-8")
    prolonged = folder / "codes" / "prolonged.yaml"
    prolonged.write_text(prolonged.read_text(encoding="utf-8") + "      2026-06-01: null\n", encoding="utf-8")
    return load_book(folder)


@pytest.mark.parametrize(
    ("day", "kind"),
    [(date(2026, 5, 31), Kind.SELECTION), (date(2026, 6, 1), Kind.UNDETERMINED), (date(2026, 9, 1), Kind.UNDETERMINED)],
)
def test_a_withdrawn_table_gives_no_code_from_that_day(ending: PolicyBook, day: date, kind: Kind) -> None:
    outcome = select(visit(service_date=Fact(day), payers=Fact(("cpt-telemedicine",))), ending)
    assert outcome.kind is kind
    if kind is Kind.UNDETERMINED:
        assert [note.id for note in outcome.questions] == ["rules_not_loaded"]
        assert outcome.candidates == ()


def test_a_withdrawn_prolonged_code_adds_no_units(ending: PolicyBook) -> None:
    long = visit(mdm=Fact(), total_minutes=Fact(100))
    before, after = (select(visit_on(long, day), ending).candidates[0] for day in (date(2026, 5, 31), date(2026, 6, 1)))
    assert before.prolonged is not None
    assert after.prolonged is None
    assert after.code == "99215"


def visit_on(facts: EncounterFacts, day: date) -> EncounterFacts:
    return visit(mdm=facts.mdm, total_minutes=facts.total_minutes, service_date=Fact(day))


def test_what_ends_and_what_is_announced_is_printed(ending: PolicyBook) -> None:
    told = list(changes(ending, date(2026, 5, 1), date(2026, 12, 1)))
    assert "telemedicine-audio-video: 98006 (established) ends: moderate MDM or from 30 minutes" in told
    assert "telemedicine-audio-video: a change is expected on 2026-09-01 and not yet loaded" in told
    assert "G2212: with 99205 ends: after 74 minutes, each full 15" in told
    codes = {row.code for row in code_rows(ending, date(2026, 7, 1))}
    assert "98006" not in codes
    assert "G2212" not in codes


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (date(2026, 8, 30), date(2026, 8, 31), False),
        (date(2026, 8, 31), date(2026, 9, 1), True),
        (date(2026, 9, 1), date(2026, 9, 2), False),
    ],
)
def test_an_announced_change_is_told_on_its_day_alone(
    ending: PolicyBook, first: date, second: date, *, told: bool
) -> None:
    announced = "telemedicine-audio-video: a change is expected on 2026-09-01 and not yet loaded"
    assert list(changes(ending, first, second)) == ([announced] if told else [])


def test_a_withdrawn_prolonged_code_leaves_the_others_in_print(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / "codes" / "prolonged.yaml"
    text = path.read_text(encoding="utf-8").replace("  medicare:\n", "      2026-06-01: null\n  medicare:\n", 1)
    path.write_text(text, encoding="utf-8")
    codes = {row.code for row in code_rows(load_book(folder), date(2026, 7, 1))}
    assert "99417" not in codes
    assert "G2212" in codes


def test_a_payer_that_ends_leaves_no_rules(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / "payers" / "cpt-office-modifier.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "  2026-06-01: null\n", encoding="utf-8")
    book = load_book(folder)
    assert len(book.rules("cpt-office-modifier", date(2026, 5, 31))) == 1
    assert book.rules("cpt-office-modifier", date(2026, 6, 1)) == ()
    assert [dict(rules.supposing) for rules in book.rules("commercial", date(2026, 6, 1))] == [
        {"payers": ["cpt-telemedicine"]}
    ]
    facts = visit(service_date=Fact(date(2026, 6, 1)), mdm=Fact(), payers=Fact(("commercial",)))
    assert "payer_adoption" in {note.id for note in select(facts, book).questions}


def test_a_payer_without_a_policy_is_asked_about(book: PolicyBook) -> None:
    outcome = select(visit(payers=Fact(("plan-of-the-site",))), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert [note.id for note in outcome.questions] == ["payers"]


@pytest.mark.parametrize(
    "name", ["codes/prolonged", "codes/guidelines", "codes/office_outpatient", "payers/medicare-ffs"]
)
def test_any_table_that_runs_out_leaves_the_answer_unverified(tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / f"{name}.yaml"
    text = path.read_text(encoding="utf-8").replace("verified_through: 2026-12-31", "verified_through: 2026-03-01", 1)
    path.write_text(text, encoding="utf-8")
    book = load_book(folder)
    assert select(visit(service_date=Fact(date(2026, 3, 1))), book).kind is Kind.SELECTION
    late = select(visit(service_date=Fact(date(2026, 3, 2))), book)
    assert late.kind is Kind.UNDETERMINED
    assert [note.id for note in late.questions] == ["rules_not_verified"]


@pytest.mark.parametrize(("strict", "codes"), [(False, ["99214"]), (True, [])])
def test_a_strict_site_shows_no_code_past_the_verified_rules(
    book: PolicyBook, codes: list[str], *, strict: bool
) -> None:
    outcome = select(visit(service_date=Fact(date(2027, 1, 4))), book, Options(strict=strict))
    assert outcome.kind is Kind.UNDETERMINED
    assert [c.code for c in outcome.candidates] == codes


@pytest.mark.parametrize("order", [(5, 7), (7, 5)])
def test_what_was_asked_before_never_changes_an_answer(tmp_path: Path, order: tuple[int, ...]) -> None:
    folder = Path(shutil.copytree(config_folder(), tmp_path / "config"))
    path = folder / "payers" / "cpt-telemedicine.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "  2026-06-01: null\n", encoding="utf-8")
    book = load_book(folder)
    payers = Fact(("aetna",))
    found = {
        month: {c.code for c in select(visit(payers=payers, service_date=Fact(date(2026, month, 1))), book).candidates}
        for month in order
    }
    assert found == {5: {"98006", "99214"}, 7: {"99214"}}


def test_a_place_that_is_the_same_everywhere_is_not_asked_for(book: PolicyBook) -> None:
    outcome = select(visit(payers=Fact(("cigna-commercial",)), patient_location=Fact()), book)
    assert {c.place_of_service for c in outcome.candidates} == {"02"}
    assert "patient_location" not in {note.id for note in outcome.questions}


def test_another_visit_of_unknown_mode_that_day_leaves_the_family_open(book: PolicyBook) -> None:
    outcome = select(visit(same_day_visit=Fact(SameDayVisit(total_minutes=10))), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert [note.id for note in outcome.questions] == ["same_day_family"]
    assert [candidate.supposing for candidate in outcome.candidates] == [{"modality": Modality.AUDIO_VIDEO}]
    assert [c.code for c in outcome.candidates] == ["99214"]


def test_a_payer_that_leans_on_a_policy_without_rules_yet_shows_what_there_is(book: PolicyBook) -> None:
    assert len(book.rules("commercial", date(2026, 1, 1))) == 2
    assert book.rules("commercial", date(2023, 12, 31)) == ()
    assert book.rules("self-pay", date(2024, 12, 31)) == ()


@pytest.mark.parametrize(("own", "other"), [(HIGH, STRAIGHTFORWARD), (STRAIGHTFORWARD, HIGH)])
def test_of_two_visits_a_day_the_higher_level_counts_whichever_it_was(
    book: PolicyBook, own: MdmLevel, other: MdmLevel
) -> None:
    both = SameDayVisit(modality=Modality.AUDIO_VIDEO, mdm=other)
    outcome = select(visit(mdm=Fact(own), same_day_visit=Fact(both)), book)
    assert [c.code for c in outcome.candidates if c.recommended] == ["99215"]


@pytest.mark.parametrize("other", [SameDayVisit(Modality.AUDIO_VIDEO, 5, None, 9), SameDayVisit(Modality.AUDIO_VIDEO)])
def test_another_visit_that_adds_no_minutes_adds_none(book: PolicyBook, other: SameDayVisit) -> None:
    facts = visit(mdm=Fact(), total_minutes=Fact(39), same_day_visit=Fact(other))
    assert [c.code for c in select(facts, book).candidates if c.recommended] == ["99214"]


def test_discussion_as_long_as_the_whole_time_is_no_contradiction(book: PolicyBook) -> None:
    facts = visit(payers=Fact(("cpt-telemedicine",)), total_minutes=Fact(30), discussion_minutes=Fact(30))
    assert select(facts, book).kind is Kind.SELECTION


def test_a_record_with_two_lengths_of_discussion_asks_which_is_right(book: PolicyBook) -> None:
    facts = visit(
        modality=Fact(Modality.AUDIO_ONLY), payers=Fact(("cpt-telemedicine",)), discussion_minutes=rivals(8, 25)
    )
    outcome = select(facts, book)
    assert outcome.kind is Kind.UNDETERMINED
    (asked,) = [note.text for note in outcome.questions if note.id == "discussion_minutes"]
    assert asked.startswith("The record says both 8 and 25.")
    assert asked.endswith("(8: Observation/0, 25: Observation/1)")


@pytest.mark.parametrize(
    ("spent", "told"),
    [
        ({"modality": Fact(Modality.AUDIO_VIDEO), "audio_minutes": Fact(18)}, "audio-video, but with 18 of its 34"),
        ({"modality": Fact(Modality.AUDIO_ONLY), "video_minutes": Fact(18)}, "audio-only, but with 18 of its 34"),
    ],
)
def test_minutes_in_the_other_mode_are_told_with_the_total(book: PolicyBook, spent: dict[str, Any], told: str) -> None:
    outcome = select(visit(total_minutes=Fact(34), **spent), book)
    other = "audio" if "audio_minutes" in spent else "video"
    assert outcome.questions[0].text.endswith(f"documented as {told} minutes by {other}.")


def test_what_stands_against_either_mode_is_said(book: PolicyBook) -> None:
    short = visit(
        modality=Fact(),
        mdm=Fact(),
        total_minutes=Fact(9),
        discussion_minutes=Fact(8),
        payers=Fact(("cpt-telemedicine",)),
    )
    outcome = select(short, book)
    assert outcome.kind is Kind.NOT_REPORTABLE
    assert {note.id for note in outcome.reasons} == {"below_lowest_threshold", "discussion_too_short"}


def test_what_is_to_be_known_of_either_mode_is_said(book: PolicyBook) -> None:
    outcome = select(visit(modality=Fact(), payers=Fact(("aetna",)), service_date=Fact(date(2026, 4, 1))), book)
    assert {"payer_older_pages", "audio_only_not_paid"} <= {note.id for note in outcome.warnings}


def test_an_exchange_of_messages_is_asked_for_its_minutes_over_seven_days(book: PolicyBook) -> None:
    facts = visit(modality=Fact(Modality.ASYNCHRONOUS), payers=Fact(("cpt-telemedicine",)), mdm=Fact())
    (asked,) = [note.text for note in select(facts, book).questions if note.id == "total_minutes"]
    assert asked.startswith("How many minutes did the clinician spend on this exchange over its seven days?")


def test_a_mode_told_in_two_ways_is_asked_about_with_both(book: PolicyBook) -> None:
    outcome = select(visit(modality=rivals(Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY)), book)
    assert outcome.questions[0].text.startswith("The record says both audio-video and audio-only.")
    assert outcome.questions[0].text.endswith("(audio-video: Observation/0, audio-only: Observation/1)")


def test_two_visits_of_one_code_but_two_modes_leave_place_and_modifier_to_the_answer(book: PolicyBook) -> None:
    same = SameDayVisit(modality=Modality.IN_PERSON, total_minutes=5)
    outcome = select(visit(same_day_visit=Fact(same), clinician_location=Fact(ClinicianLocation.HOSPITAL)), book)
    (candidate,) = outcome.candidates
    assert (candidate.code, candidate.place_of_service) == ("99214", None)
    assert candidate.modifiers == candidate.optional_modifiers == ()
    assert [note.id for note in outcome.questions] == ["same_day_family"]


def test_past_its_verification_a_strict_service_shows_no_candidate(book: PolicyBook) -> None:
    facts = visit(service_date=Fact(date(2027, 1, 1)))
    assert select(facts, book).candidates
    assert select(facts, book, Options(strict=True)).candidates == ()


def test_an_outcome_without_a_date_still_names_the_tables_it_rests_on(book: PolicyBook) -> None:
    outcome = select(visit(service_date=Fact()), book)
    assert outcome.kind is Kind.UNDETERMINED
    assert outcome.fingerprint == book.fingerprint
    assert outcome.sources == book.sources


def test_the_tables_in_print_leave_out_no_code_after_one_that_is_not_in_force(book: PolicyBook) -> None:
    """Prolonged 99417 and G2212 stand below families that a day may lack."""
    shown = {row.code for row in code_rows(book, date(2024, 6, 1))}
    assert {"99417", "G2212"} <= shown
    assert "98005" not in shown


def test_law_that_was_printed_before_selects_as_law_that_was_not() -> None:
    fresh, printed = load_book(config_folder()), load_book(config_folder())
    assert list(changes(printed, date(2024, 6, 1), date(2026, 3, 2)))
    assert select(visit(), printed).as_json() == select(visit(), fresh).as_json()


def test_two_visits_a_day_ask_the_same_whichever_of_them_was_signed(book: PolicyBook) -> None:
    asked = {
        tuple(
            note.id
            for note in select(
                visit(
                    modality=Fact(own),
                    payers=Fact(("cpt-telemedicine",)),
                    same_day_visit=Fact(SameDayVisit(modality=other)),
                ),
                book,
            ).questions
        )
        for own, other in [(Modality.AUDIO_ONLY, Modality.AUDIO_VIDEO), (Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY)]
    }
    assert asked == {("same_day_family",)}
