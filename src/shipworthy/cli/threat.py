"""Look through the catalogue of AI threats, and see what of it fits your system."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option


@click.group("threat")
def command() -> None:
    """Look through the catalogue of AI threats, and see what of it fits your system."""


@command.command("list")
@click.option("--component", metavar="KIND", help="Only threats to this kind of component, such as `tool`.")
@click.option("--untested", is_flag=True, help="Only those that no suite of the library tests.")
@form_option
def list_(component: str | None, untested: bool, form: str) -> None:
    """List the catalogue."""
    from shipworthy.cli._tables import listing
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.workspace.catalogue import catalogue

    known = sorted({kind for entry in catalogue().values() for kind in entry.components})
    if component is not None and component not in known:
        raise UsageError(f"no threat of the catalogue is to a {component!r}: {did_you_mean(component, known)}")
    rows = [
        {
            "threat": entry.id, "title": entry.title, "components": ", ".join(entry.components),
            "takes": entry.capability,
            "tested_by": f"{entry.tested_by.suite}: {entry.tested_by.metric}" if entry.tested_by else "none",
        }
        for entry in catalogue().values()
        if (component is None or component in entry.components) and not (untested and entry.tested_by)
    ]  # fmt: skip
    click.echo(listing(rows, form, ("threat", "title", "components", "takes", "tested_by"), empty="none"))


@command.command()
@click.argument("id", metavar="ID")
@form_option
def show(id: str, form: str) -> None:
    """Show one threat of the catalogue, such as AIT-indirect-injection."""
    import json
    import textwrap

    from shipworthy.cli._tables import WIDTH
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.workspace.catalogue import catalogue

    entry = catalogue().get(id)
    if entry is None:
        raise UsageError(f"the catalogue has no threat {id!r}: {did_you_mean(id, list(catalogue()))}")
    if form == "json":
        click.echo(json.dumps(entry.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    tested = f"{entry.tested_by.suite} ({entry.tested_by.metric})" if entry.tested_by else f"none: {entry.untested}"
    click.echo(f"{entry.id}  {entry.title}\n\n{textwrap.fill(entry.text, WIDTH)}\n")
    for name, value in (
        ("vector", entry.vector), ("where", "; ".join(entry.preconditions)),
        ("components", ", ".join(entry.components)), ("takes", entry.capability),
        ("refs", ", ".join(entry.refs)), ("controls", "; ".join(entry.controls)),
        ("tested by", tested),
    ):  # fmt: skip
        click.echo(textwrap.fill(f"{name:<11} {value}", WIDTH, subsequent_indent=" " * 12))


@command.command()
@workspace_option
@form_option
@allow_code_option
def suggest(workspace: Path, form: str, allow_code: bool) -> None:
    """Propose threats of the catalogue for the workspace's components, each with its reason.

    It prints YAML that you may paste into threats.yaml, and changes no file. What the files do not say of a component
    (who can write to it, what data it holds) is taken as open, and the reason says so. An entry that one of your
    threats names under `catalogue` is covered, and not proposed.
    """
    import json

    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.suggest import as_yaml, suggest

    graph = Workspace.load(workspace, allow_code=allow_code).graph
    found = suggest(graph)
    if form == "text":
        click.echo(as_yaml(found, graph.of_kind("threat")), nl=False)
        return
    body = {
        "suggestions": [
            {**one.entry.model_dump(mode="json"), "because": dict(one.components), "assumed": one.assumed,
             "attackers": list(one.attackers)}
            for one in found.suggestions
        ],
        "covered": [
            {"id": one.entry.id, "threats": list(one.threats), "fits": one.fits, "unnamed": list(one.unnamed)}
            for one in found.covered
        ],
    }  # fmt: skip
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))
