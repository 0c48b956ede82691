"""A suite's samples with what was said of each, rejected ones included: what a reviewer walks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.core.records import Sample
from shipworthy.workspace.held_back import SEALED
from shipworthy.workspace.library import LIBRARY
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.review import ReviewWord, read_review, review_file
from shipworthy.workspace.samples import read_samples
from shipworthy.workspace.suites import read_suite


class SamplesForReview(NamedTuple):
    """The samples of a suite's part, by id the digest of each as it is written, and the words said of them."""

    samples: Sequence[Sample]
    written: dict[str, str]
    words: Sequence[ReviewWord]
    review: Path
    private: bool


def own_suite_file(root: Path, name: str, *, allow_code: bool = False) -> Path:
    """Return the file of a suite of the workspace.

    Raises:
        UsageError: the workspace has no such suite.
        WorkspaceError: its files are wrong.
    """
    workspace = Workspace.load(root, allow_code=allow_code)
    if name not in workspace.suites:
        hint = did_you_mean(name, sorted(workspace.suites))
        if (LIBRARY / name / "suite.yaml").is_file():
            hint = f"it is one of the library: write `use: library:{name}` into suites/{name}.yaml"
        raise UsageError(f"the workspace has no suite {name!r}: {hint}")
    return workspace.graph.node("suite", name).file


def all_samples(file: Path) -> SamplesForReview:
    """Return the samples of a suite as they are written, those that were rejected included.

    Raises:
        WorkspaceError: the files are wrong.
        UsageError: the suite's samples stand in its own file: they cannot be told apart by line.
    """
    problems: list[Problem] = []
    loaded = read_suite(file, problems, root=None)
    if problems or loaded is None:
        raise WorkspaceError(problems)
    suite = loaded.entity
    if suite.source is None or suite.source == file:
        raise UsageError("only samples in a file of their own are reviewed: put them into samples.jsonl")
    samples, origins = read_samples(suite.source, problems)
    words = read_review(review_file(file), problems)
    if problems:
        raise WorkspaceError(problems)
    sealed = suite.part == "sealed"
    kept = [(s, o) for s, o in zip(samples, origins, strict=True) if (SEALED in s.tags) == sealed]
    return SamplesForReview(
        [s for s, _ in kept], {s.id: o for s, o in kept}, words, review_file(file), suite.content == "private"
    )
