"""What of a gate became weaker from one state of the safety files to another: for whoever reviews the change.

A change whose direction cannot be told, such as another metric or other samples, counts as weaker: somebody must look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.condition import looser
from shipworthy.core.digests import digest, file_digest
from shipworthy.core.severity import Severity
from shipworthy.workspace.code import FOLDER
from shipworthy.workspace.graph import Node
from shipworthy.workspace.guards import GuardRule
from shipworthy.workspace.kinds.plan import FULL
from shipworthy.workspace.kinds.requirement import Criterion
from shipworthy.workspace.kinds.role import Role
from shipworthy.workspace.kinds.tier import Tier
from shipworthy.workspace.kinds.waiver import Waiver
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suite import Suite

_ACTIONS = {"off": 0, "shadow": 1, "enforce": 2}
_FAILURES = {"allow": 0, "tighten": 1, "block": 2}


class Weakening(NamedTuple):
    """One thing that is weaker, or may be.

    Attributes:
        what: kind and id, such as ``criterion CR-leak``.
        was, now: in words.
        why: what that means.
    """

    what: str
    was: str
    now: str
    why: str


def weakened(old: Workspace, new: Workspace) -> list[Weakening]:
    """Return what became weaker: criteria, gate, suites, plans, guards, tool policy, tier, rights, waivers.

    Code is compared apart, see `code_changes`.

    What was tightened, or added, is not in it. Moving a criterion to another file changes nothing.
    """
    return [
        *_criteria(old, new),
        *_gate(old, new),
        *_suites(old, new),
        *_guards(old, new),
        *_tiers(old, new),
        *_rights(old, new),
        *_waivers(old, new),
        *_plans(old, new),
        *_gone(old, new),
        *_packs(old, new),
        *_tables(old, new),
    ]


def place(one: Weakening, old: Workspace, new: Workspace) -> str:
    """Return ``file:line`` in the workspace of what became weaker; of what is gone, where it was; or nothing."""
    for side in (new, old):
        node = entity_of(one, side)
        if node is not None and node.file.resolve().is_relative_to(side.root.resolve()):
            return f"{node.file.resolve().relative_to(side.root.resolve()).as_posix()}:{node.line}"
    return ""


def entity_of(one: Weakening, side: Workspace) -> Node | None:
    """Return what became weaker as one of the two states has it; None where it has none."""
    kind, _, id = one.what.partition(" ")
    if not id:  # there is one gate, and one tool policy
        return next(iter(side.graph.of_kind(kind).values()), None)
    return side.graph.find(kind, id)


def _criteria(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    was, now = ({one.id: one for _, one in side.criteria()} for side in (old, new))
    for id, before in was.items():
        what = f"criterion {id}"
        if id not in now:
            yield Weakening(what, before.must, "gone", "nothing decides by it any more")
            continue
        after = now[id]
        yield from _condition(what, before, after)
        for name in ("suite", "metric", "attack", "audited_by"):
            one, other = getattr(before, name) or "-", getattr(after, name) or "-"
            if one != other and not (name == "audited_by" and one == "-"):
                yield Weakening(what, f"{name} {one}", f"{name} {other}", "it looks at something else")
        if _milder(after.severity, before.severity):
            yield Weakening(what, before.severity, after.severity, "its failing counts for less")
        if after.min_clusters < before.min_clusters:
            told = f"{before.min_clusters} samples", f"{after.min_clusters} samples"
            yield Weakening(what, *told, "fewer samples are enough")


def _condition(what: str, before: Criterion, after: Criterion) -> Iterator[Weakening]:
    one, other = before.parsed, after.parsed
    if one.text == other.text:
        return
    if (loosened := looser(one, other)) is None:
        yield Weakening(what, one.text, other.text, "another condition: which is stricter cannot be told")
    elif loosened:
        yield Weakening(what, one.text, other.text, "the limit is loosened")


def _gate(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    was, now = old.gate, new.gate
    if now.max_error_rate > was.max_error_rate:
        told = f"max_error_rate {was.max_error_rate}", f"{now.max_error_rate}"
        yield Weakening("gate", *told, "more attempts may lack a score")
    if (was.bound, now.bound) == ("proved", "gaffke"):
        yield Weakening("gate", "bound proved", "gaffke", "its error rate is simulated and not a theorem")
    if was.fresh and not now.fresh:
        yield Weakening("gate", "fresh replies", "kept ones, too", "an older answer may decide")


def _suites(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    for id, before in old.suites.items():
        after, what = new.suites.get(id), f"suite {id}"
        if after is None:
            yield Weakening(what, f"{len(before.samples)} samples", "gone", "nothing of it is measured any more")
        elif before.digest != after.digest:
            yield from _suite(what, before, after)


def _suite(what: str, before: Suite, after: Suite) -> Iterator[Weakening]:
    was, now = ({one.id: digest(_plain(one)) for one in side.samples} for side in (before, after))
    if gone := sorted(set(was) - set(now)):
        yield Weakening(what, f"{len(was)} samples", f"without {_named(gone)}", "samples were deleted")
    if other := sorted(id for id in was if id in now and was[id] != now[id]):
        yield Weakening(what, _named(other), "other text", "samples ask, or count, something else")
    for name in ("attacks", "scorers"):
        mine, theirs = ({use.name for use in getattr(side, name)} for side in (before, after))
        if lost := sorted(mine - theirs):
            yield Weakening(what, f"{name} {_named(lost)}", _named(sorted(theirs)), "it is tried, or judged, otherwise")
    if after.metric != before.metric:
        yield Weakening(what, f"metric {before.metric}", after.metric, "it looks at something else")
    if after.attempts < before.attempts:
        yield Weakening(what, f"{before.attempts} attempts", f"{after.attempts}", "each sample is tried less often")
    if after.max_error_rate > before.max_error_rate:
        told = f"max_error_rate {before.max_error_rate}", f"{after.max_error_rate}"
        yield Weakening(what, *told, "more attempts may lack a score")


def _guards(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    was, now = ({r.id: r for r in side.guards.rules} if side.guards else {} for side in (old, new))
    for id, before in was.items():
        what, after = f"guard {id}", now.get(id)
        if after is None:
            yield Weakening(what, before.mode, "gone", "it guards nothing any more")
        elif before != after:
            yield from _guard(what, before, after)
    if old.policy is not None and new.policy != old.policy:
        yield Weakening("policy", "as it was", "another, or none", "`shipworthy policy` says what it lets through")


def _guard(what: str, before: GuardRule, after: GuardRule) -> Iterator[Weakening]:
    if _ACTIONS[after.mode] < _ACTIONS[before.mode]:
        yield Weakening(what, before.mode, after.mode, "it stops nothing any more")
    if _FAILURES[after.on_error] < _FAILURES[before.on_error]:
        yield Weakening(what, f"on_error {before.on_error}", after.on_error, "its failure lets more through")
    # Without any it runs at all that it knows.
    if after.stages and (not before.stages or set(before.stages) - set(after.stages)):
        told = _named(before.stages) or "every stage", _named(after.stages)
        yield Weakening(what, *told, "it looks at less")
    for name in ("use", "action", "params"):
        if getattr(before, name) != getattr(after, name):
            yield Weakening(what, f"its {name}", "another", "what it stops now must be measured")


def _tiers(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    was, now = old.entities(Tier), new.entities(Tier)
    for id, before in was.items():
        what, after = f"tier {id}", now.get(id)
        if after is None:
            continue  # nobody may say GO without it
        if after.approvals < before.approvals:
            yield Weakening(what, f"{before.approvals} approvals", f"{after.approvals}", "fewer people must approve")
        if more := sorted(set(after.approvers) - set(before.approvers)):
            yield Weakening(what, _named(sorted(before.approvers)), f"{_named(more)}, too", "more roles may approve")
        if before.evidence_days and (after.evidence_days or 10**9) > before.evidence_days:
            told = f"{before.evidence_days} days", f"{after.evidence_days or 'any age'}"
            yield Weakening(what, *told, "older evidence is enough")
        if _further(after.accepts, before.accepts):
            yield Weakening(what, f"accepts {before.accepts or 'nothing'}", str(after.accepts), "worse may be accepted")
        if before.preregistered and not after.preregistered:
            yield Weakening(what, "preregistered", "not", "the bar may be set after the run")
        for name in ("artefacts", "criteria"):
            if lost := sorted(set(getattr(before, name)) - set(getattr(after, name))):
                yield Weakening(what, f"{name} {_named(lost)}", "not asked for", "it asks for less")
    if _stakes(new) < _stakes(old):
        told = f"tier {old.system.tier}", new.system.tier
        yield Weakening(f"system {new.system.id}", *told, "a release takes less")


def _stakes(side: Workspace) -> int:
    return ("low", "medium", "high").index(side.system.tier)


def _rights(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    was: Mapping[str, Role] = old.entities(Role)
    for id, after in new.entities(Role).items():
        before = was.get(id)
        for right in ("approve", "override", "accept"):
            had, has = getattr(before.may, right) if before else None, getattr(after.may, right)
            if _further(has, had):
                yield Weakening(f"role {id}", f"{right} {had or 'nothing'}", has, "it may decide over worse")
        if before and (more := sorted(set(after.holders) - set(before.holders))):
            yield Weakening(f"role {id}", _named(sorted(before.holders)) or "nobody", _named(more), "others hold it")


def _waivers(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    was = old.entities(Waiver)
    for id, after in new.entities(Waiver).items():
        if was.get(id) != after:
            now = f"{_named([*after.requirements, *after.risks])} up to {after.ceiling}, until {after.expires}"
            yield Weakening(f"waiver {id}", "another" if id in was else "none", now, "it is accepted for a time")


def _plans(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    for id, before in old.plans.items():
        if id == FULL or id not in new.plans:
            continue  # all of each suite, which is looked at there; nothing is measured by a plan that is gone
        now = {one.suite: one for one in new.plans[id].suites}
        for was in before.suites:
            what, after = f"plan {id}", now.get(was.suite)
            if after is None:
                yield Weakening(what, f"the suite {was.suite}", "without it", "it measures less")
                continue
            for name in ("samples", "attempts"):
                one, other = getattr(was, name) or 10**9, getattr(after, name) or 10**9
                if other < one:
                    told = f"{name} {getattr(was, name) or 'all'} of {was.suite}", f"{getattr(after, name)}"
                    yield Weakening(what, *told, "it measures less")
            if after.attacks is not None and (was.attacks is None or set(was.attacks) - set(after.attacks)):
                tried = _named(was.attacks) if was.attacks is not None else "all"
                told = f"attacks {tried} of {was.suite}", _named(after.attacks) or "none"
                yield Weakening(what, *told, "less is tried")


def _gone(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    """Yield the monitors and controls that are there no longer, or are no longer in force."""
    for kind in ("monitor", "control"):
        now = new.graph.of_kind(kind)
        for id, node in old.graph.of_kind(kind).items():
            if id not in now:
                why = "nothing watches it any more" if kind == "monitor" else "it is said to be done no longer"
                yield Weakening(f"{kind} {id}", "there", "gone", why)
            elif (getattr(node.entity, "status", ""), getattr(now[id].entity, "status", "")) == ("in-place", "planned"):
                yield Weakening(f"{kind} {id}", "in-place", "planned", "it is said to be in force no longer")


def _packs(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    """Yield the policy packs that are inherited no longer, or say something else: which is stricter is not told."""
    was, now = ({one.pack.pack.id: one.sha256 for one in side.packs} for side in (old, new))
    for id, sha in was.items():
        if now.get(id) != sha:
            why = "what the organisation asks for may be less" if id in now else "it is inherited no longer"
            yield Weakening(f"pack {id}", sha, now.get(id, "gone"), why)


def _tables(old: Workspace, new: Workspace) -> Iterator[Weakening]:
    """Yield the decision tables that say something else, or are gone: which is stricter is for people to say."""
    was, now = (side.graph.of_kind("decision_table") for side in (old, new))
    for id, node in was.items():
        if id not in now:
            yield Weakening(f"decision_table {id}", f"version {node.entity.version}", "gone", "no table says when")
        elif now[id].entity != node.entity:
            told = f"version {node.entity.version}", f"version {now[id].entity.version}"
            yield Weakening(f"decision_table {id}", *told, "when the agent may execute a tool is another thing")


def code_changes(old: Path, new: Path) -> list[Weakening]:
    """Return the Python files of a workspace that are other ones now, or are gone.

    They are compared as files, since one process loads one version of them.
    """
    found = []
    for path in sorted((old / FOLDER).rglob("*.py")):
        name, was = path.relative_to(old).as_posix(), file_digest(path)
        now = file_digest(new / name) if (new / name).is_file() else "gone"
        if now != was:
            found.append(Weakening(f"code {name}", was, now, "what it measures, or is, may be something else"))
    return found


def _milder(now: Severity, was: Severity) -> bool:
    return now > was


def _further(now: Severity | None, was: Severity | None) -> bool:
    """Say whether a right reaches further: S1 is the furthest, None nowhere."""
    return now is not None and (was is None or now < was)


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5:,} more" if len(ids) > 5 else "")


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)
