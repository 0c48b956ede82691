"""Serve a model behind guards: the ones that were measured, on every byte that leaves."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shipworthy.cli._approvals import approvals
from shipworthy.cli._approvals import config_option as _config_option
from shipworthy.cli._options import form_option

if TYPE_CHECKING:
    from shipworthy.gateway.config import Config

F = TypeVar("F", bound=Callable[..., Any])


def _server_option(function: F) -> F:
    said = "The MCP server, as the gateway's file calls it."
    return click.option("--server", "server", metavar="NAME", required=True, help=said)(function)


def _lever_options(function: F) -> F:
    why = click.option("--why", metavar="TEXT", default="", help="Kept with it.")
    by = click.option("--by", metavar="NAME", default=None, help="Who does it; the user of this process if left out.")
    return click.argument("lever", metavar="LEVER")(_config_option(by(why(function))))


@click.group(subcommand_metavar="[COMMAND] [ARGS]...", invoke_without_command=True)
@click.option("--config", "config", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The gateway's file.")  # fmt: skip  # noqa: E501
@click.option("--check", is_flag=True, help="Check the file, print its guards' digest, and serve nothing.")
@click.pass_context
def command(ctx: click.Context, *, config: Path | None, check: bool) -> int | None:
    """Serve a model behind guards: the ones that were measured, on every byte that leaves.

    Ends on SIGTERM or Ctrl-C, once the requests in flight are answered. Changed files are read again by themselves.
    """
    if ctx.invoked_subcommand is not None:
        return None
    if config is None:
        raise click.UsageError("name the gateway's file: shipworthy gateway --config FILE")
    from shipworthy.gateway.active import Active
    from shipworthy.gateway.server import run

    read = _read(config)
    if check:
        active = Active(read)
        click.echo(active.digest)
        if active.policy is not None:
            click.echo(f"policy {active.policy.digest}")
        return 0
    return run(read, lambda line: click.echo(f"gateway: {line}", err=True))


@command.command()
@click.option("--share", metavar="SHARE", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of the traffic that it is pulled for, above 0 and at most 1, by client and session; all of it if left out.")  # fmt: skip  # noqa: E501
@click.option("--ring", metavar="RING", default="", help="Of clients that it is pulled for, as the gateway's file names it; all of them if left out.")  # fmt: skip  # noqa: E501
@_lever_options
def pull(*, config: Path, lever: str, by: str | None, why: str, share: float, ring: str) -> None:
    """Pull LEVER in every worker: `stop`, the kill switch, or one that the gateway's file names.

    Pull it again for a larger part; for a smaller one, release it first.
    """
    from shipworthy.gateway import levers

    levers.pull(_state(config, lever, ring), lever, by or getpass.getuser(), why, share=share, ring=ring)
    click.echo(f"{lever} is pulled")


@command.command()
@_lever_options
def release(*, config: Path, lever: str, by: str | None, why: str) -> None:
    """Let go of LEVER in every worker."""
    from shipworthy.gateway import levers

    levers.release(_state(config, lever, known=False), lever, by or getpass.getuser(), why)
    click.echo(f"{lever} is released")


@command.command()
@_config_option
@form_option
def levers(*, config: Path, form: str) -> None:
    """List the levers that are pulled, by whom and why."""
    import msgspec

    from shipworthy.gateway.levers import read

    found = read(_state(config, "", known=False))
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for pulled in found:
        click.echo(f"{pulled}\t{pulled.at}\t{pulled.by}\t{pulled.why}")


@command.command()
@click.argument("config", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@form_option
def digests(*, config: Path, form: str) -> None:
    """List the digests that the guards of the gateway's FILE have: as they are, and under each set of its levers.

    Evidence for the first is what its declared tightenings are tightenings of.
    """
    import json

    from shipworthy.cli._tables import table
    from shipworthy.gateway.decided import digests as listed
    from shipworthy.gateway.declared import UNPROVEN

    found = listed(_read(config))
    if form == "json":
        click.echo(json.dumps([one._asdict() for one in found], indent=2))
        return
    rows = [(one.digest, ", ".join(one.levers) or "none", one.decision or UNPROVEN) for one in found]
    click.echo(table(("guards", "levers pulled", "decision"), rows))


@command.command()
@_config_option
def traffic(*, config: Path) -> None:
    """Verify the traffic log and print its records, one line of JSON each."""
    import msgspec

    from shipworthy.gateway.gateway import TRAFFIC
    from shipworthy.store.traffic import read

    for line in read(_state(config, "", known=False) / TRAFFIC):
        click.echo(msgspec.json.encode(line.served).decode())


@command.command("mcp")
@_config_option
@_server_option
def mcp_(*, config: Path, server: str) -> int:
    """Stand between an MCP client and the server NAME: speaks MCP on standard input and output.

    This is the command that a client's own settings start in place of the server. It ends when the client does.
    """
    from shipworthy.gateway.mcp.stdio import run

    return run(_read(config), server, lambda line: click.echo(f"gateway: {line}", err=True))


@command.command()
@_config_option
@_server_option
@click.option("--write", is_flag=True, help="Write the pins into the file that `pins` names.")
def pin(*, config: Path, server: str, write: bool) -> int:
    """Show what the tools of the MCP server NAME say of themselves, for you to read, and their pins.

    The server is started for it. What it writes on its standard error is shown.
    """
    from shipworthy.gateway.mcp.pin import read_tools, write_pins

    read = _read(config)
    tools = read_tools(read, server)
    for tool in tools:
        click.echo(tool.shown)
    click.echo(write_pins(read, server, tools) if write else "Nothing is pinned: --write does, once you have read it.")
    return 0


command.add_command(approvals)


def _read(config: Path) -> Config:
    from shipworthy.core.grants import Grants
    from shipworthy.core.settings import Settings
    from shipworthy.gateway.config import read_config

    return read_config(config, Grants.load(Settings.load().grants_file))


def _state(config: Path, lever: str, ring: str = "", *, known: bool = True) -> Path:
    """Return the gateway's folder. A kill switch must work also where the rest of the file is wrong."""
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.gateway.config import STOP, state_of

    state, names, rings = state_of(config)
    if known and lever != STOP and lever not in names:
        raise UsageError(f"{config} names no lever {lever!r}: {did_you_mean(lever, [STOP, *names])}")
    if ring and ring not in rings:
        raise UsageError(f"{config} names no ring {ring!r}: {did_you_mean(ring, rings)}")
    return state
