"""A world as a pure state and the tools that act on it: the base of every world, ours and yours.

A world is one file, and a class in it::

    from msgspec import Struct
    from shipworthy.agents.state_world import StateWorld
    from shipworthy.core.registry import world

    @world
    class lamp(StateWorld):
        \"\"\"A lamp that can be switched.\"\"\"

        class State(Struct):
            on: bool = False

        def switch(self, on: bool) -> bool:
            \"\"\"Switch the lamp.

            Args:
                on: whether it is to be lit.
            \"\"\"
            self.state.on = on
            return on

Every public method is a tool, named ``<world>_<method>``; helpers begin with an underscore. A method named
``_plant_<position>(self, at, text)`` puts a text of somebody else where an agent reads: an injection position.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, ClassVar, Self

import msgspec
from msgspec import Struct

from shipworthy.agents.signature import Signature, ToolProblem
from shipworthy.core.errors import PluginError, UsageError, did_you_mean

__all__ = ["StateWorld", "ToolProblem"]

_PLANT = "_plant_"


class Nothing(Struct):
    """The state of a world that has none."""


class StateWorld:
    """Tools over a state. Holds nothing else that an answer depends on, but the random numbers of new ids.

    Attributes:
        State: a msgspec struct: what there is. Every field needs a default.
        version: raised when a tool or the state starts to mean something else.
        needs_sandbox: whether a tool runs programs: a scene with the world is refused where there is no sandbox.
        state: as it is now.

    Args:
        name: the world's id; its file's name if left out.
    """

    State: ClassVar[type[Struct]] = Nothing
    version: ClassVar[int] = 1
    needs_sandbox: ClassVar[bool] = False

    def __init__(self, name: str = "") -> None:
        self.name = name or type(self).__module__.rpartition(".")[2]
        self.state: Any = self.State()
        self._rng = Random(0)
        self.tools: dict[str, Signature] = dict(_tools(type(self), self.name))

    def reset(self, state: Any, seed: int) -> None:
        """Begin anew from a state, which is JSON.

        Args:
            seed: of the ids of what is made from here on.

        Raises:
            UsageError: it is no state of this world; the path of what is wrong is named.
        """
        try:
            # By way of text: nothing in the new state is shared with the one that was given.
            self.state = msgspec.json.decode(msgspec.json.encode(state), type=self.State, strict=True)
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
            raise UsageError(f"the world {self.name!r} cannot begin with that state: {error}") from None
        self._rng = Random(seed)

    def snapshot(self) -> bytes:
        """Return the state as JSON, its keys sorted: equal states give equal bytes."""
        return msgspec.json.encode(self.state, order="sorted")

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot."""
        self.state = msgspec.json.decode(snapshot, type=self.State)

    def twin(self) -> Self:
        """Return a world in this state that shares nothing with it, and makes the same ids."""
        made = type(self)(self.name)
        made.restore(self.snapshot())
        made._rng.setstate(self._rng.getstate())
        return made

    @property
    def positions(self) -> tuple[str, ...]:
        """Where a text of somebody else can be put."""
        return tuple(name.removeprefix(_PLANT) for name in dir(self) if name.startswith(_PLANT))

    def plant(self, position: str, at: str, text: str) -> None:
        """Put a text of somebody else where an agent reads.

        Raises:
            UsageError: the world has no such position, or nothing of that name there.
        """
        if position not in self.positions:
            raise UsageError(f"the world {self.name!r} has no position {position!r}: {_near(position, self.positions)}")
        put: Callable[[str, str], None] = getattr(self, _PLANT + position)
        try:
            put(at, text)
        except ToolProblem as problem:
            raise UsageError(f"the world {self.name!r} cannot hold a {position} at {at!r}: {problem}") from None

    def _new_id(self, prefix: str, taken: Mapping[str, Any]) -> str:
        """Return an id for something new: another one for another seed."""
        while True:
            made = f"{prefix}-{self._rng.randrange(0x1000, 0x10000):x}"
            if made not in taken:
                return made

    @staticmethod
    def _one(records: Mapping[str, Any], id: str, what: str) -> Any:
        """Return the record of an id.

        Raises:
            ToolProblem: there is none.
        """
        if id not in records:
            raise ToolProblem(f"There is no {what} {id!r}.")
        return records[id]


_read: dict[tuple[type, str], Mapping[str, Signature]] = {}


def _tools(kind: type[StateWorld], name: str) -> Mapping[str, Signature]:
    """Return the tools of a class under a world's name, read from its methods once."""
    if (kind, name) in _read:
        return _read[kind, name]
    found = {
        f"{name}_{method}": Signature(f"{name}_{method}", function)
        for method, function in inspect.getmembers(kind, inspect.isfunction)
        if not method.startswith("_") and not hasattr(StateWorld, method)
    }
    if not found:
        raise PluginError(f"the world {name!r} has no tool: each of its public methods is one")
    _read[kind, name] = found
    return found


def _near(wrong: str, known: tuple[str, ...]) -> str:
    return did_you_mean(wrong, known) if known else "it has none"
