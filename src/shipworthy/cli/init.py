"""Start a workspace: the safety files, from a template.

Writes into a new or an empty folder, and never overwrites a file.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from shipworthy.cli._again import Again


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--template", metavar="NAME", default="helpdesk-rag", show_default=True, help="Which; see above.")
def command(folder: Path, template: str) -> None:
    """Write the safety files of a new workspace into DIR.

    helpdesk-rag is a complete small product to learn on; agent-mail is an agent with tools behind a policy; minimal is
    for an endpoint of your own. Complete, with a local target that a verdict is reached on, are also chat-assistant,
    rag-copilot, tool-agent, support-automation, code-assistant, high-stakes-advice and image-feature.
    """
    from shipworthy.workspace.scaffold import scaffold

    made = scaffold(folder, template)
    click.echo(f"{len(made)} files in {folder} (template {template}); its README.md explains each")
    here = os.path.realpath(folder) == os.path.realpath(".")
    click.echo(f"Next:  {Again(Path() if here else folder).line('check')}")
