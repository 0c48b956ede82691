"""Follow the chain of ids: why a thing is there, what is done about it, and what shows that it holds.

Exit code 0; 2 where there is no such id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, shown_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.cli._chain import Looked
    from shipworthy.evidence.why import Why


@click.group("trace")
def command() -> None:
    """Follow the chain of ids: why a thing is there, what is done about it, and what shows that it holds."""


@command.command()
@workspace_option
@click.argument("id", metavar="ID")
@shown_option
@allow_code_option
def why(workspace: Path, id: str, form: str, allow_code: bool) -> None:
    """Say why ID is there, and what is done about it, with the evidence that stands today.

    ID is of anything in the files (RK-, RQ-, CR-, THR-, CMP-, a suite, ...), a decision or a run. It reads decisions
    and manifests and no run log, so it takes as long with 100,000 attempts as with ten.
    """
    import json

    from shipworthy.cli._chain import look, tree_rows

    looked = look(workspace, allow_code=allow_code)
    found = list(_why(looked, id))
    if form == "json":
        body = [{**one.thing._asdict(), "up": tree_rows(one.up), "down": tree_rows(one.down)} for one in found]
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    for one in found:
        for line in _told(one, form):
            click.echo(line)


def _why(looked: Looked, id: str) -> Iterator[Why]:
    from shipworthy.evidence.why import nodes_named

    layout, chain = looked.layout, looked.chain
    if id.startswith("DEC-"):
        yield chain.of_decision(layout.load_decision(id))
    elif id.startswith("RUN-"):
        name = layout.run_directory(id).name
        yield chain.of_run(name, [layout.load_decision(one) for one in layout.decision_ids()])
    else:
        for node in nodes_named(looked.workspace.graph, id):
            yield chain.why(node)


def _told(one: Why, form: str) -> Iterator[str]:
    from shipworthy.cli._chain import tree_lines

    yield from tree_lines([one.thing], form, 0)
    for title, links in (("because of", one.up), ("what is done and shown", one.down)):
        yield f"\n### {title.capitalize()}\n" if form == "markdown" else f"\n{title}:"
        yield from tree_lines(links, form) if links else ["  nothing"]


@command.command()
@workspace_option
@shown_option
@allow_code_option
def tree(workspace: Path, form: str, allow_code: bool) -> None:
    """Print every risk with what leads to it, what is done about it, and what shows that it holds."""
    import json

    from shipworthy.cli._chain import look, tree_lines, tree_rows

    looked = look(workspace, allow_code=allow_code)
    chain, risks = looked.chain, looked.workspace.graph.of_kind("risk").values()
    found = [chain.why(node) for node in risks]
    if form == "json":
        body = [{**one.thing._asdict(), "up": tree_rows(one.up), "down": tree_rows(one.down)} for one in found]
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    for one in found:
        for line in tree_lines([one.thing._replace(below=one.down)], form, 0):
            click.echo(line)
    if not found:
        click.echo("no risk is written down: risks.yaml")


@command.command()
@workspace_option
@shown_option
@allow_code_option
def matrix(workspace: Path, form: str, allow_code: bool) -> None:
    """Print a line for each risk, requirement and criterion: threats, controls, verdict and the decision behind it."""
    import json

    from shipworthy.cli._chain import look
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.evidence.matrix import matrix_rows

    looked = look(workspace, allow_code=allow_code)
    found = matrix_rows(looked.workspace.graph, looked.standings.criteria)
    if form == "json":
        click.echo(json.dumps([row._asdict() for row in found], indent=2, ensure_ascii=False))
        return
    columns = ("risk", "threats", "requirement", "controls", "monitors", "criterion", "suite", "evidence", "decision")
    rows = [
        (
            row.risk or "none", ", ".join(row.threats) or "-", row.requirement or "NONE",
            ", ".join(row.controls) or "-", ", ".join(row.monitors) or "-", row.criterion or "NONE", row.suite or "-",
            row.evidence, row.decision or "-",
        )
        for row in found
    ]  # fmt: skip
    shown = markdown_table if form == "markdown" else table
    click.echo(shown(columns, rows) if rows else "no risk and no requirement is written down")


@command.command()
@workspace_option
@click.argument("which", type=click.Choice(["flow", "case"]))
@click.option("--format", "form", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True)
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@allow_code_option
def diagram(workspace: Path, which: str, form: str, output: Path | None, allow_code: bool) -> None:
    """Draw the data flow with its trust boundaries, or the safety case as a goal structure (GSN).

    Both are derived from the links and show what is missing: flows are what components say under `sends_to`, the case
    is risks, requirements and criteria with the evidence that stands.
    """
    from shipworthy.cli._chain import look
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.diagrams.data_flow import data_flow
    from shipworthy.evidence.diagrams.drawing import as_mermaid
    from shipworthy.evidence.diagrams.safety_case import safety_case
    from shipworthy.evidence.diagrams.svg import as_svg

    looked = look(workspace, allow_code=allow_code)
    graph = looked.workspace.graph
    if which == "flow":
        drawing = data_flow(graph)
    else:
        drawing = safety_case(graph, looked.standings.criteria, {risk.risk: risk for risk in looked.risks})
    text = as_svg(drawing) if form == "svg" else as_mermaid(drawing)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"{output}: {len(drawing.boxes):,} boxes, {len(drawing.arrows):,} arrows")


@command.command()
@workspace_option
@click.option("--by", metavar="NAME", required=True, help="Who has read them.")
@click.option("--all", "all_", is_flag=True, help="Also links whose end is as it was when they were reviewed.")
@allow_code_option
def review(workspace: Path, by: str, all_: bool, allow_code: bool) -> None:
    """Print the links that nobody has reviewed, or whose end changed since, as a review that you may paste.

    Read both ends of each link first: the review says that you have. `shipworthy check` warns when the end of a
    reviewed link changes.
    """
    import json

    from shipworthy.workspace.kinds.review import latest, link_digest, link_name, reviewable, suspect
    from shipworthy.workspace.load import Workspace

    graph = Workspace.load(workspace, allow_code=allow_code).graph
    known, stale = latest(graph), {link_name(edge) for edge, _ in suspect(graph)}
    edges = [e for e in reviewable(graph) if all_ or link_name(e) in stale or link_name(e) not in known]
    if not edges:
        click.echo("# every link was reviewed, and no end changed since")
        return
    today = datetime.now(UTC).date()
    taken, number = set(graph.of_kind("review")), 1
    while (name := f"RV-{today}-{number}") in taken:
        number += 1
    click.echo(f"reviews:\n  - id: {name}\n    by: {json.dumps(by, ensure_ascii=False)}\n    on: {today}\n    links:")
    for edge in edges:
        note = "  # changed since it was reviewed" if link_name(edge) in stale else ""
        click.echo(f'      {link_name(edge)}: "{link_digest(graph, edge)}"{note}')
