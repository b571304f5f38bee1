"""The choices on a card: what a clinician may accept with a click, each with what accepting it drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cds_hooks.cards.actions import Action, create_actions
from cds_hooks.cards.coded import Json, Visit
from cds_hooks.cards.markdown import plain
from cds_hooks.cards.profile import ClientProfile
from cds_hooks.cards.visit_line import VisitLine, visit_lines
from cds_hooks.cards.words import claim_line, supposition
from cds_hooks.coding.outcome import Candidate, Kind, Outcome

LONGEST = 400


@dataclass(frozen=True, slots=True)
class Offered:
    """A code on a card; `suggestion` is the uuid under which it can be accepted, or empty where it is only named."""

    candidate: Candidate
    line: VisitLine
    suggestion: str = ""


def named_only(outcome: Outcome) -> tuple[Offered, ...]:
    """The codes of a card that offers none of them for a click."""
    return tuple(_named(candidate) for candidate in outcome.candidates)


def suggest(
    outcome: Outcome, visit: Visit | None, profile: ClientProfile, new_id: Callable[[], object]
) -> tuple[list[Json], tuple[Offered, ...]]:
    """The suggestions of an outcome as CDS Hooks writes them, and every code on the card.

    Parameters: `visit` to draft for, if its day is known. Where an EHR lets suggestions be accepted together, the
    recommended code alone is one: nobody shall bill two.
    """
    found: list[Json] = []
    offered: list[Offered] = []
    recommended = next((one for one in outcome.candidates if one.recommended), None)  # one a card, not one a payer
    for candidate in outcome.candidates:
        first = candidate is recommended
        apart = profile.selection_behavior == "at-most-one"
        actions = create_actions(candidate, visit, profile) if visit and (first or apart) else []
        if not (first or apart) or (profile.suggestions == "with_actions" and not actions):
            offered.append(_named(candidate))
            continue
        for done in [[action] for action in actions] if profile.one_action and actions else [actions]:
            suggestion: Json = {"label": _label(candidate, outcome, done), "uuid": str(new_id())}
            if first and profile.recommend:
                suggestion["isRecommended"] = True
            if done:
                suggestion["actions"] = [action.body for action in done]
            found.append(suggestion)
            line = done[0].line if done else visit_lines(candidate)[0]
            offered.append(Offered(candidate, line, suggestion["uuid"]))
    return found, tuple(offered)


def _named(candidate: Candidate) -> Offered:
    return Offered(candidate, visit_lines(candidate)[0])


def _label(candidate: Candidate, outcome: Outcome, done: list[Action]) -> str:
    """What is offered, and on which condition; that is never cut off, for it says when the draft would be right."""
    said = " + ".join(action.bills for action in done) or claim_line(candidate)
    label = " ".join(filter(None, (said, supposition(candidate))))
    if len({c.payer for c in outcome.candidates}) > 1 and "payers" not in candidate.supposing:
        label += f" ({candidate.payer})"
    if outcome.kind is not Kind.SELECTION and not candidate.supposing:
        label += " once the question is answered"
    return plain(label, LONGEST)
