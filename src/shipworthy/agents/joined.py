"""Several worlds as one: their tools side by side, their states under their names, a scene's predicates as facts.

What goes wrong has a stated outcome. A tool that raises, or whose answer is too long or a bomb, gives an error result
and leaves the state as it was; a child that a tool forks ends before it comes back to us. After a tool that hangs,
changes its schema between two calls, or leaves something that is no state, nobody knows what the state is: the world is
*lost*. Every later call is refused, the record holds a failure of the role ``tool`` of the kind ``WorldLost``, and
scorers give no verdict.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from shipworthy.agents.bounds import DEFAULT, Bounds, TooMuch, as_text
from shipworthy.agents.difference import difference
from shipworthy.agents.predicate import all_hold
from shipworthy.agents.signature import ToolProblem
from shipworthy.agents.state_world import StateWorld
from shipworthy.core.digests import PREFIX
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.foreign import forks, kind_of, leave_if_forked
from shipworthy.core.records import ToolCall, ToolResult, ToolSpec
from shipworthy.core.scene import Plant, Predicate
from shipworthy.core.threads import Threads

EVERYWHERE = ("tool_description", "tool_result")
"""Positions that every tool has, whatever its world."""


class WorldLost(Exception):
    """The world cannot be acted on any more; the message says what a tool of it did."""


class JoinedWorld:
    """What the exchange calls a `World`: the worlds of one attempt.

    Args:
        worlds: in the order in which their tools are offered.
        goal, forbidden: what is said of the state in its facts.
        bounds: of each call.
        threads: for worlds that are not ours, whose tools may hang; made if left out.

    Attributes:
        lost: why nothing more is done here; empty while all is well.
    """

    def __init__(
        self,
        worlds: Sequence[StateWorld],
        *,
        goal: Sequence[Predicate] = (),
        forbidden: Sequence[Predicate] = (),
        bounds: Bounds = DEFAULT,
        threads: Threads | None = None,
    ) -> None:
        self._worlds = {world.name: world for world in worlds}
        self._goal, self._forbidden, self._bounds = tuple(goal), tuple(forbidden), bounds
        self._threads = threads or Threads("shipworthy-world")
        self._homes = {tool: world for world in worlds for tool in world.tools}
        self._described: dict[str, str] = {}
        self._answered: dict[str, str] = {}
        self.lost = ""
        self._pinned = {tool: home.tools[tool].pinned for tool, home in self._homes.items()}
        self._last = self.state()

    # ---- what it is ------------------------------------------------------------------------------------------------

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools of all worlds, with what was planted in their descriptions."""
        return tuple(self._spec(tool) for tool in self._homes)

    def state(self) -> dict[str, Any]:
        """Return the whole state, as JSON, by world."""
        return {name: msgspec.to_builtins(world.state) for name, world in self._worlds.items()}

    def snapshot(self) -> dict[str, bytes]:
        """Return what `restore` takes."""
        return {name: world.snapshot() for name, world in self._worlds.items()}

    def restore(self, snapshot: Mapping[str, bytes]) -> None:
        """Go back to a snapshot."""
        for name, taken in snapshot.items():
            self._worlds[name].restore(taken)

    def digest(self) -> str:
        """Return ``sha256:…`` of the state.

        Raises:
            WorldLost: nobody knows what it is.
        """
        if self.lost:
            raise WorldLost(self.lost)
        state = sha256()
        try:
            now = self.snapshot()
        except Exception as error:
            raise self._lose(f"a tool left a state that is no JSON ({kind_of(error)})") from None
        for name, taken in sorted(now.items()):
            state.update(b"%d:%s%d:" % (len(name), name.encode(), len(taken)))
            state.update(taken)
        return PREFIX + state.hexdigest()

    def facts(self) -> Mapping[str, Any]:
        """Return what changed since this was last asked, and whether goal and forbidden effect hold now.

        Of several statements also which of them do: ``goals`` and ``effects``, in the scene's order.
        """
        now = self.state()
        changed = difference(self._last, now)
        self._last = now
        facts: dict[str, Any] = {"changed": changed}
        if self._goal:
            facts["goal"] = all_hold(self._goal, now)
            if len(self._goal) > 1:
                facts["goals"] = [all_hold([one], now) for one in self._goal]
        if self._forbidden:
            facts["forbidden"] = all_hold(self._forbidden, now)
            if len(self._forbidden) > 1:
                facts["effects"] = [all_hold([one], now) for one in self._forbidden]
        return facts

    def twin(self) -> JoinedWorld:
        """Return worlds in this state that go their own way: what a call would do can be tried on them.

        Raises:
            WorldLost: nobody knows what the state is.
        """
        if self.lost:
            raise WorldLost(self.lost)
        worlds = [world.twin() for world in self._worlds.values()]
        return JoinedWorld(
            worlds, goal=self._goal, forbidden=self._forbidden, bounds=self._bounds, threads=self._threads
        )

    def plant(self, plant: Plant) -> None:
        """Put a text of somebody else there, before the attempt begins.

        Raises:
            UsageError: no world here has the position, or there is nothing of that name.
        """
        if plant.position in EVERYWHERE:
            if plant.at not in self._homes:
                near = did_you_mean(plant.at, tuple(self._homes))
                raise UsageError(f"a {plant.position} stands at a tool, and there is no tool {plant.at!r}: {near}")
            held = self._described if plant.position == "tool_description" else self._answered
            held[plant.at] = plant.text
        else:
            homes = [world for world in self._worlds.values() if plant.position in world.positions]
            if len(homes) != 1:
                known = sorted({*EVERYWHERE, *(p for world in self._worlds.values() for p in world.positions)})
                count = "no world" if not homes else "more than one world"
                raise UsageError(f"{count} has the position {plant.position!r}: {did_you_mean(plant.position, known)}")
            homes[0].plant(plant.position, plant.at, plant.text)
        self._last = self.state()

    # ---- what it does ----------------------------------------------------------------------------------------------

    async def run(self, call: ToolCall) -> ToolResult:
        """Carry out one call.

        Raises:
            WorldLost: a tool did what takes away the ground under the state, now or before.
        """
        if self.lost:
            raise WorldLost(self.lost)
        home = self._homes[call.name]
        tool = home.tools[call.name]
        if tool.digest != self._pinned[call.name]:
            raise self._lose(f"the tool {call.name} changed its description or schema between two calls")
        before = self.snapshot()
        since = forks()
        try:
            answer = await self._answer(home, partial(tool.function, home, **tool.read(call.arguments)))
            text = as_text(answer, self._bounds)
        except ToolProblem as problem:
            self._back(before)
            return ToolResult(call.id, call.name, str(problem)[: self._bounds.characters], is_error=True)
        except TooMuch as problem:
            self._back(before)
            said = f"The tool's answer was not passed on: {problem}. Nothing was changed."
            return ToolResult(call.id, call.name, said, is_error=True)
        except TimeoutError:
            raise self._lose(f"the tool {call.name} did not answer in {self._bounds.seconds:g} s") from None
        except BaseException:
            self._back(before)
            raise
        finally:
            leave_if_forked(since)
        if (planted := self._answered.get(call.name)) is not None:
            text = f"{text}\n{planted}"
        return ToolResult(call.id, call.name, text)

    async def _answer(self, home: StateWorld, work: Any) -> Any:
        waits = inspect.iscoroutinefunction(work.func)
        if not waits and type(home).__module__.startswith("shipworthy.worlds."):
            return work()  # ours: none of them takes long
        async with asyncio.timeout(self._bounds.seconds):
            return await (work() if waits else self._threads.call(work))

    def _back(self, before: Mapping[str, bytes]) -> None:
        """Undo what a call did that came to nothing."""
        try:
            self.restore(before)
        except Exception as error:
            raise self._lose(f"the state cannot be gone back to ({kind_of(error)})") from None

    def _lose(self, why: str) -> WorldLost:
        self.lost = why
        return WorldLost(why)

    def _spec(self, tool: str) -> ToolSpec:
        spec = self._homes[tool].tools[tool].spec
        planted = self._described.get(tool)
        return spec if planted is None else replace(spec, description=f"{spec.description} {planted}")
