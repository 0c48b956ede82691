"""Threats: read, linked, checked and traced, though nothing but their own file knows of them."""

# ruff: noqa: E501 - a line of YAML, or of a message, is one line
from __future__ import annotations

import pytest

from shipworthy.workspace.kinds.threat import Threat
from shipworthy.workspace.load import Workspace

THREATS = """\
threats:
  - id: THR-talk
    title: Somebody makes it talk
    attackers: [a stranger with a browser]
    entry_points: [the chat]
    assets: [everyone's time]
    components: [CMP-a]
    risks: [RK-one]
    refs: [owasp-llm:LLM01@2025]
"""


def test_a_threat_is_read_and_linked(workspace):
    loaded = Workspace.load(workspace({"threats.yaml": THREATS}), allow_code=True)
    threat = loaded.entities(Threat)["THR-talk"]
    assert (threat.title, threat.attackers, threat.text) == (
        "Somebody makes it talk",
        ("a stranger with a browser",),
        "",
    )
    graph = loaded.graph
    node = graph.node("threat", "THR-talk")
    assert (node.file.name, node.line) == ("threats.yaml", 2)
    assert [n.key for n in graph.targets(node)] == [("component", "CMP-a"), ("risk", "RK-one")]
    assert [n.id for n in graph.sources(graph.node("risk", "RK-one"), "risks")] == ["THR-talk"]
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("RK-one", "RK-on", "threats.yaml:8: unknown risk 'RK-on' (did you mean 'RK-one'?)"),
        ("CMP-a", "CMP-b", "threats.yaml:7: unknown component 'CMP-b' (did you mean 'CMP-a'?)"),
        (
            "LLM01@",
            "LLM91@",
            "threats.yaml:9: OWASP Top 10 for LLM Applications has no 'LLM91' (did you mean 'LLM10'?)",
        ),
        ("THR-talk", "TH-talk", "threats.yaml:2: 'id' must be an id such as 'THR-1' or 'THR-leak', not 'TH-talk'"),
        ("assets", "asets", "threats.yaml:6: unknown key 'asets' (did you mean 'assets'?)"),
        ("threats:", "threat:", "threats.yaml:1: unknown section 'threat' (did you mean 'threats'?)"),
    ],
)
def test_what_is_wrong_is_named(problems, old, new, expected):
    assert problems({"threats.yaml": THREATS.replace(old, new)}) == [expected]


def test_a_threat_that_leads_to_no_risk_is_warned_about(workspace):
    threats = THREATS.replace("risks: [RK-one]", "risks: []")
    [warning] = Workspace.load(workspace({"threats.yaml": threats}), allow_code=True).warnings
    assert str(warning).endswith(
        "threats.yaml:2: the threat 'THR-talk' leads to no risk (name what may go wrong under 'risks')"
    )


def test_a_threat_explains_and_makes_no_evidence_stale(workspace):
    before = Workspace.load(workspace(), allow_code=True).spec_digest("small")
    assert Workspace.load(workspace({"threats.yaml": THREATS}), allow_code=True).spec_digest("small") == before


LINKED = """\
threats:
  - id: THR-talk
    title: Somebody makes it talk
    vector: direct-injection
    attackers: [ATK-one, a stranger with a browser]
    entry_points: [EP-chat]
    assets: [AST-time]
    components: [CMP-a]
    risks: [RK-one]
    catalogue: [AIT-jailbreak]
attackers:
  - {id: ATK-one, title: A stranger, can: [asks], goal: Fun}
entry_points:
  - {id: EP-chat, title: The chat, component: CMP-a}
assets:
  - {id: AST-time, title: Everyone's time}
"""


def test_ids_are_links_and_other_words_are_text(workspace):
    loaded = Workspace.load(workspace({"threats.yaml": LINKED}), allow_code=True)
    assert loaded.warnings == ()
    threat = loaded.graph.node("threat", "THR-talk")
    assert [n.id for n in loaded.graph.targets(threat, "attackers")] == ["ATK-one"]
    assert threat.entity.attackers == ("ATK-one", "a stranger with a browser")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[ATK-one,", "[ATK-two,", "threats.yaml:5: unknown attacker 'ATK-two' (did you mean 'ATK-one'?)"),
        ("[EP-chat]", "[EP-chta]", "threats.yaml:6: unknown entry 'EP-chta' (did you mean 'EP-chat'?)"),
        ("[AST-time]", "[AST-tiem]", "threats.yaml:7: unknown asset 'AST-tiem' (did you mean 'AST-time'?)"),
        (
            "AIT-jailbreak",
            "AIT-jailbraek",
            "threats.yaml:10: the catalogue of AI threats has no threat 'AIT-jailbraek' (did you mean 'AIT-jailbreak'?)",
        ),
    ],
)
def test_what_a_threat_links_to_must_be_there(problems, old, new, expected):
    assert problems({"threats.yaml": LINKED.replace(old, new)}) == [expected]
