"""The safety case as a goal structure (GSN), derived from the links: no second document to keep in step."""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.diagrams.drawing import Drawing, DrawnArrow, DrawnBox, Mood
from shipworthy.evidence.residual import ResidualRisk
from shipworthy.evidence.why import result_words
from shipworthy.workspace.graph import Graph, Node

_MOODS: Mapping[str, Mood] = {"ship": "good", "no-ship": "bad", "inconclusive": "unsure"}


def safety_case(graph: Graph, standing: Mapping[str, CriterionStanding], risks: Mapping[str, ResidualRisk]) -> Drawing:
    """Return the argument: the system is safe enough, since each risk is mitigated, since each requirement holds.

    Goals are risks and requirements, solutions the criteria with the evidence that stands, contexts the controls and
    the live waivers. A risk that nothing mitigates and a requirement that nothing tests are undeveloped, and a
    solution without evidence is bad: what is missing is part of the picture.
    """
    system = next(iter(graph.of_kind("system").values()))
    top, plan = system.id, f"{system.id} strategy"
    boxes = {
        top: DrawnBox(top, "goal", (top, f"{system.entity.title} is safe enough to release")),
        plan: DrawnBox(plan, "strategy", ("Over risks", "Each risk that was found is mitigated or accepted")),
    }
    arrows = [DrawnArrow(top, plan)]
    for risk in graph.of_kind("risk").values():
        line, below = risks[risk.id], [r for r in graph.sources(risk, "mitigates") if r.key.kind == "requirement"]
        left = f"{line.residual:.1f} of {line.inherent:.1f} left" if line.measured else f"{line.inherent:.1f}, inherent"
        heading = (f"{risk.id} {risk.entity.severity}", risk.entity.title, left)
        mood: Mood = "plain" if below else "unsure" if line.waivers else "bad"
        boxes[risk.id] = DrawnBox(risk.id, "goal" if below else "undeveloped", heading, mood)
        arrows.append(DrawnArrow(plan, risk.id))
        for name in line.waivers:
            entity = graph.node("waiver", name).entity
            boxes[name] = DrawnBox(name, "context", (name, f"Accepted until {entity.expires} by {entity.by}"), "unsure")
            arrows.append(DrawnArrow(risk.id, name))
        arrows += [DrawnArrow(risk.id, requirement.id) for requirement in below]
        for requirement in below:
            if requirement.id not in boxes:
                _requirement(graph, requirement, standing, boxes, arrows)
    return Drawing(f"Safety case of {system.entity.title}", boxes, (), tuple(arrows), down=True)


def _requirement(
    graph: Graph,
    node: Node,
    standing: Mapping[str, CriterionStanding],
    boxes: dict[str, DrawnBox],
    arrows: list[DrawnArrow],
) -> None:
    criteria = [part for part in graph.parts(node) if part.key.kind == "criterion"]
    words = (node.id, node.entity.text)
    bare = DrawnBox(node.id, "undeveloped", words, "bad")
    boxes[node.id] = DrawnBox(node.id, "goal", words) if criteria else bare
    controls = [c.id for c in graph.sources(node, "implements") if getattr(c.entity, "status", "") != "planned"]
    if controls:
        key = f"{node.id} controls"
        boxes[key] = DrawnBox(key, "context", ("Controls", ", ".join(controls)))
        arrows.append(DrawnArrow(node.id, key))
    for part in criteria:
        one = standing[part.id]
        boxes[part.id] = DrawnBox(part.id, "solution", _evidence(one), _mood(one))
        arrows.append(DrawnArrow(node.id, part.id))


def _evidence(one: CriterionStanding) -> tuple[str, ...]:
    if one.state != "stands" or one.result is None:
        return (one.criterion, "no evidence" if one.state == "none" else "lapsed", one.why)
    verdict = "not measured" if one.result.rate is None else one.result.verdict
    return (one.criterion, verdict, result_words(one.result), one.run)


def _mood(one: CriterionStanding) -> Mood:
    if one.state != "stands" or one.result is None or one.result.rate is None:
        return "bad"
    return _MOODS.get(one.result.verdict, "bad")
