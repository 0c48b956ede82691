"""The workspace: one folder of safety files, loaded, checked and hashed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.workspace.draft import in_order
from shipworthy.workspace.gate import Gate
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.journey import Journey
from shipworthy.workspace.plan import FULL, PlanSpec, full_plan
from shipworthy.workspace.read import read_workspace
from shipworthy.workspace.requirement import Criterion, Requirement
from shipworthy.workspace.risk import Risk
from shipworthy.workspace.spec import spec_digest
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.system import System
from shipworthy.workspace.use import Use


@dataclass(frozen=True, kw_only=True, repr=False)
class Workspace:
    """The safety files of one system.

    Attributes:
        root: the folder.
        targets: by name; `target` is the system under test.
        plans: by id; `full` is always there.
        guards: the guard file ``guards.yaml``, if there is one.
        warnings: what is allowed and probably not meant.
        resolved: the YAML behind it, as JSON, with library suites filled in: what `spec_digest` hashes.
        places: file and line of every id, for messages about what the files say.
        code: SHA-256 of every workspace-local plug-in that was loaded, by file name.
    """

    root: Path
    system: System
    targets: Mapping[str, Use]
    journeys: Mapping[str, Journey] = field(default_factory=dict)
    risks: Mapping[str, Risk] = field(default_factory=dict)
    requirements: Mapping[str, Requirement] = field(default_factory=dict)
    suites: Mapping[str, Suite] = field(default_factory=dict)
    plans: Mapping[str, PlanSpec] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    guards: GuardFile | None = None
    warnings: tuple[Problem, ...] = ()
    resolved: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, tuple[Path, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path = ".", *, allow_code: bool = False) -> Workspace:
        """Read and check the files of a workspace.

        Args:
            path: the folder that holds ``system.yaml``.
            allow_code: run the Python files under ``plugins/``, which may then be named in the YAML.

        Raises:
            WorkspaceError: with every problem found, sorted by file and line.
        """
        workspace, problems = cls.inspect(path, allow_code=allow_code)
        if problems or workspace is None:
            raise WorkspaceError(problems)
        return workspace

    @classmethod
    def inspect(
        cls, path: str | Path = ".", *, allow_code: bool = False
    ) -> tuple[Workspace | None, tuple[Problem, ...]]:
        """Read the files and return what can be used of them, with every problem; for `shipworthy check`.

        Without problems it is what `load` returns. With problems it holds the entities that are whole, without the
        requirements that lead nowhere; None where there is no system or no target.
        """
        root = Path(path)
        draft = read_workspace(root, allow_code=allow_code)
        problems = tuple(in_order(draft.problems))
        if draft.system is None or not draft.targets:
            return None, problems
        workspace = cls(
            root=root,
            system=draft.system.entity,
            targets={name: placed.entity for name, placed in draft.targets.items()},
            journeys={name: placed.entity for name, placed in draft.journeys.items()},
            risks={name: placed.entity for name, placed in draft.risks.items()},
            requirements={
                name: placed.entity for name, placed in draft.requirements.items() if draft.leads_somewhere(placed)
            },
            suites={name: loaded.suite for name, loaded in draft.suites.items()},
            plans={name: p.entity for name, p in draft.plans.items()} | {FULL: full_plan(list(draft.suites))},
            gate=draft.gate.entity if draft.gate else Gate(),
            guards=draft.guards.entity if draft.guards else None,
            warnings=tuple(in_order(draft.warnings)),
            resolved=draft.resolved,
            code=draft.code,
            places=draft.places(),
        )
        return workspace, problems

    def __repr__(self) -> str:
        samples = sum(len(suite.samples) for suite in self.suites.values())
        return (
            f"<Workspace {self.system.id}: {len(self.risks)} risks, {len(self.requirements)} requirements, "
            f"{len(self.suites)} suites, {samples:,} samples, plans {', '.join(self.plans)}>"
        )

    @property
    def target(self) -> Use:
        """The system under test: the target named ``default``, or the first."""
        return self.targets["default"] if "default" in self.targets else next(iter(self.targets.values()))

    def criteria(self) -> Iterator[tuple[Requirement, Criterion]]:
        """Yield every criterion of the gate with its requirement, in the order of the files."""
        for requirement in self.requirements.values():
            for criterion in requirement.criteria:
                if self.gate.selects(criterion.id):
                    yield requirement, criterion

    def plan(self, name: str) -> PlanSpec:
        """Return a plan.

        Raises:
            UsageError: there is none of that name; the nearest is given.
        """
        if name not in self.plans:
            raise UsageError(f"unknown plan {name!r}: {did_you_mean(name, list(self.plans))}")
        return self.plans[name]

    def suite(self, name: str) -> Suite:
        """Return a suite.

        Raises:
            UsageError: there is none of that name; the nearest is given.
        """
        if name not in self.suites:
            raise UsageError(f"unknown suite {name!r}: {did_you_mean(name, list(self.suites))}")
        return self.suites[name]

    def spec_digest(self, plan: str) -> str:
        """Return ``sha256:…`` of what a run of this plan means: suites, requirements with criteria, gate, plan.

        It hashes the YAML as it was written, resolved, and not the parsed models: a default added by a later version
        of shipworthy makes no evidence stale. Comments, layout and key order do not count; the target and the guards
        are the subject, which has a digest of its own.
        """
        return spec_digest(self, plan)
