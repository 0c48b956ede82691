"""Print the JSON Schema of a safety file, for an editor.

What a schema cannot know (links, plug-ins, metrics, catalogues) `shipworthy check` does.
"""

from __future__ import annotations

import click

from shipworthy.cli._options import form_option


@click.command()
@click.argument("name", metavar="[NAME]", default="workspace")
@click.option("--list", "listed", is_flag=True, help="List the names instead.")
@form_option
def command(*, name: str, listed: bool, form: str) -> None:
    """Print the JSON Schema (draft 2020-12) of NAME: `workspace` is any file with sections.

    `suite`, `guards` and `policy` are the other files; the rest are single entities, such as `risk`. A schema is JSON
    whatever `--format` says; a list is text or JSON.
    """
    import json

    from shipworthy.workspace.schema import names, schema_of

    if not listed:
        click.echo(json.dumps(schema_of(name), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(names()) if form == "text" else json.dumps(names(), indent=2))
