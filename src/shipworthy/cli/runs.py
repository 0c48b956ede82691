"""List runs, show one, read its samples, compare two, put several side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from shipworthy.cli._again import Again
from shipworthy.cli._compare import compare_command
from shipworthy.cli._delete import delete_command
from shipworthy.cli._export import export_command
from shipworthy.cli._import import import_command
from shipworthy.cli._inspect import inspect_command
from shipworthy.cli._mlflow import mlflow_command
from shipworthy.cli._options import form_option, workspace_option
from shipworthy.cli._pareto import pareto_command
from shipworthy.cli._retest import retest_command
from shipworthy.cli._side_by_side import table_command
from shipworthy.cli._steps import declare_command, finish_command
from shipworthy.cli._transfer import transfer_command
from shipworthy.cli._trend import trend_command
from shipworthy.core.finished import failed
from shipworthy.core.records import Outcome

if TYPE_CHECKING:
    from shipworthy.core.records import Attempt
    from shipworthy.evals.results import Run
    from shipworthy.store.runs import ListedRun

OUTCOMES = get_args(Outcome)


@click.group("runs")
def command() -> None:
    """List runs, show one, read its samples, compare two, put several side by side; declare, finish, delete one."""


command.add_command(compare_command)
command.add_command(declare_command)
command.add_command(delete_command)
command.add_command(export_command)
command.add_command(finish_command)
command.add_command(import_command)
command.add_command(inspect_command)
command.add_command(mlflow_command)
command.add_command(pareto_command)
command.add_command(retest_command)
command.add_command(table_command)
command.add_command(transfer_command)
command.add_command(trend_command)


@command.command("list")
@workspace_option
@form_option
def list_(workspace: Path, form: str) -> None:
    """List the workspace's runs, oldest first, without reading their logs.

    Shows what was recorded of each run; "?" is what only its log can tell. `shipworthy runs show RUN` reads the log and
    verifies it.
    """
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.store.layout import Layout
    from shipworthy.store.runs import list_runs

    found = list(list_runs(Layout(workspace)))
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif found:
        rows = [_row(run) for run in found]
        click.echo(table(("run", "plan", "guards", "attempts", "errors", "state"), rows, right=(3, 4)))
    else:
        click.echo(Again(workspace).told("no run yet: `shipworthy eval` makes one"))


STATES = {
    "complete": "complete",
    "open": "stopped or running",
    "grown": "stopped or running, went on since these were counted",
    "unknown": "stopped or running, not counted yet",
    "shortened": "damaged",
    "damaged": "damaged",
}


def _row(run: ListedRun) -> tuple[str, ...]:
    state = STATES[run.state] + (f": {run.why}" if run.why else "")
    if run.state == "damaged":
        return run.id, "", "", "", "", state
    made = "?" if run.made is None else f"{run.made:,}"
    errors = "?" if run.errors is None else f"{run.errors:,}"
    return run.id, run.plan, "on" if run.guards else "off", f"{made} / {run.planned:,}", errors, state


@command.command()
@workspace_option
@click.argument("run", default="latest")
@click.option("--attack", "by_attack", is_flag=True, help="One row for every attack.")
@form_option
def show(workspace: Path, run: str, by_attack: bool, form: str) -> None:
    """Show what a run measured. RUN is an id, the beginning of one, or `latest`."""
    from shipworthy.cli._tables import table
    from shipworthy.cli.eval import report

    found = _load(workspace, run)
    manifest = found.manifest
    if form == "json":
        click.echo(_json(found, by_attack))
        return
    for name, value in (
        ("run", manifest.id),
        ("begun", manifest.created),
        ("system", manifest.system),
        ("plan", f"{manifest.plan}, seed {manifest.seed}"),
        ("guards", manifest.guards or "none"),
        *_candidate(found),
        ("attempts", f"{len(found):,} of {manifest.planned:,} made, {found.errors:,} errors"),
        ("shards", f"{manifest.shards:,}"),
        ("state", f"{'finished' if found.finished.yes else 'not finished'}: {found.finished.why}"),
        ("spec", manifest.spec_digest),
        ("subject", manifest.subject_digest),
        ("engine", f"shipworthy {manifest.engine}, {manifest.host}"),
        ("directory", str(found.directory)),
    ):
        click.echo(f"{name:<10} {value}")
    click.echo("")
    if by_attack:
        columns = ("suite", "metric", "attack", "rate", "95 % interval", "hits / trials", "clusters", "errors left out")
        click.echo(table(columns, _attack_rows(found), right=range(3, 8)))
    else:
        click.echo(Again(workspace).told(report(found)))


def _candidate(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what the candidate policy beside the run's own said, where there was one."""
    if run.manifest.shadow:
        from shipworthy.cli._policy_past import differing
        from shipworthy.evals.beside import beside

        said = beside(run.attempts())
        yield "candidate", f"policy {run.manifest.shadow[:19]} says otherwise on {differing(said)}"
        for tool, rule, way, number, of in said.counts():
            yield "", f"{way}: {number:,} of {of:,} calls of {tool}, by {rule}"


