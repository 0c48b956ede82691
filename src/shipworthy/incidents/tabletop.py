"""A tabletop exercise: injects on a clock, decisions recorded and timed, against a copy of the workspace.

Nothing of the workspace itself is touched: the copy has its own control state (SQLite, whatever the workspace uses) and
its own state of each gateway, and goes away afterwards. What is kept is the record: points, times, and each lever that
was pulled in the copy and found to be in force there, which counts as its drill.
"""

from __future__ import annotations

import secrets as random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.calendar import write_moment
from shipworthy.core.digests import digest
from shipworthy.core.errors import ShipworthyError, UsageError
from shipworthy.core.incident import LeverDrill, TabletopRecord
from shipworthy.core.settings import Settings
from shipworthy.gateway.config import state_of
from shipworthy.incidents import clocks, levers
from shipworthy.incidents.incident import Incident, NewEvent, enter_events, open_incident
from shipworthy.incidents.scenario import TabletopInject, TabletopOption, TabletopQuestion, TabletopScenario
from shipworthy.incidents.severity import recommend
from shipworthy.incidents.snapshot import take_snapshot
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.kinds.lever import Lever
from shipworthy.workspace.load import Workspace

_LARGEST = 512 << 20
"""Bytes of a workspace that are copied."""


class GivenAnswer(NamedTuple):
    """What was decided: an option's id, and after how many minutes of the scenario; None measures it."""

    option: str
    after: float | None = None


class Decided(NamedTuple):
    """One decision of an exercise.

    Attributes:
        at: minutes of the scenario at which it was asked; `after` until the answer.
        points, most: reached, and possible.
        done: what was done in the copy, or why it could not be; empty where there was nothing to do.
    """

    question: str
    option: str
    at: float
    after: float
    within: int
    points: int
    most: int
    done: str

    @property
    def late(self) -> bool:
        """Whether it came after its time."""
        return self.after > self.within


class HeldTabletop(NamedTuple):
    """An exercise that was held: its record, its decisions, and the drills that it counts as."""

    record: TabletopRecord
    decisions: tuple[Decided, ...]
    drills: tuple[LeverDrill, ...]


class ScenarioClock:
    """The clock of a scenario: minutes since it began.

    Args:
        speed: minutes of the scenario in one real minute; 0 lets no time pass but what answers take.
    """

    def __init__(self, speed: float) -> None:
        if speed < 0 or speed > 10_000:
            raise UsageError("the speed is 0, for no waiting at all, or up to 10,000")
        self._speed, self._began, self._ahead = speed, time.monotonic(), 0.0

    @property
    def minutes(self) -> float:
        """Minutes of the scenario that have passed."""
        return (time.monotonic() - self._began) / 60 * self._speed + self._ahead

    def wait(self, until: float) -> None:
        """Wait until a minute of the scenario; without speed, go there at once."""
        left = until - self.minutes
        if left <= 0:
            return
        if self._speed:
            time.sleep(left / self._speed * 60)
        else:
            self._ahead += left

    def pass_(self, minutes: float) -> None:
        """Let minutes pass at once: an answer was said to take so long."""
        self._ahead += minutes


Ask = Callable[[TabletopQuestion], GivenAnswer]
Tell = Callable[[float, str], None]


def run_tabletop(
    workspace: Workspace,
    scenario: TabletopScenario,
    by: str,
    ask: Ask,
    *,
    clock: ScenarioClock,
    tell: Tell = lambda minute, text: None,
    lever: str | None = None,
    allow_code: bool = False,
) -> HeldTabletop:
    """Hold an exercise, and return what is to be entered. Enters nothing itself.

    Args:
        ask: is given each question in its time, and waits for the answer.
        lever: the workspace's lever that is pulled; the first that a gateway has if left out.

    Raises:
        UsageError: the workspace cannot be copied, the lever is none of a gateway, or an answer is no option.
    """
    began = datetime.now(UTC)
    id = f"TT-{began:%Y%m%dT%H%M%S}Z-{random.token_hex(3)}"
    decisions: list[Decided] = []
    with _copy(workspace, allow_code=allow_code) as (copy, layout), AuditLog(layout.control_url) as audit:
        play = _Play(_Sandbox(copy, layout, _lever_of(copy, lever)), audit, scenario, id, by)
        for inject in scenario.injects:
            clock.wait(inject.at)
            tell(clock.minutes, inject.text)
            if inject.ask is not None:
                decisions.append(_decide(inject, inject.ask, ask, clock, play))
        drills = tuple(play.drills)
    points = sum(one.points for one in decisions)
    record = TabletopRecord(
        id=id,
        system=workspace.system.id,
        scenario=scenario.id,
        digest=digest(scenario.model_dump(mode="json")),
        at=write_moment(began),
        by=by,
        points=points,
        most=scenario.most,
        minutes=round(clock.minutes, 2),
        detail={"decisions": [one._asdict() for one in decisions]},
    )
    return HeldTabletop(record, tuple(decisions), drills)


