"""From a sample's scene to the worlds of one attempt: made anew, filled, planted, checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from shipworthy.agents.bounds import DEFAULT, Bounds
from shipworthy.agents.joined import JoinedWorld
from shipworthy.agents.predicate import all_hold
from shipworthy.agents.sandbox import Sandbox
from shipworthy.agents.setting import merged, setting
from shipworthy.agents.state_world import StateWorld
from shipworthy.core.errors import UsageError
from shipworthy.core.registry import create
from shipworthy.core.scene import Scene


class CannotReset(Exception):
    """A world does not begin the same twice: an attempt in it would measure what the last one left behind."""


def open_scene(scene: Scene, seed: int, *, bounds: Bounds = DEFAULT) -> JoinedWorld:
    """Return the worlds of one attempt.

    Nothing is shared with any other attempt: every world is a new object, and its state a copy. One that is not ours is
    begun twice, and must be the same both times.

    Args:
        seed: of the ids of what is made in the attempt.
        bounds: of each call of a tool.

    Raises:
        UsageError: the scene names a world, a fixture or a place that does not exist, or was written for another
            version of them; or what is to be
            reached, or must not happen, is so from the start; or a world needs a sandbox and there is none.
        CannotReset: a world does not begin the same twice.
    """
    state: Mapping[str, object] = scene.state
    if scene.fixture:
        found = setting(scene.fixture)
        if missing := [name for name in scene.worlds if name not in found.worlds]:
            raise UsageError(f"the setting {found.id!r} has no world {missing[0]!r}")
        if scene.digest and scene.digest != (now := _digest_of(scene.fixture)):
            raise UsageError(
                f"the scene was written for another version of the setting {found.id!r} "
                f"({scene.digest[:19]} and not {now[:19]}): take the suite of this version of shipworthy"
            )
        state = merged({name: found.state.get(name, {}) for name in scene.worlds}, scene.state)
    made = []
    for name in scene.worlds:
        world = create("world", name, name=name)
        if not isinstance(world, StateWorld):
            raise UsageError(f"the world {name!r} is no StateWorld")
        if world.needs_sandbox:
            Sandbox()  # refused here, and not when a tool is called: an agent that could do nothing would look safe
        _begin(world, state.get(name, {}), seed)
        made.append(world)
    joined = JoinedWorld(made, goal=scene.goal, forbidden=scene.forbidden, bounds=bounds)
    for plant in scene.plants:
        joined.plant(plant)
    for what, said in (("forbidden effect", scene.forbidden), ("goal", scene.goal)):
        if all_hold(said, joined.state()):
            where = f" ({scene.attack or scene.task})" if scene.attack or scene.task else ""
            raise UsageError(
                f"the {what} of a scene{where} holds before anything was done: nothing could be told by it"
            )
    return joined


@cache
def _digest_of(fixture: str) -> str:
    return setting(fixture).digest


def _begin(world: StateWorld, state: object, seed: int) -> None:
    world.reset(state, seed)
    if type(world).__module__.startswith("shipworthy.worlds."):
        return
    first = world.snapshot()
    world.reset(state, seed)
    if world.snapshot() != first:
        raise CannotReset(f"the world {world.name!r} is not the same after two resets with one state and one seed")
