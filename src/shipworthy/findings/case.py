"""What shows a finding: a sample, a target and scorers for the evaluation engine, checked before they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.errors import MissingExtra, ShipworthyError, UsageError, did_you_mean
from shipworthy.core.finding import FindingCase
from shipworthy.core.metric import Metric
from shipworthy.core.records import Attempt, Message, Sample, say
from shipworthy.core.severity import Severity
from shipworthy.detect.redact import is_redacted, redact_text
from shipworthy.evals.imports.foreign import parse, read_bytes
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.results import Run
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.parameters import build
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use

_WHERE = "the reproduction of a finding"


class CaseCount(NamedTuple):
    """How often a case was tried, how often it failed, and how often it was asked and gave no score.

    Attributes:
        answers: how many different answers each sample had, at most.
    """

    tries: int
    hits: int
    unscored: int
    answers: int


def case_of_text(
    workspace: Workspace,
    text: str,
    scorers: Sequence[Any],
    *,
    metric: str = "",
    target: str = "",
    expected: Any = None,
    secrets: Sequence[str] = (),
) -> FindingCase:
    """Return the reproduction that says one thing to the target.

    Args:
        text: what the user says.
        scorers: as suites write them: an id, or ``{"use": …}`` with parameters.
        metric: whose hit is the failure; the first one of the scorers if empty.
        secrets: references to values that must not leave, such as ``env:NAME``.

    Raises:
        UsageError: it cannot be run; says why.
    """
    if not text.strip():
        raise UsageError(f"{_WHERE} needs a sample: what is said to the target")
    sample = Sample(id="seen", messages=(say("user", text),), expected=expected, secrets=tuple(secrets))
    return _case(workspace, sample, [Use.model_validate(one) for one in scorers], metric, target)


def case_of_conversation(
    workspace: Workspace,
    said: Sequence[tuple[str, str]],
    scorers: Sequence[Any],
    *,
    metric: str = "",
    target: str = "",
    expected: Any = None,
    secrets: Sequence[str] = (),
) -> FindingCase:
    """Return the reproduction that holds a conversation, redacted here whatever was done before.

    Args:
        said: role (``system``, ``user`` or ``assistant``) and text, in order. What the assistant said is left out: the
            target answers afresh.
        scorers, metric, target, expected: as for `case_of_text`.
        secrets: strings that are secret here.

    Raises:
        UsageError: no user says anything, a role is none, or it cannot be run.
    """
    messages: list[Message] = []
    for role, text in said:
        if role not in ("system", "user", "assistant"):
            raise UsageError(f"a conversation has the roles system, user and assistant, not {role!r}")
        if role != "assistant":
            messages.append(say(role, redact_text(text, secrets)))  # type: ignore[arg-type]
    if not any(message.role == "user" for message in messages):
        raise UsageError("no user says anything in the conversation, so there is nothing to ask again")
    sample = Sample(id="seen", messages=tuple(messages), expected=expected)
    return _case(workspace, sample, [Use.model_validate(one) for one in scorers], metric, target)


def read_conversation(path: Path) -> list[tuple[str, str]]:
    """Read a conversation as JSON: a list of ``{"role": …, "content": …}``, or an object with it as ``messages``.

    Raises:
        UsageError: it is none; the field is named.
    """
    whole = parse(read_bytes(path), path)
    listed = whole.at("messages") if isinstance(whole.value, dict) else whole
    return [(one.at("role").text(), one.at("content").text()) for one in listed.items()]


def case_of_attempt(workspace: Workspace, run: Run, attempt: Attempt, *, metric: str = "") -> FindingCase:
    """Return the reproduction that says what was said in an attempt, the attack's words included.

    Raises:
        UsageError: the attempt was not scored as a failure, its suite is gone, or it acted in a world.
    """
    suite = workspace.suite(attempt.suite)
    sample = next((one for one in suite.samples if one.id == attempt.sample), None)
    if sample is None:
        raise UsageError(f"the suite {suite.id!r} no longer has the sample {attempt.sample!r}")
    if sample.scene is not None:
        raise UsageError(f"{attempt.id} acted in a world: write its case as a suite, and name that with --case")
    said = tuple(message for message in attempt.messages if message.role in ("system", "user"))
    name = metric or next((s.metric for s in attempt.scores if s.hit and _is_bad(run, attempt.suite, s.metric)), "")
    if not name:
        raise UsageError(f"{attempt.id} has no hit on anything bad: what failed in it? Name its metric with --metric")
    hits = [score.hit for score in attempt.scores if score.metric == name]
    if True not in hits:
        raise UsageError(f"{attempt.id} has no hit of {name}")
    asked = msgspec.structs.replace(sample, id="seen", messages=said or sample.messages, twin="", cluster="")
    made = _case(workspace, asked, suite.scorers, name, "")
    return msgspec.structs.replace(made, tries=1, hits=1)


def check_case(workspace: Workspace, case: FindingCase) -> Metric:
    """Check that a reproduction can be run here, and return the metric whose hit is the failure.

    Raises:
        UsageError: it names a target, a scorer or a metric that is not here, or its sample lost words to redaction that
            it cannot be asked without.
    """
    if case.target and case.target not in workspace.targets:
        known = did_you_mean(case.target, list(workspace.targets))
        raise UsageError(f"{_WHERE}: there is no target {case.target!r}: {known}")
    if not case.scorers:
        raise UsageError(f"{_WHERE} needs a scorer: what tells that it failed (`shipworthy scorer list`)")
    metrics: dict[str, Metric] = {}
    for written in case.scorers:
        use = Use.model_validate(written)
        try:
            built = build("scorer", use)
        except MissingExtra:
            raise
        except (ShipworthyError, TypeError, ValueError) as error:
            raise UsageError(f"{_WHERE}: the scorer {use.use!r} cannot be built: {error}") from None
        metrics |= {metric.name: metric for metric in built.metrics}
    if case.metric not in metrics:
        raise UsageError(f"{_WHERE}: its scorers give no {case.metric!r}: {did_you_mean(case.metric, list(metrics))}")
    found = metrics[case.metric]
    if not found.bad_event:
        or_else = "name a metric of something bad, or say in the scorer that a hit must not happen (good: low)"
        raise UsageError(f"{_WHERE}: a hit of {found.name!r} is nothing bad: {or_else}")
    return found


def samples_of(case: FindingCase, severity: Severity, cluster: str) -> list[Sample]:
    """Return the samples of a reproduction as the engine takes them: one cluster, of the finding's severity.

    Raises:
        UsageError: one is no sample.
    """
    try:
        made = [msgspec.convert(one, Sample) for one in case.samples]
    except msgspec.ValidationError as error:
        raise UsageError(f"{_WHERE}: its sample is none: {error}") from None
    return [msgspec.structs.replace(one, severity=severity, cluster=cluster) for one in made]


def lost_words(samples: Sequence[Sample]) -> bool:
    """Say whether redaction took words out of what is asked: the marks stand in their place, and are asked."""
    return any(is_redacted(text) for sample in samples for text in _texts(sample.messages))


def case_plan(case: FindingCase, id: str, severity: Severity, tries: int) -> Plan:
    """Return a plan that runs a reproduction so many times, in memory."""
    samples = samples_of(case, severity, id)[:1]
    suite = Suite(
        id=id.lower(), version="0", title=id, content="private", metric=case.metric,
        scorers=tuple(Use.model_validate(one) for one in case.scorers), samples=tuple(samples),
    )  # fmt: skip
    return Plan("finding", 0, [SuitePlan(suite, samples, [Use(use="none")], tries, 0)])


def count(attempts: Sequence[Attempt], metric: str) -> CaseCount:
    """Count some attempts on one case."""
    hits = tries = unscored = 0
    answers: dict[str, set[str]] = {}
    for attempt in attempts:
        said = [s.hit for s in attempt.scores if s.metric == metric and s.hit is not None]
        if attempt.outcome != "scored" or not said:
            unscored += 1
            continue
        tries, hits = tries + 1, hits + any(said)
        answers.setdefault(attempt.sample, set()).add(attempt.answer)
    return CaseCount(tries, hits, unscored, max(map(len, answers.values()), default=0))


def _case(workspace: Workspace, sample: Sample, scorers: Sequence[Use], metric: str, target: str) -> FindingCase:
    written = tuple({"use": use.use, **use.params} for use in scorers)
    case = FindingCase(
        samples=(msgspec.to_builtins(sample),), scorers=written, metric=metric or _first(scorers), target=target
    )
    check_case(workspace, case)
    return case


def _first(scorers: Sequence[Use]) -> str:
    for use in scorers:
        try:
            return str(build("scorer", use).metrics[0].name)
        except (ShipworthyError, TypeError, ValueError, IndexError):
            return ""  # `check_case` says what is wrong with it
    return ""


def _is_bad(run: Run, suite: str, name: str) -> bool:
    declared = run.suite(suite).describe(name)
    return declared is not None and declared.bad_event


def _texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages]
