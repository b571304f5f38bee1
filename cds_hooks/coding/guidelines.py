"""The guidelines: rules, reasons and conditions that hold for every table, and the words of questions and warnings."""

from collections.abc import Mapping
from string import Formatter
from typing import Literal

from cds_hooks.coding.citation import Cited, Items
from cds_hooks.coding.families import Condition, Refusal
from fhir_mapping.tables import Code, Day, Row, Table


class Guideline(Cited):
    """A rule of coding that is the same for every table."""

    since: Day
    says: str


class Guidelines(Row):
    """All guidelines, by the name their steps cite."""

    id: Literal["guidelines"]
    verified_through: Day
    rules: dict[str, Guideline]
    refusals: dict[str, Refusal]
    conditions: dict[str, Condition]
    questions: dict[str, str]
    asking_order: Items[str]
    remarks: dict[str, str]
    telehealth_modifiers: Items[Code]
    telehealth_places: Items[Code]


RULES = (
    "modality",
    "brief_check_in",
    "majority_of_minutes",
    "same_day",
    "mdm_two_of_three",
    "higher_of_mdm_and_time",
)
"""The rules that this package cites by name; the others are cited by conditions and refusals."""

REFUSALS: Mapping[str, str] = {
    "not_outpatient": "",
    "clinical_staff": "",
    "outside_em": "",
    "results_only": "",
    "care_management": "",
    "part_of_same_day_visit": "",
    "below_lowest_threshold": "minutes least",
    "below_lowest_minutes": "minutes least",
}
"""The reasons that this package gives by name, each with the figures that its text may show."""

QUESTIONS: Mapping[str, str] = {
    "service_date": "",
    "patient_class": "",
    "primary_payer": "",
    "modality": "",
    "modality_tie": "minutes",
    "modality_at_odds": "mode minutes",
    "video_minutes": "",
    "audio_minutes": "",
    "mdm": "",
    "total_minutes": "",
    "total_minutes_online": "",
    "minutes_disagree": "total discussion",
    "minutes_exceed_day": "total",
    "discussion_minutes": "",
    "patient_status": "",
    "patient_location": "",
    "same_day_family": "",
    "rules_not_loaded": "",
    "rules_not_verified": "through",
}
"""The questions that this package asks by name, each with the figures that its text may show."""

REMARKS: Mapping[str, str] = {
    "same_day_overlap": "",
    "same_day_combined": "",
    "mdm_conflict": "levels",
    "read_all": "",
    "read_in_part": "",
    "consent_documented": "read",
    "clinician_location": "read",
    "patient_location": "read",
    "audio_only_reason": "read",
    "reported_code_supported": "code",
    "reported_code_too_high": "code supported",
    "reported_code_wrong_form": "code supported",
    "reported_code_not_reportable": "code",
    "reported_modifier_wrong": "code modifiers",
    "reported_place_not_telehealth": "code reported",
    "reported_place_of_service_wrong": "reported supported",
}
"""The warnings that this package gives by name, each with the figures that its text may show."""


def check_names(table: Table, guidelines: Guidelines) -> None:
    """Whether all that is cited, asked and warned of by name is there, in words that can be filled in.

    Raises TableError, with file and line, for the first that is not.
    """
    refusals = {name: refusal.text for name, refusal in guidelines.refusals.items()}
    for kind, needed, found in (
        ("rules", dict.fromkeys(RULES, ""), dict.fromkeys(guidelines.rules, "")),
        ("refusals", REFUSALS, refusals),
        ("questions", QUESTIONS, guidelines.questions),
        ("remarks", REMARKS, guidelines.remarks),
    ):
        for name, figures in needed.items():
            if name not in found:
                raise table.error((kind,), f"{name} is missing")
            for figure in _figures(table, (kind, name), found[name]):
                if figure not in figures.split():
                    raise table.error((kind, name), f"{{{figure}}} is no figure that {name} can show")


def _figures(table: Table, place: tuple[str, str], text: str) -> list[str]:
    try:
        return [figure for _, figure, _, _ in Formatter().parse(text) if figure is not None]
    except ValueError as broken:
        raise table.error(place, f"its braces do not match: {broken}") from None
