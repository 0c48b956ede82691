"""Which judge gives a metric: its identity as it is written, which a calibration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shipworthy.core.digests import digest
from shipworthy.core.metric import Metric
from shipworthy.workspace.files import measured, unpriced
from shipworthy.workspace.use import Use

if TYPE_CHECKING:
    from shipworthy.workspace.graph import Graph


def judge_identity(use: Use, scorer: Any) -> str:
    """Return ``sha256:…`` of all that makes a judge judge as it does; empty for a scorer that is none.

    Rubric, prompt, votes and parameters as the scorer describes itself, and its models as they are written, without
    their operational settings and prices.
    """
    if not getattr(scorer, "judge", False):
        return ""
    written = [{"use": one.use, "params": measured(one, unpriced(one.params))} for one in use.models]
    # One model, or none, is written as it always was: calibrations name this digest.
    model: Any = written if len(written) > 1 else written[0] if written else None
    return digest({"scorer": dict(scorer.describe()), "model": model})


def declared_metrics(use: Use, scorer: Any) -> tuple[Metric, ...]:
    """Return the metrics of a scorer as manifests and specifications hold them: with the judge that gives them."""
    identity = judge_identity(use, scorer)
    metrics = tuple(scorer.metrics)
    return tuple(replace(metric, judge=identity) for metric in metrics) if identity else metrics


def written_metric(metric: Metric) -> Mapping[str, Any]:
    """Return a metric for a specification: what is as usual since it can be said is left out."""
    fields = {name: getattr(metric, name) for name in metric.__struct_fields__}
    if not fields["judge"]:
        del fields["judge"]
    if fields["harm"]:
        del fields["harm"]
    return fields


def judged_suites(graph: Graph, about: str = "") -> frozenset[str]:
    """Return the suites with a metric that a judge gives.

    Args:
        about: only those whose judge is called so: by its plug-in, full name, rubric or model, or by the suite.
    """
    return frozenset(
        name
        for name, node in graph.of_kind("suite").items()
        if any(metric.get("judge") for metric in node.meaning["metrics"])
        and (not about or about == name or any(about in _names(use) for use in node.entity.scorers))
    )


def _names(use: Use) -> Iterator[str]:
    yield from (use.use, use.name)
    if isinstance(rubric := use.params.get("rubric"), str):
        yield from (rubric, rubric.partition("@")[0])
    for model in use.models:
        yield from (model.use, *(str(model.params[key]) for key in ("model", "name") if key in model.params))
