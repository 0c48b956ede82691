"""The `shipworthy` command: one verb a file, found by its file name, imported when it is called."""

from __future__ import annotations

import ast
import errno
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import click

from shipworthy import __version__
from shipworthy.cli._again import Again
from shipworthy.cli._late import say_late_errors
from shipworthy.cli._streams import Enduring, harmless
from shipworthy.cli._watched import wanted, watched
from shipworthy.core.errors import ShipworthyError, did_you_mean
from shipworthy.core.platforms import refuse_windows

SHIP, NO_SHIP, USAGE, INCONCLUSIVE, FAILURE = range(5)
"""Exit codes; `evidence verify` has one more. A crash is never 1: a pipeline must not take it for a verdict."""

_NOT_OURS = {
    getattr(errno, name)
    for name in ("EBADF", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "EIO", "ENOLCK")
}
"""What a machine may refuse at any file: no fault of shipworthy, so no traceback."""
_NO_PATH = {getattr(errno, name) for name in ("ENAMETOOLONG", "ELOOP", "ENOTDIR")}
"""What is wrong with a path itself: whoever named it can put it right."""
_SHOWN = 200

EXIT_HELP = "Exit codes: 0 ship or done, 1 no-ship, 2 usage error, 3 inconclusive, 4 failure or invalid evidence."


@cache
def _verbs() -> dict[str, str]:
    return {m.name.replace("_", "-"): m.name for m in iter_modules([str(Path(__file__).parent)]) if m.name[0] != "_"}


class Verbs(click.Group):
    """A group whose commands are the files of this package. Help reads their first line and imports nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _verbs():
            ctx.fail(f"no verb {cmd_name!r}: {did_you_mean(cmd_name, self.list_commands(ctx))}")
        command: click.Command = import_module(f"{__name__}.{_verbs()[cmd_name]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, _summary(module)) for verb, module in sorted(_verbs().items())])


def _summary(module: str) -> str:
    source = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].rstrip(".")


@click.group(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXIT_HELP
)
@click.version_option(__version__, prog_name="shipworthy")
def root() -> None:
    """Decide, with evidence that holds up, whether an AI feature is safe enough to ship."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    A user's mistake prints its message and exits 2, without a traceback; anything unforeseen exits 4 with one. A reader
    of its output that goes away changes nothing: the verb runs to its end and exits with its own code.
    """
    # Without a stream (`2>&-`) there is nothing to endure.
    if sys.stdout is not None:
        sys.stdout = Enduring(sys.stdout)
    if sys.stderr is not None:
        sys.stderr = Enduring(sys.stderr, every=True)
    say_late_errors()
    code = FAILURE
    try:
        given = sys.argv[1:] if argv is None else argv
        code = watched(lambda: run(argv)) if wanted(given) else run(argv)
    finally:
        # Also where not even an error could be told: Python's own code for that is 1, which means no-ship.
        sys.exit(code)


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code: `main` without the exit, for tests and notebooks."""
    with harmless():
        return _run(argv)


def _run(argv: list[str] | None) -> int:
    called: dict[str, Any] = {}
    try:
        refuse_windows()
        for word in sys.argv[1:] if argv is None else argv:
            _refuse_unsayable(word)
        code: Any = root.main(args=argv, prog_name="shipworthy", standalone_mode=False, obj=called)
        return code if isinstance(code, int) else SHIP
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return FAILURE
    except click.ClickException as error:
        error.show()
        return USAGE
    except ShipworthyError as error:
        for line in _lines(Again(**called).told(str(error)) or type(error).__name__):
            click.echo(line, err=True)
        return error.exit_code
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        return FAILURE
    except BrokenPipeError:
        # `shipworthy runs list | head`: the reader has gone, which is no failure of ours. Nothing more may be
        # written, not even by the interpreter's flush at exit.
        sys.stdout = None
        return SHIP
    except SystemExit as error:
        # Code that is not ours ended the process, such as a module that the workspace names. Its exit code must not be
        # taken for a verdict.
        click.echo(f"error: code that was loaded ended with exit({error.code!r})", err=True)
        return FAILURE
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _NOT_OURS | _NO_PATH:
            named = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
            shown = named if len(named) <= _SHOWN else f"{named[:_SHOWN]}... ({len(named) - 2:,} characters)"
            click.echo(f"error: {error.strerror}{shown}", err=True)
            return USAGE if error.errno in _NO_PATH else FAILURE
        if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop from "):
            click.echo("error: a path leads round in a circle of links", err=True)
            return USAGE
        import traceback

        traceback.print_exc()
        click.echo("This is a fault of shipworthy, not of your input: please report it with the lines above.", err=True)
        return FAILURE


def _refuse_unsayable(word: str) -> None:
    """Refuse an argument that no process can be given: only a caller from Python can."""
    try:
        whole = "\0" not in os.fsdecode(os.fsencode(word))
    except UnicodeError:
        whole = False
    if not whole:
        raise click.UsageError(f"an argument holds a character that no argument can hold: {word[:_SHOWN]!r}")


def _lines(message: str) -> Iterator[str]:
    first, *rest = message.splitlines()
    yield f"error: {first}"
    yield from (f"       {line}" for line in rest)
