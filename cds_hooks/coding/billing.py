"""What stands beside the code on the claim line: place of service and modifiers, as the payer wants them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal, NamedTuple

from cds_hooks.coding.case import Case
from cds_hooks.coding.outcome import Note
from cds_hooks.coding.payers import ModifierRule, PayerEdition
from fhir_mapping.facts import PatientLocation


class OptionalModifiers(StrEnum):
    """What a site does with modifiers that its payer leaves open."""

    POLICY = "policy"  # shown as optional
    ALWAYS = "always"
    NEVER = "never"


class Place(NamedTuple):
    """A place of service, or the question that must be answered before there is one."""

    code: str | None
    question: Note | None = None


class Modifiers(NamedTuple):
    """The modifiers to append, those the payer leaves open, and the rules they come from."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    rules: tuple[ModifierRule, ...]


def place_of_service(
    case: Case, edition: PayerEdition, by: Literal["patient", "usual"], modifiers: Modifiers, ask: Mapping[str, str]
) -> Place:
    """The place of service by where the patient was.

    `by` is "usual" where no telehealth place of service applies; `ask` holds the questions' words. A place that would
    be the same for every location needs no answer.
    """
    if by == "usual":
        return Place(None)
    for rule in modifiers.rules:
        if rule.ask_place_of_service:
            return Place(None, Note("place_of_service", rule.ask_place_of_service))
    if case.patient_location is not None:
        return Place(edition.place_of_service[case.patient_location])
    if len(set(edition.place_of_service.values())) == 1:
        return Place(edition.place_of_service[PatientLocation.HOME])
    return Place(None, Note("patient_location", ask["patient_location"]))


def modifiers(case: Case, terms: Sequence[ModifierRule], site: OptionalModifiers) -> Modifiers:
    """The modifiers of the first matching rule for each; a site may settle the optional ones.

    Parameters: `terms`, the payer's rules for the modifiers of that contact and family.
    """
    required: list[str] = []
    optional: list[str] = []
    rules: list[ModifierRule] = []
    for rule in terms:
        if rule.modifier in required or rule.modifier in optional or not rule.when.matches(case):
            continue
        if rule.use == "required" or site is OptionalModifiers.ALWAYS:
            required.append(rule.modifier)
        elif site is OptionalModifiers.POLICY:
            optional.append(rule.modifier)
        rules.append(rule)
    return Modifiers(tuple(required), tuple(optional), tuple(rules))
