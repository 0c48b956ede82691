"""The workspace: one folder of safety files, loaded, checked and hashed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.core.grants import Grants
from shipworthy.core.records import SafetyFile
from shipworthy.core.settings import Settings
from shipworthy.workspace.draft import Draft, in_order
from shipworthy.workspace.fields import Entity
from shipworthy.workspace.files import safety_files
from shipworthy.workspace.graph import Graph
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.kind import kind_of
from shipworthy.workspace.kinds.facts import ProductFacts
from shipworthy.workspace.kinds.gate import Gate
from shipworthy.workspace.kinds.journey import Journey
from shipworthy.workspace.kinds.plan import FULL, PlanSpec, full_plan, plan_part, split_part
from shipworthy.workspace.kinds.requirement import Criterion, Requirement
from shipworthy.workspace.kinds.risk import Risk
from shipworthy.workspace.kinds.system import System
from shipworthy.workspace.kinds.target import DEFAULT
from shipworthy.workspace.packs import InheritedPack
from shipworthy.workspace.policies import PolicyFile
from shipworthy.workspace.read import read_workspace
from shipworthy.workspace.spec import spec_digest
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use
from shipworthy.workspace.wants import Want, wants

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, kw_only=True, repr=False)
class Workspace:
    """The safety files of one system.

    Attributes:
        root: the folder.
        graph: every entity with its place, and every link between two of them.
        warnings: what is allowed and probably not meant.
        code: SHA-256 of every workspace-local plug-in that was loaded, by file name.
        files: every file that was read, with its digest: what must be unchanged; none where there are problems.
        shadow: the candidate ``policy.shadow.yaml``, asked beside the tool policy; None where there is none.
        packs: the policy packs that it inherits, and keeps to.
        wants: what its files ask for and its user must allow.
        allow_code: whether all code was allowed; `grants` is what is allowed by name.
    """

    root: Path
    graph: Graph
    warnings: tuple[Problem, ...] = ()
    code: Mapping[str, str] = field(default_factory=dict)
    files: tuple[SafetyFile, ...] = ()
    shadow: PolicyFile | None = None
    wants: tuple[Want, ...] = ()
    packs: tuple[InheritedPack, ...] = ()
    allow_code: bool = False
    grants: Grants = field(default_factory=Grants)

    @classmethod
    def load(cls, path: str | Path = ".", *, allow_code: bool = False, grants: Grants | None = None) -> Workspace:
        """Read and check the files of a workspace.

        Args:
            path: the folder that holds ``system.yaml``.
            allow_code: run the Python files under ``plugins/``, which may then be named in the YAML, and the code that
                the YAML names.
            grants: what is allowed by name; what this user allowed for good if left out.

        Raises:
            WorkspaceError: with every problem found, sorted by file and line.
        """
        workspace, problems = cls.inspect(path, allow_code=allow_code, grants=grants)
        if problems or workspace is None:
            raise WorkspaceError(problems)
        return workspace

    @classmethod
    def inspect(
        cls, path: str | Path = ".", *, allow_code: bool = False, grants: Grants | None = None
    ) -> tuple[Workspace | None, tuple[Problem, ...]]:
        """Read the files and return what can be used of them, with every problem; for `shipworthy check`.

        Without problems it is what `load` returns. With problems it holds the entities that are whole, without the
        requirements that lead nowhere; None where there is no system or no target.
        """
        root = Path(path)
        grants = _own_grants(root) if grants is None else grants
        draft = read_workspace(root, allow_code=allow_code)
        asked = wants(draft)
        problems = tuple(in_order(draft.problems))
        if not draft.entities["system"] or not draft.entities["target"]:
            return None, problems
        graph = Graph(item for item in draft.all() if _leads_somewhere(item[2].entity, draft))
        made = cls(
            root=root, graph=graph, warnings=tuple(in_order([*draft.warnings, *_unasked(asked, grants, allow_code)])),
            code=draft.code, files=() if problems else safety_files(root, draft), wants=asked, allow_code=allow_code,
            grants=grants, packs=tuple(draft.packs), shadow=draft.shadow.entity if draft.shadow is not None else None,
        )  # fmt: skip
        return made, problems

    def permit(self, target: str | None = None) -> None:
        """Refuse what a run on a target needs and the user has not allowed; nothing was imported or read then.

        Args:
            target: the target's name; the system under test if left out.

        Raises:
            WorkspaceError: with each place in the files that wants something, and how it is allowed.
        """
        name = target or next(name for name, use in self.targets.items() if use is self.target)
        needed = [want for want in self.wants if want.target in (None, name)]
        if missing := _unasked(needed, self.grants, self.allow_code):
            raise WorkspaceError(in_order(missing))

    def __repr__(self) -> str:
        samples = sum(len(suite.samples) for suite in self.suites.values())
        return (
            f"<Workspace {self.system.id}: {len(self.risks)} risks, {len(self.requirements)} requirements, "
            f"{len(self.suites)} suites, {samples:,} samples, plans {', '.join(self.plans)}>"
        )

    def entities(self, model: type[E]) -> Mapping[str, E]:
        """Return the entities of a kind by id, in the order of the files.

        >>> from shipworthy.workspace.kinds.threat import Threat
        >>> [threat.title for threat in workspace.entities(Threat).values()]  # doctest: +SKIP

        Raises:
            KeyError: the model is of no kind.
        """
        kind = kind_of(model)
        if kind is None:
            raise KeyError(model.__name__)
        return {name: node.entity for name, node in self.graph.of_kind(kind.name).items()}

    @cached_property
    def system(self) -> System:
        """What is released."""
        return next(iter(self.entities(System).values()))

    @cached_property
    def facts(self) -> ProductFacts | None:
        """What is so of the product; None where the files say nothing."""
        return next(iter(self.entities(ProductFacts).values()), None)

    @cached_property
    def targets(self) -> Mapping[str, Use]:
        """What can be tested, by name; `target` is the system under test."""
        return self.entities(Use)

    @cached_property
    def journeys(self) -> Mapping[str, Journey]:
        """What people do with the system, by id."""
        return self.entities(Journey)

    @cached_property
    def risks(self) -> Mapping[str, Risk]:
        """What may go wrong, by id."""
        return self.entities(Risk)

    @cached_property
    def requirements(self) -> Mapping[str, Requirement]:
        """What must hold, by id."""
        return self.entities(Requirement)

    @cached_property
    def suites(self) -> Mapping[str, Suite]:
        """The suites, loaded, by id."""
        return {name: node.entity for name, node in self.graph.of_kind("suite").items()}

    @cached_property
    def plans(self) -> Mapping[str, PlanSpec]:
        """What a run may cover, by id; `full` is always there, without sealed parts: who wants one names it."""
        return {
            **self.entities(PlanSpec),
            FULL: full_plan([id for id, suite in self.suites.items() if suite.part != "sealed"]),
        }

    @cached_property
    def gate(self) -> Gate:
        """Which criteria decide; all of them if the files do not say."""
        return next(iter(self.entities(Gate).values()), Gate())

    @cached_property
    def guards(self) -> GuardFile | None:
        """The guard file ``guards.yaml``, if there is one."""
        return next(iter(self.entities(GuardFile).values()), None)

    @cached_property
    def policy(self) -> PolicyFile | None:
        """The tool policy ``policy.yaml``, if there is one."""
        return next(iter(self.entities(PolicyFile).values()), None)

    @property
    def target(self) -> Use:
        """The system under test: the target named ``default``, or the first."""
        return self.targets[DEFAULT] if DEFAULT in self.targets else next(iter(self.targets.values()))

    def criteria(self) -> Iterator[tuple[Requirement, Criterion]]:
        """Yield every criterion of the gate with its requirement, in the order of the files."""
        for requirement in self.requirements.values():
            for criterion in requirement.criteria:
                if self.gate.selects(criterion.id):
                    yield requirement, criterion

    def plan(self, name: str) -> PlanSpec:
        """Return a plan, or one suite of a plan as a plan of its own: ``PLAN@SUITE``.

        Raises:
            UsageError: there is none of that name; the nearest is given.
        """
        whole, suite = split_part(name)
        if whole not in self.plans:
            raise UsageError(f"unknown plan {whole!r}: {did_you_mean(whole, list(self.plans))}")
        return plan_part(self.plans[whole], suite) if suite else self.plans[whole]

    def has_plan(self, name: str) -> bool:
        """Say whether there is a plan, or a plan with such a suite, of this name."""
        whole, suite = split_part(name)
        return whole in self.plans and (not suite or suite in {one.suite for one in self.plans[whole].suites})

    def target_named(self, name: str | None) -> Use:
        """Return a target; the system under test for None.

        Raises:
            UsageError: there is none of that name; the nearest is given.
        """
        if name is None:
            return self.target
        if name not in self.targets:
            raise UsageError(f"unknown target {name!r}: {did_you_mean(name, list(self.targets))}")
        return self.targets[name]

    def suite(self, name: str) -> Suite:
        """Return a suite.

        Raises:
            UsageError: there is none of that name; the nearest is given.
        """
        if name not in self.suites:
            raise UsageError(f"unknown suite {name!r}: {did_you_mean(name, list(self.suites))}")
        return self.suites[name]

    def spec_digest(self, plan: str) -> str:
        """Return ``sha256:…`` of what a run of this plan means: the plan and what it reaches in the graph.

        That is its suites, the requirements with a criterion on one of them, and the gate. It hashes the YAML as it was
        written, and not the parsed models: a default added by a later version of shipworthy makes no evidence stale.
        Comments, layout, key order and prose do not count. The target and the guards are the subject, which has a
        digest of its own; risks, journeys and threats explain.
        """
        return spec_digest(self, plan)


def _own_grants(root: Path) -> Grants:
    """Read what this user allowed.

    Raises:
        UsageError: it lies in the workspace, which would then allow itself what it wants.
    """
    file = Settings.load().grants_file
    if file.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{file} lies in the workspace: what you allow is kept outside of every workspace")
    return Grants.load(file)


def _unasked(asked: Iterable[Want], grants: Grants, allow_code: bool) -> list[Problem]:
    return [want.where for want in asked if not want.granted(grants, allow_code=allow_code)]


def _leads_somewhere(entity: object, draft: Draft) -> bool:
    """Say whether an entity can be used: of a requirement, every criterion names a suite and an attack that exist."""
    if not isinstance(entity, Requirement):
        return True
    for criterion in entity.criteria:
        suite = draft.suite(criterion.suite)
        if suite is None or (criterion.attack and not any(use.matches(criterion.attack) for use in suite.attacks)):
            return False
    return True
