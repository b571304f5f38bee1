"""Reads a chart though one of its resources cannot be read: it is left out and named, and what it decides is unknown.

No resource is known to fail here. This is for the one that nobody thought of: it must cost itself, and not the answer.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fhir_mapping.chart import Chart, MissingEncounter, WrongPatient
from fhir_mapping.facts import Fact
from fhir_mapping.resources import Json, name, text

T = TypeVar("T")

NOTE, VISIT = "note", "visit"
_MOST_FAULTS = 4  # resources that are found out one by one; where more fail, all are left out
_MOST_RESOURCES = 2_000  # of a longer chart all are left out at once: each step of the search reads it anew
_MINUTES = ("total_minutes", "discussion_minutes", "video_minutes", "audio_minutes")
_DECIDED = ("mdm", "mdm_elements")
_REPORTED = ("reported_code", "reported_modifiers", "reported_place_of_service", "service_kind")
_DECIDES = {
    "Observation": (*_MINUTES, *_DECIDED, "audio_only_reason", "modality"),
    "Coverage": ("payers",),
    "Account": ("payers",),
    "Organization": ("payers", "patient_status", "setting", "behavioral_health"),
    "Practitioner": ("clinician", "patient_status", "behavioral_health"),
    "PractitionerRole": ("clinician", "patient_status", "behavioral_health"),
    "Location": ("patient_location", "modality", "setting", "behavioral_health"),
    "Appointment": ("modality",),
    **dict.fromkeys(("Claim", "ChargeItem", "ServiceRequest"), (*_REPORTED, "modality", "patient_location")),
}
"""The facts that a resource of each type may decide or contradict: without it they are unknown, never a guess.

An earlier visit, or a bill for one, could only make a new patient an established one (`prior_visits` counts it as
doubtful). A note ranks below all else, and one that cannot be read is named, as one that is a PDF.
"""
_UNDECIDING = "Encounter Patient Procedure ExplanationOfBenefit Condition MedicationRequest DiagnosticReport"
NOTES = ("DocumentReference", "Composition", "Binary")
KINDS = frozenset({NOTE, VISIT, *_DECIDES, *_UNDECIDING.split(), *NOTES})
"""All that is told apart; a type that no reader asks for is `other`, whatever a request calls it."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong with one thing: its `kind` (a type, or `note`, `visit`), the `error`, and the line it was at.

    Nothing of the chart stands in it, so that it can be logged and counted.
    """

    kind: str
    error: str
    at: str


def fault_of(kind: str, error: Exception) -> Fault:
    """Tell a fault in reading a thing of some kind: the type of the exception, never its words."""
    trace, at = error.__traceback__, ""
    while trace:
        at = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return Fault(kind if kind in KINDS else OTHER, type(error).__name__, at)


def undecided_by(kinds: Iterable[str]) -> dict[str, Any]:
    """The facts that resources of these types, which could not be read, leave unknown."""
    return {
        fact: Fact(why_unknown=f"a resource that may tell it could not be read: {kind}")
        for kind in sorted(kinds)
        for fact in _DECIDES.get(kind, ())
    }


def read_fenced(
    read: Callable[[Chart], T], open_without: Callable[[Sequence[Json]], Chart], others: Callable[[], Sequence[Json]]
) -> tuple[T | None, tuple[Fault, ...]]:
    """What is read of a chart, without the resources that make reading fail; `None` if the visit itself does.

    Parameters: `read` may fail with anything; `open_without` opens the chart without some of its resources; `others`
    lists all but the visit.
    Raises MissingEncounter and WrongPatient, as opening the chart does.
    """
    left_out: list[Json] = []
    faults: list[Fault] = []
    while True:
        try:
            return read(open_without(left_out)), tuple(faults)
        except (MissingEncounter, WrongPatient):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it may cost one resource and no more
            known = {id(one) for one in left_out}
            rest = [one for one in others() if id(one) not in known]
            culprits = _culprits(read, open_without, left_out, rest, len(faults))
            faults.append(fault_of(text(culprits[0].get("resourceType")) if culprits else VISIT, error))
            if not culprits or len(faults) > _MOST_FAULTS + 1:  # the latter if what was left out came back anew
                return None, tuple(faults)
            left_out += culprits


def _culprits(
    read: Callable[[Chart], T],
    open_without: Callable[[Sequence[Json]], Chart],
    left_out: Sequence[Json],
    rest: Sequence[Json],
    found: int,
) -> Sequence[Json]:
    """The first resource of the rest with which reading fails, wherever it was sent; all where it is hard to find.

    None where it fails without them too.
    """

    def fails_with(count: int) -> bool:
        try:
            read(open_without([*left_out, *rest[count:]]))
        except (MissingEncounter, WrongPatient):
            return False
        except Exception:  # noqa: BLE001 - as above
            return True
        return False

    if not rest or fails_with(0):
        return ()
    if found >= _MOST_FAULTS or len(rest) > _MOST_RESOURCES:
        return rest
    number = bisect_left(range(1, len(rest)), x=True, key=fails_with)
    same = name(rest[number])
    return [one for one in rest if one is rest[number] or (text(one.get("id")) and name(one) == same)]
