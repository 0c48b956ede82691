"""One decision, many outputs: which reports are wanted, and where each goes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import PluginId

if TYPE_CHECKING:
    from shipworthy.core.records import Decision

WIDEST = 120
"""Columns of a terminal that the text report makes use of."""


class ReportFormat(PluginId):
    """``FORMAT`` or ``FORMAT=FILE``, where ``-`` is this terminal."""

    def __init__(self) -> None:
        super().__init__("report")

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"{super().get_metavar(param, ctx)}[=FILE]"


class Output(NamedTuple):
    """One report: its format, the plug-in that renders it, and its file; None prints it."""

    form: str
    report: Any
    path: Path | None


def outputs(workspace: Path, forms: Sequence[str], output: Path | None = None) -> list[Output]:
    """Return what `--format` and `--output` ask for, before anything is decided.

    Args:
        workspace: whose own reports may be named, once its plug-ins were loaded.
        forms: each ``FORMAT`` or ``FORMAT=FILE``; ``-`` for a file prints, and so does a bare format.
        output: the file of the bare format, of which there is then one.

    Raises:
        PluginError: no such format.
        UsageError: two reports would go to one place, `output` has no format, or a file cannot be there.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.workspace.code import create

    found: list[Output] = []
    places: set[Path | None] = set()
    bare = [form for form in forms if "=" not in form]
    if output is not None and len(bare) != 1:
        raise UsageError(f"--output is the file of one --format without a file; there are {len(bare)} of those")
    for form in forms:
        name, _, file = form.partition("=")
        if "=" in form and not file:
            raise UsageError(f"--format {form} names no file: {name}=FILE, or {name}=- to print it")
        path = output if form in bare else None if file == "-" else Path(file)
        place = path.resolve() if path is not None else None
        if place in places:
            raise UsageError(f"two reports would go to {path or 'the terminal'}: name a file, as in {name}=FILE")
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise UsageError(f"cannot write the report to {path}: {_why(path)}")
        places.add(place)
        # A report that is printed here may ask how wide the terminal is; in a file it has the width it always has.
        found.append(Output(name, create(workspace, "report", name, **({} if path else {"width": columns()})), path))
    return found


def put(wanted: Sequence[Output], decision: Decision, document: Any, again: Again) -> None:
    """Render and deliver; where nothing is printed, the verdict is, and which files were written.

    Raises:
        UsageError: a file cannot be written. The decision stands all the same, and the error says how to render it.
    """
    printed = any(output.path is None for output in wanted)
    if not printed:
        click.echo(f"{decision.verdict}: {decision.reason}")
    for output in wanted:
        text = output.report.render(decision, document)
        if output.path is None:
            shown = again.told(text) if output.form == "text" else text  # others are read by programs, or elsewhere
            click.echo(shown, nl=not text.endswith("\n"))
            continue
        write(output.path, text, decision)
        # Beside a report that is printed, a pipe may read it: nothing of ours may get in between.
        click.echo(f"{output.form} report: {output.path}", err=printed)


def write(path: Path, text: str, decision: Decision) -> None:
    """Write one report.

    Raises:
        UsageError: it cannot be written.
    """
    write_text(path, text, f"\nThe decision is kept: `shipworthy report {decision.id}` renders it again")


def write_text(path: Path, text: str, after: str = "") -> None:
    """Write a report; `after` follows the error.

    Raises:
        UsageError: it cannot be written.
    """
    from shipworthy.core.errors import UsageError

    try:
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write the report to {path}: {error.strerror}{after}") from error


def columns() -> int:
    """Return the width of the terminal; 100 where there is none, so that logs and pipes are alike everywhere."""
    return max(40, min(WIDEST, shutil.get_terminal_size((100, 24)).columns)) if sys.stdout.isatty() else 100


def _why(path: Path) -> str:
    return "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
