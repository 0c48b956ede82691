"""What a run set out to do, written before its first attempt; and whether it may go on."""

from __future__ import annotations

import os
import platform
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipworthy import __version__
from shipworthy.core.errors import UsageError
from shipworthy.core.records import SCHEMA, RunManifest, SafetyFile, Stopping, SuiteUse
from shipworthy.evals.models import Crew
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.subject import Subject
from shipworthy.workspace.judges import declared_metrics


def new_run_id(now: float | None = None) -> str:
    """Return ``RUN-``, a sortable UTC time stamp and a random tail."""
    moment = time.time() if now is None else now
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(moment)) + f"{int(moment % 1 * 1000):03d}"
    return f"RUN-{stamp}Z-{secrets.token_hex(3)}"


def make_manifest(
    plan: Plan,
    subject: Subject,
    crew: Crew,
    *,
    system: str,
    spec_digest: str,
    shards: int = 1,
    draws: Sequence[int] = (),
    files: Sequence[SafetyFile] = (),
    beside: Mapping[str, str] = {},
    looks: Mapping[str, tuple[int, ...]] = {},
    id: str | None = None,
) -> RunManifest:
    """Return what a run of this plan sets out to do.

    Args:
        system: id of the system under test.
        spec_digest: of the safety files it depends on.
        shards: into how many parts its attempts are dealt, >= 1.
        draws: seeds of the fresh draws up to the plan's own; none for the samples that the plan itself chooses.
        files: the safety files as they are; `beside` what the run stands on beside them.
        looks: of a sequential run, by suite, after how many attempts it may be looked at; see `Waves`.
        id: of the run; a new one if left out.

    Raises:
        UsageError: fewer than one shard, or more than there are attempts.
    """
    if not 1 <= shards <= max(1, len(plan)):
        raise UsageError(f"a plan of {len(plan):,} attempts is dealt into 1 to {len(plan):,} shards, not {shards}")
    now = time.time()
    return RunManifest(
        schema=SCHEMA,
        id=id or new_run_id(now),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        system=system,
        plan=plan.id,
        plan_digest=plan.digest,
        spec_digest=spec_digest,
        subject_digest=subject.digest,
        subject=subject.description,
        suites=tuple(_suite_use(part, crew, looks.get(part.id, ())) for part in plan.suites),
        planned=len(plan),
        seed=plan.seed,
        stopping=Stopping("sequential") if looks else Stopping(),
        shards=shards,
        models=crew.models,
        draws=tuple(draws),
        guards=subject.guards,
        shadow=subject.shadow.digest if subject.shadow is not None else "",
        engine=__version__,
        host=f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        files=tuple(files),
        beside=dict(beside),
    )


def _suite_use(part: SuitePlan, crew: Crew, looks: tuple[int, ...]) -> SuiteUse:
    return SuiteUse(
        id=part.id,
        version=part.suite.version,
        digest=part.suite.digest,
        content=part.suite.content,
        samples=len(part.samples),
        clusters=part.clusters,
        attempts=len(part),
        each=part.attempts,
        icc=part.suite.icc,
        max_error_rate=part.suite.max_error_rate,
        metric=part.suite.metric,
        metrics=tuple(
            {m.name: m for made in crew.scorers[part.id] for m in declared_metrics(made.use, made.plugin)}.values()
        ),
        attacks=tuple(attack.name for attack in part.attacks),
        looks=looks,
        part=part.suite.part,
    )


def check_same(manifest: RunManifest, now: RunManifest, directory: Path) -> None:
    """Refuse to go on with a run whose files or subject have changed since it began.

    Raises:
        UsageError: it names what changed.
    """
    changed = []
    if manifest.subject_digest != now.subject_digest:
        keys = sorted(k for k in {*manifest.subject, *now.subject} if manifest.subject.get(k) != now.subject.get(k))
        changed.append(f"the system under test ({', '.join(keys) or 'its description'})")
    if manifest.shadow != now.shadow:
        changed.append("the candidate policy beside its own")
    if manifest.models != now.models:
        changed.append("the models of its attacks or scorers")
    suites = {use.id: use.digest for use in manifest.suites}
    edited = sorted(use.id for use in now.suites if suites.get(use.id) != use.digest)
    if edited:
        changed.append(f"the suites {', '.join(edited)}")
    elif manifest.plan_digest != now.plan_digest:
        key = ".shipworthy/pseudonyms.key, by which private samples are named"
        private = any(use.content == "private" for use in manifest.suites)
        changed.append(f"the plan {manifest.plan!r}" + (f" (or {key})" if private else ""))
    if [use.looks for use in manifest.suites] != [use.looks for use in now.suites] and not changed:
        changed.append("the looks of a sequential run (another version of shipworthy made it)")
    if manifest.spec_digest != now.spec_digest and not edited:
        changed.append("the safety files (requirements, gate or suites)")
    if changed:
        raise UsageError(
            f"the run {manifest.id} cannot go on: since it began, {' and '.join(changed)} changed\n"
            f"Put that back, or start a new run: `shipworthy eval` (the reply cache keeps what was already answered)"
        )
