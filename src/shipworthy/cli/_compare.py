"""`shipworthy runs compare OLD NEW`: what changed between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import workspace_option

if TYPE_CHECKING:
    from shipworthy.core.document import DocumentTree, Tone
    from shipworthy.evals.compare import Comparison, MetricChange, SampleChange

FORMATS = ("text", "markdown", "html", "json")
_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "unclear": "plain", "not tested": "plain"}


class _Several(click.Command):
    """Takes several runs after one `--replicates`, up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        told: list[str] = []
        taking = False
        for place, arg in enumerate(args):
            if arg == "--replicates":
                taking = True
                # Kept where no run follows, so that click says what is missing.
                told += [arg] if args[place + 1 : place + 2] == [] or args[place + 1].startswith("-") else []
                continue
            taking = taking and not arg.startswith("-")
            told += ["--replicates", arg] if taking else [arg]
        return super().parse_args(ctx, told)


@click.command("compare", cls=_Several)
@workspace_option
@click.argument("old")
@click.argument("new", default="latest")
@click.option("--replicates", metavar="RUN [RUN ...]", multiple=True, help="Three or more further runs of the old system; write them last.")  # fmt: skip  # noqa: E501
@click.option("--samples", "shown", metavar="N", type=click.IntRange(min=0), default=10, show_default=True, help="Changed samples to name for each metric.")  # fmt: skip  # noqa: E501
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def compare_command(*, workspace: Path, old: str, new: str, replicates: tuple[str, ...], shown: int, form: str) -> None:
    """Compare the run OLD with the run NEW, attempt by attempt, and name the samples that changed.

    Rates and means are paired and clustered by sample. Each suite's primary metric is tested first, its other metrics
    only where that one changed; p-values are corrected over all of them, so that two equal systems raise any alarm in
    at most one of twenty comparisons. "unclear" is not "the same".

    A shift of a whole run, such as a provider's bad day, looks like a change. `--replicates` names further runs of
    the old system, made with `eval --no-cache`: intervals and p-values then allow for such shifts.
    """
    from shipworthy.evals.compare import compare
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    before, after = Run.load(layout.run_directory(old)), Run.load(layout.run_directory(new))
    again = [Run.load(layout.run_directory(run)) for run in replicates]
    found = compare(after, before, replicates=again)
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif form == "text":
        click.echo(text(found, shown))
    else:
        from shipworthy.reports import html, markdown

        click.echo((html if form == "html" else markdown).page(document(found, shown)))


def text(found: Comparison, shown: int = 10) -> str:
    """Return a comparison as text: runs, warnings, a table, what it means, up to `shown` changed samples a metric."""
    from textwrap import wrap

    from shipworthy.cli._tables import table

    said = [f"{name} {what}" for name, what in _runs(found)]
    for warning in found.warnings:
        said += wrap(f"note: {warning}", 80, subsequent_indent="  ")
    if not found.rows:
        return "\n".join([*said, "", "the runs have no scored attempt in common"])
    lines = [line for row in found.rows for line in _lines(row)][:-1]
    said += ["", table(("", "old", "new", "change", ""), lines, right=(1, 2, 3)), ""]
    for sentence in (*_left(found), *found.meaning):
        said += wrap(sentence, 80)
    for row in found.rows:
        if row.changed and shown:
            said += ["", *_samples(row, shown)]
    return "\n".join(said)


def document(found: Comparison, shown: int = 10) -> DocumentTree:
    """Return a comparison as a report's tree."""
    from shipworthy.core.document import Block, Callout, DocumentTree, Facts, Paragraph, Section, Table

    rows = tuple(
        (
            f"{row.suite}\n{_named(row)}",
            *measured(row)[:2],
            "\n".join(measured(row)[2:]),
            f"{row.verdict}\n{_p(row)}",
            f"{row.trials:,}",
            f"{row.clusters:,}",
            f"{row.errors + row.unpaired:,}",
            *((_spread(row),) if found.replicates else ()),
        )
        for row in found.rows
    )
    columns = (
        "suite\nmetric",
        "old",
        "new",
        f"change\n{100 * found.confidence:g} % interval",
        "verdict\np (corrected)",
    )
    columns += ("pairs", "samples", "left out", *(("spread of old runs",) if found.replicates else ()))
    tones = tuple(_TONES[row.verdict] for row in found.rows)
    blocks: list[Block] = [Callout(warning, "unsure") for warning in found.warnings]
    if rows:
        blocks.append(Table(columns, rows, tones=tones, numeric=(1, 2, 3, 5, 6, 7, 8)[: len(columns) - 2]))
        blocks.append(Paragraph(" ".join((*_left(found), *found.meaning))))
    else:
        blocks.append(Paragraph("The runs have no scored attempt in common."))
    blocks.append(Section("Runs", (Facts(tuple(_runs(found))),), id="runs"))
    for row in found.rows:
        if row.changed and shown:
            head, *_ = _samples(row, shown)
            moved = tuple((change.sample, _moved(change, row)) for change in row.changed[:shown])
            title = f"{row.suite}: {row.metric}"
            blocks.append(Section(title, (Paragraph(f"{head}."), Table(("sample", "old -> new"), moved))))
    return DocumentTree("Two runs compared", tuple(blocks), subtitle=f"{found.old}, {found.new}")


