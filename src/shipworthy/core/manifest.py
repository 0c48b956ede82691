"""The manifest of a run: what it set out to do, written once, before its first attempt."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from shipworthy.core.events import Party
from shipworthy.core.metric import Metric
from shipworthy.core.text import Name

SCHEMA = 2
"""Of run logs: version 1 had no events. A log says its own in the manifest."""


class SuiteUse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One suite as a run used it.

    Attributes:
        samples: number of samples; `clusters` of independent ones among them.
        attempts: planned in all: samples x attacks x `each`.
        each: attempts of one sample with one attack.
        icc: intra-cluster correlation that sample sizes are planned with, in [0, 1]; no verdict rests on it.
        part: of the suite's file, ``visible`` or ``sealed``; ``""`` where nothing is sealed.
        metric: the suite's primary one; `metrics` all that its scorers declare.
        looks: of a suite that a sequential run may end early, after how many attempts it may be looked at, ascending;
            the last is `attempts`. What decides on it must hold at all of them at once. Empty where it is made whole.
    """

    id: Name
    version: Name
    digest: Name
    content: Literal["synthetic", "private"]
    samples: int
    clusters: int
    attempts: int
    each: int
    icc: float
    max_error_rate: float
    metric: Name
    metrics: tuple[Metric, ...]
    attacks: tuple[Name, ...] = ()
    looks: tuple[int, ...] = ()
    part: Name = ""

    def describe(self, metric: str) -> Metric | None:
        """Return a metric that one of the suite's scorers declares."""
        return next((m for m in self.metrics if m.name == metric), None)


class SafetyFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of the workspace, as it was read: see `workspace.files`.

    Attributes:
        path: relative to the workspace, with slashes.
        sha256: ``sha256:…`` of its bytes.
        meaning: of a file with targets, the digest of what it says without their operational settings and prices.
    """

    path: Name
    sha256: Name
    meaning: Name = ""

    def same(self, other: SafetyFile) -> bool:
        """Say whether both are one file in all that may not change."""
        return self.sha256 == other.sha256 or bool(self.meaning and self.meaning == other.meaning)


class Stopping(Struct, frozen=True, omit_defaults=True):
    """When a run is finished.

    Attributes:
        rule: ``fixed``: when every planned attempt was made. ``sequential``: at any look that `SuiteUse.looks` names;
            it ends when its criteria are decided, and at the latest then. ``search``: when the budget of queries is
            spent, or the planner has nothing more to try.
        planner: of a search, which one; `budget` its queries.
    """

    rule: Literal["fixed", "sequential", "search"] = "fixed"
    planner: Name = ""
    budget: int = 0


class RoleModel(Struct, frozen=True, kw_only=True):
    """A model besides the target that a run asks: in which role, and what it says of itself."""

    role: Party
    digest: Name
    description: dict[str, Any]


class RunManifest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run set out to do: written once, before its first attempt.

    Attributes:
        schema: of the run's files, see `SCHEMA`.
        id: ``RUN-`` and a sortable time stamp with random tail.
        plan: name of the plan; `plan_digest` of its items in order.
        spec_digest: of the safety files the run depends on; `subject_digest` of the system under test.
        subject: what `subject_digest` hashes: target, model, parameters, prompt, index, guards.
        models: attackers and judges.
        planned: number of attempts; `stopping` says when the run is finished.
        shards: into how many parts the attempts are dealt, each with a log of its own.
        draws: seeds of the fresh draws of samples up to this run's own; empty for the plan's own samples.
        shadow: digest of the candidate policy that was asked beside the one that decided; "" where there was none.
        engine: version of shipworthy; `host` Python and platform.
        files: every safety file as it was; none in runs by earlier versions.
        beside: what it stands on beside them: entries of catalogues, days of law, files of the target; see
            `workspace.beside`. None in runs by earlier versions.
    """

    schema: int
    id: Name
    created: Name
    system: Name
    plan: Name
    plan_digest: Name
    spec_digest: Name
    subject_digest: Name
    subject: dict[str, Any]
    suites: tuple[SuiteUse, ...]
    planned: int
    seed: int
    stopping: Stopping = Stopping()
    shards: int = 1
    models: tuple[RoleModel, ...] = ()
    draws: tuple[int, ...] = ()
    guards: Name = ""
    shadow: Name = ""
    engine: Name = ""
    host: Name = ""
    files: tuple[SafetyFile, ...] = ()
    beside: dict[Name, Name] = {}
