"""Check the safety files: everything that is wrong, at once.

Exit code 0 without problems, 2 with any. Warnings do not change the exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from datetime import date

    from shipworthy.core.errors import Problem
    from shipworthy.workspace.load import Workspace


@click.command()
@workspace_option
@allow_code_option
@form_option
def command(workspace: Path, allow_code: bool, form: str) -> int:
    """List every problem of the workspace: file, line, what is wrong, the nearest valid word.

    Unknown keys and ids, links to nothing, unknown plug-ins and wrong parameters, metrics that no scorer gives,
    references to taxonomy entries that do not exist, worlds and places that a sample's scene names and that are not
    there, criteria that no number of samples could decide, controls that refer to what is not there, and waivers that
    expired, run too long, or were accepted by somebody without the right.

    Warned of is what is allowed and leaves a gap: risks that nothing mitigates, controls that implement nothing,
    journeys without coverage, criteria that would mostly be undecided (on all samples, or on those of a plan that
    measures every suite of the gate), metrics that answers worth nothing satisfy, and a gate that they would pass (see
    `scorer lint`), links whose end changed since somebody read it, levers that were never drilled.

    What a policy pack of the organisation asks for and the workspace loosens is a problem, with the place in both.
    """
    loaded, problems, warnings = look(workspace, allow_code=allow_code)
    if form == "json":
        _print_json(workspace, problems, warnings)
    else:
        _print_text(problems, warnings, loaded)
    return 2 if problems else 0


def look(workspace: Path, *, allow_code: bool) -> tuple[Workspace | None, Sequence[Problem], Sequence[Problem]]:
    """Return what of a workspace can be used, everything that is wrong with it, and what is warned of."""
    from datetime import UTC, datetime

    from shipworthy.core.errors import WorkspaceError
    from shipworthy.workspace.dated import dated
    from shipworthy.workspace.load import Workspace

    loaded: Workspace | None = None
    problems: Sequence[Problem]
    warnings: Sequence[Problem] = ()
    try:
        loaded, problems = Workspace.inspect(workspace, allow_code=allow_code)
    except WorkspaceError as error:
        problems = error.problems
    if loaded is not None:
        today = dated(loaded.graph, datetime.now(UTC).date(), _drilled(loaded))
        unreachable, weak = _unreachable(loaded, broken=bool(problems))
        problems = sorted({*problems, *unreachable, *_scenes(loaded), *today.problems}, key=_place)
        hollow = () if problems else _hollow(loaded)
        warnings = sorted({*loaded.warnings, *weak, *today.warnings, *hollow, *_levers(loaded)}, key=_place)
    return loaded, problems, warnings


def _drilled(workspace: Workspace) -> Mapping[str, date]:
    """Return the days of recorded drills; none where no control state is kept, or it cannot be read here."""
    from shipworthy.core.errors import StoreError
    from shipworthy.store.incidents import drilled_days
    from shipworthy.store.layout import Layout

    try:
        return drilled_days(Layout(workspace.root), workspace.system.id)
    except StoreError:  # files can be checked where the rows are not: the levers then count as not drilled
        return {}


def _levers(workspace: Workspace) -> Iterator[Problem]:
    """Yield a warning for each lever of a gateway whose file is not there: it could not be pulled."""
    from shipworthy.core.errors import Problem

    for node in workspace.graph.of_kind("lever").values():
        gateway = node.entity.gateway
        if gateway is not None and not (workspace.root / gateway).is_file():
            message = f"the lever {node.id} cannot be pulled: there is no file {gateway}"
            yield Problem(node.file, node.line, message, "write the gateway's file, or its path from this folder")


def _place(problem: Problem) -> tuple[str, int, str]:
    return str(problem.file), problem.line, problem.message


def _unreachable(workspace: Workspace, *, broken: bool) -> tuple[list[Problem], list[Problem]]:
    """Return the criteria that the samples cannot meet, whatever the system does, and those that they hardly can.

    Args:
        broken: the files have other problems, and some of them may be in the way of telling.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.release.power import unreachable_criteria, weak_criteria, weak_plans

    try:
        weak = [] if broken else [*weak_criteria(workspace), *weak_plans(workspace)]
        return unreachable_criteria(workspace), weak
    except UsageError:
        if broken:
            return [], []
        raise


def _hollow(workspace: Workspace) -> Iterator[Problem]:
    """Yield a warning for each metric, and for the gate, that worthless answers would satisfy."""
    import asyncio

    from shipworthy.evals.hollow import hollow_gate, hollow_metrics, hollow_rows

    rows = [row for suite in workspace.suites.values() for row in asyncio.run(hollow_rows(suite))]
    yield from hollow_metrics(workspace, rows)
    yield from hollow_gate(workspace, rows)


def _scenes(workspace: Workspace) -> Iterator[Problem]:
    """Yield what is wrong with the worlds that samples play in."""
    from shipworthy.evals.scenes import wrong_scenes

    for suite in workspace.suites.values():
        yield from wrong_scenes(suite, suite.samples)


def _print_json(workspace: Path, problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    import json

    def row(problem: Problem) -> dict[str, object]:
        return {"file": str(problem.file), "line": problem.line, "message": problem.message, "hint": problem.hint}

    body = {"workspace": str(workspace), "problems": [*map(row, problems)], "warnings": [*map(row, warnings)]}
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))


def _print_text(problems: Sequence[Problem], warnings: Sequence[Problem], loaded: Workspace | None) -> None:
    import sys

    if sys.stdout.isatty():
        _print_rich(problems, warnings)
    else:
        for problem in problems:
            click.echo(f"error: {problem}")
        for warning in warnings:
            click.echo(f"warning: {warning}")
    click.echo(_summary(problems, warnings, loaded))


def _print_rich(problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    """Print the problems grouped by file; the words of a file are never taken for markup."""
    import sys

    from rich.console import Console
    from rich.text import Text

    from shipworthy.core.terminal import visible

    # Colours are ours; the words, which are not, are spelled out.
    console, last = Console(file=getattr(sys.stdout, "unescaped", sys.stdout)), None
    for style, problem in [*(("bold red", p) for p in problems), *(("yellow", w) for w in warnings)]:
        if problem.file != last:
            console.print(Text(visible(str(problem.file)), style="bold underline"))
            last = problem.file
        line = Text(f"{problem.line or '-':>6}  ", style="cyan")
        line.append("error    " if style == "bold red" else "warning  ", style=style)
        line.append(visible(problem.message))
        if problem.hint:
            line.append(f"  {visible(problem.hint)}", style="green")
        console.print(line)


def _summary(problems: Sequence[Problem], warnings: Sequence[Problem], loaded: Workspace | None) -> str:
    def count(number: int, word: str) -> str:
        return f"{number} {word}{'' if number == 1 else 's'}"

    said = f"{count(len(problems), 'problem')}, {count(len(warnings), 'warning')}"
    if loaded is None:
        return said
    criteria = sum(1 for _ in loaded.criteria())
    samples = sum(len(suite.samples) for suite in loaded.suites.values())
    parts = (
        count(len(loaded.risks), "risk"), count(len(loaded.requirements), "requirement"),
        f"{criteria} criteria" if criteria != 1 else "1 criterion", count(len(loaded.suites), "suite"),
        count(samples, "sample"),
    )  # fmt: skip
    return f"{said}: {', '.join(parts)}"
