"""Evaluate, decide and prove on a real model: the whole chain on a small product.

Composes what the other verbs are made of; an interrupted demo goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._demo import Clock, evaluated, next_steps, proved

if TYPE_CHECKING:
    from shipworthy.core.records import CriterionResult, Decision
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace


@click.command()
@click.argument("folder", metavar="[DIR]", default=None, type=click.Path(path_type=Path))
@click.option("--plan", metavar="NAME", default="demo", show_default=True, help="demo, smoke or full.")
@click.option("--agent", is_flag=True, help="An agent with tools that is injected through a mail, and a policy in front of it.")  # fmt: skip  # noqa: E501
@click.option("--open/--no-open", "show", default=True, help="Open the report in a browser, where there is a screen.")
def command(folder: Path | None, plan: str, agent: bool, show: bool) -> None:
    """Evaluate a small helpdesk copilot on SmolLM2, without and with guards; decide; write and verify the evidence.

    With --agent: SmolLM2 as an agent that reads mail, without and with a tool policy, and beside it an agent that obeys
    every injection; a few minutes.

    DIR is made if it is not there: shipworthy-demo, or shipworthy-demo-agent. Needs the weights: `shipworthy model pull
    smollm2`.
    """
    if agent:
        from shipworthy.cli._agent_demo import agent_demo

        agent_demo(folder or Path("shipworthy-demo-agent"), plan, show)
        return
    folder = folder or Path("shipworthy-demo")
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.scaffold import scaffold

    clock = Clock()
    with clock.step(f"1 of 5  workspace {folder}"):
        if not (folder / "system.yaml").exists():
            scaffold(folder, "helpdesk-rag")
        workspace = Workspace.load(folder)
    with clock.step("2 of 5  evaluate without guards"):
        bare = evaluated(workspace, plan, guards=False)
    with clock.step(
        "3 of 5  evaluate with the guards of guards.yaml (replies to unchanged requests come from the cache)"
    ):
        guarded = evaluated(workspace, plan, guards=True)
    if not (bare.complete and guarded.complete):
        click.echo("\nStopped. The same command goes on: nothing that was finished is lost.")
        raise click.exceptions.Exit(4)
    with clock.step("4 of 5  decide"):
        before, after = _decide(workspace, bare, guarded)
    with clock.step("5 of 5  prove: build the evidence pack, sign it, verify it"):
        pack, trust = proved(workspace, after)
    click.echo("\n" + _table(before, after))
    click.echo(f"\nwithout guards: {before.verdict.upper()} - {before.reason}")
    click.echo(f"with guards:    {after.verdict.upper()} - {after.reason}")
    click.echo(f"\nwhere the time went\n{clock.table()}")
    next_steps(folder, pack, trust, show)


def _decide(workspace: Workspace, bare: Run, guarded: Run) -> tuple[Decision, Decision]:
    """Decide on both; the guarded system, compared with the bare one, is what would be released."""
    from shipworthy.cli.gate import keep
    from shipworthy.release.baseline import choose_baseline, pin
    from shipworthy.release.decide import decide
    from shipworthy.store.layout import Layout

    layout = Layout(workspace.root)
    pin(workspace, layout, bare, why="the demo's own system without its guards")
    chosen = choose_baseline(workspace, layout)
    before, after = decide(workspace, bare), decide(workspace, guarded, bare, chosen=chosen)
    keep(layout, before)
    keep(layout, after)
    return before, after


def _table(before: Decision, after: Decision) -> str:
    """Return the criteria, without and with guards, a row each."""
    from shipworthy.cli._tables import table

    old = {result.id: result for result in before.criteria}
    rows = [
        (
            result.id,
            result.must,
            _measured(old[result.id]) if result.test == "threshold" else "",
            _measured(result),
            str(result.errors + old[result.id].errors),
            result.verdict,
        )
        for result in after.criteria
    ]
    return table(("criterion", "must", "without guards", "with guards", "errors", "verdict"), rows, right=(4,))


def _measured(result: CriterionResult) -> str:
    """Return rate, denominator and two-sided interval: ``12.1 % of 33 [3.4, 28.2]``."""
    if result.rate is None or result.low is None or result.high is None:
        return "not measured"
    change = result.test == "noninferiority"
    rate = f"{100 * result.rate:+.1f} points" if change else f"{100 * result.rate:.1f} % of {result.trials}"
    return f"{rate} [{100 * result.low:.1f}, {100 * result.high:.1f}]"
