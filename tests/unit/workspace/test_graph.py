"""The graph: entities with their places, links with their fields, digests, and what a plan reaches."""

from __future__ import annotations

import pytest

from shipworthy.workspace.graph import Edge, Graph, Key
from shipworthy.workspace.load import Workspace

GUARDS = "rules:\n  - id: GD-pii\n    use: pii_output\n    implements: [RQ-one]\n"


@pytest.fixture
def graph_of(workspace):
    return lambda changes=None: Workspace.load(workspace(changes), allow_code=True).graph


def test_links_come_from_the_types_of_fields(graph_of):
    links = {(e.source, e.field, e.target): (e.file.name, e.line) for e in graph_of({"guards.yaml": GUARDS}).edges}
    assert links == {
        (("risk", "RK-one"), "journeys", ("journey", "UJ-ask")): ("risks.yaml", 5),
        (("risk", "RK-one"), "components", ("component", "CMP-a")): ("risks.yaml", 6),
        (("requirement", "RQ-one"), "mitigates", ("risk", "RK-one")): ("requirements.yaml", 4),
        (("criterion", "CR-one"), "suite", ("suite", "talk")): ("requirements.yaml", 7),
        (("plan", "small"), "suites.suite", ("suite", "talk")): ("plans.yaml", 4),
        (("gate", "release"), "criteria", ("criterion", "CR-one")): ("gate.yaml", 3),
        (("guard", "GD-pii"), "implements", ("requirement", "RQ-one")): ("guards.yaml", 4),
    }


def test_it_is_walked_in_both_directions(graph_of):
    graph = graph_of({"guards.yaml": GUARDS})
    requirement = graph.node("requirement", "RQ-one")
    assert [n.id for n in graph.targets(requirement, "mitigates")] == ["RK-one"]
    assert [n.id for n in graph.sources(requirement)] == ["GD-pii"]
    [criterion] = graph.parts(requirement)
    assert graph.whole(criterion) is requirement
    assert graph.whole(requirement) is requirement
    assert [n.key for n in graph.sources(graph.node("suite", "talk"))] == [("plan", "small"), ("criterion", "CR-one")]
    assert graph.targets(requirement, "implements") == []
    assert repr(graph) == "<Graph: 12 entities, 7 links>"


def test_a_plan_and_a_suite_may_have_one_name(graph_of):
    graph = graph_of({"plans.yaml": ("id: small", "id: talk")})
    assert graph.node("plan", "talk") is not graph.node("suite", "talk")
    with pytest.raises(KeyError):
        graph.node("risk", "talk")


def test_a_digest_covers_prose_and_nothing_else_of_another_entity(graph_of):
    before = graph_of()
    after = graph_of({"requirements.yaml": ("are short.", "are short!")})
    changed = {key for key, node in before.nodes.items() if before.digest(node) != after.digest(after.nodes[key])}
    assert changed == {("requirement", "RQ-one")}
    after = graph_of({"suites/talk/samples.jsonl": ("And again", "And Again")})
    changed = {key for key, node in before.nodes.items() if before.digest(node) != after.digest(after.nodes[key])}
    assert changed == {("suite", "talk")}


def test_a_link_to_nothing_dangles(graph_of):
    graph = graph_of()
    assert graph.dangling() == []
    without = Graph([])
    without.edges = (edge := next(iter(graph.edges)),)
    assert without.dangling() == [edge]
    assert isinstance(edge, Edge) and isinstance(edge.target, Key)


def test_what_a_plan_reaches(graph_of):
    graph = graph_of({"guards.yaml": GUARDS})
    reached = {node.key for node in graph.reached([graph.node("plan", "small")])}
    assert reached == {("plan", "small"), ("suite", "talk"), ("requirement", "RQ-one"), ("gate", "release")}
