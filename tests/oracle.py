"""What the law says a visit is coded as, written down a second time, so that the selector can be held against it.

Nothing here is read from `config/` or from `cds_hooks`: the tables are typed by hand from the published rules.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answer that the law gives; `None` in `candidate_codes` leaves the listed codes open."""

    outcome: str
    code: str | None = None
    basis: str | None = None
    level: str | None = None
    place_of_service: str | None = None
    modifiers: tuple[str, ...] = ()
    optional_modifiers: tuple[str, ...] = ()
    prolonged: tuple[str, int] | None = None
    lower_code: str | None = None
    candidate_codes: frozenset[str] | None = None
    questions: frozenset[str] = frozenset()


class Rung(NamedTuple):
    """One code of a ladder: its MDM level and the least whole minutes that reach it."""

    level: str
    code: str
    minutes: int


class Coding(NamedTuple):
    """How one payer wants one kind of visit coded on one date."""

    ladders: Mapping[str, tuple[Rung, ...]]
    prolonged_code: str
    prolonged_starts: Mapping[str, int]
    modifiers: tuple[str, ...] = ()
    optional_modifiers: tuple[str, ...] = ()
    telehealth: bool = True
    discussion_gate: bool = False
    medicare_audio_only: bool = False


LEVELS = ("straightforward", "low", "moderate", "high")
STATUSES = ("new", "established")

OFFICE = {
    "new": (
        Rung("straightforward", "99202", 15),
        Rung("low", "99203", 30),
        Rung("moderate", "99204", 45),
        Rung("high", "99205", 60),
    ),
    "established": (
        Rung("straightforward", "99212", 10),
        Rung("low", "99213", 20),
        Rung("moderate", "99214", 30),
        Rung("high", "99215", 40),
    ),
}
AUDIO_VIDEO = {
    "new": (
        Rung("straightforward", "98000", 15),
        Rung("low", "98001", 30),
        Rung("moderate", "98002", 45),
        Rung("high", "98003", 60),
    ),
    "established": (
        Rung("straightforward", "98004", 10),
        Rung("low", "98005", 20),
        Rung("moderate", "98006", 30),
        Rung("high", "98007", 40),
    ),
}
AUDIO_ONLY = {
    "new": (
        Rung("straightforward", "98008", 15),
        Rung("low", "98009", 30),
        Rung("moderate", "98010", 45),
        Rung("high", "98011", 60),
    ),
    "established": (
        Rung("straightforward", "98012", 11),  # more than ten
        Rung("low", "98013", 20),
        Rung("moderate", "98014", 30),
        Rung("high", "98015", 40),
    ),
}
BELOW_LOWEST_RUNG = {"99212": "99211"}

PROLONGED_STEP = 15
CPT_PROLONGED = {"new": 75, "established": 55}
MEDICARE_PROLONGED = {"new": 89, "established": 69}

FIRST_DAY_OF_TELEMEDICINE_CODES = "2025-01-01"
LAST_VERIFIED_DAY = "2026-12-31"
DISCUSSION_MUST_EXCEED = 10
PLACES_OF_SERVICE = {"home": "10", "not_home": "02"}
PATIENTS_REASONS = ("patient_declined", "patient_unable")

NOT_REPORTABLE = Expectation("not_reportable", candidate_codes=frozenset())
NO_LEVEL_CAN_BE_TOLD = Expectation(
    "undetermined", candidate_codes=frozenset(), questions=frozenset({"mdm", "total_minutes"})
)
RULES_NOT_LOADED = Expectation("undetermined", candidate_codes=frozenset(), questions=frozenset({"rules_not_loaded"}))


def expect(facts: Facts) -> Expectation:
    """The answer for one visit of the grid."""
    if facts["modality"] == "audio_only" and facts["service_date"] < FIRST_DAY_OF_TELEMEDICINE_CODES:
        return RULES_NOT_LOADED
    answer = _expect_by_payer(facts)
    if facts["service_date"] > LAST_VERIFIED_DAY and answer.outcome != "not_reportable":
        return _as_question(answer, "rules_not_verified")
    return answer


def _expect_by_payer(facts: Facts) -> Expectation:
    (payer,) = facts["payers"]
    if payer != "commercial":
        return _expect_by_coding(facts, _coding(payer, facts))
    telemedicine = _expect_by_coding(facts, _coding("cpt-telemedicine", facts))
    office = _expect_by_coding(facts, _coding("cpt-office-modifier", facts))
    if telemedicine == office:
        return telemedicine
    both = Expectation(
        "undetermined",
        candidate_codes=(telemedicine.candidate_codes or frozenset()) | (office.candidate_codes or frozenset()),
        questions=office.questions if office.outcome == "undetermined" else frozenset(),
    )
    if not both.candidate_codes:
        return both
    return _as_question(both, "payer_adoption")


