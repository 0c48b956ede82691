"""Whether a run is about the files as they are now: the same meaning and subject. Its manifest is enough to tell."""

from __future__ import annotations

from shipworthy.core.records import RunManifest
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.evals.subject import build_policy, declaration, target_of
from shipworthy.workspace.load import Workspace


def changed_subject(workspace: Workspace, manifest: RunManifest) -> str:
    """Return which of the files no longer say what the run measured, or the empty string.

    A run behind another guard file (``--guards FILE``), or behind none, is a candidate of its own: the decision names
    it by digest. A run behind the workspace's guards must have had these guards.
    """
    declared = manifest.subject.get("declared")
    whose = declared.get("guards", "") if isinstance(declared, dict) else ""
    policed = isinstance(declared, dict) and "policy" in declared
    if not isinstance(declared, dict) or declared != declaration(workspace.target, guards=whose, policy=policed):
        return "the target"
    if whose == "workspace" and (
        workspace.guards is None or Pipeline.build(workspace.guards).digest != manifest.guards
    ):
        return "guards.yaml"
    policy = build_policy(workspace)
    if policed or (whose == "workspace" and policy is not None):
        now = dict(policy.describe()) if policy is not None else None
        if now != manifest.subject.get("policy"):
            return "policy.yaml"
    return ""


class Now:
    """A workspace as it is now, to hold manifests of runs against; what is built once is kept."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._specs: dict[str, str] = {}
        self._subjects: dict[str, str] = {}

    def lapsed(self, manifest: RunManifest) -> str:
        """Return why a run is no evidence for what would be released now; empty where it is.

        That is the system under test behind the workspace's own guards and policy: a run on another candidate counts
        for that one.
        """
        workspace, plan = self._workspace, manifest.plan
        if manifest.system != workspace.system.id:
            return f"it is of the system {manifest.system}"
        if not workspace.has_plan(plan):
            return f"there is no plan {plan} any more"
        if plan not in self._specs:
            self._specs[plan] = workspace.spec_digest(plan)
        if self._specs[plan] != manifest.spec_digest:
            return "suites, requirements, gate or plan changed since"
        if (other := target_of(workspace, manifest)) is not None and workspace.targets[other] is not workspace.target:
            return f"it measured the target {other}, which is not the system under test"
        if manifest.subject_digest not in self._subjects:
            self._subjects[manifest.subject_digest] = self._subject(manifest)
        return self._subjects[manifest.subject_digest]

    def _subject(self, manifest: RunManifest) -> str:
        if what := changed_subject(self._workspace, manifest):
            return f"{what} changed since"
        declared = manifest.subject["declared"]  # `changed_subject` calls a subject without one another target
        expected = "none" if self._workspace.guards is None else "workspace"
        if (whose := declared["guards"]) != expected:
            return {"none": "it was measured without guards", "file": "it was measured behind other guards"}.get(
                whose, f"its guards were {whose!r}"
            )
        if self._workspace.policy is not None and "policy" not in declared:
            return "it was measured without the tool policy"
        return ""
