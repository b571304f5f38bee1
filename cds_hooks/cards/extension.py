"""What a program reads beside a card: the answer as the API gives it, without members that say nothing."""

from cds_hooks.cards.coded import Json
from cds_hooks.coding.outcome import Outcome


def without_blanks(outcome: Outcome) -> Json:
    """The outcome JSON without members that are null, "", [] or {}: the protocol allows none of them on a card."""
    told = outcome.as_json()
    for candidate in told["candidates"]:
        if "if" in candidate:
            candidate["if"] = _filled(candidate["if"])
    for step in told["steps"]:
        step["evidence"] = [_filled(piece) for piece in step["evidence"]]
        step["source"] = _filled(step["source"])
    told["policy"] = _filled(told["policy"])
    for name in ("candidates", "questions", "warnings", "reasons", "steps"):
        told[name] = [_filled(row) for row in told[name]]
    return _filled(told)


def _filled(members: Json) -> Json:
    """The members that say something: 0 and false do."""
    if all(members.values()):
        return members
    return {name: value for name, value in members.items() if value or value == 0}
