"""Decide whether the measured system may ship.

Exit codes: 0 ship, 1 no-ship, 2 usage error, 3 inconclusive, 4 failure or invalid evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option
from shipworthy.cli._reports import ReportFormat, outputs, put
from shipworthy.cli._selftest import GateOrSelftest, selftest_command

if TYPE_CHECKING:
    from shipworthy.core.records import Decision, Verdict
    from shipworthy.evals.results import Run
    from shipworthy.evidence.seen import Seen
    from shipworthy.store.layout import Layout


@click.group(cls=GateOrSelftest, invoke_without_command=True, subcommand_metavar="[COMMAND] [ARGS]...")
@workspace_option
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--baseline", "baselines", metavar="RUN", multiple=True, help="Compare with this run; what gate.yaml names or `baseline set` pinned if left out. May be repeated.")  # fmt: skip  # noqa: E501
@click.option("--format", "forms", type=ReportFormat(), multiple=True, default=("text",), show_default=True, help="May be repeated; `-` prints.")  # fmt: skip  # noqa: E501
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of a format without one.",
)
@allow_code_option
def command(
    *,
    workspace: Path,
    runs: tuple[str, ...],
    baselines: tuple[str, ...],
    forms: tuple[str, ...],
    output: Path | None,
    allow_code: bool,
) -> int:
    """Test every criterion of the gate on RUN (an id, the beginning of one, or `latest`) and decide.

    Without RUN it is the newest run that is no baseline, which is named on standard error; it is refused while another
    run of the same plan and subject waits for a decision. Criteria with a margin compare with a baseline that somebody
    named or pinned (`shipworthy baseline`): none is looked for.

    Several runs of one subject, each of which measured some of the suites, make one decision; it says which criterion
    came from which.

    All criteria must pass. Inconclusive blocks like no-ship: it says what is missing. The audit log is verified first,
    whole. The decision is entered in it and kept under .shipworthy/decisions; one that cannot be entered is not kept.
    However many formats it is printed in, it is one decision; `shipworthy report` renders it again.

    `shipworthy gate selftest` says what a verdict of this gate is worth.

    Exit codes: 0 ship, 1 no-ship, 2 usage error, 3 inconclusive, 4 failure or invalid evidence.
    """
    from shipworthy.evidence.documents import readout
    from shipworthy.release.baseline import choose_baseline
    from shipworthy.release.candidate import choose_run
    from shipworthy.release.decide import decide
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    wanted = outputs(workspace, forms, output)
    layout = Layout(workspace)
    with AuditLog(layout.control_url) as audit:
        audit.verify()  # Which run is the candidate, and what was pinned, is read from it, too.
    chosen = choose_baseline(loaded, layout, baselines)
    if not runs:
        runs = (choose_run(layout, () if chosen.how == "named" else chosen.runs),)
        click.echo(f"Deciding on {runs[0]}", err=True)
    # One pass over each run's logs serves the counts, the pairing, the report and the register.
    found = [load_run(layout, name, marks=bool(chosen.runs)) for name in runs]
    old = [load_run(layout, name, marks=True) for name in chosen.runs]
    new, before = [run for run, _ in found], [run for run, _ in old]
    decision = decide(loaded, new, before, chosen=chosen)
    keep(layout, decision, [*new, *before])
    seen = {run.id: one for run, one in (*found, *old)}
    put(wanted, decision, readout(loaded, decision, new, before, seen=seen), Again(workspace, allow_code))
    return exit_code(decision.verdict)


command.add_command(selftest_command)


def load_run(layout: Layout, name: str, *, marks: bool) -> tuple[Run, Seen]:
    """Read a run back, from the folder that the audit log will look for it in, with what a report shows of it."""
    from shipworthy.core.errors import IntegrityError
    from shipworthy.evals.results import Run
    from shipworthy.evidence.seen import Seen
    from shipworthy.store.declare import read_manifest

    directory = layout.run_directory(name)
    seen = Seen(read_manifest(directory))
    run = Run.load(directory, visit=seen.add, marks=marks)
    seen.finish()
    if run.directory.name != run.id:
        raise IntegrityError(f"{run.directory} holds the run {run.id}: a copy, or renamed; decide on the run itself")
    return run, seen


def exit_code(verdict: Verdict) -> int:
    """Return what `shipworthy gate` exits with. A verdict it does not know is a failure, never a ship."""
    from shipworthy.cli import FAILURE, INCONCLUSIVE, NO_SHIP, SHIP

    return {"ship": SHIP, "no-ship": NO_SHIP, "inconclusive": INCONCLUSIVE}.get(verdict, FAILURE)


def keep(layout: Layout, decision: Decision, read: Sequence[Run] = ()) -> None:
    """Save a decision, and enter it with its runs in the audit log; where it cannot be entered, no file is left.

    Args:
        read: runs that were loaded just now: where the audit log knows their state, they are not read again.

    Raises:
        IntegrityError: a run's log is not what was entered before.
        StoreError: the disk or the database refuses.
    """
    from shipworthy.store.register import register_decision

    with layout.saving_decision(decision):
        register_decision(layout, decision, {run.id: run.reading for run in read})
