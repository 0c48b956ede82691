"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keep how the verb was called, for the commands that an error names (`Again.told`)."""
    if isinstance(ctx.obj, dict) and parameter.name is not None:
        ctx.obj[parameter.name] = value
    return value


def workspace_option(function: F) -> F:
    """Add ``-C/--workspace DIR``: the folder with the safety files; passed as `workspace`, a `Path`."""
    return click.option(
        "-C",
        "--workspace",
        callback=_remember,
        metavar="DIR",
        default=".",
        show_default="this folder",
        type=click.Path(path_type=Path),
        help="The workspace: the folder that holds the safety files.",
    )(function)


def allow_code_option(function: F) -> F:
    """Add ``--allow-code``: run code that the workspace brings or names; passed as `allow_code`."""
    return click.option(
        "--allow-code",
        is_flag=True,
        callback=_remember,
        help="Run the code that the workspace brings (plugins/) or names (use: python).",
    )(function)


form_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
"""``--format text|json`` of all that lists or shows; passed as `form`. JSON is all that goes to stdout then."""


shown_option = click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
"""As `form_option`, for what people also paste into a pull request."""


class PluginId(click.types.StringParamType):
    """The id of a plug-in. Help shows the built-in ones, found by file name; any other that is there is taken, too.

    Whether there is one is known when the workspace's own plug-ins are loaded, so it is not checked here.
    """

    name = "plugin"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        from shipworthy.core.registry import built_in

        return f"[{'|'.join(built_in(self.kind))}]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from shipworthy.core.registry import names

        return [CompletionItem(name) for name in names(self.kind) if name.startswith(incomplete)]
