"""By when findings are remedied, at whose hours, and what a passing re-run must rule out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from shipworthy.core.calendar import BusinessCalendar, Term, read_term
from shipworthy.core.severity import Severity
from shipworthy.workspace.fields import NUMBER, Day, Entity, Text, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _term(value: str) -> str:
    read_term(value)
    return value


class WorkingHours(Entity):
    """When somebody works on findings: the calendar that working hours and days are counted by.

    Attributes:
        zone: IANA name of the time zone, such as ``Europe/Berlin``.
        opens, closes: of a working day, ``HH:MM``.
    """

    zone: Word = "UTC"
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    opens: Word = "09:00"
    closes: Word = "17:00"
    holidays: tuple[Day, ...] = ()

    @property
    def calendar(self) -> BusinessCalendar:
        """The calendar."""
        days = tuple(_WEEK.index(day) for day in self.days)
        return BusinessCalendar(self.zone, days, self.opens, self.closes, tuple(str(day) for day in self.holidays))


class TriageRule(Entity):
    """What holds for findings of one severity.

    Attributes:
        due: how long its remediation may take, until a re-run shows it: ``72 hours``, ``10 working days``.
        rate: the failure rate that a passing re-run must rule out with 95 % confidence, in (0, 1).
    """

    severity: Severity
    due: Annotated[Word, AfterValidator(_term)]
    rate: Annotated[float, NUMBER, Field(gt=0.0, lt=1.0)]

    @property
    def term(self) -> Term:
        """How long it may take."""
        return read_term(self.due)


DEFAULTS = (
    TriageRule(severity="S1", due="72 hours", rate=0.01),
    TriageRule(severity="S2", due="10 working days", rate=0.05),
    TriageRule(severity="S3", due="30 working days", rate=0.1),
    TriageRule(severity="S4", due="90 working days", rate=0.2),
)
"""What holds where the files say nothing."""


class Owner(Entity):
    """Who findings of a feature go to where nobody is named."""

    feature: Word
    owner: Word


def _check(placed: Placed[Triage], draft: Draft, graph: Graph) -> None:
    said = placed.entity
    try:
        said.hours.calendar.check()
    except ValueError as error:
        draft.problems.append(placed.problem(("hours",), str(error)))
    seen: set[str] = set()
    for index, rule in enumerate(said.severities):
        if rule.severity in seen:
            draft.problems.append(placed.problem(("severities", index), f"{rule.severity} is there twice"))
        seen.add(rule.severity)


@kind("triage", section="triage", written="single", check=_check)
class Triage(Entity):
    """How findings are handled. A severity that is left out keeps what holds by default.

    Attributes:
        owners: by feature; `owner` of everything else.
    """

    hours: WorkingHours = WorkingHours()
    severities: tuple[TriageRule, ...] = ()
    owners: tuple[Owner, ...] = ()
    owner: Word | None = None
    text: Text = ""

    def rule(self, severity: Severity) -> TriageRule:
        """Return what holds for a severity."""
        return next(one for one in (*self.severities, *DEFAULTS) if one.severity == severity)

    def owner_of(self, feature: str) -> str:
        """Return who findings of a feature go to; empty where nobody is named."""
        return next((one.owner for one in self.owners if one.feature == feature), self.owner or "")
