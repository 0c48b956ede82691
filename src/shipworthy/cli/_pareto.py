"""`shipworthy runs pareto RUN RUN ...`: which configurations are on the front of safety, help, latency and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.pareto import Pareto, ParetoCell

FORMATS = ("text", "markdown", "json", "svg")


@click.command("pareto")
@workspace_option
@click.argument("runs", nargs=-1, required=True)
@click.option("--aim", "aims", metavar="SUITE[:METRIC]", multiple=True, required=True, help="What counts: a suite, with its main metric or another one; one of harm and one of help, say. May be repeated.")  # fmt: skip  # noqa: E501
@click.option("--draws", metavar="N", type=click.IntRange(100, 100_000), default=2000, show_default=True, help="Of the bootstrap.")  # fmt: skip  # noqa: E501
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**48 - 1), default=0, show_default=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@allow_code_option
def pareto_command(
    *, workspace: Path, runs: tuple[str, ...], aims: tuple[str, ...], draws: int, seed: int, form: str, allow_code: bool
) -> None:
    """Put RUNS of several configurations on one front: targets, prompts, guards, measured on the same samples.

    A configuration is on the front when no other one is as good in everything and better in something. Its chance is
    how often that holds when the samples are drawn again, clustered by sample. Latency and cost are added to what
    --aim names. It ranks nothing: measure the one you choose again, on fresh samples.
    """
    from shipworthy.cli._side_by_side import run_names
    from shipworthy.evals.pareto import pareto
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    loaded = [Run.load(layout.run_directory(run)) for run in runs]
    wanted = [(suite, metric) for suite, _, metric in (aim.partition(":") for aim in aims)]
    found = pareto(loaded, run_names(workspace, loaded, allow_code), wanted, draws=draws, seed=seed)
    match form:
        case "json":
            import msgspec

            click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        case "svg":
            from shipworthy.evals.front_picture import picture

            click.echo(picture(found), nl=False)
        case "markdown":
            click.echo("\n".join(_markdown(found)))
        case _:
            click.echo("\n".join(_text(found)))


def _heads(found: Pareto) -> list[str]:
    named = [f"{name}, {good} is good" for name, good in zip(found.objectives, found.good, strict=True)]
    return ["configuration", *named, "on the front", "chance"]


def _rows(found: Pareto) -> Iterator[Sequence[str]]:
    for row in sorted(found.rows, key=lambda row: (-row.chance, row.name)):
        cells = (_cell(cell, unit) for cell, unit in zip(row.cells, found.units, strict=True))
        yield [row.name, *cells, "yes" if row.front else "no", f"{100 * row.chance:.0f} %"]


def _cell(cell: ParetoCell, unit: str) -> str:
    return f"{cell.mean:.3g} {unit}".rstrip() + f" [{cell.low:.3g}, {cell.high:.3g}]"


def _below(found: Pareto) -> Iterator[str]:
    samples = ", ".join(f"{n:,} of {suite}" for suite, n in found.clusters.items())
    yield f"Samples that every run scored: {samples}. Chances and intervals: {found.draws:,} draws of whole samples."
    yield "Rates are of prompts like these. The best of many looks better than it is: measure it again before you ship."
    yield from (f"note: {warning}" for warning in found.warnings)


def _text(found: Pareto) -> Iterator[str]:
    from shipworthy.cli._tables import table

    yield table(_heads(found), list(_rows(found)))
    yield ""
    yield from _below(found)


def _markdown(found: Pareto) -> Iterator[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    heads = _heads(found)
    yield line(heads)
    yield line(["---"] * len(heads))
    yield from map(line, _rows(found))
    yield ""
    yield from _below(found)
