"""Receive telemetry, redact it, keep it, and answer what was counted."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click


@click.command()
@click.option("--config", "config", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The file of serve; without one it listens on 127.0.0.1:4318 and keeps what comes in this folder.")  # fmt: skip  # noqa: E501
@click.option("--check", is_flag=True, help="Check the file and the keys that it names, and serve nothing.")
def command(*, config: Path | None, check: bool) -> int:
    """Receive telemetry, redact it, keep it, and answer what was counted.

    Takes OTLP over HTTP on /v1/traces. A span that is acknowledged is redacted and on the disk. Ends on SIGTERM or
    Ctrl-C, once what was acknowledged is in segments.
    """
    from shipworthy.core.extras import require
    from shipworthy.telemetry.config import read_serve

    read = read_serve(config)
    for module, package in (("duckdb", None), ("zstandard", None), ("opentelemetry.proto", "opentelemetry-proto")):
        # What is there is imported when it is needed: nobody waits for DuckDB before the first segment.
        if not _there(module):
            require(module, extra="serve", package=package)
    if check:
        if read.spec.schedule:
            from shipworthy.server.scheduler import Scheduler

            Scheduler(read.workspace, lambda line: None)
        from shipworthy.gateway.clients import Clients

        Clients(read.clients())
        if read.key_path.exists():
            read.master()
        click.echo(f"{config or 'the defaults'}: fit to serve")
        return 0
    from shipworthy.telemetry.server import run

    def tell(line: str) -> None:
        click.echo(f"serve: {line}", err=True)

    if not read.spec.schedule:
        return run(read, tell)
    from shipworthy.server.child import keep_schedule
    from shipworthy.server.scheduler import Scheduler

    Scheduler(read.workspace, tell)  # a file that is wrong is refused here, not by a child over and over
    return run(read, tell, lambda: keep_schedule(read.workspace, tell))


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False