def _coding(payer: str, facts: Facts) -> Coding:
    medicare = payer == "medicare-ffs"
    prolonged_code = "G2212" if medicare else "99417"
    office = Coding(OFFICE, prolonged_code, MEDICARE_PROLONGED if medicare else CPT_PROLONGED)
    modality = facts["modality"]
    if modality == "in_person":
        return office._replace(telehealth=False)
    by_video = modality == "audio_video"
    if medicare:
        if by_video:
            return office._replace(optional_modifiers=("95",))
        return office._replace(modifiers=("93",), medicare_audio_only=True)
    if payer == "cpt-office-modifier" or facts["service_date"] < FIRST_DAY_OF_TELEMEDICINE_CODES:
        return office._replace(modifiers=("95",) if by_video else ("93",))
    if by_video:
        return office._replace(ladders=AUDIO_VIDEO)
    return office._replace(ladders=AUDIO_ONLY, discussion_gate=True)


def _expect_by_coding(facts: Facts, coding: Coding) -> Expectation:
    questions: set[str] = set()
    if coding.discussion_gate:
        discussed, total = facts["discussion_minutes"], facts["total_minutes"]
        longest_possible = discussed if discussed is not None else total
        if longest_possible is not None and longest_possible <= DISCUSSION_MUST_EXCEED:
            return NOT_REPORTABLE
        if discussed is None:
            questions.add("discussion_minutes")
    if coding.medicare_audio_only:
        if _medicare_refuses_audio_only(facts):
            return NOT_REPORTABLE
        conditions = ("patient_location", "video_capable", "audio_only_reason")
        questions.update(condition for condition in conditions if facts[condition] is None)
    if facts["mdm"] is None and facts["total_minutes"] is None:
        return NO_LEVEL_CAN_BE_TOLD
    status = facts["patient_status"]
    if status is None:
        questions.add("patient_status")
    reached = [
        answer
        for open_status in (STATUSES if status is None else (status,))
        if (answer := _climb(facts, coding, open_status)) is not None
    ]
    if not reached:
        return NOT_REPORTABLE
    if not questions:
        return _with_place_of_service(reached[0], facts, coding)
    codes = frozenset(answer.code for answer in reached if answer.code)
    return Expectation("undetermined", candidate_codes=codes, questions=frozenset(questions))


def _medicare_refuses_audio_only(facts: Facts) -> bool:
    return (
        facts["patient_location"] == "not_home"
        or facts["video_capable"] is False
        or facts["audio_only_reason"] not in (None, *PATIENTS_REASONS)
    )


