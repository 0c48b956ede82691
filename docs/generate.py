"""Write the reference pages that are made of the program and its data: `python docs/generate.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from shipworthy.cli import root
from shipworthy.incidents.runbook import RunbookFile, read_runbook, runbook_files
from shipworthy.incidents.scenario import read_scenario, scenario_files

FOLDER = Path(__file__).parent / "reference"
PAGE = FOLDER / "cli.md"


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


RUNBOOKS_HEAD = """# Runbooks and exercises

Checklists for kinds of incidents, and scenarios to practise them. [How they are used](../how-to/run-an-incident.md#runbooks). Written by
`python docs/generate.py`; the tests hold it to the files.

A runbook of your own is a file `runbooks/ID.yaml` in the workspace; one with the id of ours takes its place:

```yaml
id: search-index-poisoned
title: The search index was poisoned
when: Answers cite a page that nobody here wrote.
severity: S2
steps:
  - {id: freeze, title: Freeze the index, text: No page is added or taken out., role: engineer, minutes: 5}
  - {id: keep-evidence, title: Keep the evidence, text: Before anything is changed., role: engineer, run: "incident snapshot {incident}", done_when: snapshot}
```

`role` is `commander`, `engineer`, `communications` or `privacy`; `run` a command of shipworthy without its name; `done_when` an event that ticks the
step by itself: `rated`, `snapshot`, `pulled`, `tried`, `contained`, `told`, `clock`, `case`, `draft` and others.
"""  # noqa: E501


def render_runbooks() -> str:
    """Return the page of runbooks and scenarios."""
    lines = [RUNBOOKS_HEAD]
    for id in sorted(runbook_files()):
        lines += _runbook(read_runbook(id))
    lines += ["## Exercises", "", "| scenario | | practises | minutes |", "|---|---|---|--:|"]
    for id in sorted(scenario_files()):
        one = read_scenario(id)
        lines.append(
            f"| `{one.id}` | **{one.title}.** {one.summary} | [{one.runbook}](#{one.runbook}) | {one.minutes} |"
        )
    return "\n".join(lines) + "\n"


def _runbook(book: RunbookFile) -> Iterator[str]:
    yield f"## {book.id}"
    yield ""
    yield f"**{book.title}.** {book.when} Usually {book.severity}."
    yield ""
    yield "| step | who | | minutes | by itself |"
    yield "|---|---|---|--:|---|"
    for step in book.steps:
        title = step.title if step.title.endswith("?") else f"{step.title}."
        run = f" `{step.run}`" if step.run else ""
        minutes, shows = step.minutes or "", step.done_when or ""
        yield f"| `{step.id}` | {step.role} | **{title}** {step.text}{run} | {minutes} | {shows} |"
    yield ""


PAGES = {PAGE: render, FOLDER / "runbooks.md": render_runbooks}

if __name__ == "__main__":
    if "--check" in sys.argv:
        old = [page.name for page, made in PAGES.items() if page.read_text(encoding="utf-8") != made()]
        sys.exit(f"{', '.join(old)}: out of date: python docs/generate.py" if old else None)
    for page, made in PAGES.items():
        page.write_text(made(), encoding="utf-8")
