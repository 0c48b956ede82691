"""Tools that a sample describes itself: their schemas and what they give. Nothing is done; what was called is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from shipworthy.agents.predicate import fits
from shipworthy.agents.signature import Signature
from shipworthy.agents.state_world import StateWorld
from shipworthy.core.digests import digest
from shipworthy.core.errors import UsageError
from shipworthy.core.records import ToolSpec
from shipworthy.core.registry import world


class Simulation(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a tool gives where its arguments fit: patterns as in statements, by argument; none fits every call."""

    gives: Any
    when: dict[str, Any] = {}


class SimulatedTool(Struct, kw_only=True, forbid_unknown_fields=True):
    """A tool: the first of its answers that fits is given."""

    description: str = ""
    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    answers: list[Simulation] = field(default_factory=list)


class SimulatedCall(Struct, kw_only=True):
    """A call that ran; `text` is its arguments as JSON, for statements about any of them."""

    tool: str
    args: dict[str, Any]
    text: str


class _Simulated(Signature):
    """A described tool, as a world has one. Arguments are taken as they come: only what is called counts."""

    def __init__(self, name: str, tool: SimulatedTool) -> None:
        self.spec = ToolSpec(name, tool.description, tool.parameters)
        self.function = _calling(name)
        self.pinned = digest(msgspec.to_builtins(self.spec))

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"given": dict(arguments)}


def _calling(name: str) -> Callable[..., Any]:
    def call(home: simulated, given: dict[str, Any]) -> Any:
        return home._called(name, given)

    return call


@world
class simulated(StateWorld):
    """Tools without a world behind them, as benchmarks of calls describe them.

    `state.simulated.tools` says what there is, by name. `calls` is what ran, in its order, and `counts` how often, by
    tool: goals and forbidden effects are statements about these. A tool changes nothing that another one gives.
    """

    class State(Struct, kw_only=True, forbid_unknown_fields=True):
        tools: dict[str, SimulatedTool] = field(default_factory=dict)
        calls: list[SimulatedCall] = field(default_factory=list)
        counts: dict[str, int] = field(default_factory=dict)

    def __init__(self, name: str = "") -> None:
        self.name = name or "simulated"
        self.state: Any = self.State()
        self.tools: dict[str, Signature] = {}
        super().reset(self.state, 0)

    def reset(self, state: Any, seed: int) -> None:
        super().reset(state, seed)
        if not self.state.tools:
            raise UsageError("the world 'simulated' has no tools: name them under state.simulated.tools")
        self._offer()

    def restore(self, snapshot: bytes) -> None:
        super().restore(snapshot)
        if self.tools.keys() != self.state.tools.keys():
            self._offer()

    def _offer(self) -> None:
        self.tools = {name: _Simulated(name, tool) for name, tool in self.state.tools.items()}

    def _called(self, name: str, given: dict[str, Any]) -> Any:
        text = msgspec.json.encode(given).decode()
        self.state.calls.append(SimulatedCall(tool=name, args=given, text=text))
        self.state.counts[name] = self.state.counts.get(name, 0) + 1
        answers = self.state.tools[name].answers
        return next((one.gives for one in answers if fits(one.when, given)), "Done.")
