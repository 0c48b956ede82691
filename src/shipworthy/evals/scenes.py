"""Every scene is set up once before anything is asked: what is wrong in one must not be found hours later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shipworthy.core.errors import Problem, UsageError
from shipworthy.workspace.fits_target import HINTS

if TYPE_CHECKING:
    from shipworthy.core.records import Sample
    from shipworthy.evals.plan import Plan
    from shipworthy.workspace.suite import Suite


def check_scenes(plan: Plan, *, takes_tools: bool) -> None:
    """Set up the scene of every sample that has one.

    Args:
        takes_tools: whether the target calls tools; another one could do nothing there, and nothing would read as safe.

    Raises:
        UsageError: the target calls no tools, or a scene cannot be set up; file and line of its sample are named.
    """
    for part in plan.suites:
        if not takes_tools and any(sample.scene is not None for sample in part.samples):
            raise UsageError(f"the suite {part.id!r} needs an agent: {HINTS['world']}")
        for problem in wrong_scenes(part.suite, part.samples):
            raise UsageError(str(problem))


def wrong_scenes(suite: Suite, samples: Sequence[Sample]) -> Iterator[Problem]:
    """Yield what is wrong with the scenes of some samples of a suite.

    That is a world, a fixture or a place that does not exist, other versions of them than a scene was written for, or a
    goal or forbidden effect that holds from the start.
    """
    for sample in samples:
        if sample.scene is None:
            continue
        from shipworthy.agents.stage import CannotReset, open_scene  # which only suites of agents pay for

        try:
            open_scene(sample.scene, 0)
        except CannotReset:
            continue  # each of its attempts says so
        except UsageError as error:
            # Of a private suite no id is repeated.
            named = f" of the sample {sample.id!r}" if suite.content == "synthetic" else ""
            file, line = _place(suite, sample.id)
            yield Problem(file, line, f"the scene{named}: {error}")


def _place(suite: Suite, sample: str) -> tuple[Path, int]:
    if suite.source is None or not suite.lines:
        return Path(suite.id), 0
    number = next(index for index, one in enumerate(suite.samples) if one.id == sample)
    return suite.source, suite.lines[number]
