"""Whether what was measured is still so: the one place where evidence is held against files, subject and changes.

`gate` refuses a run that lapsed, `release status` blocks on it, `release impact` says which claims it takes with it,
and the register of risks counts it for nothing. A manifest is enough to tell; the specification that a run kept says it
closer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from shipworthy.core.change import OF_DUTIES, OF_SCORING, OF_SUBJECT, ChangeRecord
from shipworthy.core.digests import digest
from shipworthy.core.errors import UsageError
from shipworthy.core.records import RunManifest
from shipworthy.core.signoff import moment
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.evals.subject import build_policy, declaration, target_of
from shipworthy.release.lapse import FileChange, Lapse
from shipworthy.store.audit import AuditLog
from shipworthy.store.changes import RecordedChanges, read_changes
from shipworthy.store.layout import Layout
from shipworthy.workspace.beside import beside, days
from shipworthy.workspace.graph import Key, Node
from shipworthy.workspace.judges import judged_suites
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.reach import criteria_reached, nodes_about
from shipworthy.workspace.spec import kept_spec, spec

MEANT = "suites, requirements, gate or plan"
SUBJECT = ("target", "guards", "tool-policy")
BESIDE = ("taxonomy", "law", "index", "data")
"""What evidence stands on beside the safety files, by kind of change."""
_FILES = {"guards": "guards.yaml", "tool-policy": "policy.yaml"}


class Now:
    """A workspace as it is now, to hold manifests of runs against; what is built once is kept.

    Args:
        recorded: changes in the audit chain, and when runs were begun.
        today: the day on which it is asked; today's, UTC, if left out.
    """

    def __init__(
        self, workspace: Workspace, recorded: RecordedChanges = RecordedChanges(), *, today: date | None = None
    ) -> None:
        self._workspace, self._recorded = workspace, recorded
        self._today = today or datetime.now(UTC).date()
        self._runs = Layout(workspace.root).runs
        self._specs: dict[str, dict[str, Any]] = {}
        self._subjects: dict[str, str] = {}
        self._around: dict[str | None, Mapping[str, str]] = {}
        self._reached: dict[int, frozenset[str] | None] = {}

    @classmethod
    def read(cls, workspace: Workspace, audit: AuditLog, *, until: int | None = None, today: date | None = None) -> Now:
        """Return one that knows the changes in an audit log. The chain is not verified here.

        Args:
            until: number of the last entry that is read; all of them if left out.

        Raises:
            IntegrityError: an entry is not what was written.
            StoreError: the log cannot be read.
        """
        return cls(workspace, read_changes(audit, workspace.system.id, until=until), today=today)

    def lapsed(self, manifest: RunManifest, oldest: str = "") -> str:
        """Return why a run is no evidence for what would be released now; empty where it is.

        That is the system under test behind the workspace's own guards and policy: a run on another candidate counts
        for that one.

        Args:
            oldest: as for `lapses`.
        """
        if manifest.system != self._workspace.system.id:
            return f"it is of the system {manifest.system}"
        found = self.lapses(manifest, oldest)
        meant = [lapse for lapse in found if not lapse.entry and lapse.kind not in (*SUBJECT, *BESIDE)]
        if meant:
            return f"there is no plan {manifest.plan} any more" if self._gone(manifest) else f"{MEANT} changed since"
        other = target_of(self._workspace, manifest)
        if other is not None and self._workspace.targets[other] is not self._workspace.target:
            return f"it measured the target {other}, which is not the system under test"
        if found:
            return f"{found[0].what} changed since" if found[0].changed else found[0].what
        return self._candidate(manifest)

    def lapses(self, manifest: RunManifest, oldest: str = "") -> tuple[Lapse, ...]:
        """Return why a run, or part of what it measured, holds no longer; nothing where all of it does.

        A run behind another guard file (``--guards FILE``), or behind none, is a candidate of its own: the decision
        names it by digest. A run behind the workspace's guards must have had these guards.

        Args:
            oldest: when the oldest kept reply that it rests on was first given, ISO 8601; empty where there is none.
        """
        found = (*self._meant(manifest), *self._subject(manifest), *self._said(manifest, oldest))
        return (*found, *self._beside(manifest))

    def files(self, manifest: RunManifest) -> dict[str, FileChange]:
        """Return the safety files that are not what they were when a run was declared, by path."""
        if not manifest.files:
            return {}
        old, new = ({f.path: f for f in some} for some in (manifest.files, self._workspace.files))
        return {
            path: FileChange(path, old[path].sha256 if path in old else "", new[path].sha256 if path in new else "")
            for path in sorted({*old, *new})
            if path not in old or path not in new or not old[path].same(new[path])
        }

    # What it means: suites, requirements, gate, plan, code.

    def _gone(self, manifest: RunManifest) -> bool:
        return not self._workspace.has_plan(manifest.plan)

    def _meant(self, manifest: RunManifest) -> Iterator[Lapse]:
        if self._gone(manifest):
            yield Lapse("plan", f"the plan {manifest.plan}", was=manifest.spec_digest)
            return
        now = self._spec(manifest.plan)
        if (there := digest(now)) == manifest.spec_digest:
            return
        then = kept_spec(self._runs / manifest.id, manifest.spec_digest)
        found = list(self._closer(manifest, then, now)) if then is not None else list(self._coarse(manifest, now))
        yield from found or [Lapse("specification", MEANT, was=manifest.spec_digest, now=there)]

    def _spec(self, plan: str) -> dict[str, Any]:
        if plan not in self._specs:
            self._specs[plan] = spec(self._workspace, plan)
        return self._specs[plan]

    def _closer(self, manifest: RunManifest, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Lapse]:
        """Hold the specification that a run kept against today's, entity by entity."""
        files = self.files(manifest)
        if then.get("schema") != now["schema"]:
            return  # the same text means something else: all of it lapsed
        for kind in sorted({*then["entities"], *now["entities"]}):
            old, new = then["entities"].get(kind, {}), now["entities"].get(kind, {})
            for id in sorted({*old, *new}):
                if old.get(id) != new.get(id):
                    yield self._entity(manifest.plan, Key(kind, id), old.get(id), new.get(id), files)
        code = {name for name in {*then["code"], *now["code"]} if then["code"].get(name) != now["code"].get(name)}
        for name in sorted(code):
            was, is_ = then["code"].get(name, ""), now["code"].get(name, "")
            yield Lapse("code", f"the plug-in {name}", None, was, is_, _under(files, f"plugins/{name}"))

    def _entity(self, plan: str, key: Key, old: Any, new: Any, files: Mapping[str, FileChange]) -> Lapse:
        kind, id = key
        what = f"the {kind} {id}"
        criteria: frozenset[str] | None = None
        if kind == "suite":
            criteria = self._tested(id)
        elif kind == "requirement":
            criteria = frozenset(c["id"] for one in (old, new) if one is not None for c in one.get("criteria", ()))
        elif kind == "plan" and id == plan and old is not None and new is not None:
            criteria = self._planned(old, new)
        node = self._workspace.graph.find(kind, id)
        named = _under(files, self._place(node)) if node is not None else ()
        if not named and node is None:
            named = tuple(change for change in files.values() if not change.now)
        return Lapse(kind, what, criteria, _digest(old), _digest(new), named)

    def _planned(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str] | None:
        """Return the criteria on the suites that a plan asks something else of; None where it is of all of them."""
        rest = [{key: value for key, value in one.items() if key != "suites"} for one in (old, new)]
        if rest[0] != rest[1]:
            return None
        was, is_ = ({e["suite"] if isinstance(e, dict) else e: e for e in one["suites"]} for one in (old, new))
        changed = [name for name in {*was, *is_} if was.get(name) != is_.get(name)]
        return frozenset().union(*map(self._tested, changed))

    def _coarse(self, manifest: RunManifest, now: Mapping[str, Any]) -> Iterator[Lapse]:
        """Say what can be said of a run that kept no specification: its suites by digest, the rest by file."""
        files = self.files(manifest)
        entities = now["entities"]
        suites = entities.get("suite", {})
        for use in manifest.suites:
            there = suites.get(use.id, {}).get("digest", "")
            if there != use.digest:
                node = self._workspace.graph.find("suite", use.id)
                named = _under(files, self._place(node)) if node is not None else ()
                yield Lapse("suite", f"the suite {use.id}", self._tested(use.id), use.digest, there, named)
        rest = [
            self._place(node)
            for kind, some in entities.items() if kind != "suite"
            for node in (self._workspace.graph.find(kind, id) for id in some) if node is not None
        ]  # fmt: skip
        touched = {change for path in rest for change in _under(files, path)}
        touched |= {change for path, change in files.items() if path.startswith("plugins/") or not change.now}
        if touched or not manifest.files:
            named = tuple(sorted(touched))
            yield Lapse("specification", MEANT, was=manifest.spec_digest, now=digest(now), files=named)

    def _place(self, node: Node) -> str:
        """Return the file of an entity, or the folder of a suite that has one, relative to the workspace."""
        try:
            path = node.file.resolve().relative_to(self._workspace.root.resolve()).as_posix()
        except ValueError:
            return ""  # it came with shipworthy
        return path.rpartition("/")[0] + "/" if node.key.kind == "suite" and path.endswith("/suite.yaml") else path

    def _tested(self, suite: str) -> frozenset[str]:
        return frozenset(
            c.id for one in self._workspace.requirements.values() for c in one.criteria if c.suite == suite
        )

    # What was measured: target, guards, tool policy.

    def _subject(self, manifest: RunManifest) -> Iterator[Lapse]:
        if manifest.subject_digest not in self._subjects:
            self._subjects[manifest.subject_digest] = self._changed(manifest)
        kind = self._subjects[manifest.subject_digest]
        if not kind:
            return
        files = self.files(manifest)
        if kind == "target":
            held = {self._place(node) for node in self._workspace.graph.of_kind("target").values()}
            named = tuple(change for path, change in files.items() if path in held)
            declared = manifest.subject.get("declared")
            was = str(declared.get("target", "")) if isinstance(declared, dict) else ""
            now = declaration(self._workspace.target, guards="")["target"]
        else:
            named = tuple(change for path, change in files.items() if path == _FILES[kind])
            was = manifest.guards if kind == "guards" else _digest(manifest.subject.get("policy"))
            now = self._there(kind)
        yield Lapse(kind, _FILES.get(kind, "the target"), None, was, now, named)

    def _there(self, kind: str) -> str:
        if kind == "guards":
            return Pipeline.build(self._workspace.guards).digest if self._workspace.guards is not None else ""
        policy = build_policy(self._workspace)
        return _digest(dict(policy.describe())) if policy is not None else ""

    def _changed(self, manifest: RunManifest) -> str:
        """Return which of `SUBJECT` the files no longer say as it was measured, or the empty string."""
        workspace, declared = self._workspace, manifest.subject.get("declared")
        if not isinstance(declared, dict):
            return "target"
        whose, policed = declared.get("guards", ""), "policy" in declared
        if declared != declaration(workspace.target, guards=whose, policy=policed):
            return "target"
        if whose == "workspace" and self._there("guards") != manifest.guards:
            return "guards"
        if whose == "none" and workspace.guards is not None and _new(manifest, _FILES["guards"]):
            return "guards"
        policy = build_policy(workspace)
        if policy is not None and not policed and _new(manifest, _FILES["tool-policy"]):
            return "tool-policy"
        if policed or (whose == "workspace" and policy is not None):
            now = dict(policy.describe()) if policy is not None else None
            if now != manifest.subject.get("policy"):
                return "tool-policy"
        return ""

    def _candidate(self, manifest: RunManifest) -> str:
        declared = manifest.subject["declared"]  # a subject without one is another target
        expected = "none" if self._workspace.guards is None else "workspace"
        if (whose := declared["guards"]) != expected:
            return {"none": "it was measured without guards", "file": "it was measured behind other guards"}.get(
                whose, f"its guards were {whose!r}"
            )
        if self._workspace.policy is not None and "policy" not in declared:
            return "it was measured without the tool policy"
        return ""

    # What it stands on beside the files: catalogues, days of law, files that the target reads.

    def _beside(self, manifest: RunManifest) -> Iterator[Lapse]:
        if manifest.beside:
            there = self._there_beside(manifest)
            for name in sorted({*manifest.beside, *there}):
                kind, _, about = name.partition(" ")
                was, now = manifest.beside.get(name, ""), there.get(name, "")
                # What the files only now refer to, or no longer do, is a change of the files.
                if was != now and (kind not in OF_DUTIES or (was and now)):
                    yield from self._moved(manifest, kind, about, was, now)
        made, today = manifest.created[:10], self._today.isoformat()
        for day in days(self._workspace.graph):
            if made < day.date <= today:
                what = f"the law {day.id} has applied since {day.date}, and the run is from {made}: {day.what}"
                yield from self._reached_by(manifest, Lapse("law", what), day.about)

    def _moved(self, manifest: RunManifest, kind: str, about: str, was: str, now: str) -> Iterator[Lapse]:
        if kind == "taxonomy":
            yield from self._reached_by(manifest, Lapse(kind, f"the entry {about}", None, was, now), about)
        elif kind == "law":
            article = next(day.about for day in days(self._workspace.graph) if day.id == about)
            what = f"the law {about} is told otherwise than when it was measured"
            yield from self._reached_by(manifest, Lapse(kind, what, None, was, now), article)
        else:
            what = f"the folder {about}" if kind == "index" else f"the file {about}"
            yield Lapse(kind, f"{what} that the target reads", None, was, now, fresh=True)

    def _there_beside(self, manifest: RunManifest) -> Mapping[str, str]:
        name = target_of(self._workspace, manifest)
        if name not in self._around:
            use = self._workspace.target if name is None else self._workspace.targets[name]
            self._around[name] = beside(self._workspace, use)
        return self._around[name]

    def _reached_by(self, manifest: RunManifest, lapse: Lapse, about: str) -> Iterator[Lapse]:
        """Yield it with the criteria that it takes with it, where the run is for one of them."""
        reached = reach_of(self._workspace, ChangeRecord(self._workspace.system.id, lapse.kind, about))
        if reached is None or reached & self._tested_in(manifest):
            yield lapse._replace(criteria=reached)

    def _tested_in(self, manifest: RunManifest) -> frozenset[str]:
        return frozenset().union(*(self._tested(use.id) for use in manifest.suites))

    # What somebody said, or a sentinel found.

    def _said(self, manifest: RunManifest, oldest: str) -> Iterator[Lapse]:
        mine = self._tested_in(manifest)
        for change in self._recorded.changes:
            if not change.counts(self._today) or not self._before(manifest, change, oldest):
                continue
            reached = self.reached(change, manifest)
            if reached is None or reached & mine:
                what = f"{change.told} (entry {change.entry} of the audit log, {change.at[:10]})"
                fresh = change.kind in OF_SUBJECT or change.kind == "judge"
                yield Lapse(change.kind, what, reached, change.was, change.now, (), change.entry, fresh)

    def _before(self, manifest: RunManifest, change: ChangeRecord, oldest: str) -> bool:
        """Say whether a run, or a reply that it rests on, is from before a change.

        By the places of entries, not by the times that they give: a clock can be set. One that was never entered is
        from before.
        """
        if self._recorded.begun.get(manifest.id, 0) < change.entry:
            return True
        if change.since and manifest.created[:10] < change.since:
            return True
        return bool(oldest) and moment(oldest) < moment(change.at)

    def reached(self, change: ChangeRecord, manifest: RunManifest | None = None) -> frozenset[str] | None:
        """Return the criteria whose claims a change takes with it; None for all that were measured on the subject.

        What it is about and cannot be found here any more takes all with it.
        """
        if change.kind in OF_SUBJECT:
            if change.about in self._workspace.targets and manifest is not None:
                return None if target_of(self._workspace, manifest) in (change.about, None) else frozenset()
            return None
        if change.entry not in self._reached or not change.entry:
            self._reached[change.entry] = reach_of(self._workspace, change)
        return self._reached[change.entry]


