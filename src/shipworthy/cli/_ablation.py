"""`shipworthy guard ablate`: what each guard does to safety, helpfulness, time and cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.ablate import Ablation, AblationCost, Variant
    from shipworthy.evals.results import Run
    from shipworthy.evals.side_by_side import MetricRow


@click.command("ablate")
@workspace_option
@click.option("--guards", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The guards of this file, instead of the workspace's guards.yaml.")  # fmt: skip  # noqa: E501
@click.option("--plan", metavar="NAME", default="full", show_default=True, help="The plan to run.")
@click.option("--suite", "suites", metavar="ID", multiple=True, help="Only this suite of the plan; may be repeated.")
@click.option("--target", metavar="NAME", help="Measure this target of targets.yaml, not the system under test.")
@click.option("--concurrency", metavar="N", type=click.IntRange(min=1), help="Calls to the target at one time.")
@click.option("--no-cache", is_flag=True, help="Ask the target every time, and keep no replies.")
@form_option
@allow_code_option
def ablate_command(
    *,
    workspace: Path,
    guards: Path | None,
    plan: str,
    suites: tuple[str, ...],
    target: str | None,
    concurrency: int | None,
    no_cache: bool,
    form: str,
    allow_code: bool,
) -> int:
    """Run a plan with all guards, with each left out, and with none, and print what each guard does.

    Each pipeline is a run of its own, as `eval --guards FILE` makes it; only requests that a guard changed are asked
    again. Changes are paired attempt by attempt, with 95 % intervals, and p-values corrected over the table. It ends
    with exit code 4 where a run stopped early; called again, it begins anew and finds the replies kept.

    \b
    Measure attacks and harmless requests together:
      shipworthy guard ablate --suite indirect-injection --suite over-refusal
    """
    import msgspec

    from shipworthy.cli.eval import saying
    from shipworthy.evals.ablate import ablate
    from shipworthy.evals.begin import begin, complete
    from shipworthy.evals.progress import Progress
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)

    def run(variant: Variant) -> Run:
        options = {"suites": suites or None, "target": target, "cache": not no_cache}
        sitting = begin(loaded, plan, guards=variant.file, **options)  # type: ignore[arg-type]
        click.echo(f"{variant.name}: {sitting.id}, {sitting.planned:,} attempts", err=True)
        with saying(""):
            return complete(sitting, concurrency=concurrency, progress=Progress())

    made, found = ablate(loaded, guards, run)
    if found is None:
        last = made[-1]
        click.echo(f"Stopped: {last.stopped or 'a run is not complete'}. {len(made)} runs were begun.", err=True)
        return 4
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() if form == "json" else text(found))
    return 0


def text(found: Ablation) -> str:
    """Return an ablation as tables of at most 80 columns, as far as names let it."""
    from shipworthy.cli._tables import table

    said = [f"note: {warning}" for warning in found.table.warnings]
    names = [column.name for column in found.table.columns]
    for row in found.table.rows:
        said += ["", f"{row.suite}: {row.metric}, {row.good} is good"]
        heads = ("", "rate", "hits", "change", "95 % interval", "p (Holm)")
        said.append(table(heads, list(_lines(names, row)), right=range(1, 5)))
        said += [line for sentence in _same(names, row) for line in wrap(sentence, 80)]
    took = ("", "guards, ms", "change", "95 % interval", "kept back", "calls", "tokens", "cost")
    said += ["", "What they took", table(took, [_took(spent) for spent in found.spent], right=range(1, 8))]
    said += ["", *(line for sentence in _explained() for line in wrap(sentence, 80))]
    return "\n".join(said).lstrip("\n")


def _lines(names: list[str], row: MetricRow) -> Iterator[tuple[str, ...]]:
    from shipworthy.cli._compare import measured
    from shipworthy.evals.suite_result import cells

    for name, cell, change in zip(names, row.cells, row.changes, strict=True):
        if change is not None and not change.changed and name != names[-1]:
            continue
        rate, hits = cells(cell)[2:5:2] if cell is not None else ("not measured", "")
        told = ("", "", "")
        if change is not None:
            _, _, moved, between = measured(change)
            p = "< 0.0001" if change.adjusted < 0.0001 else f"{change.adjusted:.4f}"
            told = (moved, between, f"{p} {change.verdict}")
        yield name, rate, hits, *told


def _same(names: list[str], row: MetricRow) -> Iterator[str]:
    """Say in one line what is left out of a table: guards without which not one attempt was scored differently."""
    from shipworthy.cli._compare import measured

    changes = zip(names[:-1], row.changes, strict=False)
    same = {name: measured(c)[3] for name, c in changes if c is not None and not c.changed}
    if same:
        named = ", ".join(name.removeprefix("without ") for name in same)
        yield f"No attempt changed without: {named} (95 % each: {next(iter(same.values()))})"


def _took(spent: AblationCost) -> tuple[str, ...]:
    from shipworthy.core.price import cost

    change = "" if spent.change is None else f"{spent.change:+.1f}"
    between = "" if spent.low is None or spent.high is None else f"{spent.low:+.1f} to {spent.high:+.1f}"
    tokens = spent.usage.input_tokens + spent.usage.output_tokens
    kept = f"{spent.blocked:,}"
    return (
        spent.name,
        f"{spent.guard_ms:.1f}",
        change,
        between,
        kept,
        f"{spent.calls:,}",
        f"{tokens:,}",
        cost(spent.usage),
    )


def _explained() -> Iterator[str]:
    yield (
        "A change is what happens when a guard is left out, against all guards, in pairs: a guard whose work another"
        " one does, too, shows none, and an unclear one is no evidence that a guard does nothing."
    )
    yield (
        "Guards' time is wall time on this machine, the median over samples; calls, tokens and cost count kept replies."
    )
