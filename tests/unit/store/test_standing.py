"""How the decision that traffic names stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipworthy.core import signoff
from shipworthy.core.change import ChangeRecord
from shipworthy.core.decision import Decision, SubjectUse
from shipworthy.store.audit import AuditLog
from shipworthy.store.changes import add_change
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision
from shipworthy.store.standing import DecisionStandings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GUARDS = "sha256:" + "a" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def audit(layout: Layout):
    with AuditLog(layout.control_url) as made:
        yield made


def decide(layout: Layout, id: str = "GD-1", verdict: str = "ship") -> None:
    made = Decision(
        id=id, created="2026-11-01T00:00:00+00:00", system="SYS-x", gate="release", verdict=verdict, reason="",
        criteria=(), runs=(), spec_digest="sha256:1", subject_digest="sha256:2",
        subject=SubjectUse(digest="sha256:2", guards=GUARDS),
    )  # fmt: skip
    layout.save_decision(made)
    register_decision(layout, made)


def signed(audit: AuditLog, kind: str, key: str, about: str, **said) -> int:
    """Enter what somebody signed; whether the signature is good is not what is tested here."""
    body = {key: about, "payload": json.dumps({"predicate": said}), "signature": "", "keyid": ""}
    return audit.append(kind, body, key=key).number


def standing(layout: Layout, audit: AuditLog, decision: str = "GD-1", **how):
    return DecisionStandings(layout, audit).standing(decision, today=NOW, **how)


def test_a_decision_to_ship_holds_for_its_guards(layout: Layout, audit: AuditLog) -> None:
    decide(layout)
    assert standing(layout, audit, guards=GUARDS) == ("", "")
    assert standing(layout, audit, guards="sha256:other").kind == "guards"
    assert standing(layout, audit, max_age_days=10).kind == "age"
    assert standing(layout, audit, max_age_days=20).kind == ""


@pytest.mark.parametrize(
    ("named", "kind"), [("", "none"), ("unproven", "none"), ("GD-9", "unknown"), ("GD", "unknown")]
)
def test_what_names_no_decision_of_ours_is_not_covered(layout: Layout, audit: AuditLog, named: str, kind: str) -> None:
    decide(layout)
    assert standing(layout, audit, named).kind == kind


def test_a_decision_that_is_not_entered_is_none(layout: Layout, audit: AuditLog) -> None:
    decide(layout)
    audit.append("something", {})
    (layout.decisions / "GD-2.json").write_bytes(
        (layout.decisions / "GD-1.json").read_bytes().replace(b"GD-1", b"GD-2")
    )
    assert standing(layout, audit, "GD-2").kind == "unknown"


def test_what_people_said_counts_before_the_gate(layout: Layout, audit: AuditLog) -> None:
    decide(layout, verdict="no-ship")
    assert standing(layout, audit).kind == "refused"
    signed(
        audit, signoff.DECIDED, "candidate", "RC-1", decision="GD-1", verdict="GO", expires="2026-11-20", accepted=[]
    )
    assert standing(layout, audit).kind == ""
    signed(
        audit, signoff.DECIDED, "candidate", "RC-2", decision="GD-1", verdict="GO", expires="2026-11-19", accepted=[]
    )
    assert standing(layout, audit).kind == "expired"
    signed(audit, signoff.DECIDED, "candidate", "RC-3", decision="GD-1", verdict="NO_GO", expires="", accepted=[])
    assert standing(layout, audit).kind == "refused"


def test_an_acceptance_that_ran_out_takes_the_release_with_it(layout: Layout, audit: AuditLog) -> None:
    decide(layout)
    entry = signed(audit, signoff.ACCEPTED, "on", "RK-1", on="RK-1", expires="2026-11-19")
    signed(audit, signoff.ACCEPTED, "on", "RK-2", on="RK-2", expires="2026-11-01")
    said = {"decision": "GD-1", "verdict": "GO_WITH_RISK_ACCEPTANCE", "expires": "2026-12-30"}
    signed(audit, signoff.DECIDED, "candidate", "RC-1", accepted=[{"entries": [entry]}], **said)
    found = standing(layout, audit)
    assert found.kind == "acceptance" and "RK-1" in found.why and "2026-11-19" in found.why


def test_a_change_of_the_subject_lapses_what_was_decided_before(layout: Layout, audit: AuditLog) -> None:
    decide(layout)
    add_change(audit, ChangeRecord("SYS-other", "vendor-model"))
    add_change(audit, ChangeRecord("SYS-x", "law"))
    add_change(audit, ChangeRecord("SYS-x", "vendor-model", since="2026-11-21"))
    assert standing(layout, audit).kind == ""
    add_change(audit, ChangeRecord("SYS-x", "vendor-model"))
    assert standing(layout, audit).kind == "changed"
    decide(layout, "GD-2")
    assert standing(layout, audit, "GD-2").kind == ""
