"""Say what workspaces may do: run code that they name, start commands, send your credentials somewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.core.grants import Grants


@click.group(no_args_is_help=True)
def command() -> None:
    """Say what workspaces may do: run code that they name, start commands, send your credentials somewhere.

    A workspace comes from elsewhere, as a pull request does. What it names runs, and a credential leaves this machine,
    only if you allowed it here. It is kept in your configuration folder, or where SHIPWORTHY_GRANTS says, never in a
    workspace.
    """


@command.command()
@click.argument("call", metavar="MODULE[:FUNCTION]")
def code(call: str) -> None:
    """Let workspaces name MODULE:FUNCTION as the system under test, or anything in MODULE."""
    file = _change(lambda grants: grants.and_code(call))
    click.echo(f"workspaces may run {call}; kept in {file}")


@command.command()
@click.argument("reference", metavar="REFERENCE")
@click.argument("place", metavar="PLACE")
def key(reference: str, place: str) -> None:
    """Let workspaces send the credential REFERENCE (env:NAME or file:PATH) to PLACE.

    PLACE is a host (api.example.com, or 127.0.0.1:8000 for one port of it), a provider of the target `providers`, or
    `facts` for a value that is only looked for in answers and goes nowhere. Leave for a host does not cover what would
    let others on the way read the credential: plain_http:HOST allows it to be sent unencrypted, and
    ca_file:HOST under a certificate of an authority that the workspace names.
    """
    file = _change(lambda grants: grants.and_key(reference, place))
    click.echo(f"workspaces may send {reference} to {place}; kept in {file}")


@command.command("command")
@click.option("--in", "folder", metavar="FOLDER", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of the gateway's file; leave for it covers no other.")  # fmt: skip  # noqa: E501
@click.argument("line", metavar="[NAME=REFERENCE]... PROGRAM [ARGUMENTS]...", nargs=-1, required=True)
def command_(folder: Path, line: tuple[str, ...]) -> None:
    """Let a gateway's file in FOLDER start a command: an MCP server of its own.

    Variables before the program are credentials that it gets, by reference. Leave is for exactly this line; put `--`
    before it.
    """
    import shlex

    whole = shlex.join(line)
    file = _change(lambda grants: grants.and_command(folder.resolve(), whole))
    click.echo(f"files in {folder.resolve()} may start {whole}; kept in {file}")


@command.command()
@click.argument("what", metavar="WHAT")
def remove(what: str) -> None:
    """Take back WHAT: code, a command as `list` shows it, or a credential with all its places."""
    _change(lambda grants: grants.without(what))
    click.echo(f"no longer allowed: {what}")


def _change(how: Callable[[Grants], Grants]) -> Path:
    """Change what is allowed and return the file that holds it."""
    from shipworthy.core.grants import Grants
    from shipworthy.core.settings import Settings

    file = Settings.load().grants_file
    how(Grants.load(file)).save(file)
    return file


@command.command("list")
@form_option
def list_(form: str) -> None:
    """List what you allowed."""
    from shipworthy.cli._tables import listing
    from shipworthy.core.grants import Grants
    from shipworthy.core.settings import Settings

    file = Settings.load().grants_file
    grants = Grants.load(file)
    rows = [{"kind": "code", "what": call, "place": None} for call in sorted(grants.code)]
    rows += [{"kind": "command", "what": whole, "place": None} for whole in sorted(grants.commands)]
    rows += [
        {"kind": "key", "what": key, "place": place}
        for key in sorted(grants.keys)
        for place in sorted(grants.keys[key])
    ]
    click.echo(listing(rows, form, ("kind", "what", "place"), empty=f"nothing is allowed in {file}"))


@command.command()
@workspace_option
@click.option("--yes", is_flag=True, help="Allow all of it without being asked.")
def review(workspace: Path, yes: bool) -> int:
    """Show what a workspace wants and you have not allowed, and allow each or not.

    Exit codes: 0 it may do all that it wants, 2 not all of it.
    """
    from shipworthy.core.errors import WorkspaceError
    from shipworthy.core.grants import Grants
    from shipworthy.core.settings import Settings
    from shipworthy.workspace.load import Workspace

    file = Settings.load().grants_file
    loaded, problems = Workspace.inspect(workspace)  # its own plug-ins are not needed to see what it asks for
    if loaded is None:
        raise WorkspaceError(problems)
    refused = 0
    for want in loaded.wants:
        grants = Grants.load(file)
        if want.granted(grants, allow_code=False):
            continue
        wish = f"run {want.what}" if want.kind == "code" else f"send {want.what} to {want.place}"
        click.echo(f"{want.where.file}:{want.where.line}: wants to {wish}")
        if want.inside:  # its text can change after leave was given
            click.echo(f"  no leave is kept for that: {want.where.hint}")
            refused += 1
        elif yes or click.confirm("Allow it, in every workspace?", default=False):
            _change(want.allowed)
        else:
            refused += 1
    click.echo(f"{refused} not allowed" if refused else "this workspace may do all that it wants")
    return 2 if refused else 0
