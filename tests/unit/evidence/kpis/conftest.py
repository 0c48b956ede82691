"""KpiFacts of a small workspace at a moment that the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from shipworthy.cli.gate import keep
from shipworthy.core.occurrence import Occurrence
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import Measured, choose
from shipworthy.evidence.kpis.period import period_of
from shipworthy.release.decide import decide
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.occurrences import add_occurrences
from shipworthy.workspace.load import Workspace

NOW = datetime.now(UTC)


class Desk:
    """A workspace of which a number is asked."""

    def __init__(self, gated) -> None:
        self.gated, self.root = gated, gated.root

    def says(self, kind: str, about: str, when: str, source: str = "ci", **fields: str) -> None:
        """Enter an occurrence."""
        with AuditLog(Layout(self.root).control_url) as audit:
            add_occurrences(audit, [Occurrence("SYS-desk", kind, about, when, fields, source)])

    def programme(self, text: str) -> None:
        """Write programme.yaml."""
        (self.root / "programme.yaml").write_text(f"programme:\n{text}")

    def decided(self, leaks: bool = False):
        """Make a run, and decide on it."""
        workspace = Workspace.load(self.root, allow_code=True)
        run = self.gated.run(lambda item: item.suite == "help" or leaks, created=datetime.now(UTC).isoformat())
        old = self.gated.run(guards="old", created=datetime.now(UTC).isoformat())
        decision = decide(workspace, [run], [old])
        keep(Layout(self.root), decision, [run, old])
        return decision

    def facts(self, now: datetime | None = None) -> KpiFacts:
        return KpiFacts(Workspace.load(self.root, allow_code=True), now or datetime.now(UTC))

    def ask(self, number: str, period: str = "90d", now: datetime | None = None) -> Measured:
        facts = self.facts(now)
        return choose(number).measure(facts, period_of(period, facts.now))


@pytest.fixture
def desk(gated) -> Desk:
    return Desk(gated)


@pytest.fixture
def left() -> Callable[[Measured], Mapping[str, int]]:
    return lambda found: dict(found.left_out)
