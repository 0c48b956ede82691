"""Threats that the catalogue has for a workspace's components, each with its reason. It proposes and adds nothing.

A precondition holds where the files say so, and where they say nothing: what is not known is taken as open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from shipworthy.workspace.catalogue import CatalogueThreat, Precondition, catalogue
from shipworthy.workspace.graph import Graph, Node
from shipworthy.workspace.kinds.system import Component, System

KINDS = {
    "index": "a retrieval index", "interface": "an interface", "agent": "an agent", "memory": "a memory",
    "mcp-server": "an MCP server", "code-runner": "a place where code runs", "other": "a part of another kind",
}  # fmt: skip
"""How a kind of component is called in a sentence, where "a" before its name does not do."""

_REACH = {"none": "changes nothing", "internal": "changes what is the user's own", "external": "reaches others",
          "irreversible": "cannot be undone"}  # fmt: skip


class Suggestion(NamedTuple):
    """One entry of the catalogue that fits.

    Attributes:
        components: id to the reason why it fits, a part of a sentence that begins with the id.
        assumed: whether some reason is that the files do not say.
        attackers: of the workspace, that are able to.
    """

    entry: CatalogueThreat
    components: Mapping[str, str]
    assumed: bool
    attackers: Sequence[str]


class Covered(NamedTuple):
    """An entry that threats of the workspace cover.

    Attributes:
        threats: their ids.
        fits: whether a component fits it.
        unnamed: components that fit and that none of the threats goes through.
    """

    entry: CatalogueThreat
    threats: Sequence[str]
    fits: bool
    unnamed: Sequence[str]


class Suggested(NamedTuple):
    """What the catalogue has for a workspace: what no threat covers, and what some do."""

    suggestions: Sequence[Suggestion]
    covered: Sequence[Covered]


def suggest(graph: Graph) -> Suggested:
    """Return what of the catalogue fits a workspace's components; an entry that a threat names is covered."""
    system: System = next(iter(graph.of_kind("system").values())).entity
    named: dict[str, list[Node]] = {}
    for threat in graph.of_kind("threat").values():
        for name in threat.entity.catalogue:
            named.setdefault(name, []).append(threat)
    suggestions, covered = [], []
    for entry in catalogue().values():
        reasons = dict(_fitting(entry, system, graph))
        if threats := named.get(entry.id):
            through = {name for threat in threats for name in threat.entity.components}
            unnamed = [name for name in reasons if name not in through]
            covered.append(Covered(entry, [threat.id for threat in threats], bool(reasons), unnamed))
        elif reasons:
            able = [n.id for n in graph.of_kind("attacker").values() if entry.capability in n.entity.can]
            said = {name: why for name, (why, _) in reasons.items()}
            suggestions.append(Suggestion(entry, said, any(open_ for _, open_ in reasons.values()), able))
    return Suggested(suggestions, covered)


