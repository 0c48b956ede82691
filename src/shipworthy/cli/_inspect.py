"""`shipworthy runs inspect TASK`: any task of Inspect, run on a target of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option


@click.command("inspect")
@workspace_option
@click.argument("task")
@click.option("--target", metavar="NAME", help="Of targets.yaml; the system under test, if left out.")
@click.option("--no-guards", is_flag=True, help="Measure the bare target, without the workspace's guards.")
@click.option("--arg", "-T", "arguments", metavar="NAME=VALUE", multiple=True, help="Of the task; VALUE is JSON, or a text. May be repeated.")  # fmt: skip  # noqa: E501
@click.option("--samples", metavar="N", type=click.IntRange(min=1), help="At most so many.")
@click.option("--epochs", metavar="N", type=click.IntRange(min=1), help="Attempts at each sample, in place of the task's own.")  # fmt: skip  # noqa: E501
@click.option("--low", "low", metavar="METRIC", multiple=True, help="Low is good of this metric; may be repeated.")
@click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0, min_open=True), help="Stop before the calls cost more.")  # fmt: skip  # noqa: E501
@allow_code_option
def inspect_command(
    *,
    workspace: Path,
    task: str,
    target: str | None,
    no_guards: bool,
    arguments: tuple[str, ...],
    samples: int | None,
    epochs: int | None,
    low: tuple[str, ...],
    max_cost: float | None,
    allow_code: bool,
) -> None:
    """Run TASK of Inspect on a target of this workspace, behind its guards, and keep the results as a run.

    TASK is FILE.py, FILE.py@NAME, or a task of an installed package, such as inspect_evals/xstest. Samples, solver and
    scorers are Inspect's; the target, guards, limits and redaction are the workspace's. A task is code: it needs
    --allow-code. Needs the extra `inspect`.

    Like every imported run it is shown and compared, and decides no release. Tasks that give their model tools, or show
    it pictures, are refused.
    """
    import asyncio
    import tempfile

    from shipworthy.core.errors import UsageError
    from shipworthy.evals.imports.bring import bring, directed
    from shipworthy.evals.inspect_task import close, run_inspect_task
    from shipworthy.evals.subject import build_subject
    from shipworthy.exchange.budget import Limits
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    if not allow_code:
        raise UsageError(f"{task} is code that would run here: look at it, then say --allow-code")
    loaded = Workspace.load(workspace, allow_code=allow_code)
    given = dict(_argument(one) for one in arguments)
    subject = build_subject(loaded, not no_guards, target=target)
    with tempfile.TemporaryDirectory(prefix="shipworthy-") as folder:
        try:
            made = run_inspect_task(
                subject, target or "default", task, Path(folder), arguments=given, samples=samples, epochs=epochs,
                limits=Limits(cost_usd=max_cost),
            )  # fmt: skip
        finally:
            asyncio.run(close(subject))
        run = bring(Layout(workspace), loaded.system.id, made.log, directed(made.found, low, ()), subject=subject)
    click.echo(f"{run.id}: {len(run):,} attempts at {task}, {run.errors:,} errors")
    for note in made.found.notes:
        click.echo(f"note: {note}")
    click.echo(f"Next:  {Again(workspace, allow_code).line('runs', 'show', run.id)}")


def _argument(text: str) -> tuple[str, Any]:
    import json

    from shipworthy.core.errors import UsageError

    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise UsageError(f"-T {text!r}: a name and a value, such as -T split=test")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
