"""Show which risk on which journey is measured, and how much of what is critical is covered today.

Exit code 0 whatever is covered.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, shown_option, workspace_option


@click.command()
@workspace_option
@shown_option
@allow_code_option
def command(workspace: Path, form: str, allow_code: bool) -> None:
    """Print the journey x risk matrix.

    A cell is covered if a criterion of a requirement against the risk has evidence that stands: a decided run on the
    files and the system as they are now, not older than 30 days, on as many samples as the criterion asks for. The
    share of the critical cells that are covered is a census, so it has no interval.
    """
    import json

    from shipworthy.cli._chain import look
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.evidence.covered import covered

    looked = look(workspace, allow_code=allow_code)
    found = covered(looked.workspace.graph, looked.standings.criteria, looked.now)
    share = "no journey is critical" if found.share is None else f"{100 * found.share:.0f} %"
    if form == "json":
        body = {
            "critical_cells": found.critical, "covered": found.covered, "share": found.share,
            "cells": [cell._asdict() for cell in found.cells],
        }  # fmt: skip
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    columns = ("journey", "critical", "risk", "suites", "covered", "by, or why not")
    rows = [
        (
            cell.journey, "yes" if cell.critical else "no", cell.risk, ", ".join(cell.suites) or "none",
            "yes" if cell.covered else "NO" if cell.critical else "no", ", ".join(cell.criteria) or cell.gap,
        )
        for cell in found.cells
    ]  # fmt: skip
    shown = markdown_table if form == "markdown" else table
    click.echo(shown(columns, rows) if rows else "no risk is on a journey: name journeys in risks.yaml")
    click.echo(f"\nCovered of the critical cells: {found.covered} of {found.critical} ({share})")
