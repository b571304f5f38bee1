"""The lines that a visit is billed by: its code, and the prolonged service beside it, if there is one."""

from dataclasses import dataclass

from cds_hooks.coding.outcome import Candidate


@dataclass(frozen=True, slots=True)
class VisitLine:
    """One line: a code with its modifiers and place of service, so many `units` of it."""

    code: str
    modifiers: tuple[str, ...]
    place_of_service: str | None
    units: int = 1

    @property
    def said(self) -> str:
        """The line as a coder writes it."""
        line = "-".join((self.code, *self.modifiers)) + (f" x{self.units}" if self.units > 1 else "")
        return f"{line}, POS {self.place_of_service}" if self.place_of_service else line


def visit_lines(candidate: Candidate) -> list[VisitLine]:
    """The lines of a candidate, the visit first."""
    lines = [VisitLine(candidate.code, candidate.modifiers, candidate.place_of_service)]
    if candidate.prolonged:
        more = candidate.prolonged
        lines.append(VisitLine(more.code, (), candidate.place_of_service, more.units))
    return lines
