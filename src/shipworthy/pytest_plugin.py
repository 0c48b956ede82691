"""A gate as a test: `pytest --shipworthy-target default` measures the system and has one item a criterion.

Loaded by every pytest where shipworthy is installed, so it imports nothing of shipworthy before it is asked to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shipworthy.core.records import CriterionResult, Verdict
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace

_ASKS = ("shipworthy_target", "shipworthy_run")
"""Options of which one makes the gate a part of the session."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options. Without one of the first two, the plugin does nothing."""
    group = parser.getgroup("shipworthy", "shipworthy: a safety gate as a test")
    group.addoption(
        "--shipworthy-target",
        metavar="NAME",
        help="Measure this target of the workspace and test the gate's criteria; `default` is the system under test.",
    )
    group.addoption(
        "--shipworthy-run", metavar="RUN", help="Test the criteria on this finished run (or `latest`) instead."
    )
    group.addoption(
        "--shipworthy-workspace", metavar="DIR", help="Folder of the safety files; the root directory if left out."
    )
    group.addoption("--shipworthy-plan", metavar="NAME", default="full", help="The plan to run.")
    group.addoption(
        "--shipworthy-baseline", metavar="RUN", action="append", default=[],
        help="What criteria with a margin compare with; what is pinned if left out.",
    )  # fmt: skip
    group.addoption(
        "--shipworthy-allow-code",
        action="store_true",
        help="Let the workspace load plug-ins of its own.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would measure more than once."""
    if not any(config.getoption(name) for name in _ASKS):
        return
    if all(config.getoption(name) for name in _ASKS):
        raise pytest.UsageError("--shipworthy-target measures, and --shipworthy-run names what was measured: give one")
    many = hasattr(config, "workerinput") or bool(config.getoption("numprocesses", None))
    if many and config.getoption("shipworthy_target"):
        raise pytest.UsageError(
            "--shipworthy-target measures in every process of `-n`: leave -n out, or measure first and name the run "
            "with --shipworthy-run"
        )


@pytest.hookimpl(tryfirst=True)  # so that -k and -m choose among these items, too
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the gate's items behind all others."""
    if any(config.getoption(name) for name in _ASKS):
        from shipworthy.core.errors import ShipworthyError

        try:
            gate = GateCollector.from_parent(session, name="shipworthy", nodeid="shipworthy")
            items.extend(gate.collect())
        except ShipworthyError as error:
            raise pytest.UsageError(f"shipworthy: {error}") from None


class GateCollector(pytest.Collector):
    """The gate of a workspace; measured once, when its first item runs."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._tested: GateTested | None = None
        self._failure: Exception | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each criterion, and one for what is in no criterion: S1 hits, errors, kept replies."""
        for _, criterion in self.workspace().criteria():
            yield CriterionItem.from_parent(self, name=criterion.id)
        yield VerdictItem.from_parent(self, name="verdict")

    def workspace(self) -> Workspace:
        """Load the safety files."""
        from shipworthy.workspace.load import Workspace

        given = self.config.getoption("shipworthy_workspace")
        folder = Path(self.config.invocation_params.dir, given) if given else self.config.rootpath
        return Workspace.load(folder, allow_code=self.config.getoption("shipworthy_allow_code"))

    def tested(self) -> GateTested:
        """Return the gate's test, made once; where it cannot be made, every item says why.

        Raises:
            ShipworthyError: it cannot.
        """
        from shipworthy.core.errors import ShipworthyError

        if self._failure is not None:
            raise self._failure
        if self._tested is None:
            try:
                self._tested = GateTested(self.workspace(), self.config)
            except ShipworthyError as error:
                self._failure = error
                raise
        return self._tested


class GateTested:
    """A run, and what the gate's criteria say of it. No decision is made: that is `shipworthy gate`'s to enter.

    Attributes:
        run: what was measured; `results` by criterion; `verdict` of all together, with the reason.
    """

    def __init__(self, workspace: Workspace, config: pytest.Config) -> None:
        from shipworthy.evals.results import Run
        from shipworthy.release.baseline import choose_baseline
        from shipworthy.release.tested import tested
        from shipworthy.store.layout import Layout

        layout = Layout(workspace.root)
        chosen = choose_baseline(workspace, layout, config.getoption("shipworthy_baseline"))
        baselines = [Run.load(layout.run_directory(name), marks=True) for name in chosen.runs]
        self.run = _run(workspace, layout.run_directory, config)
        self.results: dict[str, CriterionResult]
        self.verdict: Verdict
        self.results, self.verdict, self.reason = tested(workspace, self.run, baselines)


def _run(workspace: Workspace, find: Any, config: pytest.Config) -> Run:
    from shipworthy.evals.api import evaluate
    from shipworthy.evals.results import Run

    if name := config.getoption("shipworthy_run"):
        return Run.load(find(name), marks=True)
    target = config.getoption("shipworthy_target")
    workspace.permit(target)
    # The first target, or the one named default, is the system under test; others are only measured.
    own = workspace.targets.get(target) is workspace.target
    plan = config.getoption("shipworthy_plan")
    return evaluate(workspace, plan, target=None if own else target, progress=False)


class _GateItem(pytest.Item):
    """An item that fails with a reason instead of a traceback."""

    def gate(self) -> GateTested:
        parent = self.parent
        if not isinstance(parent, GateCollector):
            raise TypeError(f"{self.nodeid} is in no gate")
        return parent.tested()

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Return the reason alone, for what a reader can mend."""
        from shipworthy.core.errors import ShipworthyError

        if isinstance(excinfo.value, GateFailure | ShipworthyError):
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where it stands: the workspace, not a line of code."""
        return self.config.rootpath, None, f"shipworthy::{self.name}"


class GateFailure(Exception):
    """A criterion that does not pass: failed, or not decided, which blocks all the same."""


class CriterionItem(_GateItem):
    """One criterion of the gate."""

    def runtest(self) -> None:
        """Pass only where the criterion passes."""
        gate = self.gate()
        found = gate.results[self.name]
        self.user_properties.append(("verdict", found.verdict))
        self.user_properties.append(("run", gate.run.id))
        if found.verdict != "ship":
            raise GateFailure(f"{found.verdict}: {found.must} of {found.metric} on {found.suite}: {found.reason}")


class VerdictItem(_GateItem):
    """The gate as a whole."""

    def runtest(self) -> None:
        """Pass only where all of it passes."""
        gate = self.gate()
        if gate.verdict != "ship":
            raise GateFailure(f"{gate.verdict}: {gate.reason} ({gate.run.id})")
