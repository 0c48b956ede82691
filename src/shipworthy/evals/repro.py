"""Make one attempt again, many times: is it a fluke, or does it happen one time in three?

What is asked is what was asked then, word for word; only the target's sampling is drawn anew. An attack whose words
follow from sample and seed makes them again; one that adapts to answers is replaced by its record.
"""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.core.finished import INAPPLICABLE
from shipworthy.core.protocols import Rewrite
from shipworthy.core.records import Attempt, Metric, Request
from shipworthy.evals.begin import Guards
from shipworthy.evals.engine import Attacker, make_engine
from shipworthy.evals.models import build_crew
from shipworthy.evals.plan import PlanItem, make_plan, split_try
from shipworthy.evals.replay import ReplayAttack
from shipworthy.evals.results import Run
from shipworthy.evals.subject import build_subject, mediated, target_of
from shipworthy.store.layout import Layout

if TYPE_CHECKING:
    from shipworthy.stats import MeanInterval, RateInterval
    from shipworthy.workspace.load import Workspace


class Reproduction(Struct, frozen=True):
    """What came of it.

    Attributes:
        original: the attempt as it is recorded.
        attempts: the new ones, in order; never written to a run log.
        request: the first that the target was sent, as a caller would send it; None if none was.
        http: that request on the wire, where the target is an HTTP endpoint; ``$KEY`` stands for the credential.
        private: the suite's text must not be shown.
        metrics: those of the suite's that were scored, as its scorers declare them.
    """

    original: Attempt
    attempts: tuple[Attempt, ...]
    request: Request | None
    http: Any
    private: bool
    metrics: tuple[Metric, ...]

    @property
    def alike(self) -> tuple[int, int]:
        """How many of the tries with an answer gave the most frequent one, and how many tries had an answer."""
        answers = Counter(a.answer for a in self.attempts if a.outcome == "scored")
        return max(answers.values(), default=0), answers.total()

    def rate(self, metric: str, *, confidence: float = 0.95) -> RateInterval | None:
        """Return how often a metric hit, with its interval; None where it was never scored.

        The tries are independent given the sample, so each is a cluster of its own: the interval is about this one
        attempt, and says nothing of the suite.
        """
        from shipworthy.stats import rate_interval

        hits = [int(s.hit) for a in self.attempts for s in a.scores if s.metric == metric and s.hit is not None]
        return rate_interval(hits, [1] * len(hits), confidence=confidence) if hits else None

    def mean(self, metric: str, *, confidence: float = 0.95) -> MeanInterval | None:
        """Return the mean of a value over the tries, with its interval; None where it was never scored."""
        from shipworthy.stats import mean_interval

        declared = next(m for m in self.metrics if m.name == metric)
        values = [s.value for a in self.attempts for s in a.scores if s.metric == metric and s.value is not None]
        if not values:
            return None
        return mean_interval(values, [1] * len(values), low=declared.low, high=declared.high, confidence=confidence)


def find(layout: Layout, attempt: str, run: str | None = None) -> tuple[Run, Attempt]:
    """Return an attempt with its run: the newest run that holds it, or the one named.

    Raises:
        UsageError: there is none.
        IntegrityError: a log is not what was written.
    """
    for name in [run] if run else reversed(layout.run_ids()):
        loaded = Run.load(layout.run_directory(name))
        try:
            return loaded, loaded.attempt(attempt)
        except UsageError:
            if run:
                raise
    raise UsageError(f"no run here has the attempt {attempt!r}: `shipworthy runs samples` lists those of the last run")


async def reproduce(
    workspace: Workspace,
    run: Run,
    attempt: Attempt,
    n: int = 10,
    *,
    guards: Guards | None = None,
    redraw: bool = False,
) -> Reproduction:
    """Make an attempt n more times, without the cache: the same words, and fresh seeds for the target's sampling.

    Args:
        guards: the run's own, if left out; False measures the bare target, a path that guard file.
        redraw: let the attack draw anew, too: other words for the same sample.

    Raises:
        UsageError: the sample or the attack is no longer in the workspace, or is another now; what an adaptive attack
            said is not on record; or the target cannot work as configured.
    """
    if n < 1:
        raise UsageError(f"an attempt is made at least once more, not {n} times")
    if attempt.outcome == INAPPLICABLE:
        raise UsageError(f"nothing was asked in {attempt.id}, so nothing can be asked again: {attempt.error}")
    item = _item(workspace, run, attempt)
    guarded = mediated(run.manifest) if guards is None else guards
    subject = build_subject(workspace, guarded, target=target_of(workspace, run.manifest))
    plan = make_plan(workspace, run.manifest.plan, suites=[attempt.suite], draws=run.manifest.draws)
    crew = build_crew(plan, subject)
    engine = make_engine(plan, subject, crew)
    made = []
    try:
        if not redraw:
            _hold(item, attempt, run)
            if not isinstance(crew.attacks[item.attack].plugin, Rewrite):
                engine.attackers = {**engine.attackers, item.attack: Attacker(ReplayAttack.of(attempt))}
        # One after another: what is asked at the same time must not be able to matter.
        for _ in range(n):
            again = replace(item, seed=secrets.randbits(48)) if redraw else item
            made.append(await engine.attempt(again, draw=secrets.randbits(31)))
    finally:
        await crew.close()
        await subject.close()
    first = engine.target.first
    private = workspace.suite(attempt.suite).content != "synthetic"
    as_http = getattr(subject.target, "as_http", None)
    http = as_http(first) if as_http and first else None
    scored = {score.metric for made_now in (attempt, *made) for score in made_now.scores}
    metrics = tuple(metric for metric in run.suite(attempt.suite).metrics if metric.name in scored)
    return Reproduction(attempt, tuple(made), first, http, private, metrics)


def _item(workspace: Workspace, run: Run, attempt: Attempt) -> PlanItem:
    planned, _ = split_try(attempt.id)
    for item in make_plan(workspace, run.manifest.plan, suites=[attempt.suite], draws=run.manifest.draws):
        if item.id == planned:
            return item
    raise UsageError(
        f"the plan {run.manifest.plan!r} no longer holds the attempt {planned}: its sample {attempt.sample!r} "
        f"or attack {attempt.attack!r} was taken out since the run {run.id}"
    )


def _hold(item: PlanItem, attempt: Attempt, run: Run) -> None:
    """Refuse to call another sample, attack or seed the recorded one."""
    if item.content_hash != attempt.content_hash:
        raise UsageError(
            f"the sample {attempt.sample!r}, the attack {attempt.attack!r} or the seed has changed since the run "
            f"{run.id}: what was asked then cannot be asked again. `--redraw` makes the attempt as the files are now"
        )
