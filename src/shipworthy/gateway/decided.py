"""The release decision that a gateway's file names, and the digests that its guards have under its levers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.core.errors import Problem, ShipworthyError
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.store.layout import Layout

if TYPE_CHECKING:
    from shipworthy.gateway.config import Config, ConfigFile
    from shipworthy.workspace.guards import GuardFile
    from shipworthy.workspace.nodes import YamlFile

MOST_LEVERS = 6
"""Levers whose every combination is listed; of more, each alone and all together."""


class GuardsDigest(NamedTuple):
    """One digest that a gateway's guards can have.

    Attributes:
        levers: that are pulled then; empty for the base.
        decision: id of the release that it is a tightening of, or is; empty where the file names none.
    """

    digest: str
    levers: tuple[str, ...]
    decision: str


def digests(config: Config) -> list[GuardsDigest]:
    """Return every digest that the levers of a gateway's file can make, the base first.

    Raises:
        PluginError: a guard cannot be built.
    """
    names = sorted(config.spec.levers)
    sizes = range(len(names) + 1) if len(names) <= MOST_LEVERS else (0, 1, len(names))
    return [
        GuardsDigest(Pipeline.build(config.under(levers)).digest, levers, config.spec.decision)
        for size in sizes
        for levers in combinations(names, size)
    ]


def check(source: YamlFile, path: Path, spec: ConfigFile, guards: GuardFile) -> Iterator[Problem]:
    """Yield what is wrong with the decision that the file names; nothing where it names none.

    Args:
        path: of the gateway's file.
        guards: with the modes of the gateway's file, no lever pulled.
    """
    if not spec.decision:
        return
    loc = ("decision",)
    if not spec.workspace:
        yield source.problem(loc, "'decision' is looked up in a 'workspace', and there is none", "name its folder")
        return
    try:
        found = Layout(path.parent / spec.workspace).load_decision(spec.decision)
        digest = Pipeline.build(guards).digest
    except ShipworthyError as error:
        yield source.problem(loc, f"'decision': {error}")
        return
    of = found.subject.guards if found.subject is not None else ""
    if found.id != spec.decision:
        yield source.problem(loc, f"'decision' must be a whole id, such as {found.id}")
    elif found.verdict != "ship":
        yield source.problem(loc, f"{found.id} says {found.verdict}: it releases nothing")
    elif of != digest:
        said = f"{found.id} is about {f'guards {of}' if of else 'a system without guards'}, and these are {digest}"
        hint = "what is measured is what runs: evaluate these guards and decide, or serve the ones that were decided on"
        yield source.problem(loc, said, hint)
