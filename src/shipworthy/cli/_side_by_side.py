"""`shipworthy runs table RUN RUN ...`: targets, prompts, models side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.core.document import Block, DocumentTree, Table
    from shipworthy.evals.compare import MetricChange
    from shipworthy.evals.results import Run
    from shipworthy.evals.side_by_side import Column, ColumnAnswer, MetricRow, PlanPlace, SideBySide
    from shipworthy.evals.suite_result import SuiteResult

FORMATS = ("text", "markdown", "html", "csv", "json")
ABREAST = 3
"""Columns that stand beside each other on a terminal; more follow below."""


@click.command("table")
@workspace_option
@click.argument("runs", nargs=-1, required=True)
@click.option("--baseline", metavar="RUN", help="One of them that the others are compared with, attempt by attempt.")
@click.option("--samples", "suite", metavar="SUITE", help="Show each sample's answers of this suite side by side.")
@click.option("--apart", is_flag=True, help="With --samples: only where the runs were scored differently.")
@click.option("--attack", metavar="NAME", help="With --samples: only under this attack.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="Samples shown.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@allow_code_option
def table_command(
    *,
    workspace: Path,
    runs: tuple[str, ...],
    baseline: str | None,
    suite: str | None,
    apart: bool,
    attack: str | None,
    limit: int,
    form: str,
    allow_code: bool,
) -> None:
    """Show RUNS side by side: `eval --target a --target b` makes one for each target.

    Rates beside each other are no comparison. `--baseline` makes it one: paired attempt by attempt, clustered by
    sample, and corrected (Holm) over the whole table, so that equal targets raise any alarm in at most one of twenty
    tables. "unclear" is not "the same".
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.results import Run
    from shipworthy.evals.side_by_side import answers, side_by_side
    from shipworthy.store.layout import Layout

    if (apart or attack) and not suite:
        raise UsageError("--apart and --attack choose among samples: name their suite with --samples SUITE")
    layout = Layout(workspace)
    loaded = [Run.load(layout.run_directory(run)) for run in runs]
    against = None
    if baseline is not None:
        wanted = layout.run_directory(baseline).name
        against = next((i for i, run in enumerate(loaded) if run.id == wanted), None)
        if against is None:
            raise UsageError(f"the baseline {wanted} is none of the runs of the table")
    found = side_by_side(loaded, run_names(workspace, loaded, allow_code), baseline=against)
    places = answers(loaded, suite, attack) if suite else []
    chosen = [place for place in places if place.apart] if apart else places
    click.echo(render(found, chosen[:limit], suite, form, left=len(chosen) - limit))


def run_names(workspace: Path, runs: Sequence[Run], allow_code: bool) -> list[str]:
    """Return what to call the columns: their targets' names, where the files still say what was measured."""
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.subject import target_of
    from shipworthy.workspace.load import Workspace

    found = [run.id for run in runs]
    with suppress(UsageError):  # the files are gone, or a target's plug-in is not loaded: the runs are still there
        known, _ = Workspace.inspect(workspace, allow_code=allow_code)
        found = [(target_of(known, run.manifest) if known is not None else None) or run.id for run in runs]
    guarded = len({bool(run.manifest.guards) for run in runs}) > 1
    marks = [" +guards" if guarded and run.manifest.guards else "" for run in runs]
    named = [name + mark for name, mark in zip(found, marks, strict=True)]
    return [name if named.count(name) == 1 else f"{name} {run.id[-6:]}" for name, run in zip(named, runs, strict=True)]


def render(found: SideBySide, places: Sequence[PlanPlace], suite: str | None, form: str, *, left: int = 0) -> str:
    """Return the table in one of `FORMATS`.

    Args:
        places: whose answers are shown below it; `left` more were not asked for.
    """
    match form:
        case "json":
            import msgspec

            value = {"table": found, "suite": suite, "samples": places} if suite else {"table": found}
            return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
        case "csv":
            return _csv(found, places, suite).removesuffix("\r\n")
        case "html" | "markdown":
            from shipworthy.reports import html, markdown

            made = document(found, places, suite, left)
            return html.page(made) if form == "html" else markdown.page(made)
        case _:
            return text(found, places, suite, left)


