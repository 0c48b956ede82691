"""The scorers of suites set up to be calibrated, and what a calibration leaves in the audit chain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from shipworthy.core.calibration import DAYS, Calibration
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.registry import create
from shipworthy.evals.begin import open_cache
from shipworthy.evals.calibrate import Bench, calibrate
from shipworthy.evals.calibration import CalibrationReport
from shipworthy.evals.subject import build, credentials
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channels
from shipworthy.scorers._panel import PanelWeight, panel_weight
from shipworthy.store.audit import AuditLog
from shipworthy.store.draws import add_calibration
from shipworthy.store.layout import Layout
from shipworthy.workspace.judges import declared_metrics, judge_identity
from shipworthy.workspace.labelled import LabelledFile
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.use import Use

BAR = 0.6, 0.8
"""What a judge that has no rubric with a bar of its own must reach: sensitivity, specificity."""


class ScorerChoice(NamedTuple):
    """One scorer of a suite and the metric of it that is held against labels."""

    suite: str
    use: Use
    metric: str


def choose(workspace: Workspace, suites: Sequence[str], metric: str | None, *, judges: bool) -> list[ScorerChoice]:
    """Return the scorers of some suites that give an event, each once for each such metric.

    Args:
        metric: only this one.
        judges: only judges.

    Raises:
        UsageError: there is no such suite, or no such scorer in it.
    """
    found: list[ScorerChoice] = []
    for name in suites:
        suite = workspace.suites.get(name)
        if suite is None:
            raise UsageError(f"there is no suite {name!r}: {did_you_mean(name, list(workspace.suites))}")
        for use in suite.scorers:
            scorer = create("scorer", use.use, use.own_params)
            if judges and not getattr(scorer, "judge", False):
                continue
            names = [m.name for m in scorer.metrics if m.kind == "event" and metric in (None, m.name)]
            found += [ScorerChoice(name, use, one) for one in names]
    if not found:
        what = "judge" if judges else "scorer of events"
        of = f" that gives {metric!r}" if metric else ""
        raise UsageError(f"{', '.join(suites)}: no {what}{of}; `shipworthy suites show SUITE` lists its scorers")
    return found


class MemberWeight(NamedTuple):
    """One model of a panel: as it is written, what was measured of it alone, and what its words are worth."""

    model: str
    report: CalibrationReport
    weight: PanelWeight


async def measure(
    workspace: Workspace,
    chosen: Sequence[ScorerChoice],
    labelled: LabelledFile,
    *,
    checks: int = 60,
    own: Sequence[str] = (),
    cache: bool = True,
    limits: Limits | None = None,
    tell: Callable[[int, int], None] = lambda done, planned: None,
) -> list[CalibrationReport]:
    """Hold scorers against labelled answers, one after the other.

    Args:
        checks, own, tell: as for `calibrate`.
        cache: whether replies are kept, so that what was cut off goes on where it was.
        limits: what all of it may spend.

    Raises:
        UsageError, LimitReached: as for `calibrate`.
    """
    replies = open_cache(workspace, cache)
    channels = Channels(cache=replies, budget=Budget(limits))
    opened: list[Any] = []
    found: list[CalibrationReport] = []
    try:
        for choice in chosen:
            bench = open_bench(choice, channels, opened)
            made = await calibrate(bench, labelled.answers, labelled.digest, checks=checks, own=own, tell=tell)
            found.append(made)
    finally:
        for model in opened:
            with suppress(Exception):
                await model.close()
        if replies is not None:
            replies.close()
    return found


def weigh(workspace: Workspace, choice: ScorerChoice, labelled: LabelledFile, **how: Any) -> list[MemberWeight]:
    """Hold each model of a panel against labelled answers by itself, and say what its words are worth.

    Args:
        how: as for `measure`.

    Raises:
        UsageError: it is no panel, or a model said nothing of a whole kind of labels; otherwise as `measure`.
    """
    models = choice.use.models
    if len(models) < 2:
        raise UsageError(f"the judge of {choice.suite} asks one model: a panel has `models: [{{use: ...}}, ...]`")
    left_out = ("models", "weights", "weighed_on")
    own = {name: value for name, value in choice.use.params.items() if name not in left_out}
    alone = [choice._replace(use=Use(use=choice.use.use, params={**own, "model": _written(one)})) for one in models]
    reports = asyncio.run(measure(workspace, alone, labelled, checks=0, **how))
    found = []
    for model, report in zip(models, reports, strict=True):
        one = report.accuracy
        if one is None:
            raise UsageError(f"the model {model.name} said nothing of a whole kind of labels: {report.lacks}")
        weight = panel_weight(one.found, one.positives - one.found, one.cleared, one.negatives - one.cleared)
        found.append(MemberWeight(model.name, report, weight))
    return found


def _written(use: Use) -> dict[str, Any]:
    return {"use": use.use, **use.params}


def open_bench(choice: ScorerChoice, channels: Channels, opened: list[Any]) -> Bench:
    use = choice.use
    scorer = create("scorer", use.use, use.own_params)
    metric = next(m for m in declared_metrics(use, scorer) if m.name == choice.metric)
    rubric = getattr(scorer, "rubric", None)
    models = []
    for one in use.models:
        made = build("target", one.use, one.params)
        opened.extend(made.opened)
        models.append(made.plugin)
    ways = tuple(channels.open(model, secrets=tuple(credentials(use))) for model in models)
    bar = (rubric.bar.sensitivity, rubric.bar.specificity) if rubric is not None else BAR
    return Bench(
        scorer=scorer,
        metric=metric,
        identity=judge_identity(use, scorer),
        rubric=rubric.name if rubric is not None else str(scorer.describe().get("scorer", "")),
        bar=bar,
        days=rubric.days if rubric is not None else DAYS,
        channels=ways,
        models=tuple(models),
    )


def enter(layout: Layout, report: CalibrationReport, *, now: float | None = None) -> Calibration:
    """Enter a calibration of a judge into the audit chain, passed or not: the newest one counts.

    Raises:
        UsageError: it is of a scorer that is no judge, or one kind of label got no word at all.
        StoreError: the chain cannot be written.
    """
    if not report.judge:
        raise UsageError(f"the scorer that gives {report.metric!r} is no judge: nothing rests on a calibration of it")
    accuracy = report.accuracy
    if accuracy is None:
        why = f"\nmost often: {next(iter(report.errors))}" if report.errors else ""
        raise UsageError(
            f"the judge that gives {report.metric!r} said nothing of a whole kind of labels: {report.lacks}{why}"
        )
    made = Calibration(
        judge=report.judge,
        model=report.model,
        metric=report.metric,
        rubric=report.rubric,
        data=report.data,
        labels=report.labels,
        **accuracy._asdict(),
        least_sensitivity=report.least_sensitivity,
        least_specificity=report.least_specificity,
        passed=not report.lacks,
        days=report.days,
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() if now is None else now)),
    )
    with AuditLog(layout.control_url) as audit:
        return add_calibration(audit, made)


def current(workspace: Workspace) -> Iterator[tuple[str, str, str]]:
    """Yield suite, metric and identity of every judge as the files are now."""
    for name, suite in workspace.suites.items():
        for use in suite.scorers:
            scorer = create("scorer", use.use, use.own_params)
            if identity := judge_identity(use, scorer):
                for metric in scorer.metrics:
                    yield name, metric.name, identity


def run(*args: Any, **more: Any) -> list[CalibrationReport]:
    """Run `measure` on an event loop of its own."""
    return asyncio.run(measure(*args, **more))
