"""Decision tables: the first row that holds says what an agent may do; a policy that lets it more blocks a release."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.cli import run as shipworthy
from shipworthy.core.records import Decision
from shipworthy.release import blocks
from shipworthy.release.tables import answers
from shipworthy.release.weaker import weakened
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

TABLE = """\
decision_tables:
  - id: DT-one
    version: "2"
    title: When it may act by itself
    tools: [support_refund, mail_list]
    rows:
      - {criteria: [CR-own, CR-settled], levers: [LV-refund], then: execute}
      - {criteria: [CR-own], controls: [CT-limit], tiers: [high], then: ask}
"""
TODAY = date(2026, 11, 30)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Decision]:
    root = tmp_path_factory.mktemp("tables") / "support"
    scaffold(root, "support-automation")
    assert shipworthy(["ci", "-C", str(root), "--plan", "quick", "--format", "text"]) == 0
    return root, Layout(root).load_decision()


def said(root: Path, decision: Decision, today: date = TODAY) -> dict[str, tuple[str, int, str, bool]]:
    found = answers(Workspace.load(root), decision, today)
    return {one.tool: (one.says, one.row, one.policy, one.exceeds) for one in found}


def write(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_first_row_that_holds_decides(made: tuple[Path, Decision], capsys: pytest.CaptureFixture[str]) -> None:
    root, decision = made
    assert said(root, decision) == {"support_refund": ("execute", 1, "execute", False)}
    kept = (root / "decision_tables.yaml").read_text(encoding="utf-8")
    before = Workspace.load(root)
    try:
        (root / "decision_tables.yaml").write_text(TABLE)
        # The lever was never drilled, so the second row holds, and the policy asks nobody.
        assert said(root, decision)["support_refund"] == ("ask", 2, "execute", True)
        drilled = "ref: support.refunds, max_minutes: 5, last_drilled: 2026-11-01"
        write(root, "levers.yaml", "ref: support.refunds, max_minutes: 5", drilled)
        assert said(root, decision)["support_refund"] == ("execute", 1, "execute", False)
        assert said(root, decision, date(2027, 3, 1))["support_refund"][0] == "ask"
        failed = tuple(replace(one, verdict="inconclusive") for one in decision.criteria)
        assert said(root, replace(decision, criteria=failed))["support_refund"] == ("never", 0, "execute", True)
        assert shipworthy(["release", "tables", "-C", str(root)]) == 0
        write(
            root, "controls.yaml", "implements: [RQ-own], process:", "implements: [RQ-own], status: planned, process:"
        )
        write(root, "levers.yaml", drilled, "ref: support.refunds, max_minutes: 5")
        assert shipworthy(["release", "tables", "-C", str(root)]) == 1
        blocked = list(blocks._tables(Workspace.load(root), decision, datetime(2026, 11, 30, tzinfo=UTC)))
        assert {(one.kind, one.about, one.severity) for one in blocked} == {
            ("decision-table", name, "S1") for name in ("support_refund", "mail_list")
        }
        out = capsys.readouterr().out
        assert "never" in out and "DT-one 2" in out
        weaker = {one.what for one in weakened(before, Workspace.load(root))}
        assert weaker == {"control CT-limit", "decision_table DT-refund"}
        # CI says so at the head of the comment, and blocks.
        assert shipworthy(["ci", "-C", str(root), "--plan", "quick"]) == 1
        comment = capsys.readouterr().out
        assert comment.startswith("> [!CAUTION]\n> **The policy lets the agent do more than decision tables say")
        assert "**tool support\\_refund**" in comment
    finally:
        (root / "decision_tables.yaml").write_text(kept)