def tabletop_report(scenario: TabletopScenario, held: HeldTabletop) -> str:
    """Return an exercise as Markdown: each decision with its time, what the best answer rests on, and drills."""
    record = held.record
    lines = [
        f"# {record.id}: {scenario.title}\n",
        f"{record.points} of {record.most} points, {record.minutes:,.0f} minutes of the scenario, {record.at}.\n",
        f"{scenario.summary}\n",
        "| Asked at | Question | Decided | After | Points |",
        "|---|---|---|---|---|",
    ]
    asked = {one.ask.id: one.ask for one in scenario.injects if one.ask}
    for one in held.decisions:
        question = asked[one.question]
        chosen = next(option.text for option in question.options if option.id == one.option)
        late = f", late (meant: {one.within})" if one.late else ""
        points = f"{one.points} of {one.most}"
        lines.append(f"| {one.at:,.0f} min | {question.question} | {chosen} | {one.after:,.1f} min{late} | {points} |")
    lines += ["", "## What the best answers rest on", ""]
    for one in held.decisions:
        question = asked[one.question]
        best = max(question.options, key=lambda option: option.points)
        lines.append(f"- {question.question} *{best.text}.* {question.why}")
    lines += ["", "## What was done in the copy of the workspace", ""]
    lines += [f"- {one.question}: {one.done}" for one in held.decisions if one.done] or ["Nothing."]
    lines += ["", "## Levers that were drilled", ""]
    lines += [
        f"- {one.lever}: in force after {one.seconds:g} s, {'within' if one.worked else 'beyond'} its time"
        for one in held.drills
    ] or ["None: no lever of a gateway was pulled."]
    return "\n".join(lines) + "\n"


class _Sandbox(NamedTuple):
    """A copy of a workspace, where its rows are, and the lever that is pulled in it."""

    workspace: Workspace
    layout: Layout
    lever: Lever | None


class _Play:
    """What decisions do in the copy."""

    def __init__(self, copy: _Sandbox, audit: AuditLog, scenario: TabletopScenario, id: str, by: str) -> None:
        self._copy, self._layout, self._lever = copy
        self._audit, self._id, self._by = audit, id, by
        self._scenario = scenario
        self._incident: Incident = open_incident(audit, self._copy.system.id, scenario.title, by)
        self.drills: list[LeverDrill] = []

    def do(self, option: TabletopOption) -> str:
        """Do what an option says, and return what came of it."""
        try:
            if option.do == "rate":
                return self._rate(option.id.upper())
            if option.do == "snapshot":
                kept, event = take_snapshot(self._copy, self._layout, self._audit, self._incident, self._by)
                self._enter(event)
                return f"kept {kept.digest[:19]}…"
            if option.do == "pull":
                return self._pull()
            if option.clock:
                self._enter(clocks.start(option.clock, self._by))
                running = clocks.clocks_of(self._incident, datetime.now(UTC))
                due = next(one.due for one in running if one.clock.id == option.clock)
                return f"the clock {option.clock} runs until {due:%Y-%m-%d %H:%M} UTC"
        except ShipworthyError as error:
            return f"it could not be done: {str(error).partition(chr(10))[0]}"
        return ""

    def _rate(self, chosen: str) -> str:
        advice = recommend(self._scenario.severity_factors)
        self._enter(NewEvent(what="rated", by=self._by, severity=chosen, outcome=advice.severity))
        return f"rated {chosen}; recommended {advice.severity}: {advice.why[0]}"

    def _pull(self) -> str:
        if self._lever is None:
            return "no lever of the workspace is a gateway's: nothing could be pulled, and nothing was drilled"
        lever = levers.find_lever(self._copy, self._lever.id)
        now = datetime.now(UTC)
        event = levers.pull_lever(levers.plan_lever(lever, levers.until_of("1h", now), None), self._by, self._id)
        self._enter(event)
        drill = levers.drill_of(lever, self._copy.system.id, event, self._id, now)
        if drill is not None:
            self.drills.append(drill)
        return f"{lever.id} pulled, in force after {event.detail['seconds']:g} s: {'; '.join(event.detail['changes'])}"

    def _enter(self, event: NewEvent) -> None:
        self._incident = enter_events(self._audit, self._incident, [event])


