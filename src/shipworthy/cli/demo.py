"""Evaluate, decide and prove on a real model: the whole chain on a small product.

Composes what the other verbs are made of; an interrupted demo goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shipworthy.core.records import CriterionResult, Decision
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace


@click.command()
@click.argument("folder", metavar="[DIR]", default="shipworthy-demo", type=click.Path(path_type=Path))
@click.option("--plan", metavar="NAME", default="demo", show_default=True, help="demo, smoke or full.")
@click.option("--open/--no-open", "show", default=True, help="Open the report in a browser, where there is a screen.")
def command(folder: Path, plan: str, show: bool) -> None:
    """Evaluate a small helpdesk copilot on SmolLM2, without and with guards; decide; write and verify the evidence.

    DIR is made if it is not there. Needs the weights: `shipworthy model pull smollm2`.
    """
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.scaffold import scaffold

    clock = Clock()
    with clock.step(f"1 of 5  workspace {folder}"):
        if not (folder / "system.yaml").exists():
            scaffold(folder, "helpdesk-rag")
        workspace = Workspace.load(folder)
    with clock.step("2 of 5  evaluate without guards"):
        bare = _evaluate(workspace, plan, guards=False)
    with clock.step(
        "3 of 5  evaluate with the guards of guards.yaml (replies to unchanged requests come from the cache)"
    ):
        guarded = _evaluate(workspace, plan, guards=True)
    if not (bare.complete and guarded.complete):
        click.echo("\nStopped. The same command goes on: nothing that was finished is lost.")
        raise click.exceptions.Exit(4)
    with clock.step("4 of 5  decide"):
        before, after = _decide(workspace, bare, guarded)
    with clock.step("5 of 5  prove: build the evidence pack, sign it, verify it"):
        pack, trust = _prove(workspace, after)
    click.echo("\n" + _table(before, after))
    click.echo(f"\nwithout guards: {before.verdict.upper()} - {before.reason}")
    click.echo(f"with guards:    {after.verdict.upper()} - {after.reason}")
    click.echo(f"\nwhere the time went\n{clock.table()}")
    _next_steps(folder, pack, trust, show)


def _evaluate(workspace: Workspace, plan: str, *, guards: bool) -> Run:
    """Make the run, go on with the one that was interrupted, or take the one that is there."""
    from shipworthy.evals.begin import begin, complete, newest_like, take_up

    found = newest_like(workspace, plan, guards=guards)
    if found is not None and found.complete:
        click.echo(f"        {found.id} is there already", err=True)
        return found
    if found is not None:
        click.echo(
            f"        going on with {found.id}: {len(found)} of {found.manifest.planned} attempts are made", err=True
        )
    return complete(
        begin(workspace, plan, guards=guards) if found is None else take_up(workspace, found.id, guards=guards)
    )


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


def _prove(workspace: Workspace, decision: Decision) -> tuple[Path, Path]:
    """Sign with a key of the demo's own, and verify with the trust file that a recipient would hold."""
    from shipworthy.core.errors import IntegrityError
    from shipworthy.evidence.pack import build_pack, write_pack
    from shipworthy.evidence.verify import verify_pack
    from shipworthy.store.layout import Layout
    from shipworthy.store.signing import load_key, new_key
    from shipworthy.store.trust import load_trust, trust_json

    keys = Layout(workspace.root).state / "keys"
    key = load_key(keys / "demo.key") if (keys / "demo.key").exists() else new_key(keys, "demo", owner="demo")
    trust = workspace.root / "trust.json"
    trust.write_text(trust_json([key.public], 1), encoding="utf-8")
    pack = workspace.root / "evidence" / f"{decision.id}.zip"
    write_pack(pack, build_pack(workspace, decision, [key]))
    found = verify_pack(pack, load_trust(trust))
    if not found.ok:
        raise IntegrityError(f"the pack just written does not verify: {pack}")
    return pack, trust


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


def _next_steps(folder: Path, pack: Path, trust: Path, show: bool) -> None:
    """Print what to type next; put the report beside the pack and open it."""
    from shipworthy.evidence.archive import read

    command = _command()
    report = pack.with_suffix(".html")
    report.write_bytes(read(pack.read_bytes())["report.html"])
    click.echo(
        f"\nreport          {report}"
        f"\nevidence pack   {pack}"
        f"\ntrusted keys    {trust}"
        f"\n\nnext:  {command} gate -C {folder}; echo $?"
        f"\n       {command} evidence verify {pack} --trust {trust}; echo $?"
        f"\n       {command} view latest -C {folder}"
    )
    if show:
        _open(report)


def _command() -> str:
    """Return what the user types to call this program: its name, or its path where the shell would not find it."""
    import os
    import shutil
    import sys

    here = Path(sys.argv[0])
    if here.name != "shipworthy" or shutil.which("shipworthy") == str(here.resolve()):
        return "shipworthy"
    return os.path.relpath(here)


def _open(page: Path) -> None:
    """Open a page where a person would see it; never a text browser that takes the terminal."""
    import os
    import sys
    import webbrowser

    graphical = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if graphical and sys.stdout.isatty():
        webbrowser.open(page.resolve().as_uri())


class Clock:
    """Says what is being done, and keeps how long each step took."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and time it."""
        click.echo(title, err=True)
        started = time.monotonic()
        yield
        self.steps.append((title, time.monotonic() - started))

    def table(self) -> str:
        """Return a line a step, with its seconds and share."""
        total = sum(seconds for _, seconds in self.steps) or 1.0
        lines = [f"  {seconds:7.1f} s  {100 * seconds / total:3.0f} %  {title[8:]}" for title, seconds in self.steps]
        return "\n".join([*lines, f"  {total:7.1f} s         in all"])
