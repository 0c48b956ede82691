"""Every scene of a plan is set up once before anything is asked: what is wrong in one must not be found hours later."""

from __future__ import annotations

from shipworthy.core.errors import UsageError
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.workspace.fits_target import HINTS


def check_scenes(plan: Plan, *, takes_tools: bool) -> None:
    """Set up the scene of every sample that has one.

    Args:
        takes_tools: whether the target calls tools; another one could do nothing there, and nothing would read as safe.

    Raises:
        UsageError: the target calls no tools; or one names a world, a fixture or a place that does not exist, or was
            written for other versions of them; file and line of its sample are named.
    """
    for part in plan.suites:
        for sample in part.samples:
            if sample.scene is None:
                continue
            if not takes_tools:
                raise UsageError(f"the suite {part.id!r} needs an agent: {HINTS['world']}")
            from shipworthy.agents.stage import CannotReset, open_scene  # which only suites of agents pay for

            try:
                open_scene(sample.scene, 0)
            except CannotReset:
                continue  # each of its attempts says so
            except UsageError as error:
                where = _place(part, sample.id)
                raise UsageError(f"{where}the scene of the sample {sample.id!r}: {error}") from None


def _place(part: SuitePlan, sample: str) -> str:
    suite = part.suite
    if suite.source is None or not suite.lines:
        return ""
    number = next(index for index, one in enumerate(suite.samples) if one.id == sample)
    return f"{suite.source}:{suite.lines[number]}: "
