"""A search for a way past a tool policy: variations of an attack, the nearest kept and varied further.

No model is asked. The attacker knows the tools, the state, the tasks and what a try came to, but not the policy; the
agent obeys every word. What is found is a script that anybody can play again (`played`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from shipworthy.agents.cases import POSITIONS, does, place_of
from shipworthy.agents.climb import Weighed, climb
from shipworthy.agents.ground import Ground
from shipworthy.agents.moves import MOVES
from shipworthy.agents.played import Played, Player
from shipworthy.agents.scheme import Piece, Scheme
from shipworthy.agents.setting import Goal, Setting
from shipworthy.core.errors import UsageError
from shipworthy.core.protocols import ToolPolicy


class SearchFound(NamedTuple):
    """What a search for one goal came to.

    Attributes:
        tries: that were made.
        first: the number of the try that reached it, from 1; 0 where none did.
        reached: how many did.
        shortest: the scheme of fewest calls that did, or the nearest one.
        played: what that one came to.
    """

    goal: str
    tries: int
    first: int
    reached: int
    shortest: Scheme
    played: Played


def search(found: Setting, goal: Goal, policy: ToolPolicy | None, *, tries: int = 500, seed: int = 0) -> SearchFound:
    """Look for a way to reach a goal behind a policy.

    The first third of the tries, at most, plays the goal's own script under each cover: task, position, time. What
    comes after varies the nearest. The same seed makes the same tries.

    Args:
        policy: None shows that the goal can be reached at all.
        tries: 1 or more; a try that was made before is not made again.

    Raises:
        UsageError: every task of the setting does the goal's harm by itself, so that nothing could be told by it; or
            the goal calls no tool.
    """
    if not goal.forbidden or not goal.calls:
        raise UsageError(f"{goal.id}: what is searched are calls, and this attack only wants something said")
    ground = Ground.of(found, goal)
    tasks = [task for task in found.tasks if not does(found, task, goal)]
    if not tasks:
        raise UsageError(f"{goal.id}: every task of {found.id!r} has its effect with nobody attacking")
    ground.tasks = {task.id: task for task in tasks}
    return searched(ground, Player(found, goal, policy, seed).play, tries=tries, seed=f"{seed}:{found.id}:{goal.id}")


def searched(ground: Ground, play: Callable[[Scheme], Played], *, tries: int, seed: str) -> SearchFound:
    """Look for a way to reach a goal with whatever plays a scheme; see `search`.

    Args:
        ground: the goal, its tasks, and what is known of the rest.
        play: plays a scheme and says what came of it; the same scheme comes to the same.
    """
    rng = Random(seed)
    plain = tuple(Piece((step,), number) for number, step in enumerate(ground.goal.script))
    covers = [
        Scheme(task.id, position, plain, when=when)
        for task in ground.tasks.values()
        for position in POSITIONS
        if place_of(task, position)
        for when in ("at_once", "at_end")
    ]
    rng.shuffle(covers)

    def weighed(scheme: Scheme) -> Weighed[Played]:
        played = play(scheme)
        return Weighed(played, played.reached, played.near, scheme.calls)

    def varied(scheme: Scheme, rng: Random) -> Scheme:
        return _varied(scheme, ground, rng)

    def key(scheme: Scheme) -> bytes:
        return msgspec.json.encode(replace(scheme, moves=()))

    return SearchFound(ground.goal.id, *climb(covers, varied, weighed, key, tries=tries, rng=rng))


def _varied(scheme: Scheme, ground: Ground, rng: Random) -> Scheme:
    for _ in range(rng.choice((1, 1, 2, 3))):
        move = rng.choice(MOVES)
        varied = move(scheme, ground, rng)
        if varied is not None:
            scheme = replace(varied, moves=(*varied.moves, move.__name__))
    return scheme
