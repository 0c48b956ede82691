"""What the verbs of `telemetry` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from shipworthy.store.audit import AuditLog
    from shipworthy.telemetry.config import ServeConfig
    from shipworthy.telemetry.keyring import Keyring

F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    """Add ``--config``, the file of serve."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path)
    said = "The file of `shipworthy serve`; its defaults, in this folder, if left out."
    return click.option("--config", "config", metavar="FILE", type=kind, help=said)(function)


def reason_option(function: F) -> F:
    """Add ``--reason``, which the audit log keeps."""
    return click.option("--reason", metavar="TEXT", required=True, help="Why; kept in the audit log.")(function)


def read_config(config: Path | None) -> ServeConfig:
    """Read the file of serve."""
    from shipworthy.telemetry.config import read_serve

    return read_serve(config)


def severity_of(severity: int | None) -> str:
    """Return a severity as people write it."""
    return f"S{severity}" if severity else "unrated"


@contextmanager
def open_store(read: ServeConfig) -> Iterator[tuple[Keyring, AuditLog]]:
    """Open the keys and the audit log of a store that there is.

    Raises:
        UsageError: there is none.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.telemetry.keyring import KEYS, Keyring

    if not (read.state / KEYS).is_file():
        raise UsageError(f"{read.state} is no store of telemetry: `shipworthy serve` makes one")
    keyring = Keyring(read.state, read.master())
    try:
        with AuditLog(Layout(read.workspace).control_url) as audit:
            yield keyring, audit
    finally:
        keyring.close()
