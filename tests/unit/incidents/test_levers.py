"""Levers pulled for an incident, and evidence kept before: against a gateway's real files and state."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest

from shipworthy.cli import run
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.gateway import levers as gateway_levers
from shipworthy.gateway.active import Active
from shipworthy.gateway.config import read_levers, state_of
from shipworthy.incidents import levers
from shipworthy.incidents.incident import NewEvent, enter_events, open_incident
from shipworthy.incidents.snapshot import read_snapshot, snapshot_file, take_snapshot
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace


def now() -> datetime:
    return datetime.now(UTC)


def test_a_dry_run_says_what_changes_and_changes_nothing(workspace, root):
    lever = levers.find_lever(workspace, "LV-strict")
    plan = levers.plan_lever(lever, None, None, share=0.5)
    assert plan.changes == ("GD-secret is set to enforce",)
    assert [one.partition(":")[0] for one in plan.warnings] == [
        "it was never drilled", "it has no end", "it is pulled for 0.5 of the traffic",
    ]  # fmt: skip
    assert not state_of(root / "gateway/gateway.yaml")[0].exists()


def test_a_pulled_lever_is_in_force_counts_as_a_drill_and_lets_go_by_itself(workspace, root):
    gateway = root / "gateway/gateway.yaml"
    lever = levers.find_lever(workspace, "LV-strict")
    event = levers.pull_lever(levers.plan_lever(lever, now() + timedelta(seconds=1), None), "kim", "it tells")
    assert (event.outcome, event.detail["effective"], event.detail["name"]) == ("gateway", True, "strict")
    drill = levers.drill_of(lever, "SYS-fen", event, "INC-1", now())
    assert drill is not None and drill.worked
    reader = gateway_levers.Levers(state_of(gateway)[0])
    assert [one.lever for one in reader.pulled] == ["strict"]
    end = datetime.now(UTC) + timedelta(seconds=30)
    while reader.pulled and datetime.now(UTC) < end:
        pass
    assert reader.pulled == ()
    assert not levers.takes_effect(gateway, "strict")


def test_a_ring_that_the_gateway_does_not_know_is_refused_and_pulls_nothing(workspace, root):
    plan = levers.plan_lever(levers.find_lever(workspace, "LV-strict"), None, None)
    with pytest.raises(UsageError, match="names no ring 'ada@example"):
        levers.pull_lever(plan, "kim", "", ring="ada@example.org")
    assert not state_of(root / "gateway/gateway.yaml")[0].exists()


@pytest.mark.parametrize(
    ("lever", "rule"),
    [
        ("{requests_per_minute: 30}", lambda active: active.throttle.rate == 30),
        ("{models: {new: old}}", lambda active: active.in_place_of("new") == "old"),
        ("{tools: [send]}", lambda active: active.policy.policy.shadow is False),
    ],
)
def test_every_kind_of_lever_of_a_gateway_takes_effect(root, lever, rule):
    file = root / "gateway/gateway.yaml"
    (root / "gateway/policy.yaml").write_text("tools:\n  send: {effect: external}\n  look: {effect: none}\n")
    text = file.read_text().replace("slow: {requests_per_minute: 100000}", f"slow: {lever}")
    file.write_text(text + "policy: policy.yaml\nmodes: {policy: shadow}\n")
    state = state_of(file)[0]
    assert not levers.takes_effect(file, "slow")
    gateway_levers.pull(state, "slow", "kim", "")
    assert levers.takes_effect(file, "slow")
    config = read_levers(file)
    bare = config._replace(spec=config.spec.model_copy(update={"upstreams": {}}))
    active = Active(bare, gateway_levers.read(state))
    assert rule(active)
    assert ("send" in config.policy_under(("slow",)).tools) == ("tools" not in lever)


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        ("{tools: [send]}", "needs a 'policy'"),
        ("{requests_per_minute: 0}", "requests_per_minute"),
        ("{GD-nobody: enforce}", "there is no rule 'GD-nobody'"),
        ("{GD-secret: 'off'}", "a lever only tightens"),
    ],
)
def test_a_lever_that_cannot_be_is_refused_with_its_line(root, lever, said):
    file = root / "gateway/gateway.yaml"
    file.write_text(file.read_text().replace("slow: {requests_per_minute: 100000}", f"slow: {lever}"))
    with pytest.raises(Exception, match=said) as caught:
        read_levers(file)
    assert "gateway.yaml:" in str(caught.value)


def test_a_command_is_run_only_where_it_is_allowed_and_undone_when_its_time_is_up(root, audit):
    flag = root / "flag"
    on, off = f"open({str(flag)!r}, 'w')", f"import os; os.remove({str(flag)!r})"
    (root / "levers.yaml").write_text(
        f"levers:\n  - id: LV-flag\n    title: F\n    kind: flag\n    max_minutes: 1\n"
        f'    run: [{sys.executable}, -c, "{on}"]\n    undo: [{sys.executable}, -c, "{off}"]\n'
        "  - {id: LV-bad, title: B, kind: flag, max_minutes: 1,"
        f" run: [{sys.executable}, -c, 'raise SystemExit(3)']}}\n"
        "  - {id: LV-hand, title: H, kind: process, max_minutes: 1}\n"
    )
    workspace = Workspace.load(root)
    plan = levers.plan_lever(levers.find_lever(workspace, "LV-flag"), now() + timedelta(seconds=60), None)
    with pytest.raises(UsageError, match="--allow-code"):
        levers.pull_lever(plan, "kim", "")
    assert not flag.exists()
    incident = open_incident(audit, "SYS-fen", "It tells", "kim")
    incident = enter_events(audit, incident, [levers.pull_lever(plan, "kim", "", allow_code=True)])
    assert flag.exists()
    soon = levers.expire_levers(workspace, incident, now(), by="kim", allow_code=True)
    assert soon == ([], [])
    _, failed = levers.expire_levers(workspace, incident, now() + timedelta(minutes=2), by="kim")
    assert "still pulled" in failed[0] and flag.exists()
    events, failed = levers.expire_levers(workspace, incident, now() + timedelta(minutes=2), by="kim", allow_code=True)
    assert ([e.about for e in events], failed, flag.exists()) == (["LV-flag"], [], False)
    assert enter_events(audit, incident, events).pulled == []
    bad = levers.plan_lever(levers.find_lever(workspace, "LV-bad"), None, None)
    with pytest.raises(StoreError, match="ended with 3"):
        levers.pull_lever(bad, "kim", "", allow_code=True)
    assert levers.find_lever(workspace, "LV-hand").how == "hand"
    with pytest.raises(UsageError, match="LV-flag"):
        levers.find_lever(workspace, "LV-flog")


@pytest.mark.parametrize(("span", "seconds"), [("30m", 1_800), ("4h", 14_400), ("2d", 172_800)])
def test_spans(span, seconds):
    start = datetime(2026, 12, 1, tzinfo=UTC)
    assert (levers.until_of(span, start) - start).total_seconds() == seconds


@pytest.mark.parametrize("span", ["", "h", "0h", "4", "-4h", "1.5h", "31d", "4w"])
def test_what_is_no_span_is_refused(span):
    with pytest.raises(UsageError, match="no span"):
        levers.until_of(span, datetime(2026, 12, 1, tzinfo=UTC))


def test_a_snapshot_is_sealed_under_its_digest_and_holds_no_words(workspace, layout, audit, root):
    gateway = root / "gateway/gateway.yaml"
    state = state_of(gateway)[0]
    gateway_levers.pull(state, "strict", "kim", "it wrote to ada@example.org")
    incident = open_incident(audit, "SYS-fen", "It wrote to ada@example.org", "kim")
    incident = enter_events(audit, incident, [NewEvent(what="note", by="kim", text="ask ada@example.org")])
    kept, event = take_snapshot(workspace, layout, audit, incident, "kim")
    assert event.about == kept.digest and kept.path == snapshot_file(layout, incident.id, kept.digest)
    assert b"ada@example.org" not in kept.path.read_bytes()
    found = read_snapshot(layout, incident.id, kept.digest)
    (one,) = (value for name, value in found.items() if name.startswith("gateways/"))
    assert one["pulled"][0]["lever"] == "strict"
    assert one["active"]["rules"] == {"GD-secret": "enforce"}
    assert one["active"]["guards"] != one["active"]["base"]
    assert found["workspace.json"]["files"]["levers.yaml"].startswith("sha256:")
    assert found["audit.json"]["entries"] == 3
    assert any("telemetry" in line for line in kept.missing)
    data = bytearray(kept.path.read_bytes())
    data[600] ^= 1
    kept.path.write_bytes(data)
    with pytest.raises(IntegrityError, match="changed since"):
        read_snapshot(layout, incident.id, kept.digest)


def test_what_cannot_be_entered_is_not_pulled(root, capsys):
    state, workspace = state_of(root / "gateway/gateway.yaml")[0], Workspace.load(root)
    with AuditLog(Layout(root).control_url) as log:
        incident = open_incident(log, workspace.system.id, "It tells", "kim")
    assert run(["incident", "lever", "LV-off", "--by", "x" * 201, "--no-snapshot", "none", "-C", str(root)]) == 2
    assert gateway_levers.read(state) == ()
    with AuditLog(Layout(root).control_url) as log:
        enter_events(log, incident, [NewEvent(what="snapshot", by="kim"), NewEvent(what="closed", by="kim")])
    assert run(["incident", "lever", "LV-off", "-C", str(root)]) == 2
    assert "is closed" in capsys.readouterr().err
    assert gateway_levers.read(state) == ()


def test_a_lever_that_is_pulled_is_not_said_to_be_let_go_of_by_hand(root, capsys):
    with AuditLog(Layout(root).control_url) as log:
        open_incident(log, "SYS-fen", "It tells", "kim")
    assert run(["incident", "lever", "LV-strict", "--no-snapshot", "none", "-C", str(root)]) == 0
    assert run(["incident", "lever", "LV-strict", "--release", "--by-hand", "-C", str(root)]) == 2
    assert "still pulled" in capsys.readouterr().err
    assert run(["incident", "lever", "LV-strict", "--release", "-C", str(root)]) == 0
    capsys.readouterr()
    assert run(["incident", "lever", "LV-strict", "--release", "--by-hand", "-C", str(root)]) == 2
    assert "is not pulled" in capsys.readouterr().err, "what was let go of once is not let go of again"
