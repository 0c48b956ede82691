"""Targets that build on another one: ``like: NAME``, and the keys that are different."""

from __future__ import annotations

from typing import Any

from shipworthy.core.errors import did_you_mean
from shipworthy.workspace.draft import Draft, Placed
from shipworthy.workspace.fields import Loc
from shipworthy.workspace.nodes import YamlFile
from shipworthy.workspace.use import Use
from shipworthy.workspace.validate import at, validate

LIKE = "like"
"""The key that names the other target. It is no parameter: the target is, by digest, the one that is written out."""


def builds_on_another(written: Any) -> bool:
    """Say whether a target is written as another one with changes."""
    return isinstance(written, dict) and LIKE in written


def fill_in(draft: Draft) -> None:
    """Make the targets that build on others, whatever file and order they stand in.

    Every key that such a target writes takes the place of the other's, whole; the others are the other's.
    """
    named = draft.named["target"]
    waiting = {name: place for name, place in named.items() if builds_on_another(at(place[0].value, place[1]))}
    left = dict(waiting)
    for name in waiting:
        _fill(name, left, draft, ())
    made = draft.entities["target"]
    order = {name: place for place, name in enumerate(named)}
    draft.entities["target"] = dict(sorted(made.items(), key=lambda item: order[item[0]]))


def _fill(name: str, left: dict[str, tuple[YamlFile, Loc]], draft: Draft, on_the_way: tuple[str, ...]) -> None:
    if name not in left:
        return
    source, loc = left.pop(name)  # once: a circle would be reported at each of its targets
    written = at(source.value, loc)
    other = written[LIKE]
    if wrong := _wrong(other, name, written, draft, (*on_the_way, name)):
        draft.problems.append(source.problem((*loc, LIKE), *wrong))
        return
    _fill(other, left, draft, (*on_the_way, name))
    base = draft.entities["target"].get(other)
    if base is None:
        return  # the other one is broken, which is reported
    own = {key: value for key, value in written.items() if key != LIKE}
    entity = validate(Use, source, loc, draft.problems, value={"use": base.entity.use, **base.entity.params, **own})
    if entity is not None:
        draft.entities["target"][name] = Placed(entity, source, loc)


def _wrong(
    other: Any, name: str, written: dict[str, Any], draft: Draft, on_the_way: tuple[str, ...]
) -> tuple[str, str] | None:
    """Return what is wrong with the name of the other target, and a hint."""
    known = draft.named["target"]
    if "use" in written:
        return f"the target {name!r} has both 'use' and 'like'", "'like' takes the plug-in of the target that it names"
    if not isinstance(other, str):
        return f"the target {name!r} is like {other!r}: write the name of a target", ""
    if other not in known:
        return f"the target {name!r} is like {other!r}, which is no target", did_you_mean(other, list(known))
    if other in on_the_way:
        circle = " -> ".join((*on_the_way[on_the_way.index(other) :], other))
        return f"the target {name!r} is like itself in the end: {circle}", "one of them must be written out"
    return None
