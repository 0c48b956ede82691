"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def workspace_option(function: F) -> F:
    """Add ``-C/--workspace DIR``: the folder with the safety files; passed as `workspace`, a `Path`."""
    return click.option(
        "-C",
        "--workspace",
        metavar="DIR",
        default=".",
        show_default="this folder",
        type=click.Path(path_type=Path),
        help="The workspace: the folder that holds the safety files.",
    )(function)


def allow_code_option(function: F) -> F:
    """Add ``--allow-code``: run plug-ins that lie in the workspace; passed as `allow_code`."""
    return click.option("--allow-code", is_flag=True, help="Run the plug-ins in the workspace's own plugins/ folder.")(
        function
    )
