"""Pin a baseline and show it."""

from __future__ import annotations

from shipworthy.cli import run as shipworthy
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout


def call(gated, *words: str) -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["baseline", words[0], "-C", str(gated.root), "--allow-code", *words[1:]])


def test_set_and_show(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    assert call(gated, "show") == 0
    pins = f"`shipworthy baseline set -C {gated.root} RUN --allow-code`"
    assert capsys.readouterr().out == f"No baseline is pinned: {pins} pins one\n"
    assert call(gated, "set", "latest", "--why", "ask ann@example.org, who released it") == 0
    assert capsys.readouterr().out.startswith(f"The baseline of SYS-desk is {run.id}, pinned ")
    assert call(gated, "show") == 0
    said = capsys.readouterr().out
    assert run.id in said
    assert "no guards, subject sha256:bare" in said
    assert "who released it" in said
    assert "ann@example.org" not in said
    with AuditLog(Layout(gated.root).control_url) as audit:
        assert [e.kind for e in audit.entries()] == ["run.finished", "baseline.set"]
        assert "why" not in audit.of_kinds("baseline.set")[0].body


def test_what_cannot_be_pinned_is_a_usage_error(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert call(gated, "set", "latest") == 2
    gated.run(made=3)
    assert call(gated, "set", "latest") == 2
    assert "is not finished" in capsys.readouterr().err


def test_show_says_what_gate_yaml_names(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak]}\n")
    run = gated.run()
    assert shipworthy(["gate", "-C", str(gated.root), "--allow-code"]) == 0
    decision = Layout(gated.root).load_decision().id
    (gated.root / "gate.yaml").write_text(f"gate: {{id: release, baseline: {{decision: {decision}}}}}\n")
    capsys.readouterr()
    assert call(gated, "show") == 0
    assert capsys.readouterr().out.startswith(f"gate.yaml names {decision}, made on {run.id}\n")
