"""Runbooks: ours can be read and followed, ticks are rows, and anybody can go on where one stopped."""

from __future__ import annotations

import shlex

import click
import pytest

from shipworthy.cli import root as shipworthy_command
from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.incidents.incident import NewEvent, enter_events, open_incident
from shipworthy.incidents.runbook import next_step, read_runbook, rows_of, runbook_files, tick

OURS = sorted(runbook_files())
ASKED = {
    "jailbreak-campaign", "pii-leak-claim", "injection-exfiltration", "agent-tool-misuse", "viral-output",
    "advice-harm", "vendor-regression", "guardrail-outage",
}  # fmt: skip


def test_there_is_one_for_every_scenario():
    assert set(OURS) == ASKED


@pytest.mark.parametrize("id", OURS)
def test_ours_keeps_evidence_before_a_lever_and_its_commands_are_commands(id):
    book = read_runbook(id)
    shown = [step.done_when for step in book.steps]
    assert shown.index("snapshot") < shown.index("pulled")
    assert {"rated", "contained", "case"} <= set(shown)
    for step in book.steps:
        command, words = shipworthy_command, list(step.command("INC-1"))
        while words and isinstance(command, click.Group):
            name, *words = words
            found = command.get_command(click.Context(shipworthy_command), name)
            assert found is not None, shlex.join(step.command("INC-1"))
            command = found
        if words:
            command.make_context("x", [*words], resilient_parsing=False).close()


def test_ticks_are_rows_and_what_happened_ticks_by_itself(audit):
    book = read_runbook("guardrail-outage")
    one = open_incident(audit, "SYS-fen", "Guards are down", "kim")
    assert next_step(book, one).id == "which"
    one = enter_events(audit, one, [tick(book, one, "which", "kim", outcome="done", text="open")])
    one = enter_events(audit, one, [NewEvent(what="rated", by="ann", severity="S2")])
    states = {row.step.id: (row.state, row.by) for row in rows_of(book, one)}
    assert (states["which"], states["rate"]) == (("done", "kim"), ("done", "ann"))
    assert next_step(book, one).id == "keep-evidence"
    with pytest.raises(UsageError, match="is done, since"):
        tick(book, one, "which", "kim", outcome="done")
    with pytest.raises(UsageError, match="say why"):
        tick(book, one, "served", "kim", outcome="skipped")
    with pytest.raises(UsageError, match="no step 'serve'"):
        tick(book, one, "serve", "kim", outcome="done")
    one = enter_events(audit, one, [tick(book, one, "served", "kim", outcome="skipped", text="no traffic")])
    assert [row.state for row in rows_of(book, one) if row.step.id == "served"] == ["skipped"]
    # A draft for somebody else is no post-mortem.
    one = enter_events(audit, one, [NewEvent(what="draft", by="kim", about="customer")])
    assert next(row.state for row in rows_of(book, one) if row.step.id == "post-mortem") == "open"
    one = enter_events(audit, one, [NewEvent(what="draft", by="kim", about="postmortem")])
    assert next(row.state for row in rows_of(book, one) if row.step.id == "post-mortem") == "done"


def test_a_workspace_may_have_its_own_and_what_is_wrong_in_it_has_a_line(root):
    folder = root / "runbooks"
    folder.mkdir()
    head = "id: ours\ntitle: T\nwhen: W\nseverity: S2\nsteps:\n"
    (folder / "ours.yaml").write_text(head + "  - {id: a, title: A, text: B, role: engineer}\n")
    assert read_runbook("ours", root).steps[0].id == "a"
    (folder / "ours.yaml").write_text(head + "  - {id: a, title: A, text: B, role: engineer, done_when: fixed}\n")
    with pytest.raises(WorkspaceError, match=r"ours.yaml:6: .*done when 'fixed' happens"):
        read_runbook("ours", root)
    with pytest.raises(UsageError, match="no runbook 'our'"):
        read_runbook("our", root)
