"""What a target can carry to the system under test, and what a sample needs carried.

A target's file may hold a function ``carries(params)`` beside its factory. It returns what a target with these
parameters carries, without building it, or None where only the built target can tell: its attribute ``carries`` then
says so. A plug-in with neither is taken to carry everything.
"""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Mapping
from typing import Any, Literal, get_args

from shipworthy.core import registry
from shipworthy.core.protocols import Rewrite
from shipworthy.core.records import Audio, Image, Sample, ToolCall, ToolResult

Need = Literal["turns", "user", "documents", "tools", "media", "world"]
"""``turns``: messages besides one of the user. ``user``: who asks. ``tools``: earlier calls and their results.
``world``: it calls the tools that it is offered, through the exchange, until it is done."""

EVERYTHING: frozenset[Need] = frozenset(get_args(Need))

WORDS: Mapping[Need, str] = {
    "turns": "a conversation of several messages",
    "user": "who is asking",
    "documents": "planted documents",
    "tools": "calls of tools and their results",
    "media": "pictures or sounds",
    "world": "an agent that calls the tools it is offered",
}


def declared(name: str, params: Mapping[str, Any]) -> frozenset[Need] | None:
    """Return what a target would carry with these parameters; None where only the built target can tell.

    Raises:
        PluginError: there is no such target.
    """
    module = sys.modules.get(registry.factory("target", name).__module__)
    said = getattr(module, "carries", None)
    if said is None:
        return None
    found: frozenset[Need] | None = said(params)
    return found


def carried(target: object) -> frozenset[Need]:
    """Return what a built target carries: everything, unless it says otherwise; a world, only where it takes tools."""
    said = getattr(target, "carries", None)
    found = EVERYTHING if said is None else frozenset(said)
    return found if takes_tools(target) else found - {"world"}


def takes_tools(target: object) -> bool:
    """Say whether a target calls tools: its `send` has a parameter named ``tools``. Nothing is asked."""
    send = getattr(target, "send", None)
    return send is not None and "tools" in inspect.signature(send).parameters


def needed(sample: Sample) -> frozenset[Need]:
    """Return what a target must carry for a sample to be asked as it is written.

    >>> from shipworthy.core.records import say
    >>> sorted(needed(Sample(id="a", messages=(say("system", "Be brief."), say("user", "Hi")), user="ada")))
    ['turns', 'user']
    """
    parts = [part for message in sample.messages for part in message.parts]
    found: set[Need] = set()
    if len(sample.messages) > 1:
        found.add("turns")
    if sample.user:
        found.add("user")
    if sample.documents:
        found.add("documents")
    if any(isinstance(part, ToolCall | ToolResult) for part in parts):
        found.add("tools")
    if any(isinstance(part, Image | Audio) for part in parts):
        found.add("media")
    if sample.scene is not None:
        found.add("world")
    return frozenset(found)


def needed_by(attack: object, sample: Sample) -> frozenset[Need]:
    """Return what an attack on a sample needs: of a rewriting one what it makes of it; else the sample's own needs and
    the attack's attribute ``needs``, such as ``("turns",)`` for one that converses.

    What the attack raises on this sample counts as no need: it is that attempt's error.
    """
    if isinstance(attack, Rewrite):
        try:
            return needed(attack.change(sample, random.Random(0)))
        except Exception:
            return needed(sample)
    return needed(sample) | frozenset(getattr(attack, "needs", ()))
