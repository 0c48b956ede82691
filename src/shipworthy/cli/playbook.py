"""Playbooks: how to mitigate a kind of failure, and how to measure that it helped."""

from __future__ import annotations

import click

from shipworthy.cli._options import form_option


@click.group("playbook", no_args_is_help=True)
def command() -> None:
    """Playbooks: how to mitigate a kind of failure, and how to measure that it helped."""


@command.command("list")
@form_option
def list_(form: str) -> None:
    """List the playbooks, and when each is for."""
    from shipworthy.cli._tables import listing
    from shipworthy.evidence.playbooks import playbooks

    rows = [
        {"playbook": one.id, "title": one.title, "when": one.when.replace("\n", " ")} for one in playbooks().values()
    ]
    click.echo(listing(rows, form, ("playbook", "title", "when"), empty=""))


@command.command()
@click.argument("playbook")
@form_option
def show(*, playbook: str, form: str) -> None:
    """Print PLAYBOOK, as Markdown."""
    import json

    from shipworthy.evidence.playbooks import playbook_named

    one = playbook_named(playbook)
    click.echo(json.dumps(one._asdict(), indent=2) if form == "json" else one.text.rstrip())
