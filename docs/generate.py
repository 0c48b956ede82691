"""Write docs/reference/cli.md from the command line itself: `python docs/generate.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from shipworthy.cli import root

PAGE = Path(__file__).parent / "reference" / "cli.md"


def help_pages(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """Yield (command line, its help) for a command and everything below it."""
    ctx = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    yield path, command.get_help(ctx)
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from help_pages(inner, f"{path} {name}")


def render() -> str:
    """Return the page."""
    lines = ["# Command line", "", "Written by `python docs/generate.py`; the tests hold it to the program.", ""]
    for path, text in help_pages(root, "shipworthy"):
        lines += [f"## {path}", "", "```text", *(line.rstrip() for line in text.splitlines()), "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(
            None
            if PAGE.read_text(encoding="utf-8") == render()
            else f"{PAGE.name} is out of date: python docs/generate.py"
        )
    PAGE.write_text(render(), encoding="utf-8")
