"""Check, measure what changed, decide, and write the pull request's comment, in one step.

Exit codes: 0 ship, 1 no-ship or a weaker gate that nobody approved, 2 usage error or wrong files, 3 inconclusive, 4
failure, a limit that stopped it, or invalid evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option
from shipworthy.cli._reports import ReportFormat, outputs, put, write_text

if TYPE_CHECKING:
    from shipworthy.core.document import Alert, DocumentTree
    from shipworthy.core.errors import Problem
    from shipworthy.core.records import Decision
    from shipworthy.exchange.budget import Limits
    from shipworthy.release.changed_gate import ChangedGate
    from shipworthy.release.remeasure import Needed
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace


@click.command("ci")
@workspace_option
@click.option("--plan", metavar="NAME", default="full", show_default=True, help="The plan whose suites are measured, each as a run of its own.")  # fmt: skip  # noqa: E501
@click.option("--against", metavar="COMMIT", help="What the change is held against: a commit, COMMIT:FOLDER, or a folder with the safety files before it.")  # fmt: skip  # noqa: E501
@click.option("--bare", is_flag=True, help="Also measure the target without its guards, where a criterion has a margin, and compare with that.")  # fmt: skip  # noqa: E501
@click.option("--baseline", "baselines", metavar="RUN", multiple=True, help="Compare with this run; may be repeated.")
@click.option("--format", "forms", type=ReportFormat(), multiple=True, default=("markdown",), show_default=True, help="May be repeated; `-` prints. `markdown` is the comment.")  # fmt: skip  # noqa: E501
@click.option("--retry-errors", is_flag=True, help="Make attempts that ended in an error once more, in the runs that stand.")  # fmt: skip  # noqa: E501
@click.option("--max-requests", metavar="N", type=click.IntRange(min=0), help="Stop after this many calls to models.")
@click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0), help="Stop each run after this much money.")
@click.option("--max-time", metavar="TIME", help="Stop each run after this long, such as 30m.")
@click.option("--concurrency", metavar="N", type=click.IntRange(min=1), help="Calls to the target at one time.")
@click.option("--dry-run", is_flag=True, help="Check, and say what would be measured and why; measure nothing.")
@click.option("--write", "platform", type=click.Choice(["github", "gitlab", "azure"]), help="Write the job's file for this platform into the repository, and do nothing else.")  # fmt: skip  # noqa: E501
@allow_code_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    workspace: Path,
    plan: str,
    against: str | None,
    bare: bool,
    baselines: tuple[str, ...],
    forms: tuple[str, ...],
    retry_errors: bool,
    max_requests: int | None,
    max_cost: float | None,
    max_time: str | None,
    concurrency: int | None,
    dry_run: bool,
    platform: str | None,
    allow_code: bool,
) -> int:
    """Check the files, measure what changed, decide, and write the comment; nothing is posted anywhere.

    Each suite of the plan that the gate looks at is a run of its own. One that was measured on the same files and the
    same system, by its digests, is not measured again, and the comment says which and why. A run that was stopped is
    gone on with, so the same command may be called until it is done; once it is, calling it again changes nothing.

    With --against, what of the gate became weaker stands at the head of the comment. It blocks unless somebody who
    may, by the files before the change, signed it: `shipworthy release approve-diff`.
    """
    from datetime import UTC, datetime

    from shipworthy.cli import NO_SHIP
    from shipworthy.cli.check import look
    from shipworthy.core.errors import UsageError
    from shipworthy.exchange.budget import Limits, parse_duration
    from shipworthy.release.baseline import choose_baseline
    from shipworthy.release.remeasure import needed
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    if platform:
        from shipworthy.cli._ci_files import write_job

        options = [*_words(ctx, against=False), *(("--allow-code",) if allow_code else ())]
        write_job(platform, workspace, options)
        return 0
    again, today = Again(workspace, allow_code), datetime.now(UTC).date()
    loaded, problems, warnings = look(workspace, allow_code=allow_code)
    if problems or loaded is None:
        _wrong(forms, problems, again)
        return 2
    if bare and loaded.guards is None:
        raise UsageError("--bare compares with the target without its guards, and the workspace has no guards.yaml")
    wanted, layout = outputs(workspace, forms), Layout(workspace)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    with ExitStack() as stack:
        gate = _held(stack, against, workspace, loaded, allow_code=allow_code)
        with AuditLog(layout.control_url) as audit:
            audit.verify()
        if bare and loaded.gate.baseline is None and not baselines:
            asked = needed(loaded, layout, plan, today, bare=True)
        else:
            asked = needed(loaded, layout, plan, today)
            choose_baseline(loaded, layout, baselines)  # where there is none to compare with, that is said before a run
        if dry_run:
            click.echo(_listed(asked))
            return 0
        limits = Limits(
            requests=max_requests, cost_usd=max_cost, seconds=parse_duration(max_time) if max_time else None
        )
        measured = _measure(
            ctx, loaded, asked, limits=limits, concurrency=concurrency, again=again, retry_errors=retry_errors
        )
        named = baselines or tuple(one.run for one in measured if one.bare)
        decision, document = _decide(loaded, layout, [one.run for one in measured if not one.bare and one.run], named)
        tables = _exceeding(loaded, decision)
        document = _told(document, asked, measured, gate, tables)
        put(wanted, decision, document, again)
    from shipworthy.cli.gate import exit_code

    code = exit_code(decision.verdict)
    blocked = (gate is not None and gate.blocks) or bool(tables)
    return NO_SHIP if blocked and code in (0, 3) else code


def _exceeding(workspace: Workspace, decision: Decision) -> list[Alert]:
    """Return an alert for each tool with which the policy lets the agent do more than a decision table says."""
    from datetime import UTC, datetime

    from shipworthy.core.document import Alert
    from shipworthy.release.tables import answers

    found = [one for one in answers(workspace, decision, datetime.now(UTC).date()) if one.exceeds]
    return [Alert(f"tool {one.tool}", one.words, "bad", "tighten its rule in policy.yaml", one.place) for one in found]


def _held(
    stack: ExitStack, against: str | None, workspace: Path, loaded: Workspace, *, allow_code: bool
) -> ChangedGate | None:
    from datetime import UTC, datetime

    from shipworthy.cli._base import held_against
    from shipworthy.release.changed_gate import changed_gate

    if against is None:
        return None
    found = stack.enter_context(held_against(against, workspace, allow_code=allow_code))
    if found.old is None:
        click.echo(f"{against} has no workspace here: this change brings the first one", err=True)
        return _first(loaded, against)
    return changed_gate(found.old, loaded, datetime.now(UTC).date(), found.code)


def _first(loaded: Workspace, against: str) -> ChangedGate:
    """Return that there was no gate before: it is said, and blocks nothing."""
    from shipworthy.core.document import Alert
    from shipworthy.release.changed_gate import ChangedGate

    text = f"{against} has no workspace in this folder, so the gate was held against nothing"
    alert = Alert(f"system {loaded.system.id}", text, "unsure", "read all of it")
    return ChangedGate((), (), (alert,), "This change brings the gate itself")


def _wrong(forms: Sequence[str], problems: Sequence[Problem], again: Again) -> None:
    """Say what is wrong with the files: in the comment, where one goes into a file, and here."""
    from shipworthy.core.document import DocumentTree, Table
    from shipworthy.reports.markdown import page

    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    rows = tuple(
        (f"{problem.file}:{problem.line}" if problem.line else str(problem.file), problem.message, problem.hint)
        for problem in problems[:100]
    )
    many = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    text = page(DocumentTree(f"\u274c The safety files have {many}", (Table(("Where", "What", "Hint"), rows),)))
    for form in forms:
        name, _, file = form.partition("=")
        if name == "markdown" and file and file != "-":
            write_text(Path(file), text)
        elif name == "markdown":
            click.echo(text, nl=False)
    click.echo(again.told(f"{many}; nothing was measured: `shipworthy check` lists them"), err=True)


def _measure(
    ctx: click.Context,
    workspace: Workspace,
    asked: Sequence[Needed],
    *,
    limits: Limits,
    concurrency: int | None,
    again: Again,
    retry_errors: bool,
) -> list[Needed]:
    """Measure what is missing, and return what stands then, with the ids of its runs. A limit ends the process."""
    from shipworthy.cli.eval import report, saying
    from shipworthy.evals.begin import begin, complete, take_up
    from shipworthy.evals.progress import Progress
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    made: list[Needed] = []
    runs = Layout(workspace.root).runs
    for one in asked:
        retry = retry_errors and one.state == "stands" and bool(Run.load(runs / one.run).errors)
        if one.state in ("stands", "unasked") and not retry:
            made.append(one)
            click.echo(f"{one.plan}: not measured: {one.why}", err=True)
            continue
        if one.run:
            sitting = take_up(workspace, one.run, retry_errors=retry)
        else:
            sitting = begin(workspace, one.plan, guards=not one.bare)
        left = sitting.planned - sitting.made
        click.echo(f"{one.plan}: {sitting.id}, {left:,} attempts to make: {one.why}", err=True)
        line = again.line("ci", *_words(ctx))
        with saying(line):
            run = complete(sitting, limits=limits, concurrency=concurrency, progress=Progress(), going_on=line)
        click.echo(report(run), err=True)
        if run.stopped:
            click.echo(f"\nStopped: {run.stopped}.\nGo on:    {line}", err=True)
            ctx.exit(4)
        made.append(one._replace(run=run.id))
    return made


def _words(ctx: click.Context, *, against: bool = True) -> Iterator[str]:
    """Yield the options that another call of the same kind needs."""
    given = ctx.params
    yield from ("--plan", given["plan"]) if given["plan"] != "full" else ()
    yield from ("--against", given["against"]) if against and given["against"] else ()
    yield from ("--bare",) if given["bare"] else ()
    for name in ("max_requests", "max_cost", "max_time", "concurrency"):
        yield from (f"--{name.replace('_', '-')}", str(given[name])) if given[name] is not None else ()


def _decide(
    workspace: Workspace, layout: Layout, runs: Sequence[str], baselines: Sequence[str]
) -> tuple[Decision, DocumentTree]:
    """Return the decision on some runs: the one that was made, where nothing was said since; else a new one, kept."""
    from shipworthy.cli.gate import keep, load_run
    from shipworthy.evidence.documents import readout
    from shipworthy.release.baseline import choose_baseline
    from shipworthy.release.decide import decide
    from shipworthy.release.remeasure import made_before

    chosen = choose_baseline(workspace, layout, baselines)
    found = [load_run(layout, name, marks=bool(chosen.runs)) for name in runs]
    old = [load_run(layout, name, marks=True) for name in chosen.runs]
    new, before = [run for run, _ in found], [run for run, _ in old]
    decision = made_before(workspace, layout, new, before)
    if decision is None:
        decision = decide(workspace, new, before, chosen=chosen)
        keep(layout, decision, [*new, *before])
    seen = {run.id: one for run, one in (*found, *old)}
    return decision, readout(workspace, decision, new, before, seen=seen)


def _told(
    document: DocumentTree,
    asked: Sequence[Needed],
    measured: Sequence[Needed],
    gate: ChangedGate | None,
    tables: Sequence[Alert],
) -> DocumentTree:
    """Return a report with what was measured and left out, and what became weaker at its head."""
    from msgspec.structs import replace

    from shipworthy.core.document import Section, Table

    rows = tuple(_row(before, after) for before, after in zip(asked, measured, strict=True))
    table = Table(("What", "Measured now", "Why", "Run"), rows)
    section = Section("What was measured, and what was left out", (table,), "measured", (table,))
    alerts: tuple[Alert, ...] = (*(gate.alerts if gate is not None else ()), *tables)
    head = gate.head if gate is not None else ""
    if tables:
        many = f"The policy lets the agent do more than decision tables say with {len(tables)} tools, which blocks"
        head = f"{head}. {many}" if head else many
    return replace(document, children=(*document.children, section), alerts=alerts, alerted=head)


def _row(before: Needed, after: Needed) -> tuple[str, str, str, str]:
    now = {"missing": "yes", "begun": "the rest of it"}.get(before.state, "no")
    return (f"{before.plan}{', without guards' if before.bare else ''}", now, before.why, after.run or "-")


def _listed(asked: Sequence[Needed]) -> str:
    from shipworthy.cli._tables import table

    rows: list[Any] = [_row(one, one) for one in asked]
    return table(("what", "to measure", "why", "run"), rows)