def reach_of(workspace: Workspace, change: ChangeRecord, *, strict: bool = False) -> frozenset[str] | None:
    """Return the criteria that a change reaches through the graph; None for all.

    Args:
        strict: refuse what it is about and nothing here is; else that takes all with it.

    Raises:
        UsageError: with `strict`, and the nearest id is named.
    """
    about = change.about
    try:
        if change.kind in OF_SUBJECT:
            if strict and about and about not in workspace.targets:
                nodes_about(workspace.graph, about)
            return None
        if change.kind == "judge":
            return _judged(workspace, about)
        if not about and change.kind in (*OF_SCORING, *OF_DUTIES):
            return None
        return criteria_reached(workspace.graph, nodes_about(workspace.graph, about)) if about else None
    except UsageError:
        if strict:
            raise
        return None


def _judged(workspace: Workspace, about: str) -> frozenset[str]:
    """Return the criteria on suites with a judge: the one that is named, or all."""
    suites = judged_suites(workspace.graph, about)
    if about and not suites:
        raise UsageError(f"no suite here has a judge named {about!r}: name its rubric, its model or its suite")
    return frozenset(c.id for one in workspace.requirements.values() for c in one.criteria if c.suite in suites)


def _under(files: Mapping[str, FileChange], place: str) -> tuple[FileChange, ...]:
    """Return the changes of a file, or of those in a folder."""
    if not place:
        return ()
    return tuple(c for path, c in files.items() if path == place or (place.endswith("/") and path.startswith(place)))


def _new(manifest: RunManifest, path: str) -> bool:
    """Say whether a file was not there when a run was declared: it did not leave it aside, there was none."""
    return bool(manifest.files) and path not in {file.path for file in manifest.files}


def _digest(value: Any) -> str:
    return "" if value is None else digest(value)
