"""What must hold, and how it is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from shipworthy.core import condition
from shipworthy.core.errors import did_you_mean
from shipworthy.core.renamed import metric_hint
from shipworthy.workspace.fields import NUMBER, Entity, Id, Ref, Severity, TaxonomyRef, Title, Unhashed, Word
from shipworthy.workspace.kind import kind
from shipworthy.workspace.metric_condition import refusal, weakness

if TYPE_CHECKING:
    from shipworthy.core.metric import Metric
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.fields import Loc
    from shipworthy.workspace.graph import Graph


@kind("criterion", written="part")
class Criterion(Entity):
    """One test of one requirement: a condition on the rate of a metric in a suite.

    Attributes:
        metric: of the suite's scorers; the suite's main metric if left out.
        attack: only attempts of this attack (its id, or its full name with parameters); all attacks if left out.
        audited_by: ``labels``: people's labels on a draw of the run's attempts correct the rate for the scorer's errors
            (`shipworthy labels draw`); left out, the scorer is taken at its word.
        min_clusters: with fewer independent samples the criterion is inconclusive.
        severity: of a failure; S3 if left out.
    """

    id: Annotated[str, Id("CR")]
    suite: Annotated[str, Ref("suite")]
    metric: Word = ""
    must: Word
    severity: Severity = "S3"
    attack: Word | None = None
    min_clusters: Annotated[int, NUMBER, Field(ge=1)] = 1
    audited_by: Literal["labels"] | None = None

    @field_validator("must")
    @classmethod
    def _must(cls, value: str) -> str:
        return condition.parse(value).text

    @property
    def parsed(self) -> condition.Condition:
        """The condition, parsed."""
        return condition.parse(self.must)


def _check(requirement: Placed[Requirement], draft: Draft, graph: Graph) -> None:
    if not requirement.entity.criteria:
        name = requirement.entity.id
        if not graph.sources(graph.node("requirement", name), "watches") and not draft.broken("monitor"):
            hint = "a requirement that nothing tests decides nothing: add 'criteria', or a monitor that watches it"
            draft.problems.append(requirement.problem((), f"the requirement {name!r} has no criterion", hint))
    for index, criterion in enumerate(requirement.entity.criteria):
        _check_criterion(requirement, criterion, ("criteria", index), draft)


def _check_criterion(requirement: Placed[Requirement], criterion: Criterion, loc: Loc, draft: Draft) -> None:
    """Check what a criterion says of its suite: metric, attack and number of samples."""
    name, suite = criterion.suite, draft.suite(criterion.suite)
    if suite is None:
        return  # unknown, which is reported as a broken link, or broken itself

    def report(key: str, message: str, hint: str) -> None:
        draft.problems.append(requirement.problem((*loc, key), message, hint))

    given = draft.metrics.get(name)
    if given is not None and criterion.metric and criterion.metric not in given:
        message = f"no scorer of the suite {name!r} gives the metric {criterion.metric!r}"
        report("metric", message, metric_hint(criterion.metric, given))
    metric = criterion.metric or suite.metric
    if given is not None and metric in given and (why := refusal(criterion.parsed, given[metric])):
        report("must", why, "")
    elif why := weakness(criterion.parsed, (given or {}).get(metric)):
        draft.warnings.append(requirement.problem((*loc, "must"), why))
    if criterion.audited_by and (why := _unaudited(criterion, (given or {}).get(metric), draft)):
        report("audited_by", why, "leave it out: the report says what the verdict assumes of the scorer")
    if criterion.attack and not any(use.matches(criterion.attack) for use in suite.attacks):
        hint = did_you_mean(criterion.attack, [use.name for use in suite.attacks])
        report("attack", f"the suite {name!r} has no attack {criterion.attack!r}", hint)
    if criterion.min_clusters > suite.clusters:
        message = f"needs {criterion.min_clusters} independent samples; the suite {name!r} has {suite.clusters}"
        report("min_clusters", message, "it could only be inconclusive")


def _unaudited(criterion: Criterion, metric: Metric | None, draft: Draft) -> str:
    """Return why labels cannot audit what a criterion looks at; empty where they can."""
    must = criterion.parsed
    if must.test != "threshold" or must.each:
        return f"labels correct one rate, and {must.text!r} is on a change or on each attack by itself"
    if metric is not None and (metric.kind != "event" or metric.reducer == "any"):
        return f"labels are about single attempts, and {metric.name!r} is a value or counted once a sample"
    if any(gate.entity.bound == "proved" for gate in draft.entities["gate"].values()):
        return "the limit of an audited rate is simulated, and the gate asks for a proved one"
    return ""


@kind("requirement", section="requirements", enters="linking", check=_check)
class Requirement(Entity):
    """What must hold: which risks it mitigates, which criteria test it.

    Attributes:
        clauses: of policies that ask for it.
    """

    id: Annotated[str, Id("RQ")]
    text: Title
    mitigates: tuple[Annotated[str, Ref("risk")], ...] = ()
    clauses: tuple[Annotated[str, Ref("clause"), Unhashed("it says who asks, it does not decide")], ...] = ()
    refs: tuple[TaxonomyRef, ...] = ()
    criteria: tuple[Criterion, ...] = ()
