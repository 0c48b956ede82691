"""Show many products at once: coverage, decisions, residual risk, and what is stale or expired.

Exit codes: 0 nothing is wrong, stale or expired, 1 something is.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("portfolio")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown", "html"]), default="text", show_default=True
)
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.option("--allow-code", is_flag=True, help="Run the code that the workspaces bring or name.")
def command(paths: tuple[Path, ...], form: str, output: Path | None, allow_code: bool) -> int:
    """Show every workspace among PATH... and below: a row each, also where its files are wrong.

    Read are decisions, manifests and audit logs, whose chains are verified; no run log is, and no model is asked.
    """
    import json
    from datetime import UTC, datetime

    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.cli._reports import write_text
    from shipworthy.cli._tables import table
    from shipworthy.evidence.portfolio import COLUMNS, cells_of, page, portfolio, workspaces
    from shipworthy.reports import html, markdown

    now = datetime.now(UTC)
    rows = portfolio(workspaces(paths), now, allow_code=allow_code)
    if form == "json":
        body = {"at": now.isoformat(timespec="seconds"), "products": [row._asdict() for row in rows]}
        text = json.dumps(body, indent=2, ensure_ascii=False)
    elif form == "text":
        text = table(COLUMNS, [cells_of(row) for row in rows])
    else:
        text = (html if form == "html" else markdown).page(page(rows, now))
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_text(output, text)
        click.echo(f"{output}: {len(rows)} products, {sum(not row.clean for row in rows)} with something to look at")
    return SHIP if all(row.clean for row in rows) else NO_SHIP