def _json(run: Run, by_attack: bool) -> str:
    """Return the manifest, the state and the results of a run, with the roles that were asked."""
    import msgspec

    from shipworthy.core.freshness import moment

    attacks: list[str | None] = [None]
    rows = []
    for use in run.manifest.suites:
        for metric in run.metrics(use.id):
            chosen = use.attacks if by_attack else attacks
            rows += [{"attack": a, **msgspec.structs.asdict(run.result(use.id, metric, a))} for a in chosen]
    value = {
        "manifest": run.manifest,
        "finished": run.finished.yes,
        "why": run.finished.why,
        "made": len(run),
        "errors": run.errors,
        "outcomes": {kind: n for kind, n in run.outcomes.items() if n},
        "results": rows,
        "roles": dict(run.roles),
        "replies": {
            "replies": run.replies.replies,
            "cached": run.replies.cached,
            "oldest": moment(run.replies.oldest),
        },
        "directory": str(run.directory),
    }
    if run.manifest.shadow:
        from shipworthy.cli._policy_past import counted
        from shipworthy.evals.beside import beside

        value["candidate"] = counted(beside(run.attempts()))
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _attack_rows(run: Run) -> Iterator[tuple[str, ...]]:
    from shipworthy.evals.suite_result import cells

    for use in run.manifest.suites:
        for metric in run.metrics(use.id):
            for attack in use.attacks:
                row = cells(run.result(use.id, metric, attack))
                yield (*row[:2], attack, *row[2:7])


@command.command()
@workspace_option
@click.argument("run", default="latest")
@click.option("--suite", metavar="ID", help="Only of this suite.")
@click.option("--attack", metavar="NAME", help="Only with this attack: its id, or its full name.")
@click.option("--metric", metavar="NAME", help="What --hit and --no-hit look at; any metric if left out.")
@click.option("--hit/--no-hit", default=None, help="Only attempts with a hit, or only those without any.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only with this outcome.")
@click.option("--errors", is_flag=True, help="Only attempts that ended in an error, of whatever kind.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="How many to show."
)
@form_option
def samples(
    *,
    workspace: Path,
    run: str,
    suite: str | None,
    attack: str | None,
    metric: str | None,
    hit: bool | None,
    outcome: str | None,
    errors: bool,
    limit: int,
    form: str,
) -> None:
    """List a run's attempts. RUN is an id, the beginning of one, or `latest`."""
    from shipworthy.cli._tables import listing, shorten
    from shipworthy.core.attack_name import matches, select
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.core.renamed import metric_hint

    found = _load(workspace, run)
    if suite is not None:
        found.suite(suite)
    attacks = {name for use in found.manifest.suites if suite in (None, use.id) for name in use.attacks}
    if attack is not None and not select(attack, attacks):
        raise UsageError(f"the run {found.id} has no attack {attack!r}: {did_you_mean(attack, sorted(attacks))}")
    metrics = {m for use in found.manifest.suites if suite in (None, use.id) for m in found.metrics(use.id)}
    if metric is not None and metric not in metrics:
        raise UsageError(f"the run {found.id} has no metric {metric!r}: {metric_hint(metric, metrics)}")

    def wanted(attempt: Attempt) -> bool:
        return (
            suite in (None, attempt.suite)
            and (attack is None or matches(attack, attempt.attack))
            and outcome in (None, attempt.outcome)
            and not (errors and not failed(attempt.outcome))
            and (hit is None or _hit(attempt, metric) is hit)
            and (metric is None or any(score.metric == metric for score in attempt.scores))
        )

    chosen = sorted(filter(wanted, found.attempts()), key=lambda a: (a.suite, a.sample, a.attack, a.number))
    rows = [
        {
            "attempt": attempt.id,
            "suite": attempt.suite,
            "sample": attempt.sample,
            "attack": attempt.attack,
            "outcome": attempt.outcome,
            "scores": " ".join(_shown(attempt)),
            "answer or error": attempt.error if attempt.outcome != "scored" else attempt.answer,
        }
        for attempt in chosen[:limit]
    ]
    if form == "json":
        click.echo(listing(rows, form, ()))
        return
    for row in rows:
        # An error says at its end what to do; an answer is read in the viewer.
        row["answer or error"] = shorten(row["answer or error"], 300 if row["outcome"] != "scored" else 60)
    if not rows:
        click.echo("no such attempt in this run")
        return
    click.echo(listing(rows, form, list(rows[0])))
    if len(chosen) > limit:
        click.echo(f"\n{limit:,} of {len(chosen):,} shown: --limit {len(chosen)} shows all")


def _hit(attempt: Attempt, metric: str | None) -> bool | None:
    """Return whether a scored attempt has a hit; None where it is not scored, or the metric does not apply."""
    hits = [s.hit for s in attempt.scores if metric in (None, s.metric) and s.hit is not None]
    return any(hits) if hits and attempt.outcome == "scored" else None


def _shown(attempt: Attempt) -> Iterator[str]:
    for score in attempt.scores:
        if score.value is not None:
            said = f"{score.metric}={score.value:.4g}"
        else:
            said = {True: "+", False: "-", None: "?"}[score.hit] + score.metric
        yield said + (f":{score.label}" if score.label else "")


def _load(workspace: Path, run: str) -> Run:
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    return Run.load(Layout(workspace).run_directory(run))
