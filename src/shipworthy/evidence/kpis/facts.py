"""What the numbers are computed from: files, decisions, runs, occurrences, telemetry; each read when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.ledger import STOPPED
from shipworthy.core.records import Decision, Metric, RunManifest
from shipworthy.evals.results import Run
from shipworthy.evidence.kpis.kpi import KpiRecord
from shipworthy.evidence.kpis.period import Period
from shipworthy.evidence.standing import Standings, entered_decisions, standings
from shipworthy.incidents.incident import Incident, list_incidents
from shipworthy.store.audit import AuditLog
from shipworthy.store.changes import read_changes
from shipworthy.store.declare import read_manifest
from shipworthy.store.findings import standing_findings
from shipworthy.store.layout import Layout
from shipworthy.store.occurrences import read_occurrences
from shipworthy.store.runs import list_runs
from shipworthy.workspace.kinds.programme import Programme
from shipworthy.workspace.load import Workspace

if TYPE_CHECKING:
    from shipworthy.core.change import ChangeRecord
    from shipworthy.core.finding_entry import FindingStanding
    from shipworthy.core.occurrence import Occurrence
    from shipworthy.telemetry.facts import FactView


class KpiReading(NamedTuple):
    """A suite's newest run of a period, and the metric that is read of it; `why` there is none."""

    run: Run | None
    suite: str = ""
    metric: Metric | None = None
    why: str = ""


class SessionDay(NamedTuple):
    """Sessions of a surface in a period, and where they were counted."""

    sessions: int
    source: str


