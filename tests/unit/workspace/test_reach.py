"""What a thing reaches in the helpdesk's threat model, and what a reference is of."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.reach import criteria_reached, nodes_about
from shipworthy.workspace.scaffold import scaffold


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    root = tmp_path_factory.mktemp("reach") / "desk"
    scaffold(root, "helpdesk-rag")
    return Workspace.load(root).graph


def test_a_criterion_reaches_itself_and_a_risk_its_requirements(graph) -> None:  # type: ignore[no-untyped-def]
    every = set(graph.of_kind("criterion"))
    assert criteria_reached(graph, graph.of_kind("system").values()) <= every
    for risk in graph.of_kind("risk").values():
        wanted = {part.id for one in graph.sources(risk, "mitigates") if one.key.kind == "requirement"
                  for part in graph.parts(one)}  # fmt: skip
        assert wanted <= criteria_reached(graph, [risk])
    for criterion in graph.of_kind("criterion").values():
        assert criteria_reached(graph, [criterion]) == {criterion.id}
        suite = graph.node("suite", criterion.entity.suite)
        assert criterion.id in criteria_reached(graph, [suite])


def test_a_threat_reaches_no_sibling(graph) -> None:  # type: ignore[no-untyped-def]
    for threat in graph.of_kind("threat").values():
        risks = graph.targets(threat, "risks")
        assert criteria_reached(graph, [threat]) == criteria_reached(graph, risks)


def test_an_id_that_nothing_has_is_refused_and_the_nearest_named(graph) -> None:  # type: ignore[no-untyped-def]
    risk = next(iter(graph.of_kind("risk")))
    assert [node.id for node in nodes_about(graph, risk)] == [risk]
    with pytest.raises(UsageError, match=f"nothing here is '{risk}x'"):
        nodes_about(graph, f"{risk}x")
    assert nodes_about(graph, "owasp-llm")


def test_a_judge_is_found_by_rubric_model_or_suite(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from shipworthy.workspace.judges import judged_suites

    scaffold(tmp_path / "w", "minimal")
    folder = tmp_path / "w/suites/judged"
    folder.mkdir()
    (folder / "suite.yaml").write_text(
        'id: judged\nversion: "1"\ntitle: Judged\ncontent: synthetic\nmetric: harm\n'
        "scorers: [{use: judge, rubric: harm, model: {use: openai_compatible, base_url: 'http://localhost:1/v1', "
        "model: j-1}}]\n"
    )
    (folder / "card.md").write_text("# Judged\n")
    (folder / "samples.jsonl").write_text('{"id": "a", "messages": [{"role": "user", "content": "Hello"}]}\n')
    graph = Workspace.load(tmp_path / "w").graph
    for about in ("", "judge", "harm", "j-1", "judged"):
        assert judged_suites(graph, about) == {"judged"}, about
    assert judged_suites(graph, "rude") == frozenset()