def text(found: SideBySide, places: Sequence[PlanPlace] = (), suite: str | None = None, left: int = 0) -> str:
    """Return the table as text of at most 80 columns, as far as names let it: `ABREAST` runs beside each other."""
    from shipworthy.cli._tables import shorten, table

    said = [line for column in found.columns for line in _headed(column)]
    said += [f"note: {warning}" for warning in found.warnings]
    for first in range(0, len(found.columns), ABREAST):
        shown = range(first, min(first + ABREAST, len(found.columns)))
        lines = [line for row in found.rows for line in _lines(found, row, shown)][:-1]
        heads = ("", *(shorten(found.columns[i].name, 18) for i in shown))
        said += ["", table(heads, lines, right=range(1, len(heads)))]
    said += ["", *(line for sentence in _explained(found) for line in wrap(sentence, 80))]
    if suite:
        said += ["", f"{suite}: {len(places):,} places shown" + (f", {left:,} more: --limit" if left > 0 else "")]
    for place in places:
        said += ["", f"{place.sample}, {place.attack}" + (f", attempt {place.number}" if place.number > 1 else "")]
        said += [
            f"  {shorten(column.name, 16):<16} {_marked(answer)} {shorten(answer.text, 55)}".rstrip()
            for column, answer in zip(found.columns, place.answers, strict=True)
        ]
    return "\n".join(said)


def _headed(column: Column) -> Iterator[str]:
    yield f"{column.name}: {column.run}, subject {column.subject[:19]}"
    if took := _took(column):
        yield f"  {took}"


def _took(column: Column) -> str:
    """Say what a run's tokens and money came to; empty where nobody said."""
    from shipworthy.core.price import cost

    tokens = column.usage.input_tokens + column.usage.output_tokens
    said = [f"{tokens:,} tokens"] if tokens else []
    return ", ".join([*said, paid] if (paid := cost(column.usage)) else said)


def _lines(found: SideBySide, row: MetricRow, shown: range) -> Iterator[tuple[str, ...]]:
    """Yield the lines of one metric: rate, interval, denominator, what was left out, change."""
    cells = [_cell(row.cells[i]) for i in shown]
    changes = [_change(row.changes[i]) for i in shown]
    yield row.suite, *(cell[0] for cell in cells)
    yield f"  {row.metric}, {row.good} is good", *(cell[1] for cell in cells)
    yield "  hits / trials", *(cell[2] for cell in cells)
    if any(cell[3] for cell in cells):
        yield "  left out", *(cell[3] for cell in cells)
    if found.baseline is not None and any(any(change) for change in changes):
        yield "  change", *(change[0] for change in changes)
        yield "  95 % interval", *(change[1] for change in changes)
        yield "  p (Holm)", *(change[2] for change in changes)
    yield ("",) * (1 + len(cells))


def _cell(found: SuiteResult | None) -> tuple[str, str, str, str]:
    from shipworthy.evals.suite_result import cells

    if found is None:
        return "not measured", "", "", ""
    _, _, rate, between, trials, _, errors, missing = cells(found)
    out = [f"{errors} unscored"] if errors != "0" else []
    out += [f"{found.inapplicable:,} never possible"] if found.inapplicable else []
    return rate, between, trials, ", ".join(out + ([f"{missing} not made"] if missing != "0" else []))


def _change(row: MetricChange | None) -> tuple[str, str, str]:
    from shipworthy.cli._compare import measured

    if row is None:
        return "", "", ""
    _, _, change, between = measured(row)
    return change, between, ("< 0.0001" if row.adjusted < 0.0001 else f"{row.adjusted:.4f}") + f" {row.verdict}"


