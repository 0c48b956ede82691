"""A suite may take some strata of its samples only; the digest is of what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import Problem
from shipworthy.workspace.suites import library_suite, read_suite


def read(folder: Path, strata: str) -> tuple[object, list[Problem]]:
    path = folder / "attacks.yaml"
    path.write_text(f"use: library:agent-tasks\nid: tasks\nstrata: {strata}\n")
    problems: list[Problem] = []
    loaded = read_suite(path, problems)
    return (loaded.entity if loaded else None), problems


def test_only_the_samples_of_the_strata_are_left(tmp_path: Path) -> None:
    whole = library_suite("agent-tasks")
    found, problems = read(tmp_path, "[office, buying]")
    assert not problems
    kept = [one for one in whole.samples if {"stratum:office", "stratum:buying"} & set(one.tags)]
    assert list(found.samples) == kept and 0 < len(kept) < len(whole.samples)  # type: ignore[attr-defined]
    other, _ = read(tmp_path, "[office]")
    assert len({whole.digest, found.digest, other.digest}) == 3  # type: ignore[attr-defined]
    assert len(found.lines) == len(kept)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["offise", "none"])
def test_an_unknown_stratum_is_a_problem(tmp_path: Path, name: str) -> None:
    _, problems = read(tmp_path, f"[{name}]")
    assert [problem.line for problem in problems if f"no sample is of the stratum {name!r}" in problem.message]