def _decide(inject: TabletopInject, question: TabletopQuestion, ask: Ask, clock: ScenarioClock, play: _Play) -> Decided:
    began = clock.minutes
    given = ask(question)
    if given.after is not None:
        clock.pass_(max(0.0, given.after - (clock.minutes - began)))
    option = next((one for one in question.options if one.id == given.option), None)
    if option is None:
        raise UsageError(f"{question.id}: {given.option!r} is none of {', '.join(one.id for one in question.options)}")
    after, most = clock.minutes - began, max(one.points for one in question.options)
    points = option.points if after <= question.within else option.points // 2
    return Decided(
        question.id, option.id, round(began, 2), round(after, 2), question.within, points, most, play.do(option)
    )


def answers_of(value: Any, scenario: TabletopScenario) -> Mapping[str, GivenAnswer]:
    """Return the answers of a file: question -> an option's id, or ``{"choose": …, "after": minutes}``.

    Raises:
        UsageError: one is missing, or is none.
    """
    if not isinstance(value, Mapping):
        raise UsageError('answers are written {"severity": {"choose": "s1", "after": 4}}')
    found: dict[str, GivenAnswer] = {}
    for inject in scenario.injects:
        if inject.ask is None:
            continue
        said = value.get(inject.ask.id)
        chosen, after = (said.get("choose"), said.get("after", 0)) if isinstance(said, Mapping) else (said, 0)
        names = [option.id for option in inject.ask.options]
        if not isinstance(chosen, str) or chosen not in names:
            raise UsageError(f"the answer to {inject.ask.id!r} is one of {', '.join(names)}, not {chosen!r}")
        if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after <= 10_000:
            raise UsageError(f"the answer to {inject.ask.id!r} came after a number of minutes, not {after!r}")
        found[inject.ask.id] = GivenAnswer(chosen, float(after))
    return found


@contextmanager
def _copy(workspace: Workspace, *, allow_code: bool) -> Iterator[tuple[Workspace, Layout]]:
    """Give a copy of a workspace without its rows, and take it away afterwards."""
    root = workspace.root.resolve()
    size = sum(path.stat().st_size for path in _files(root))
    if size > _LARGEST:
        raise UsageError(f"the workspace has {size:,} bytes beside its rows: more than are copied for an exercise")
    with tempfile.TemporaryDirectory(prefix="shipworthy-tabletop-") as folder:
        into = Path(folder).resolve() / root.name
        shutil.copytree(root, into, ignore=_left_out(root))
        copy = Workspace.load(into, allow_code=allow_code)
        for lever in copy.entities(Lever).values():
            if lever.gateway is not None:
                _inside(into, into / lever.gateway)
        settings = Settings.load()
        own = Settings(cache_dir=settings.cache_dir, keys_dir=settings.keys_dir, grants_file=settings.grants_file)
        yield copy, Layout(into, own)


def _left_out(root: Path) -> Callable[[str, list[str]], list[str]]:
    """Return what a copy leaves out: rows, and links to folders, out of the workspace and to nowhere."""

    def left(folder: str, names: list[str]) -> list[str]:
        paths = [Path(folder, name) for name in names]
        return [
            path.name
            for path in paths
            if path.name in (".shipworthy", ".git")
            or (path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(root)))
        ]

    return left


def _files(root: Path) -> Sequence[Path]:
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not {".shipworthy", ".git"}.intersection(path.relative_to(root).parts)
    ]


def _inside(root: Path, file: Path) -> None:
    """Refuse a gateway whose state is outside of the copy: its real levers would be pulled."""
    if not file.resolve().is_relative_to(root) or not state_of(file)[0].resolve().is_relative_to(root):
        said = "an exercise would pull its real levers, and is not held"
        raise UsageError(f"{file.name} keeps its state outside of the workspace: {said}")


def _lever_of(workspace: Workspace, wanted: str | None) -> Lever | None:
    known = workspace.entities(Lever)
    if wanted is None:
        return next((one for one in known.values() if one.gateway is not None), None)
    lever = levers.find_lever(workspace, wanted).entity
    if lever is None or lever.gateway is None:
        raise UsageError(f"{wanted} is no lever of a gateway: an exercise pulls no other")
    return lever