def _climb(facts: Facts, coding: Coding, status: str) -> Expectation | None:
    ladder = coding.ladders[status]
    minutes = facts["total_minutes"]
    by_mdm = LEVELS.index(facts["mdm"]) if facts["mdm"] else -1
    by_time = sum(minutes >= rung.minutes for rung in ladder) - 1 if minutes is not None else -1
    best = max(by_mdm, by_time)
    if best < 0:
        return None
    rung = ladder[best]
    units = 0
    if by_time == len(LEVELS) - 1:
        units = max(0, (minutes - coding.prolonged_starts[status]) // PROLONGED_STEP + 1)
    timed = by_time > by_mdm or units > 0
    return Expectation(
        "selection",
        code=rung.code,
        basis="time" if timed else "mdm",
        level=rung.level,
        modifiers=coding.modifiers,
        optional_modifiers=coding.optional_modifiers,
        prolonged=(coding.prolonged_code, units) if units else None,
        lower_code=ladder[best - 1].code if best else BELOW_LOWEST_RUNG.get(rung.code),
        candidate_codes=frozenset({rung.code}),
    )


def _with_place_of_service(answer: Expectation, facts: Facts, coding: Coding) -> Expectation:
    if not coding.telehealth:
        return answer
    location = facts["patient_location"]
    if location is None:
        return replace(answer, questions=frozenset({"patient_location"}))
    return replace(answer, place_of_service=PLACES_OF_SERVICE[location])


def _as_question(answer: Expectation, question: str) -> Expectation:
    asked = answer.questions if answer.outcome == "undetermined" else frozenset[str]()
    return Expectation("undetermined", candidate_codes=answer.candidate_codes, questions=asked | {question})


DATES = ("2024-12-31", "2025-01-01", "2025-01-02", "2026-12-31", "2027-01-01")
PAYERS = ("medicare-ffs", "cpt-telemedicine", "cpt-office-modifier", "commercial")
MDM = (None, *LEVELS)
STATUS = (*STATUSES, None)
LOCATION = ("home", "not_home", None)
DISCUSSION = (None, 5, 10, 11, 30)
REASON = (None, *PATIENTS_REASONS, "clinician_side")
EVERY_MINUTE = (None, *range(131))
THRESHOLDS = (10, 15, 20, 30, 40, 45, 55, 60, 69, 75, 84, 89, 104)
EDGE_MINUTES = (None, 0, 5, 130, *sorted({near for at in THRESHOLDS for near in (at - 1, at, at + 1)}))
FEW_MINUTES = (None, 9, 10, 11, 14, 15, 29, 30, 39, 40, 54, 60, 69, 74, 89)


def grid() -> Iterator[dict[str, Any]]:
    """Every visit to try, each once: dense in minutes, then in what else decides a code."""
    seen: set[tuple[object, ...]] = set()
    for facts in _blocks():
        fingerprint = tuple(facts.values())
        if fingerprint not in seen and _settled(facts):
            seen.add(fingerprint)
            facts["payers"] = [facts["payers"]]
            yield facts


def _blocks() -> Iterator[dict[str, Any]]:
    yield from _visits(
        modality=("audio_video",), minutes=EVERY_MINUTE, dates=("2024-12-31", "2025-01-01", "2026-12-31")
    )
    yield from _visits(modality=("in_person",), minutes=EVERY_MINUTE, dates=("2026-12-31",))
    yield from _visits(modality=("audio_video", "in_person"), minutes=EDGE_MINUTES)
    for discussion, reason, capable, payers in (
        (DISCUSSION, None, None, ("cpt-telemedicine", "commercial")),
        ((None,), "patient_unable", True, ("medicare-ffs", "cpt-office-modifier")),
    ):
        yield from _visits(
            modality=("audio_only",),
            minutes=EVERY_MINUTE,
            payers=payers,
            dates=("2026-12-31",),
            discussion=discussion,
            reason=(reason,),
            capable=(capable,),
        )
        yield from _visits(
            modality=("audio_only",),
            minutes=EDGE_MINUTES,
            payers=payers,
            discussion=discussion,
            reason=(reason,),
            capable=(capable,),
        )
    yield from _visits(
        modality=("audio_video", "audio_only"),
        minutes=FEW_MINUTES,
        dates=("2024-12-31", "2025-01-02", "2026-12-31"),
        discussion=DISCUSSION,
        reason=("patient_declined",),
        capable=(True,),
    )
    yield from _visits(
        modality=("audio_video", "in_person"), minutes=EDGE_MINUTES, dates=("2026-12-31",), location=LOCATION
    )
    yield from _visits(
        modality=("audio_video", "audio_only"),
        minutes=FEW_MINUTES,
        dates=("2025-01-01", "2027-01-01"),
        discussion=(None, 11),
        location=("not_home", None),
    )
    yield from _visits(
        modality=("audio_only",),
        minutes=FEW_MINUTES,
        payers=("medicare-ffs",),
        dates=("2025-01-01", "2027-01-01"),
        location=LOCATION,
        reason=REASON,
        capable=(True, False, None),
    )
    yield from _visits(
        modality=("audio_only",),
        minutes=FEW_MINUTES,
        payers=("cpt-telemedicine", "cpt-office-modifier"),
        dates=("2026-12-31",),
        discussion=(30,),
        location=LOCATION,
        reason=("clinician_side",),
        capable=(False,),
    )


def _visits(
    *,
    modality: Iterable[str],
    minutes: Iterable[int | None],
    payers: Iterable[str] = PAYERS,
    dates: Iterable[str] = DATES,
    discussion: Iterable[int | None] = (None,),
    location: Iterable[str | None] = ("home",),
    reason: Iterable[str | None] = (None,),
    capable: Iterable[bool | None] = (None,),
) -> Iterator[dict[str, Any]]:
    names = (
        "service_date",
        "modality",
        "payers",
        "patient_status",
        "mdm",
        "total_minutes",
        "discussion_minutes",
        "patient_location",
        "audio_only_reason",
        "video_capable",
    )
    for values in product(dates, modality, payers, STATUS, MDM, minutes, discussion, location, reason, capable):
        yield dict(zip(names, values, strict=True))


def _settled(facts: Facts) -> bool:
    """Whether the law gives this visit one plain answer."""
    total, discussed = facts["total_minutes"], facts["discussion_minutes"]
    if total is not None and discussed is not None and total < discussed:
        return False
    visit = {**facts, "payers": [facts["payers"]]}
    if facts["service_date"] > LAST_VERIFIED_DAY:
        return expect(visit).outcome != "not_reportable"
    if facts["modality"] == "audio_only" and facts["service_date"] < FIRST_DAY_OF_TELEMEDICINE_CODES:
        in_force = {**visit, "service_date": FIRST_DAY_OF_TELEMEDICINE_CODES}
        return expect(in_force).outcome != "not_reportable" and (total is not None or facts["mdm"] is not None)
    return True