def _runs(found: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what was compared: role and identity."""
    yield "old", f"{found.old}, subject {found.old_subject[:19]}"
    yield from (("replicate", f"{run}, of that subject") for run in found.replicates)
    if found.replicates:
        yield "spec", f"{found.old_spec[:19]}, of the old run and its replicates"
    yield "new", f"{found.new}, subject {found.subject[:19]}"


def _left(found: Comparison) -> Iterator[str]:
    for suite, metric in found.skipped:
        yield f"{suite} {metric}: no attempt that all runs scored, or not declared alike."


def _lines(row: MetricChange) -> Iterator[tuple[str, ...]]:
    """Yield the lines of one metric: rates, interval, what it is of, how much the old runs differ."""
    old, new, change, between = measured(row)
    yield row.suite, old, new, change, row.verdict
    yield f"  {_named(row)}", "", "", between, f"p {_p(row)}"
    left = row.errors + row.unpaired
    yield "  pairs, samples, left out", f"{row.trials:,}", f"{row.clusters:,}", f"{left:,}", ""
    if row.spread is not None:
        yield "  spread of the old runs", _spread(row), "", "", ""
    yield ("",) * 5


def _named(row: MetricChange) -> str:
    return f"{row.metric}, primary" if row.primary else row.metric


def _p(row: MetricChange) -> str:
    return "-" if row.verdict == "not tested" else "< 0.0001" if row.adjusted < 0.0001 else f"{row.adjusted:.4f}"


def _spread(row: MetricChange) -> str:
    """Return the standard deviation of the old runs' levels: of rates in points, of values in their unit."""
    from shipworthy.core.amount import amount

    spread = row.spread or 0.0
    return f"{100 * spread:.1f}" if row.kind == "event" else amount(spread, row.unit)


def measured(row: MetricChange) -> tuple[str, str, str, str]:
    """Return old, new, change and its interval: rates in percent and points, values in their unit."""
    if row.kind == "event":
        change = f"{100 * row.difference:+.1f}", f"{100 * row.low:+.1f} to {100 * row.high:+.1f}"
        return f"{100 * row.old_rate:.1f} %", f"{100 * row.new_rate:.1f} %", *change
    from shipworthy.core.amount import amount

    between = f"{amount(row.low, signed=True)} to {amount(row.high, row.unit, signed=True)}"
    return (
        amount(row.old_rate, row.unit),
        amount(row.new_rate, row.unit),
        amount(row.difference, row.unit, signed=True),
        between,
    )


def _samples(row: MetricChange, shown: int) -> Iterator[str]:
    more = sum(change.new > change.old for change in row.changed)
    samples = "sample" if more == 1 else "samples"
    what = ("with more hits", "with fewer") if row.kind == "event" else ("with a higher mean", "with a lower one")
    yield f"{row.suite} {row.metric}: {more:,} {samples} {what[0]}, {len(row.changed) - more:,} {what[1]}"
    for change in row.changed[:shown]:
        yield f"  {change.sample:<28} {_moved(change, row)}"
    if len(row.changed) > shown:
        yield f"  and {len(row.changed) - shown:,} more: --samples {len(row.changed)} names all"


def _moved(change: SampleChange, row: MetricChange) -> str:
    if row.kind == "event":
        return f"{change.old:.0f} -> {change.new:.0f} of {change.trials}"
    from shipworthy.core.amount import amount

    old, new = change.old / change.trials, change.new / change.trials
    return f"{amount(old, beside=new)} -> {amount(new, row.unit, old)} ({change.trials})"
