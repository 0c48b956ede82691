"""`shipworthy runs transfer`: how far a rate holds outside the conditions it was measured under."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.results import Run
    from shipworthy.evals.transfer import Transfer, TransferRow
    from shipworthy.store.layout import Layout


@click.command("transfer")
@workspace_option
@click.argument("product")
@click.argument("conditions", nargs=-1, required=True)
@click.option("--enter/--no-enter", default=False, help="Enter it in the audit log: decisions on these runs' files and subjects then say it beside their rates.")  # fmt: skip  # noqa: E501
@form_option
@allow_code_option
def transfer_command(
    *, workspace: Path, product: str, conditions: tuple[str, ...], enter: bool, form: str, allow_code: bool
) -> None:
    """Show beside each rate of the run PRODUCT what the same cases gave under other CONDITIONS, paired.

    PRODUCT is a run of the product in its own wrapper; the others are runs of the same plan, bare or marked as a test
    (a target `framed`). `eval --target default --target cued --target bare` makes all of them at once. The gap stands
    with its interval, clustered by sample; "differs" is said where a test says so that is corrected over the whole
    table. No gap shown is no proof that there is none: look at the interval.

    With --enter the audit log holds it. A decision on the product, or on one of the conditions, then says by how much
    its rate differs, of each condition the last word that was entered.
    """
    from shipworthy.cli._side_by_side import run_names
    from shipworthy.evals.results import Run
    from shipworthy.evals.transfer import transfer
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    runs = [Run.load(layout.run_directory(name), marks=True) for name in (product, *conditions)]
    names = run_names(workspace, runs, allow_code)
    found = transfer(runs[0], list(zip(names[1:], runs[1:], strict=True)))
    if enter:
        number = _entered(layout, found, runs)
        click.echo(f"entered in the audit log as number {number}", err=True)
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    click.echo("\n".join(_lines(found)))


def _entered(layout: Layout, found: Transfer, runs: list[Run]) -> int:
    from shipworthy.core.errors import UsageError
    from shipworthy.core.transferred import transfer_of
    from shipworthy.evals.imports.bring import IMPORTED
    from shipworthy.evals.transfer import entry_of
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.transfers import add_transfer

    for run in runs:
        if run.manifest.plan.startswith(IMPORTED):
            raise UsageError(f"{run.id} was brought in from another tool: no decision rests on it")
        if not run.finished.yes:
            raise UsageError(f"{run.id} is not finished: {run.finished.why}")
    made = entry_of(found, runs)
    body = {name: value for name, value in made._asdict().items() if name != "entry"}
    transfer_of(0, body)  # what a decision could not read is never entered
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        return add_transfer(audit, made).entry


def _lines(found: Transfer) -> Iterator[str]:
    from shipworthy.cli._tables import table
    from shipworthy.core.amount import level

    heads = ("suite, metric", "under", "there", "in the product", "gap", "95 % interval", "samples")
    rows = []
    for row in found.rows:
        gap, between = _gap(row)
        rate, product = (level(value, row.kind, row.unit) for value in (row.rate, row.product))
        rows.append((f"{row.suite}, {row.metric}", row.condition, rate, product, gap, between, f"{row.clusters:,}"))
    yield table(heads, rows, right=(2, 3, 4, 6))
    yield f"\nRates and gaps are of {found.estimand}."
    yield from (f"note: {warning}" for warning in found.warnings)
    for row in found.rows:
        if row.transfers is False:
            said = "measured under " + row.condition + "; in the product it differs by " + " ".join(_gap(row))
            yield f"{row.suite}, {row.metric}: {said}"
    if all(row.transfers is None for row in found.rows):
        yield "No gap is shown. That is no proof that there is none: look at the intervals."


def _gap(row: TransferRow) -> tuple[str, str]:
    scale, unit, digits = (100, " points", 1) if row.kind == "event" else (1, f" {row.unit}".rstrip(), 3)
    gap, low, high = (f"{scale * value:+.{digits}f}" for value in (row.gap, row.low, row.high))
    return gap + unit, f"[{low}, {high}]"