class KpiFacts:
    """All of a workspace that the numbers are computed from.

    Args:
        workspace: loaded.
        now: the moment of asking; what is later is not counted.
        telemetry: the folder of a store of telemetry; none if left out.
    """

    def __init__(self, workspace: Workspace, now: datetime, telemetry: Path | None = None) -> None:
        self.workspace, self.now, self.telemetry = workspace, now, telemetry
        self.layout = Layout(workspace.root)
        self.refused: list[str] = []
        self._runs: dict[str, Run] = {}

    @cached_property
    def programme(self) -> Programme:
        """Targets and weights: of the file, or our own."""
        nodes = self.workspace.graph.of_kind("programme")
        return next((node.entity for node in nodes.values()), Programme())

    def weight(self, severity: str) -> float:
        """Return what an event of a severity weighs."""
        return float(getattr(self.programme.weights, severity))

    @property
    def weights_said(self) -> str:
        """The weights, in words: they are stamped beside whatever weighs."""
        return ", ".join(f"{name} {getattr(self.programme.weights, name):g}" for name in ("S1", "S2", "S3", "S4"))

    @cached_property
    def standings(self) -> Standings:
        """What stands for each criterion today."""
        return standings(self.workspace, self.layout)

    @cached_property
    def decisions(self) -> list[Decision]:
        """Decisions that the audit log holds as they are, oldest first."""
        found = list(entered_decisions(self.layout, self.refused))
        return sorted(found, key=lambda one: (one.created, one.id))

    @cached_property
    def occurrences(self) -> list[Occurrence]:
        """What was said to have happened, oldest first."""
        if not self.layout.keeps_control:
            return []
        with AuditLog(self.layout.control_url) as audit:
            return read_occurrences(audit, self.workspace.system.id)

    def happened(self, period: Period, *kinds: str) -> list[Occurrence]:
        """Return the occurrences of some kinds in a period, oldest first."""
        return [
            one for one in self.occurrences if one.kind in kinds and period.has(one.moment) and one.moment <= self.now
        ]

    @cached_property
    def changes(self) -> Sequence[ChangeRecord]:
        """Changes that somebody said, or a sentinel found."""
        if not self.layout.keeps_control:
            return ()
        with AuditLog(self.layout.control_url) as audit:
            return read_changes(audit, self.workspace.system.id).changes

    @cached_property
    def incidents(self) -> list[Incident]:
        """Incidents of this system, oldest first."""
        if not self.layout.keeps_control:
            return []
        with AuditLog(self.layout.control_url) as audit:
            return list_incidents(audit, self.workspace.system.id)

    @cached_property
    def findings(self) -> list[FindingStanding]:
        """Findings of this system, as they stand now."""
        if not self.layout.keeps_control:
            return []
        with AuditLog(self.layout.control_url) as audit:
            return standing_findings(audit, self.workspace.system.id, self.now.isoformat(timespec="seconds"))

    @cached_property
    def manifests(self) -> list[RunManifest]:
        """Manifests of the complete runs of this system, oldest first."""
        if not self.layout.runs.is_dir():
            return []
        found = []
        for one in list_runs(self.layout):
            if one.state != "complete":
                continue
            try:
                manifest = read_manifest(self.layout.runs / one.id)
            except ShipworthyError as error:
                self.refused.append(str(error))
                continue
            if manifest.system == self.workspace.system.id:
                found.append(manifest)
        return sorted(found, key=lambda one: (one.created, one.id))

    @cached_property
    def stopped(self) -> dict[str, str]:
        """Run -> when its last sitting ended."""
        if not self.layout.keeps_control:
            return {}
        with AuditLog(self.layout.control_url) as audit:
            return {str(entry.body.get("run")): entry.at for entry in audit.of_kinds(STOPPED)}

    def run(self, id: str) -> Run:
        """Return a run with its counts, its log verified; read once."""
        if id not in self._runs:
            self._runs[id] = Run.load(self.layout.runs / id)
        return self._runs[id]

    def reading(self, number: str, period: Period, suites: Sequence[str]) -> KpiReading:
        """Return the newest complete run of a period that has a number's suite, and the metric.

        Args:
            suites: that fit where the programme file names none, best first.
        """
        named = next((one for one in self.programme.read_from if one.number == number), None)
        wanted = (named.suite,) if named else tuple(suites)
        for manifest in reversed(self.manifests):
            if not period.has(manifest.created):
                continue
            suite = next((one for one in wanted for use in manifest.suites if use.id == one), "")
            if not suite:
                continue
            run = self.run(manifest.id)
            metric = named.metric if named and named.metric else run.suite(suite).metric
            return KpiReading(run, suite, run.metric(suite, metric))
        asked = " or ".join(wanted)
        return KpiReading(None, why=f"no complete run in {period.name} has {asked} (`read_from` in programme.yaml)")

    def record(self, run: Run, suite: str) -> KpiRecord:
        """Return a run as a record behind a number."""
        return KpiRecord(run.id, run.manifest.created, None, f"suite {suite} {run.suite(suite).version}")

    @cached_property
    def view(self) -> FactView | None:
        """Telemetry, where there is any."""
        if self.telemetry is None:
            return None
        from shipworthy.telemetry.facts import FactView

        return FactView(self.telemetry)

    def sessions(self, period: Period) -> SessionDay:
        """Return the sessions of a period: telemetry's, and those that were said of surfaces without it."""
        said = [
            one for one in self.occurrences
            if one.kind == "sessions.counted"
            and period.first_day <= date.fromisoformat(one.fields["from"])
            and date.fromisoformat(one.fields["to"]) <= period.last_day
        ]  # fmt: skip
        said = _said_last(said)
        total, sources = 0, []
        if self.view is not None:
            from shipworthy.telemetry.rates import rates

            counted = rates(self.view, by=("feature",), since=period.first_day, until=period.last_day)
            total += counted.sessions
            sources.append("telemetry")
            # A surface that telemetry counts is not counted a second time because somebody said how much it had.
            said = [one for one in said if one.about not in {rate.feature for rate in counted.rates}]
        if said:
            sources.append(f"{len(said)} said")
        return SessionDay(total + sum(int(one.fields["sessions"]) for one in said), " and ".join(sources))

    def close(self) -> None:
        """Close what was opened."""
        if "view" in self.__dict__ and self.view is not None:
            self.view.close()


def _said_last(said: Sequence[Occurrence]) -> list[Occurrence]:
    """Leave out what somebody said of days of a surface of which something was said later: days count once."""
    kept: list[Occurrence] = []
    for one in sorted(said, key=lambda one: one.entry, reverse=True):
        first, last = one.fields["from"], one.fields["to"]
        if not any(k.about == one.about and first <= k.fields["to"] and k.fields["from"] <= last for k in kept):
            kept.append(one)
    return kept
