"""`shipworthy gate selftest`: what a verdict of this gate is worth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option
from shipworthy.cli._tables import table

if TYPE_CHECKING:
    from shipworthy.core.selftest import GateSelftest
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace


class GateOrSelftest(click.Group):
    """`gate` decides on what follows it, but for its one command, which is told apart by its name."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in self.commands:
            return click.Group(self.name, self.commands).make_context(info_name, args, parent, **extra)
        if any(word in args for word in ("-h", "--help")):
            return super().make_context(info_name, args, parent, **extra)
        return self.decide.make_context(info_name, args, parent, **extra)

    @property
    def decide(self) -> click.Command:
        """What `gate` is where its command is not named."""
        return click.Command(self.name, callback=self.callback, params=self.params, help=self.help)


@click.command("selftest")
@workspace_option
@click.argument("run", default="latest")
@click.option("--baseline", "baselines", metavar="RUN", multiple=True, help="As for `gate`.")
@click.option("--rerun", metavar="N", type=click.IntRange(2, 1000), help="Repeat by running the plan N times more on the target, without the cache.")  # fmt: skip  # noqa: E501
@click.option("--redraw", "how", type=click.Choice(["samples", "attempts"]), default="samples", show_default=True, help="Without --rerun: repeat by re-drawing the run's samples (prompts like these) or, within each sample, its attempts (these prompts).")  # fmt: skip  # noqa: E501
@click.option("--repeats", metavar="N", type=click.IntRange(2, 10_000), default=100, show_default=True, help="Re-drawn repeats.")  # fmt: skip  # noqa: E501
@click.option("--draws", metavar="N", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Data sets of each planted regression and each truth at a limit.")  # fmt: skip  # noqa: E501
@click.option("--size", "sizes", metavar="POINTS", type=click.FloatRange(0, 100, min_open=True), multiple=True, default=(5, 10, 20), show_default=True, help="Planted worsening, in points of a rate or hundredths of a value's range; may be repeated.")  # fmt: skip  # noqa: E501
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**48 - 1), default=0, show_default=True)
@form_option
@allow_code_option
def selftest_command(
    *,
    workspace: Path,
    run: str,
    baselines: tuple[str, ...],
    rerun: int | None,
    how: str,
    repeats: int,
    draws: int,
    sizes: tuple[float, ...],
    seed: int,
    form: str,
    allow_code: bool,
) -> int:
    """Test the gate itself on RUN: how often its verdict flips on one input, and what it would find.

    A/A: the same thing is decided again and again, and the pairs of verdicts that differ are counted. Planted
    regressions of stated size say how often the gate blocks and how often it fails a system that became worse by so
    much; truths at the limit how often a criterion passes that must not (at most 5 in 100 at 95 % confidence).

    What is found is entered in the audit log, and the next decision on the same files and subject prints it. Further
    runs made with --rerun are kept apart under .shipworthy/selftest: they are no tries at a verdict.

    Exit codes: 0 stable, 3 a gate whose verdict differs in more than 5 % of the pairs, 2 usage error.
    """
    from shipworthy.cli import INCONCLUSIVE, SHIP
    from shipworthy.core.selftest import sentence
    from shipworthy.evals.results import Run
    from shipworthy.release.baseline import choose_baseline
    from shipworthy.release.selftest import SelftestPlan, selftest
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.selftests import add_selftest
    from shipworthy.workspace.load import Workspace

    loaded, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    with AuditLog(layout.control_url) as audit:
        audit.verify()
    chosen = choose_baseline(loaded, layout, baselines)
    one = Run.load(layout.run_directory(run), marks=True)
    old = Run.load(layout.run_directory(chosen.runs[0]), marks=True) if chosen.runs else None
    plan = SelftestPlan(repeats, draws, [size / 100 for size in sizes], how, seed)  # type: ignore[arg-type]
    again = (lambda: _again(loaded, one, rerun)) if rerun else None
    found = selftest(loaded, one, old, plan=plan, rerun=again)
    with AuditLog(layout.control_url) as audit:
        found = add_selftest(audit, found)
    click.echo(json.dumps(found._asdict() | {"flips": found.flips}, indent=2) if form == "json" else _told(found))
    if form != "json":
        click.echo(f"\nIn short: {sentence(found)}.\nEntered in the audit log as entry {found.entry}.")
    return SHIP if found.stable else INCONCLUSIVE


def _again(workspace: Workspace, run: Run, times: int) -> Iterator[Run]:
    """Run a run's plan again on its target, so many times; nothing is taken from the cache."""
    from shipworthy.core.errors import StoreError
    from shipworthy.evals.begin import begin, complete
    from shipworthy.evals.progress import Progress
    from shipworthy.evals.subject import mediated, target_of
    from shipworthy.release.sequential import decider
    from shipworthy.store.layout import Layout

    manifest = run.manifest
    early = [use.id for use in manifest.suites if use.looks]
    for number in range(times):
        click.echo(f"run {number + 1} of {times}", err=True)
        directory = Layout(workspace.root).state / "selftest" / f"{manifest.id}-{number + 1}-{_stamp()}"
        suites = [use.id for use in manifest.suites]
        sitting = begin(
            workspace, manifest.plan, suites=suites, guards=mediated(manifest), early=early, cache=False,
            target=target_of(workspace, manifest), draws=manifest.draws, directory=directory,
        )  # fmt: skip
        made = complete(sitting, progress=Progress(style="none"), decided=decider(workspace) if early else None)
        if not made.complete:
            raise StoreError(f"the repeat {number + 1} stopped early: {made.stopped or made.finished.why}")
        made.marks  # noqa: B018 - read before the next one is made
        yield made


def _stamp() -> str:
    import secrets

    return secrets.token_hex(3)


def _told(found: GateSelftest) -> str:
    apart, total = found.pairs
    source = {
        "re-run": "the plan run again on the target",
        "attempts": "attempts re-drawn within each sample: these prompts again",
        "samples": "samples re-drawn: prompts like these",
    }[found.how]
    verdicts = ", ".join(f"{name} {number:,}" for name, number in found.verdicts.items())
    lines = [
        f"A/A, {found.repeats:,} repeats ({source}): {verdicts}",
        f"two repeats differ in {100 * found.flips:.1f} % of the pairs ({apart:,} of {total:,})",
        "",
    ]
    sizes = sorted(found.planted, key=int)
    heads = ["criterion", *(f"+{int(size) / 10:g} points" for size in sizes), "passes at its limit"]
    rows: list[Sequence[str]] = []
    for name, ships in found.at_limit.items():
        cells = [f"{found.planted[size][name][0]} blocked, {found.planted[size][name][1]} failed" for size in sizes]
        rows.append([name, *cells, f"{ships} of {found.draws}"])
    return "\n".join(lines) + f"\nPlanted, {found.draws:,} draws each:\n" + table(heads, rows)
