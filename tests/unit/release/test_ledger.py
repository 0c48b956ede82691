"""A decision says which of all runs on these samples it is about, also of those that were deleted."""

from __future__ import annotations

import html
import json
import shutil

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import IntegrityError
from shipworthy.release.decide import decide
from shipworthy.store import audit as audit_module
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_declared, register_withdrawn


@pytest.fixture
def gated(gated):  # type: ignore[no-untyped-def]
    """Without margins, so without a baseline; runs are declared in the chain, as a sitting does."""
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak, CR-help]}\n")
    make = gated.run

    def run(*arguments, **options):  # type: ignore[no-untyped-def]
        made = make(*arguments, **options)
        register_declared(Layout(gated.root), made.manifest)
        return made

    gated.run = run
    return gated


def gate(gated, run, form: str = "text") -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["gate", "-C", str(gated.root), "--allow-code", run.id, "--format", form])


def leaks(item):  # type: ignore[no-untyped-def]
    return True


FOURTH = "the 4th run on these samples; 3 earlier: no-ship, no-ship, inconclusive"


def four(gated):  # type: ignore[no-untyped-def]
    """Two that leaked, one that was stopped, and one that passes: of a system that changed in between."""
    runs = [
        gated.run(leaks),
        gated.run(leaks, guards="one"),
        gated.run(made=100, guards="two"),
        gated.run(guards="three"),
    ]
    assert [gate(gated, run) for run in runs] == [1, 1, 3, 0]
    return runs


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_running_again_until_it_passes_shows_in_every_report(gated, capsys, form: str) -> None:  # type: ignore[no-untyped-def]
    runs = four(gated)
    capsys.readouterr()
    assert gate(gated, runs[-1], form) == 0
    assert FOURTH in " ".join(html.unescape(capsys.readouterr().out).replace("\\", "").split())


def test_the_ledger_is_a_field_of_the_json(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    runs = four(gated)
    capsys.readouterr()
    assert gate(gated, runs[-1], "json") == 0
    ledger = json.loads(capsys.readouterr().out)["ledger"]
    assert (ledger["number"], ledger["sentence"], ledger["later"]) == (4, FOURTH, [])
    assert [line["state"] for line in ledger["earlier"]] == ["no-ship", "no-ship", "inconclusive"]
    assert [line["run"] for line in ledger["earlier"]] == [run.id for run in runs[:3]]
    assert [line["subject_digest"] for line in ledger["earlier"]] == ["sha256:bare", "sha256:one", "sha256:two"]


def test_a_deleted_run_leaves_a_gap_that_the_gate_names(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    decided, never, last = gated.run(leaks), gated.run(leaks), gated.run(guards="on")
    assert gate(gated, decided) == 1
    shutil.rmtree(decided.directory)
    shutil.rmtree(never.directory)
    capsys.readouterr()
    assert gate(gated, last) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "the 3rd run on these samples; 2 earlier: no-ship, not finished; no longer on the disk: " in said
    assert decided.id in said
    assert never.id in said


def test_a_later_run_is_told_too_so_that_the_best_of_many_cannot_be_picked(gated) -> None:  # type: ignore[no-untyped-def]
    first, second = gated.run(), gated.run(leaks)
    assert gate(gated, second) == 1
    ledger = decide(gated.workspace, first).ledger
    assert ledger is not None
    assert ledger.sentence == "the 1st run on these samples; 1 later: no-ship"


def test_other_samples_criteria_and_withdrawn_runs_are_not_in_it(gated) -> None:  # type: ignore[no-untyped-def]
    gated.run(plan="tiny"), gated.run(draws=(7,))
    lost = gated.run()
    register_withdrawn(Layout(gated.root), lost.id)
    ledger = decide(gated.workspace, gated.run()).ledger
    assert ledger is not None
    assert ledger.sentence == "the 1st run on these samples"


def test_an_edited_chain_is_no_ledger(gated) -> None:  # type: ignore[no-untyped-def]
    gated.run(leaks)
    run = gated.run()
    with AuditLog(Layout(gated.root).control_url) as audit, audit.database.writing() as connection:
        table = audit_module.tables.audit
        connection.execute(table.update().where(table.c.number == 1).values(kind="run.withdrawn"))
    with pytest.raises(IntegrityError, match="entry 1"):
        decide(gated.workspace, run)
