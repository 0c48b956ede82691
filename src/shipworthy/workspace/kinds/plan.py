"""What a run covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.workspace.fields import NUMBER, Entity, Ref, Slug, Text, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.fields import Loc
    from shipworthy.workspace.graph import Graph

FULL = "full"
_OF = "@"
"""Between a plan and one of its suites: no id of either holds it."""


class PlanSuite(Entity):
    """One suite in a plan: how many samples, which attacks, how many attempts of each.

    Attributes:
        samples: the first n of `Suite.select`; all if left out.
        attacks: ids or full names out of the suite's attacks; all if left out.
        attempts: of each sample and attack; the suite's number if left out.
    """

    suite: Annotated[str, Ref("suite")]
    samples: Annotated[int, NUMBER, Field(ge=1)] | None = None
    attacks: tuple[Word, ...] | None = None
    attempts: Annotated[int, NUMBER, Field(ge=1, le=10_000)] | None = None


def _named(value: object) -> object:
    return [{"suite": v} if isinstance(v, str) else v for v in value] if isinstance(value, list) else value


def _check(plan: Placed[PlanSpec], draft: Draft, graph: Graph) -> None:
    if plan.entity.id == FULL:
        hint = "it always exists and covers everything"
        draft.problems.append(plan.problem(("id",), "the plan id 'full' is taken", hint))
    used: set[str] = set()
    for index, entry in enumerate(plan.entity.suites):
        if entry.suite in used:
            message = f"the plan names the suite {entry.suite!r} twice"
            draft.problems.append(plan.problem(("suites", index, "suite"), message))
        used.add(entry.suite)
        _check_entry(plan, entry, ("suites", index), draft)


def _check_entry(plan: Placed[PlanSpec], entry: PlanSuite, loc: Loc, draft: Draft) -> None:
    suite = draft.suite(entry.suite)
    if suite is None:
        return  # unknown, which is reported as a broken link, or broken itself
    for number, attack in enumerate(entry.attacks or ()):
        if not any(use.matches(attack) for use in suite.attacks):
            message = f"the suite {entry.suite!r} has no attack {attack!r}"
            hint = did_you_mean(attack, [use.name for use in suite.attacks])
            draft.problems.append(plan.problem((*loc, "attacks", number), message, hint))
    if entry.samples and entry.samples > len(suite.samples):
        message = f"the suite {entry.suite!r} has only {len(suite.samples)} samples, not {entry.samples}"
        draft.warnings.append(plan.problem((*loc, "samples"), message, "all are used"))


@kind("plan", section="plans", enters="linked", check=_check)
class PlanSpec(Entity):
    """A named plan. The plan `full` always exists: every suite as it is."""

    id: Slug
    title: Text = ""
    seed: Annotated[int, NUMBER, Field(ge=0, lt=2**53)] = 0
    suites: Annotated[tuple[PlanSuite, ...], BeforeValidator(_named)]


def full_plan(suites: list[str]) -> PlanSpec:
    """Return the plan that covers every suite as it is."""
    return PlanSpec(id=FULL, title="everything", suites=tuple(PlanSuite(suite=suite) for suite in suites))


def part_name(plan: str, suite: str) -> str:
    """Return what one suite of a plan is called, as a plan of its own.

    >>> part_name("full", "over-refusal")
    'full@over-refusal'
    """
    return f"{plan}{_OF}{suite}"


def split_part(name: str) -> tuple[str, str]:
    """Return a plan's name and the suite that is taken out of it; "" where it is the whole plan.

    >>> split_part("full@over-refusal"), split_part("full")
    (('full', 'over-refusal'), ('full', ''))
    """
    plan, _, suite = name.partition(_OF)
    return plan, suite


def plan_part(plan: PlanSpec, suite: str) -> PlanSpec:
    """Return one suite of a plan as a plan of its own: the same samples, attacks, attempts and seeds.

    Raises:
        UsageError: the plan has no such suite; the nearest is given.
    """
    kept = tuple(entry for entry in plan.suites if entry.suite == suite)
    if not kept:
        known = [entry.suite for entry in plan.suites]
        raise UsageError(f"the plan {plan.id!r} has no suite {suite!r}: {did_you_mean(suite, known)}")
    # A plan's id has no such character, so it cannot be validated: nothing else of it changes.
    return plan.model_copy(update={"id": part_name(plan.id, suite), "suites": kept})


def part_meaning(written: Any, suite: str) -> dict[str, Any]:
    """Return the meaning of one suite of a plan, as a plan that holds nothing else would be written.

    Args:
        written: the meaning of the whole plan; None of `full`, which is written nowhere.
    """
    if written is None:
        return {"suites": [suite]}
    kept = [one for one in written["suites"] if (one if isinstance(one, str) else one["suite"]) == suite]
    return {**{key: value for key, value in written.items() if key != "id"}, "suites": kept}
