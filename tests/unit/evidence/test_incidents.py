"""Incidents, drills and exercises in a pack: facts of the audit log, verified with it, and told in the dossier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.evidence.conftest import Case, in_shards, write_workspace

from shipworthy.core.incident import LeverDrill, TabletopRecord
from shipworthy.evals.api import evaluate
from shipworthy.evidence import archive
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.incidents.incident import REPLAYED, NewEvent, enter_events, open_incident
from shipworthy.release.decide import decide
from shipworthy.store.audit import AuditLog
from shipworthy.store.incidents import add_drill, add_tabletop
from shipworthy.store.layout import Layout
from shipworthy.store.signing import new_key
from shipworthy.workspace.load import Workspace

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    root = tmp_path_factory.mktemp("incidents")
    write_workspace(root)
    (root / "levers.yaml").write_text("levers: [{id: LV-off, title: Off, kind: flag, max_minutes: 5}]\n")
    workspace = Workspace.load(root, allow_code=True)
    layout, system = Layout(root), workspace.system.id
    with AuditLog(layout.control_url) as audit:
        one = open_incident(audit, system, "It told ada@example.org the phrase", "kim", aware=NOW, now=NOW)
        rated = NewEvent(what="rated", by="kim", at=NOW, severity="S1", text="it told the phrase")
        later = NOW + timedelta(minutes=12)
        contained = NewEvent(what="contained", by="kim", at=later, outcome=REPLAYED)
        enter_events(audit, one, [rated, contained, NewEvent(what="case", by="kim", about="again")])
        at = "2026-11-21T10:00:00Z"
        drill = LeverDrill(system=system, lever="LV-off", at=at, by="kim", seconds=2.5, worked=True, within="TT-1")
        add_drill(audit, drill)
        held = TabletopRecord(
            id="TT-1", system=system, scenario="pii-leak", digest="sha256:" + "0" * 64, at=at, by="kim", points=11,
            most=14, minutes=97.5,
        )  # fmt: skip
        add_tabletop(audit, held)
    baseline = evaluate(workspace, guards=False, progress=False)
    run = in_shards(workspace, 1)
    decision = decide(workspace, run, baseline)
    layout.save_decision(decision)
    key = new_key(tmp_path_factory.mktemp("keys"), "ada")
    return Case(root, workspace, run, baseline, decision, key, build_pack(workspace, decision, [key]))


def test_they_are_in_the_pack_by_their_facts_and_the_dossier_tells_them(case: Case) -> None:
    found = verify_bytes(case.pack, case.trust)
    assert found.ok, found.problems
    members = archive.read(case.pack)
    told = members["dossier/15-incidents.md"].decode().replace("&#58;", ":")
    assert "| S1 | contained | 2026-11-20T12:00:00Z | 2026-11-20T12:12:00Z | 12.0 min | again |" in told
    assert "is contained and not closed" in told
    assert "| 2026-11-21 | every 90 days |" in told
    assert "LV-off Off was never drilled" not in told
    assert "| TT-1 | pii-leak | 2026-11-21T10:00:00Z | 11 of 14 |" in told
    for name, data in members.items():
        assert b"told the phrase" not in data and b"ada@example.org" not in data, name
