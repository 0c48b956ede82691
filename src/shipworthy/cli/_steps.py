"""The first and the last step of a run, for a scheduler that wants them apart from the work between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option
from shipworthy.cli.eval import NEW_SEED, draw, seed_of

if TYPE_CHECKING:
    from shipworthy.evals.begin import Guards


@click.command("declare")
@workspace_option
@click.option("--plan", metavar="NAME", default="full", show_default=True, help="The plan to run.")
@click.option("--suite", "suites", metavar="ID", multiple=True, help="Only this suite of the plan; may be repeated.")
@click.option("--guards", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the guards of this file before the target, instead of the workspace's guards.yaml.")  # fmt: skip  # noqa: E501
@click.option("--no-guards", is_flag=True, help="Measure the bare target, without the workspace's guards.")
@click.option("--target", metavar="NAME", help="This target of targets.yaml, instead of the system under test.")
@click.option("--fresh", "fresh", metavar="[SEED]", is_flag=False, flag_value=NEW_SEED, callback=seed_of, help="On other samples of each bank, as of `shipworthy eval --fresh`.")  # fmt: skip  # noqa: E501
@click.option("--shards", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Into how many parts its attempts are dealt.")  # fmt: skip  # noqa: E501
@click.option("--sealed", is_flag=True, help="Measure sealed samples, too, as of `shipworthy eval --sealed`.")
@allow_code_option
def declare_command(
    *,
    workspace: Path,
    plan: str,
    suites: tuple[str, ...],
    guards: Path | None,
    no_guards: bool,
    target: str | None,
    fresh: int | None,
    shards: int,
    sealed: bool,
    allow_code: bool,
) -> None:
    """Write down what a run will do, make none of its attempts, and print its id.

    `shipworthy eval --resume RUN --shard I/N` makes the attempts of one shard; `shipworthy runs finish RUN` is the end.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.begin import declare
    from shipworthy.evals.sealed import refuse_unsealed
    from shipworthy.workspace.load import Workspace

    if no_guards and guards:
        raise UsageError("--guards and --no-guards exclude each other")
    chosen: Guards = False if no_guards else guards or True
    loaded = Workspace.load(workspace, allow_code=allow_code)
    refuse_unsealed(loaded, plan, suites or None, sealed=sealed)
    draws = draw(loaded, plan, fresh, suites=suites or None)
    made = declare(loaded, plan, suites=suites or None, guards=chosen, target=target, shards=shards, draws=draws)
    click.echo(made.name)


@click.command("finish")
@workspace_option
@click.argument("run", default="latest")
@allow_code_option
def finish_command(*, workspace: Path, run: str, allow_code: bool) -> None:
    """Enter RUN in the audit log as finished, and show what it measured.

    Refuses a run with attempts missing, in whatever shard, and says which suites they are of.
    """
    from shipworthy.cli.eval import report
    from shipworthy.evals.begin import finish
    from shipworthy.workspace.load import Workspace

    found = finish(Workspace.load(workspace, allow_code=allow_code), run)
    click.echo(f"{found.id}: {found.finished.why}")
    click.echo(Again(workspace, allow_code).told(report(found)))
