"""List the risks, and what is left of each by the evidence that stands.

Exit code 0 whatever is left: `shipworthy gate` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, shown_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.store.layout import Layout


@click.command()
@workspace_option
@click.option("--top", metavar="N", type=click.IntRange(1), help="Only the N greatest.")
@shown_option
@allow_code_option
def command(workspace: Path, top: int | None, form: str, allow_code: bool) -> None:
    """Print the risk register, the greatest first.

    Inherent risk is the severity's weight (S1 100, S2 30, S3 5, S4 1) times likelihood / 5. Residual risk is that times
    the rate at which the worst of its criteria failed, at its bound, with the interval beside it: in the newest decided
    run on the files and the system as they are now. Where a criterion has no such run, it is the inherent one, and says
    why. Where people's labels audit a criterion, its rate is divided by the least share of known answers that these
    people find (`shipworthy labels oversight`); with too few known answers, that it is not known is said.
    """
    import json

    from shipworthy.cli._chain import look
    from shipworthy.cli._tables import markdown_table, table

    found = look(workspace, allow_code=allow_code)
    lines = found.risks[:top]
    if form == "json":
        click.echo(json.dumps([line._asdict() for line in lines], indent=2, ensure_ascii=False))
        return
    columns = ("risk", "severity", "likelihood", "inherent", "residual", "interval", "owner", "rests on", "accepted by")
    rows = [
        (
            f"{line.risk} {line.title}", line.severity, str(line.likelihood), f"{line.inherent:.1f}",
            f"{line.residual:.1f}" if line.measured else f"{line.residual:.1f} (inherent)",
            f"[{line.low:.1f}, {line.high:.1f}]" if line.measured else "-",
            line.owner or "nobody", line.basis, ", ".join(line.waivers) or "-",
        )
        for line in lines
    ]  # fmt: skip
    shown = markdown_table if form == "markdown" else table
    click.echo(shown(columns, rows, right=(2, 3)) if rows else "no risk is written down: risks.yaml")
    for line in _signers(found.layout):
        click.echo(f"\n{line}")


def _signers(layout: Layout) -> Iterator[str]:
    """Yield how well those read who sign off, and so take what is left: of all of them together."""
    from shipworthy.release.rehearsal import read_reviewed
    from shipworthy.stats import rate_interval

    said = [one.said == "reject" for one in read_reviewed(layout) if one.right == "reject"]
    if said:
        found = rate_interval([int(one) for one in said], [1] * len(said))
        yield (
            f"Who signs off takes what is left: of made-up candidates that something blocks, {found.hits:,} of "
            f"{found.trials:,} were rejected, at least {100 * found.low:.0f} % with 95 % confidence "
            "(`shipworthy release oversight`)."
        )
