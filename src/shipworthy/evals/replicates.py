"""Replicate runs of the old system: what shows how much whole runs differ although nothing changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shipworthy.core.errors import UsageError
from shipworthy.core.records import RunManifest
from shipworthy.evals.results import Run

FEWEST = 3
"""Besides the old run itself. Error rates were simulated from there on (decision 0154)."""


def check_replicates(new: Run, old: Run, replicates: Sequence[Run]) -> None:
    """Refuse replicates that are not further runs of the old system on the same attempts.

    Raises:
        UsageError: too few; one named twice, or that is the old or the new run; another subject, files, samples or
            seed than the old run's; answers from the reply cache. It names the run and what differs.
    """
    seen: set[str] = set()
    for run in replicates:
        if run.id == new.id:
            raise UsageError(f"{run.id} is the new run: replicates are runs of the old system, never the candidate")
        if run.id == old.id:
            raise UsageError(f"{run.id} is the old run itself: it counts already; name further runs of it")
        if run.id in seen:
            raise UsageError(f"the replicate {run.id} is named twice")
        seen.add(run.id)
        if differs := list(differing(run.manifest, old.manifest)):
            what = "; ".join(differs)
            raise UsageError(f"{run.id} is no replicate of {old.id}: {what}\nRun the old system again, unchanged")
    if len(replicates) < FEWEST:
        raise UsageError(
            f"{len(replicates)} replicate(s) besides {old.id} do not show how much whole runs differ; "
            f"name at least {FEWEST}\nMeasure the old system again with `shipworthy eval --no-cache`, on other days"
        )
    for run in (old, *replicates):
        target = run.roles.get("target")
        if target is not None and target.cached:
            raise UsageError(
                f"{run.id} took {target.cached:,} of {target.calls:,} replies from the cache: it repeats another run "
                f"and does not show how much runs differ\nMeasure it again with `shipworthy eval --no-cache`"
            )


def differing(one: RunManifest, old: RunManifest) -> Iterator[str]:
    """Yield in words what makes a run no repetition of another one."""
    if one.system != old.system:
        yield f"another system ({one.system}, not {old.system})"
    if one.subject_digest != old.subject_digest:
        keys = sorted(k for k in {*one.subject, *old.subject} if one.subject.get(k) != old.subject.get(k))
        yield f"another subject ({', '.join(keys) or 'its description'})"
    if one.models != old.models:
        yield "other models of its attacks or scorers"
    if edited := sorted({(u.id, u.digest) for u in one.suites} ^ {(u.id, u.digest) for u in old.suites}):
        yield f"other suites ({', '.join(dict.fromkeys(id for id, _ in edited))})"
    if one.spec_digest != old.spec_digest:
        yield f"other safety files (spec {one.spec_digest[:19]}, not {old.spec_digest[:19]})"
    if one.seed != old.seed:
        yield f"another seed ({one.seed}, not {old.seed})"
    if one.plan_digest != old.plan_digest:
        yield f"another plan, or other samples of it ({one.plan}, not {old.plan})"
