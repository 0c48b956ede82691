"""Why a thing is there and what shows it: the chain of ids around any of them, in both directions.

The chain runs from what is threatened over threats, risks and requirements to what is done and measured. Upwards from a
thing is what it is there for; downwards is what is done about it and what shows that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.residual import ResidualRisk
from shipworthy.workspace.graph import Graph, Node

_PLACES: tuple[tuple[str, ...], ...] = (
    ("system", "clause"),
    ("journey", "boundary", "subprocessor", "data", "attacker"),
    ("component",),
    ("asset", "entry"),
    ("threat",),
    ("risk",),
    ("requirement",),
    ("control", "pipeline", "guard", "policy", "criterion", "monitor", "lever"),
    ("waiver", "suite"),
    ("plan", "gate", "tier"),
    ("role",),
)
PLACE: Mapping[str, int] = {kind: place for place, kinds in enumerate(_PLACES) for kind in kinds}
"""Where a kind stands in the chain; others are no part of it: targets, facts, reviews, decision tables, dossiers."""

Direction = Literal["up", "down"]


class ChainLink(NamedTuple):
    """One thing in a tree.

    Attributes:
        kind, id, title, place: of it; `place` is ``file:line`` inside the workspace.
        said: what evidence says of it.
        below: what follows from it; empty where it was shown before.
        again: whether it was shown before.
    """

    kind: str
    id: str
    title: str
    place: str
    said: str
    below: tuple[ChainLink, ...] = ()
    again: bool = False


class Why(NamedTuple):
    """A thing, what it is there for, and what is done about it."""

    thing: ChainLink
    up: tuple[ChainLink, ...]
    down: tuple[ChainLink, ...]


def nodes_named(graph: Graph, id: str) -> list[Node]:
    """Return what has an id: usually one, though a suite and a plan may share theirs.

    Raises:
        UsageError: nothing has; the nearest id is named.
    """
    found = [node for key, node in graph.nodes.items() if key.id == id and key.kind in PLACE]
    if not found:
        known = [key.id for key in graph.nodes if key.kind in PLACE]
        raise UsageError(f"nothing here has the id {id!r}: {did_you_mean(id, known)}")
    return found


class Chain:
    """The chain of a workspace with what evidence says of it.

    Args:
        standing: of each criterion.
        risks: the register, by id.
        root: the workspace's folder: places are told from there.
    """

    def __init__(
        self,
        graph: Graph,
        standing: Mapping[str, CriterionStanding],
        risks: Mapping[str, ResidualRisk],
        root: Path = Path(),
    ) -> None:
        self._graph, self._standing, self._risks, self._root = graph, standing, risks, root

    def why(self, node: Node) -> Why:
        """Return a thing with both directions."""
        return Why(self._link(node), self.tree(node, "up"), self.tree(node, "down"))

    def of_decision(self, decision: Decision) -> Why:
        """Return a decision: what its criteria are there for, and the runs that it rests on."""
        thing = ChainLink("decision", decision.id, f"{decision.verdict}: {decision.reason}", decision.created, "")
        runs = [ChainLink("run", run, "", "", "") for run in decision.runs]
        runs += [ChainLink("run", run, "the baseline", "", "") for run in decision.baseline_runs]
        return Why(thing, tuple(self._tested(decision, "")), tuple(runs))

    def of_run(self, run: str, decisions: Iterable[Decision]) -> Why:
        """Return a run: the decisions that rest on it, with what they tested on it."""
        found = [
            ChainLink("decision", d.id, f"{d.verdict}: {d.reason}", d.created, "", tuple(self._tested(d, run)))
            for d in decisions
            if run in (*d.runs, *d.baseline_runs)
        ]
        return Why(ChainLink("run", run, "", "", "" if found else "no decision rests on it"), tuple(found), ())

    def _tested(self, decision: Decision, run: str) -> Iterator[ChainLink]:
        """Yield the criteria that a decision tested, on one run or on any, each with what it is there for."""
        seen: set[object] = set()
        for result in decision.criteria:
            if run not in ("", result.run, result.baseline_run):
                continue
            said = f"{result.verdict}: {result_words(result)}"
            node = self._graph.find("criterion", result.id)
            if node is None:
                yield ChainLink("criterion", result.id, "which the files do not have any more", "", said)
            else:
                yield self._link(node)._replace(said=said, below=tuple(self._grown(node, "up", seen)))

    def tree(self, node: Node, direction: Direction) -> tuple[ChainLink, ...]:
        """Return what follows from a thing in one direction, each with what follows from it."""
        return tuple(self._grown(node, direction, {node.key}))

    def _grown(self, node: Node, direction: Direction, seen: set[object]) -> Iterator[ChainLink]:
        for other in self._next(node, direction):
            link = self._link(other)
            if other.key in seen:
                yield link._replace(again=bool(self._next(other, direction)))
                continue
            seen.add(other.key)
            yield link._replace(below=tuple(self._grown(other, direction, seen)))

    def _next(self, node: Node, direction: Direction) -> list[Node]:
        """Return the nearest things in one direction: by links either way, and by what is written inside what."""
        graph = self._graph
        around = [*graph.targets(node), *graph.sources(node), *graph.parts(node)]
        if node.parent is not None:
            around.append(graph.nodes[node.parent])
        here, sign = PLACE[node.key.kind], -1 if direction == "up" else 1
        found = {other.key: other for other in around if other.key.kind in PLACE}
        near = [other for other in found.values() if sign * (PLACE[other.key.kind] - here) > 0]
        return sorted(near, key=lambda other: (PLACE[other.key.kind], other.key.kind))

    def _link(self, node: Node) -> ChainLink:
        entity = node.entity
        title = getattr(entity, "title", "") or getattr(entity, "text", "") or getattr(entity, "reason", "")
        file = node.file.relative_to(self._root) if node.file.is_relative_to(self._root) else node.file.name
        return ChainLink(
            node.key.kind, node.id, str(title or self._words(node)), f"{file}:{node.line}", self._said(node)
        )

    def _words(self, node: Node) -> str:
        if node.key.kind == "criterion":
            where = f" under {node.entity.attack}" if node.entity.attack else ""
            return f"{node.entity.must} on {node.entity.suite}{where}"
        return str(getattr(node.entity, "use", ""))

    def _said(self, node: Node) -> str:
        if node.key.kind == "criterion":
            return standing_words(self._standing[node.id])
        if node.key.kind == "risk":
            return risk_words(self._risks[node.id])
        if node.key.kind == "lever":
            last = node.entity.last_drilled
            return f"last drilled {last}" if last else "never drilled"
        if node.key.kind == "waiver":
            return f"until {node.entity.expires}, accepted by {node.entity.by} ({node.entity.accepted_by})"
        return "planned only" if getattr(node.entity, "status", "") == "planned" else ""


def standing_words(one: CriterionStanding) -> str:
    """Return in words what stands for a criterion."""
    if one.result is None:
        return f"no evidence: {one.why}"
    said = f"{one.result.verdict}: {result_words(one.result)}; {one.run}, {one.decision}"
    return f"{said}, measured {one.measured}" if one.state == "stands" else f"lapsed, {one.why} (was {said})"


def result_words(result: CriterionResult) -> str:
    """Return the numbers of a result in words: counts, and the bound beside the limit."""
    if result.rate is None:
        return result.reason
    unit = result.measure.unit if result.measure and result.is_value else ""
    counted = "" if result.is_value or result.test != "threshold" else f"{result.hits:,} of {result.trials:,}, "
    bound = "no bound" if result.bound is None else f"bound {_number(result.bound, unit, result.is_value)}"
    return f"{counted}{bound}, must be {result.must}"


def risk_words(risk: ResidualRisk) -> str:
    """Return in words what is left of a risk."""
    accepted = f", accepted until then by {', '.join(risk.waivers)}" if risk.waivers else ""
    if not risk.measured:
        return f"risk {risk.residual:.1f}, the inherent one: {risk.basis}{accepted}"
    return (
        f"risk {risk.residual:.1f} [{risk.low:.1f}, {risk.high:.1f}] of {risk.inherent:.1f} is left: "
        f"{risk.basis}{accepted}"
    )


def _number(value: float, unit: str, is_value: bool) -> str:
    return f"{value:.3g} {unit}".strip() if is_value else f"{100 * value:.1f} %"
