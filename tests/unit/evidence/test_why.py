"""Why a thing is there, and what is done about it: both directions from any id."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.residual import register
from shipworthy.evidence.why import PLACE, Chain, nodes_named
from shipworthy.workspace.kind import kinds
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import TEMPLATES


@pytest.fixture(scope="module")
def loaded():
    return Workspace.load(TEMPLATES / "helpdesk-rag")


@pytest.fixture(scope="module")
def chain(loaded):
    from datetime import date

    graph = loaded.graph
    standing = {n.id: CriterionStanding(n.id, "none", "not yet") for n in graph.of_kind("criterion").values()}
    risks = {line.risk: line for line in register(graph, standing, date(2026, 1, 1))}
    return Chain(graph, standing, risks, loaded.root)


def ids(links):
    return {link.id: ids(link.below) for link in links}


def test_every_kind_has_its_place_or_is_none_of_the_chain():
    assert set(kinds()) - set(PLACE) == {
        "target", "facts", "review", "decision_table", "section", "escalation", "triage", "programme", "research",
    }  # fmt: skip


def test_a_risk_is_there_for_somebody_and_something_is_done(loaded, chain):
    [node] = nodes_named(loaded.graph, "RK-injection")
    why = chain.why(node)
    up, down = ids(why.up), ids(why.down)
    assert {"THR-page", "UJ-ask", "UJ-ticket", "UJ-reset", "CMP-handbook"} <= set(up)
    assert {"ATK-editor", "EP-page", "AST-accounts"} <= set(up["THR-page"])
    assert set(down) == {"RQ-injection"}
    assert set(down["RQ-injection"]) == {"CR-injection", "GD-input", "CT-own-account", "CT-page-review"}
    assert "indirect-injection" in down["RQ-injection"]["CR-injection"]
    assert why.thing.place == "risks.yaml:27"
    assert why.thing.said.startswith("risk 60.0, the inherent one: CR-injection has no evidence that stands")


def test_a_suite_is_there_for_what_rests_on_it(loaded, chain):
    [node] = nodes_named(loaded.graph, "secret-leakage")
    up = ids(chain.why(node).up)
    assert set(up["CR-secret"]["RQ-secret"]) == {"RK-secret"}
    assert "THR-passcode" in up["CR-secret"]["RQ-secret"]["RK-secret"]


def test_a_control_that_is_planned_says_so(loaded, chain):
    [node] = nodes_named(loaded.graph, "CT-page-review")
    assert chain.why(node).thing.said == "planned only"


def test_both_directions_agree(loaded, chain):
    """What stands below a thing has the thing above it."""
    for node in loaded.graph.nodes.values():
        if node.key.kind not in PLACE:
            continue
        for link in chain.tree(node, "down"):
            [other] = [n for n in nodes_named(loaded.graph, link.id) if n.key.kind == link.kind]
            assert node.id in ids(chain.tree(other, "up")), f"{node.id} -> {link.id}"


def test_nothing_is_shown_twice(loaded, chain):
    [node] = nodes_named(loaded.graph, "CMP-model")
    seen = []

    def walk(links):
        for link in links:
            if link.again:
                assert not link.below
            elif link.below:
                seen.append((link.kind, link.id))
            walk(link.below)

    walk(chain.tree(node, "down"))
    assert len(seen) == len(set(seen)) > 5


def test_an_unknown_id_is_refused(loaded):
    with pytest.raises(UsageError, match=r"nothing here has the id 'RK-injektion'.*did you mean 'RK-injection'"):
        nodes_named(loaded.graph, "RK-injektion")
