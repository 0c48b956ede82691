"""Assess a product that is new to you: inventory, coverage map, the ten greatest risks, and the gaps.

Exit codes: 0 nothing that blocks a release is missing, 1 something is, 2 the files are wrong.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, workspace_option


@click.command("assess")
@workspace_option
@click.option(
    "--format", "form", type=click.Choice(["markdown", "json", "html"]), default="markdown", show_default=True
)
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@allow_code_option
def command(workspace: Path, form: str, output: Path | None, allow_code: bool) -> int:
    """Say what is there of a product and what is not, from its files and from what was decided on it.

    It measures nothing and changes nothing. Each gap says how it is closed: the file to write, or the command.
    """
    import json

    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.cli._chain import look
    from shipworthy.cli._reports import write_text
    from shipworthy.cli.check import look as check
    from shipworthy.core.errors import WorkspaceError
    from shipworthy.evidence.assessment import assess, page
    from shipworthy.reports import html, markdown

    _, problems, warnings = check(workspace, allow_code=allow_code)
    if problems:
        raise WorkspaceError(list(problems))
    looked = look(workspace, allow_code=allow_code)
    found = assess(looked.workspace, looked.standings.criteria, looked.risks, warnings, looked.now)
    if form == "json":
        body = {
            "system": looked.workspace.system.id,
            "inventory": {kind: list(ids) for kind, ids in found.inventory.items()},
            "coverage": {"critical": found.cells.critical, "covered": found.cells.covered,
                         "cells": [cell._asdict() for cell in found.cells.cells]},
            "top_risks": [risk._asdict() for risk in found.risks],
            "gaps": [gap._asdict() for gap in found.gaps],
        }  # fmt: skip
        text = json.dumps(body, indent=2, ensure_ascii=False)
    else:
        document = page(looked.workspace, found, looked.standings.criteria, looked.now)
        text = (html if form == "html" else markdown).page(document)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_text(output, text)
        click.echo(f"{output}: {len(found.gaps)} gaps")
    return NO_SHIP if any(gap.weight == 1 for gap in found.gaps) else SHIP
