"""A run's figures as a run of MLflow: rates with their intervals and denominators, what was measured, and no text."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.core.extras import require
from shipworthy.evals.results import Run

TAG = "shipworthy.run"
"""The tag that says which of our runs one of MLflow's is."""
_NAME = re.compile(r"[^\w. /-]", re.ASCII)
_LONGEST = 250


class Logged(NamedTuple):
    """Where a run stands in MLflow, and whether it was there already."""

    run: str
    experiment: str
    metrics: int
    was_there: bool


def log_run(run: Run, uri: str, experiment: str) -> Logged:
    """Log a run's figures to MLflow; one that is there already is left as it is.

    Of each metric of each suite: ``SUITE/METRIC`` the rate or mean, ``…/low`` and ``…/high`` its 95 % interval,
    ``…/clusters``, ``…/errors``. Parameters say what was measured and how. A metric without a score has no rate there,
    and its errors are told. Nothing of the run's text is sent.

    Args:
        uri: of the tracking server, or a folder's; without a password in it.
        experiment: made where it is not there.

    Raises:
        UsageError: the run is not finished, or the address holds a password.
        StoreError: MLflow cannot be reached, or refuses.
        MissingExtra: MLflow's client is not installed.
    """
    if not run.finished.yes:
        raise UsageError(f"{run.id} is not finished: {run.finished.why}")
    if urlsplit(uri).password:
        raise UsageError("no password in the address: MLflow's client reads MLFLOW_TRACKING_USERNAME and _PASSWORD")
    # Its client reports its use to its makers unless it is told not to, when it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    mlflow = require("mlflow", extra="mlflow", package="mlflow-skinny")
    entities = require("mlflow.entities", extra="mlflow", package="mlflow-skinny")
    figures = _figures(run)
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        where = found.experiment_id if found is not None else client.create_experiment(experiment)
        there = client.search_runs([where], filter_string=f"tags.`{TAG}` = '{run.id}'", max_results=1)
        finished = [one for one in there if one.info.status == "FINISHED"]
        if finished:
            return Logged(finished[0].info.run_id, experiment, 0, True)
        started = round(1000 * min((a.started for a in run.attempts() if a.started), default=0)) or None
        made = client.create_run(where, start_time=started, tags={TAG: run.id}, run_name=run.id)
        try:
            for at in range(0, len(figures), 500):
                some = [entities.Metric(name, value, started or 0, 0) for name, value in figures[at : at + 500]]
                client.log_batch(made.info.run_id, metrics=some)
            params = [entities.Param(name, value[:_LONGEST]) for name, value in _parameters(run)]
            client.log_batch(made.info.run_id, params=params)
        except Exception:
            client.set_terminated(made.info.run_id, "FAILED")
            raise
        client.set_terminated(made.info.run_id, "FINISHED")
    except mlflow.exceptions.MlflowException as error:
        raise StoreError(f"MLflow at {uri}: {str(error).splitlines()[0][:300]}") from None
    return Logged(made.info.run_id, experiment, len(figures), False)


def _figures(run: Run) -> list[tuple[str, float]]:
    from shipworthy.stats import MeanInterval

    rows: list[tuple[str, float]] = [("attempts", float(len(run))), ("errors", float(run.errors))]
    for use in run.manifest.suites:
        for metric in run.metrics(use.id):
            result = run.result(use.id, metric)
            name = _NAME.sub("_", f"{use.id}/{metric}")[: _LONGEST - 10]
            told = result.interval
            if told is not None:
                middle = told.mean if isinstance(told, MeanInterval) else told.rate
                rows += [(name, middle), (f"{name}/low", told.low), (f"{name}/high", told.high)]
                rows.append((f"{name}/clusters", float(told.clusters)))
            rows.append((f"{name}/errors", float(result.errors)))
    return rows


def _parameters(run: Run) -> list[tuple[str, str]]:
    manifest = run.manifest
    target: Any = manifest.subject.get("target", "")
    found = {
        "system": manifest.system, "plan": manifest.plan, "seed": str(manifest.seed), "guards": manifest.guards,
        "target": target if isinstance(target, str) else str(target.get("id", "")) if isinstance(target, dict) else "",
        "spec_digest": manifest.spec_digest, "subject_digest": manifest.subject_digest, "engine": manifest.engine,
        "created": manifest.created, "stopping": manifest.stopping.rule,
    }  # fmt: skip
    suites = {f"suite.{_NAME.sub('_', use.id)[:200]}": f"{use.version} {use.digest}" for use in manifest.suites}
    return [(name, value) for name, value in (found | suites).items() if value]
