"""The attacks and scorers of a plan, built, with the models they were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipworthy.core.protocols import Attack, Model, Scorer, Target
from shipworthy.core.records import Reply, Request
from shipworthy.evals.calls import Calls, Tally
from shipworthy.evals.execute import Executor
from shipworthy.evals.plan import Plan
from shipworthy.evals.subject import Subject, build, credentials

if TYPE_CHECKING:
    from shipworthy.workspace.use import Use


class _Attacker:
    def __init__(self, attack: Attack, model: Model | None) -> None:
        self.attack, self.model = attack, model


class _Judge:
    def __init__(self, scorer: Scorer, model: Model | None) -> None:
        self.scorer, self.model = scorer, model


class _Kept:
    """A judge's or attacker's model seen through the same cache and budget as the target."""

    def __init__(self, calls: Calls, keep: bool) -> None:
        self._calls, self._keep = calls, keep

    def describe(self) -> Mapping[str, Any]:
        return self._calls.target.describe()

    async def send(self, request: Request) -> Reply:
        return await self._calls.send(request, Tally(), keep=self._keep)

    async def close(self) -> None:
        """Leave the model open: the run that built it closes it."""


def make_executor(plan: Plan, subject: Subject, calls: Calls, models: list[Target]) -> Executor:
    """Build the attacks and scorers of a plan.

    Args:
        calls: the way to the target; models of attacks and scorers share its cache, budget and concurrency.
        models: whatever must be closed afterwards is added here, also when building fails half-way.

    Raises:
        PluginError: an unknown attack, scorer or parameter.
    """

    def model_of(use: Use, kind: str, keep: bool) -> tuple[Any, Model | None]:
        made = build(kind, use.use, use.params)
        models.extend(made.opened)
        if made.model is None:
            return made.plugin, None
        secrets = (*calls.secrets, *credentials(use))
        through = Calls(
            made.model, cache=calls.cache, budget=calls.budget, concurrency=calls.concurrency, secrets=secrets
        )
        return made.plugin, _Kept(through, keep)

    private = frozenset(part.id for part in plan.suites if part.suite.content != "synthetic")
    attackers: dict[str, _Attacker] = {}
    judges: dict[str, list[_Judge]] = {}
    for part in plan.suites:
        keep = part.id not in private
        for use in part.attacks:
            # One attack may serve several suites; its model's replies are kept only if all of them may be kept.
            attackers.setdefault(use.name, _Attacker(*model_of(use, "attack", keep and not private)))
        judges[part.id] = [_Judge(*model_of(use, "scorer", keep)) for use in part.suite.scorers]
    return Executor(calls, attackers, judges, private=private, pipeline=subject.pipeline, scrub=subject.scrub)
