"""The fewest runs that decide lapsed claims again, making them, and the decision that follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.freshness import moment
from shipworthy.core.records import Decision, RunManifest
from shipworthy.evals.begin import join
from shipworthy.evals.estimate import Estimate, estimate
from shipworthy.evals.plan import Plan, make_plan
from shipworthy.evals.results import Run
from shipworthy.evals.sitting import Sitting
from shipworthy.evals.subject import mediated
from shipworthy.release.current import Now
from shipworthy.release.impact import DecisionImpact
from shipworthy.release.proposal import ReleaseCandidate, candidates, propose
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.kinds.plan import part_name
from shipworthy.workspace.load import Workspace


class WantedRun(NamedTuple):
    """A run that decides lapsed claims again.

    Attributes:
        plan: of it, restricted to `suites`: each once, whoever asks for it.
        beside: suites whose claims hold and that the next decision needs all the same: a run is evidence as a whole
            under one specification, so those of one that lapsed in part are measured with it. Kept replies serve there.
        guards: whether behind the workspace's guards and policy.
        fresh: no kept reply may be used.
        attempts: of `suites`; `beside_attempts` of the others.
        expected: what it takes, with nothing from the cache.
        decides: the claims, ``DEC-…:CR-…``.
        since: when the newest decision on them was made, ISO 8601: what decides them again was begun later.
    """

    plan: str
    suites: tuple[str, ...]
    beside: tuple[str, ...]
    guards: bool
    draws: tuple[int, ...]
    fresh: bool
    attempts: int
    beside_attempts: int
    expected: Estimate
    decides: tuple[str, ...]
    since: str

    @property
    def all_suites(self) -> tuple[str, ...]:
        """Those that are measured where a decision is to be renewed."""
        return (*self.suites, *self.beside)

    def parts(self, workspace: Workspace) -> list[WantedRun]:
        """Return it suite by suite, each as a plan of its own; itself, where it is of one suite or of fresh draws.

        A part has a specification of its own, so what changes next asks for the suites that it touches and no other.
        """
        if len(self.all_suites) == 1 or self.draws:
            return [self]
        found = []
        for suite in self.all_suites:
            plan = make_plan(workspace, name := part_name(self.plan, suite))
            expected = estimate(workspace, plan, guards=self.guards and workspace.guards is not None)
            found.append(
                self._replace(
                    plan=name, suites=(suite,), beside=(), attempts=len(plan), beside_attempts=0, expected=expected
                )
            )
        return found

    def words(self) -> list[str]:
        """Return the command line that makes it: only what lapsed."""
        found = ["eval", "--plan", self.plan, *(word for suite in self.suites for word in ("--suite", suite))]
        found += [] if self.guards else ["--no-guards"]
        return found + (["--no-cache"] if self.fresh else [])


class RenewalNeeds(NamedTuple):
    """What lapsed claims need: runs, and what no run can decide."""

    runs: tuple[WantedRun, ...]
    people: tuple[str, ...]


def needed(workspace: Workspace, found: Sequence[DecisionImpact]) -> RenewalNeeds:
    """Return the fewest runs that decide the lapsed claims of some decisions again.

    A suite is measured once under a plan, for all claims on it, and once in all where two plans ask the same of it.
    What no run of this workspace decides is said: an acceptance that ran out, a plan or suite that is gone, a run on
    fresh samples or behind guards that a file elsewhere holds.
    """
    asked: dict[tuple[str, bool, tuple[int, ...]], dict[str, set[str]]] = {}
    fresh: set[tuple[str, bool, tuple[int, ...]]] = set()
    beside: dict[tuple[str, bool, tuple[int, ...]], set[str]] = {}
    people: list[str] = []
    for one in found:
        for claim in one.lapsed:
            name = f"{one.decision.id}:{claim.criterion}"
            people += [f"{name}: {lapse.told}" for lapse in claim.lapses if not lapse.remade]
            if not any(lapse.remade for lapse in claim.lapses):
                continue
            if why := _cannot(workspace, one, claim.run, claim.suite):
                people.append(f"{name}: {why}")
                continue
            manifest = one.manifests.get(claim.run)
            key = ("full", True, ()) if manifest is None else _key(workspace, manifest)
            asked.setdefault(key, {}).setdefault(claim.suite, set()).add(name)
            if any(lapse.fresh for lapse in claim.lapses):
                fresh.add(key)
        for claim in one.claims if one.lapsed else ():
            manifest = one.manifests.get(claim.run)
            if claim.holds and manifest is not None and not _cannot(workspace, one, claim.run, claim.suite):
                beside.setdefault(_key(workspace, manifest), set()).add(claim.suite)
    runs: list[WantedRun] = []
    seen: dict[str, int] = {}
    for key in sorted(asked, key=lambda key: (-len(asked[key]), key[0] != "full", key)):
        plan, guards, draws = key
        own: dict[str, set[str]] = {}
        for suite, claims in sorted(asked[key].items()):
            shape = _shape(workspace, key, suite)
            if shape in seen and (key not in fresh or runs[seen[shape]].fresh):
                there = runs[seen[shape]]
                runs[seen[shape]] = there._replace(decides=tuple(sorted({*there.decides, *claims})))
            else:
                own[suite] = claims
                seen[shape] = len(runs)
        if not own:
            continue
        suites = tuple(sorted(own))
        others = tuple(sorted(beside.get(key, set()) - set(suites)))
        part = make_plan(workspace, plan, suites=suites, draws=draws)
        runs.append(
            WantedRun(
                plan, suites, others, guards, draws, key in fresh, len(part),
                len(make_plan(workspace, plan, suites=others, draws=draws)) if others else 0,
                estimate(workspace, part, guards=guards and workspace.guards is not None),
                tuple(sorted({claim for claims in own.values() for claim in claims})),
                max(one.decision.created for one in found),
            )
        )  # fmt: skip
    return RenewalNeeds(tuple(runs), tuple(dict.fromkeys(people)))


def _key(workspace: Workspace, manifest: RunManifest) -> tuple[str, bool, tuple[int, ...]]:
    """Return what a run's like is made with: plan, whether behind the workspace's guards and policy, draws.

    One that was made when there were none did not leave them aside: now that there are, it is measured behind them.
    """
    had = {file.path for file in manifest.files}
    none_then = bool(manifest.files) and not had & {"guards.yaml", "policy.yaml"}
    none_now = workspace.guards is None and workspace.policy is None
    return manifest.plan, mediated(manifest) or none_then or none_now, tuple(manifest.draws)


def _shape(workspace: Workspace, key: tuple[str, bool, tuple[int, ...]], suite: str) -> str:
    """Return what tells two measurements of a suite apart."""
    plan, guards, draws = key
    part: Plan = make_plan(workspace, plan, suites=[suite], draws=draws)
    return f"{part.digest} {guards}"


def _cannot(workspace: Workspace, found: DecisionImpact, run: str, suite: str) -> str:
    """Return why no run that can be made here decides a claim; empty where one can."""
    manifest = found.manifests.get(run)
    plan = "full" if manifest is None else manifest.plan
    if not workspace.has_plan(plan):
        return f"the plan {plan} is gone: measure it under another one"
    if suite not in [entry.suite for entry in workspace.plan(plan).suites]:
        return f"the plan {plan} has no suite {suite} any more"
    if manifest is None:
        return ""
    declared = manifest.subject.get("declared")
    if isinstance(declared, dict) and declared.get("guards") == "file":
        return f"it was measured behind a guard file that is not the workspace's: `shipworthy eval --plan {plan} --guards FILE`"  # noqa: E501
    return ""


def sit(workspace: Workspace, wanted: WantedRun, now: datetime) -> Sitting:
    """Sit down to a wanted run: a new one, or the one that was begun for it and is still evidence.

    Raises:
        UsageError, StoreError, IntegrityError: as for `evals.begin.join`; what needs leave and has none is refused.
    """
    with AuditLog(Layout(workspace.root).control_url) as audit:
        current = Now.read(workspace, audit, today=now.date())
    return join(
        workspace, wanted.plan, shard=0, shards=1, suites=wanted.all_suites, guards=wanted.guards,
        cache=not wanted.fresh, draws=wanted.draws,
        accept=lambda manifest: manifest.created >= wanted.since and not current.lapses(manifest),
    )  # fmt: skip


def renewed(found: DecisionImpact, made: Sequence[str], current: Now) -> list[str]:
    """Return the runs that a decision is to be renewed on: those just made, and its own that hold.

    Raises:
        UsageError: what it rests on is not measured whole.
    """
    measured = {claim.run for claim in found.lapsed}
    kept = [run for run in found.decision.runs if run not in measured and run in found.manifests]
    kept = [run for run in kept if not current.lapses(found.manifests[run])]
    return [*dict.fromkeys((*made, *kept))]


def existing(layout: Layout, decision: Decision, runs: Sequence[Run]) -> Decision | None:
    """Return a later decision on exactly these runs, where one was made before this process was stopped."""
    wanted = {run.id for run in runs}
    for name in reversed(layout.decision_ids()):
        if name == decision.id:
            return None
        try:
            made = layout.load_decision(name)
        except IntegrityError:
            continue
        if set(made.runs) == wanted:
            return made
    return None


def propose_again(
    workspace: Workspace, layout: Layout, found: DecisionImpact, decision: Decision, now: datetime
) -> list[ReleaseCandidate]:
    """Propose a renewed decision for every place that the old one was proposed for, and that nobody said NO-GO to.

    A place that it is proposed for already is passed over.

    Raises:
        UsageError, IntegrityError, StoreError: as for `propose`.
    """
    with AuditLog(layout.control_url) as audit:
        there = {_place(one.said) for one in candidates(audit) if one.said["decision"] == decision.id}
    places: dict[tuple[str, ...], Any] = {
        _place(word.candidate.said): word.candidate.said for word in found.signed if word.verdict != "NO_GO"
    }
    return [
        propose(
            workspace, layout, decision, market=said["market"], language=said["language"],
            jurisdiction=said["jurisdiction"], now=now,
        )
        for place, said in places.items() if place not in there
    ]  # fmt: skip


def _place(said: Any) -> tuple[str, ...]:
    return said["market"], said["language"], said["jurisdiction"]


def check_fresh(run: Run, wanted: WantedRun) -> None:
    """Refuse a run that was to be fresh and rests on kept replies.

    Raises:
        UsageError: says since when.
    """
    if wanted.fresh and run.replies.cached:
        raise UsageError(
            f"{run.id} rests on replies that were kept, the oldest of {moment(run.replies.oldest)}, and what it is to "
            f"decide changed since: `shipworthy eval --plan {wanted.plan} --no-cache`"
        )