def _explained(found: SideBySide) -> Iterator[str]:
    from shipworthy.evals.compare import apart

    yield "Rates are means over samples with two-sided 95 % intervals, each by itself."
    if found.baseline is None:
        yield "Beside each other they are no comparison: --baseline RUN compares in pairs."
    else:
        name = found.columns[found.baseline].name
        yield f"Changes are against {name}, paired; p-values are corrected over the table."
        yield "A shift of a whole run, such as a bad day, cannot be told from a change."
        yield from apart(change for row in found.rows for change in row.changes if change is not None)
    yield "The best of several looks better than it is: measure it again, on a fresh draw."


def _marked(answer: ColumnAnswer) -> str:
    if answer.outcome != "scored":
        return f"[{answer.outcome or 'not made'}]"
    return f"[{', '.join(answer.hits) or '-'}]"


def document(found: SideBySide, places: Sequence[PlanPlace], suite: str | None, left: int) -> DocumentTree:
    """Return the table as a report's tree."""
    from shipworthy.core.document import Callout, DocumentTree, Facts, Paragraph, Section, Table

    columns = ("suite", "metric", *(column.name for column in found.columns))
    numeric = tuple(range(2, len(columns)))
    rates = Table(columns, tuple(line for row in found.rows for line in _rows(row)), numeric=numeric)
    ran = ((c.name, f"{c.run}, subject {c.subject[:19]}, {c.made:,} attempts", _took(c)) for c in found.columns)
    runs = Facts(tuple((name, ", ".join(filter(None, said))) for name, *said in ran))
    notes: list[Block] = [Callout(warning, "unsure") for warning in found.warnings]
    children: list[Block] = [*notes, rates, Paragraph(" ".join(_explained(found))), Section("Runs", (runs,), id="runs")]
    if suite:
        more = [Paragraph(f"{left:,} more are not shown.")] if left > 0 else []
        children.append(Section(f"Answers: {suite}", (_answers(found, places), *more), id="answers"))
    return DocumentTree("Side by side", tuple(children), subtitle=", ".join(column.name for column in found.columns))


def _rows(row: MetricRow) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one metric, what is second below what is first."""
    cells, changes = [_cell(cell) for cell in row.cells], [_change(change) for change in row.changes]
    yield row.suite, f"{row.metric}\n{row.good} is good", *(f"{rate}\n{between}" for rate, between, _, _ in cells)
    out = any(cell[3] for cell in cells)
    yield "", "hits / trials" + ("\nleft out" if out else ""), *(f"{trials}\n{left}" for _, _, trials, left in cells)
    if any(any(change) for change in changes):
        yield "", "change\n95 % interval", *(f"{change}\n{between}" for change, between, _ in changes)
        yield "", "p (Holm)", *(p for _, _, p in changes)


def _answers(found: SideBySide, places: Sequence[PlanPlace]) -> Table:
    from shipworthy.core.document import Table

    rows = tuple(
        (f"{place.sample}\n{place.attack}", *(f"{' '.join(a.text.split())}\n{_marked(a)}" for a in place.answers))
        for place in places
    )
    return Table(("sample", *(column.name for column in found.columns)), rows)


def _csv(found: SideBySide, places: Sequence[PlanPlace], suite: str | None) -> str:
    """Return one line for each cell, or for each answer: what a spreadsheet pivots."""
    from shipworthy.core.cells import sheet_of
    from shipworthy.core.terminal import visible

    if suite:
        header = ("suite", "sample", "attack", "number", "column", "attempt", "outcome", "hits", "answer")
        lines = [
            (
                *(suite, place.sample, place.attack, str(place.number), column.name, a.attempt, a.outcome),
                # What a target answered may be read on a terminal, which obeys control characters.
                *(" ".join(a.hits), visible(a.text)),
            )
            for place in places
            for column, a in zip(found.columns, place.answers, strict=True)
        ]
        return sheet_of([header, *lines])
    columns = ("suite", "metric", "column", "run", "rate", "interval", "trials", "left out", "change", "interval of the change", "p (Holm)")  # fmt: skip  # noqa: E501
    rows = [
        (row.suite, row.metric, column.name, column.run, *_cell(cell), *_change(change))
        for row in found.rows
        for column, cell, change in zip(found.columns, row.cells, row.changes, strict=True)
    ]
    return sheet_of([columns, *rows])