def _fitting(entry: CatalogueThreat, system: System, graph: Graph) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield each component that an entry fits, with the reason and whether it rests on what is not said."""
    if entry.when.tiers and system.tier not in entry.when.tiers:
        return
    for component in system.components:
        if component.kind not in entry.components:
            continue
        around, reason = _around(entry, component, system), _reason(entry, component, graph)
        if around is not None and reason is not None:
            said, is_open = reason
            name = KINDS.get(component.kind, f"a {component.kind}")
            yield component.id, (f"{component.id} is {name}{said}{around}", is_open)


def _around(entry: CatalogueThreat, component: Component, system: System) -> str | None:
    """Return what else the system has that an entry needs, as part of a sentence; None where it lacks it."""
    when, said = entry.when, ""
    others = [other for other in system.components if other.id != component.id]
    if when.several:
        if not any(other.kind == component.kind for other in others):
            return None
        said += ", and not the only one"
    if when.also:
        found = [other.id for other in others if other.kind in when.also]
        if not found:
            return None
        said += f", and the system has {', '.join(found[:3])}" + (" and more" if found[3:] else "")
    return said + (f", and the system is in the tier {system.tier}" if when.tiers else "")


class _Told(NamedTuple):
    """What the files tell of one precondition: whether it holds, and part of a sentence that says so.

    Attributes:
        holds: None where they do not say.
    """

    holds: bool | None
    said: str = ""


def _reason(entry: CatalogueThreat, component: Component, graph: Graph) -> tuple[str, bool] | None:
    """Return what of a component an entry needs, as part of a sentence, and whether some of it is not said."""
    told = [
        *_writers(entry.when, component),
        *_effect(entry.when, component),
        *_data(entry.when, component, graph),
        *_supply(entry.when, component),
    ]
    if any(one.holds is False for one in told):
        return None
    parts = [one.said for one in told if one.holds]
    unsaid = [one.said for one in told if one.holds is None]
    said = f" {' and '.join(parts)}" if parts else ""
    return said + (f", and nothing says {' or '.join(unsaid)}" if unsaid else ""), bool(unsaid)


def _writers(when: Precondition, component: Component) -> Iterator[_Told]:
    if when.writers and component.writers is None:
        yield _Told(None, "who can write to it ('writers')")
    elif when.writers:
        found = [who for who in component.writers or () if who in when.writers]
        yield _Told(bool(found), f"that {' and '.join(found)} can write to")


def _effect(when: Precondition, component: Component) -> Iterator[_Told]:
    if when.effect and component.effect is None:
        yield _Told(None, "how far a call reaches ('effect')")
    elif when.effect and component.effect is not None:
        yield _Told(component.effect in when.effect, f"whose call {_REACH[component.effect]}")


def _data(when: Precondition, component: Component, graph: Graph) -> Iterator[_Told]:
    if when.holds and component.holds is None:
        yield _Told(None, "what data it holds ('holds')")
    elif when.holds:
        held = [(name, graph.find("data", name)) for name in component.holds or ()]
        kept = [name for name, node in held if node is not None and node.entity.sensitivity in when.holds]
        yield _Told(bool(kept), f"that holds {', '.join(kept)}")


def _supply(when: Precondition, component: Component) -> Iterator[_Told]:
    if when.run_by_others:
        yield _Told(component.run_by is not None, f"that {component.run_by} runs")
    if when.unpinned and component.pinned is None:
        yield _Told(None, "whether its version is fixed ('pinned')")
    elif when.unpinned:
        yield _Told(not component.pinned, "whose version is not fixed")


def as_yaml(found: Suggested, taken: Iterable[str]) -> str:
    """Return the suggestions as a section that a person may paste, each below its reasons, then a summary as comments.

    Args:
        taken: ids of threats that there are.
    """
    used, lines = set(taken), []
    if found.suggestions:
        lines += ["threats:"]
    for one in found.suggestions:
        entry = one.entry
        name = _free(f"THR-{entry.id.removeprefix('AIT-')}", used)
        lines += [f"  # because {why}" for why in one.components.values()]
        lines += [f"  # where {'; '.join(entry.preconditions)}", f"  # {_tested(entry)}"]
        lines += [f"  # typical controls: {'; '.join(entry.controls)}"]
        lines += [
            f"  - id: {name}",
            f"    title: {_quoted(entry.title)}",
            f"    vector: {entry.vector}",
            f"    attackers: [{', '.join(one.attackers)}]" + ("" if one.attackers else f" # who: {entry.capability}"),
            f"    components: [{', '.join(one.components)}]",
            "    risks: [] # name what may go wrong then",
            f"    catalogue: [{entry.id}]",
            f"    refs: [{', '.join(entry.refs)}]",
            f"    text: {_quoted(entry.text)}",
        ]
    lines += _summary(found)
    return "\n".join(lines) + "\n"


def _tested(entry: CatalogueThreat) -> str:
    if entry.tested_by:
        return f"tested by the suite {entry.tested_by.suite} ({entry.tested_by.metric})"
    return f"tested by none of the library's suites: {entry.untested}"


def _summary(found: Suggested) -> list[str]:
    fitting = len(found.suggestions) + sum(one.fits for one in found.covered)
    open_ = sum(one.assumed for one in found.suggestions)
    lines = [
        f"# {fitting} of the {len(catalogue())} threats of the catalogue fit this system; "
        f"{sum(one.fits for one in found.covered)} of them are covered, {len(found.suggestions)} are not."
    ]
    if open_:
        lines.append(f"# {open_} of these because the files do not say something: say it, and what does not fit goes.")
    for one in found.covered:
        lines.append(f"# {one.entry.id} is covered by {', '.join(one.threats)}")
        if one.unnamed:
            lines[-1] += f", which does not go through {', '.join(one.unnamed)}"
        if not one.fits:
            lines[-1] += ", though no component fits it"
    return lines


def _free(name: str, used: set[str]) -> str:
    number, found = 2, name
    while found in used:
        found, number = f"{name}-{number}", number + 1
    used.add(found)
    return found


def _quoted(text: str) -> str:
    # JSON's quotes are YAML's: whatever the text holds, it is read back as it is.
    return json.dumps(text, ensure_ascii=False)
