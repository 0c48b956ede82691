"""Runbooks: checklists whose steps name commands and whose ticks are rows: anybody can go on where one stopped."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field, model_validator

from shipworthy.core.digests import digest
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.incident import EventWord
from shipworthy.incidents.incident import Incident, NewEvent
from shipworthy.incidents.named_file import named_files, read_named
from shipworthy.workspace.fields import Count, Entity, Severity, Slug, Text, Title, Word

Doer = Literal["commander", "engineer", "communications", "privacy"]
StepState = Literal["open", "done", "skipped"]


class RunbookStep(Entity):
    """One step.

    Attributes:
        role: who does it.
        run: a command of shipworthy without its name; ``{incident}`` is the incident's id. Empty for what people do.
        done_when: an event of the incident that shows that it is done; empty where a person ticks it.
        minutes: that it should take at most.
    """

    id: Slug
    title: Title
    text: Text
    role: Doer
    run: Text = ""
    done_when: Word | None = None
    minutes: Count | None = None

    @model_validator(mode="after")
    def _known(self) -> RunbookStep:
        if self.done_when is not None and self.done_when not in get_args(EventWord):
            raise ValueError(f"is done when {self.done_when!r} happens, which no incident has")
        return self

    def command(self, incident: str) -> tuple[str, ...]:
        """Return the words of its command for an incident; empty where it has none."""
        return tuple(shlex.split(self.run.replace("{incident}", incident)))


class RunbookFile(Entity):
    """A runbook.

    Attributes:
        when: how one knows that it is this one.
        severity: that such an incident usually has; it is rated by itself all the same.
    """

    id: Slug
    title: Title
    when: Title
    severity: Severity
    steps: Annotated[tuple[RunbookStep, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _distinct(self) -> RunbookFile:
        names = [step.id for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError("has two steps of one id")
        return self


class RunbookRow(NamedTuple):
    """A step, and where it stands: by whom it was ticked and when, or why it was skipped."""

    step: RunbookStep
    state: StepState
    by: str
    at: str
    text: str


def runbook_files(root: Path | None = None) -> Mapping[str, Path]:
    """Return the files of all runbooks by id: ours, and those in ``runbooks/`` of a workspace."""
    return named_files("runbooks", root)


def read_runbook(id: str, root: Path | None = None) -> RunbookFile:
    """Return a runbook; errors as for `read_named`."""
    return read_named(RunbookFile, "runbook", id, runbook_files(root))


def rows_of(book: RunbookFile, incident: Incident) -> list[RunbookRow]:
    """Return where each step of a runbook stands for an incident: by a tick, or by what happened in it."""
    return list(_rows(book, incident))


def next_step(book: RunbookFile, incident: Incident) -> RunbookStep | None:
    """Return the first step that is open; None where all are done or skipped."""
    return next((row.step for row in _rows(book, incident) if row.state == "open"), None)


def tick(
    book: RunbookFile, incident: Incident, step: str, by: str, *, outcome: Literal["done", "skipped"], text: str = ""
) -> NewEvent:
    """Return the event that a step is done, or left out for a reason.

    Raises:
        UsageError: there is no such step, it is ticked already, or it is left out for no reason.
    """
    row = next((row for row in _rows(book, incident) if row.step.id == step), None)
    if row is None:
        raise UsageError(f"{book.id} has no step {step!r}: {did_you_mean(step, [one.id for one in book.steps])}")
    if row.state == "done":
        raise UsageError(f"the step {step} is done, since {row.at}")
    if outcome == "skipped" and not text.strip():
        raise UsageError("say why the step is left out")
    return NewEvent(
        what="step", by=by, about=f"{book.id}/{step}", outcome=outcome, text=text,
        detail={"runbook": digest(book.model_dump(mode="json"))},
    )  # fmt: skip


def _rows(book: RunbookFile, incident: Incident) -> Iterator[RunbookRow]:
    for step in book.steps:
        ticks = [one for one in incident.of("step") if one.about == f"{book.id}/{step.id}"]
        if ticks:
            state: StepState = "done" if ticks[-1].outcome == "done" else "skipped"
            yield RunbookRow(step, state, ticks[-1].by, ticks[-1].at, ticks[-1].text)
            continue
        shown = [one for one in incident.events if one.what == step.done_when and _counts(step, one.about)]
        if shown:
            yield RunbookRow(step, "done", shown[-1].by, shown[-1].at, "by the record")
        else:
            yield RunbookRow(step, "open", "", "", "")


def _counts(step: RunbookStep, about: str) -> bool:
    """Say whether an event is what a step means: a document counts for the step that writes this one."""
    return step.done_when != "draft" or not step.run or about in step.run.split()[1:2]
