"""Documents of the Agent Governance Toolkit: priorities, conditions, and what does not map."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.from_agt import from_agt
from shipworthy.workspace.nodes import parse_yaml
from shipworthy.workspace.policies import PolicyFile

pytest.importorskip("cel")
NAMES = frozenset({"x", "r"})


@pytest.fixture
def made(tmp_path):
    def make(text, *tools):
        file = tmp_path / "p.yaml"
        file.write_text(text, "utf-8")
        found = from_agt(file, tools)
        names = dict.fromkeys(found.tools, NAMES)
        policy = Policy(PolicyFile.model_validate(parse_yaml(found.text(file, names), Path("p.yaml")).value))
        return policy, found.notes

    return make


def rule(field, operator, value, action, priority=0):
    condition = f"{{field: {field}, operator: {operator}, value: {value}}}"
    return f"  - {{name: r, condition: {condition}, action: {action}, priority: {priority}}}\n"


def document(*rules, default="deny", more=""):
    return f"rules:\n{''.join(rules)}defaults: {{action: {default}, max_tool_calls: 3{more}}}\n"


def word(policy, tool="a", **args):
    return policy.session().decide(tool, args).word


def test_the_highest_priority_decides_and_then_the_order(made):
    policy, _ = made(
        document(
            rule("tool_name", "eq", "a", "allow", 1),
            rule("tool_name", "matches", "^a", "deny", 5),
            rule("tool_name", "in", "[a, b]", "audit", 9),
            rule("tool_name", "eq", "b", "block", 9),
        )
    )
    assert (word(policy, "a"), word(policy, "b"), word(policy, "c")) == ("allow", "allow", "deny")


@pytest.mark.parametrize(
    ("operator", "value", "matching", "others"),
    [
        ("eq", "q", ["q"], ["z", 1]),
        ("ne", "q", ["z"], ["q"]),
        ("gt", "5", [6, 5.5], [5]),
        ("gte", "5", [5], [4]),
        ("lt", "5", [4.5], [5]),
        ("lte", "5.5", [5.5, 5], [6]),
        ("in", "[q, 1]", ["q", 1], ["z"]),
        ("not_in", "[q, 1]", ["z"], ["q", 1]),
        ("contains", "pass", ["my password", ["pass"]], ["none", ["password"]]),
        ("matches", "'^q.*z$|9'", [], []),
        ("matches", "'^q.*z|9'", ["quiz", 19], ["aquiz", "q\nz"]),
    ],
)
def test_operators_on_arguments(made, operator, value, matching, others):
    policy, _ = made(document(rule("tool_name", "eq", "a", "allow"), rule("arguments.x", operator, value, "deny", 9)))
    assert {word(policy, x=one) for one in matching} <= {"deny"}
    assert {word(policy, x=one) for one in others} <= {"allow"}
    if matching:
        assert word(policy) == "allow", "an argument that is not there matches nothing"


@pytest.mark.parametrize(
    ("operator", "value", "given"), [("gt", 5, "many"), ("eq", 1, True), ("in", "[true]", 1), ("contains", "q", 5)]
)
def test_what_has_no_answer_or_another_one_refuses(made, operator, value, given):
    policy, _ = made(document(rule("tool_name", "eq", "a", "allow"), rule("args.x", operator, value, "deny", 9)))
    assert word(policy, x=given) == "deny"


@pytest.mark.parametrize(
    "one",
    [
        ("token_count", "gt", 5),
        ("arguments", "contains", "password"),
        ("arguments.x", "matches", "'(?i)drop'"),
        ("arguments.x", "matches", "'\\d+'"),
        ("arguments.x", "eq", "[1]"),
        ("arguments.x", "near", 1),
        ("tool_name", "gt", 1),
    ],
)
def test_what_does_not_map(made, one):
    allow = rule("tool_name", "eq", "a", "allow")
    policy, notes = made(document(allow, rule(*one, "deny", 9)))
    assert word(policy, x="q") == "ask"
    assert (2 + 1, ("a",)) in [(n.line, n.tools) for n in notes]
    policy, _ = made(document(rule("tool_name", "eq", "a", "deny"), rule(*one, "allow", 9)))
    assert word(policy, x="q") == "deny"
    policy, _ = made(document(allow, rule(*one, "allow", 9)))
    assert word(policy, x="q") == "ask", "a condition that breaks there refuses the call"
    policy, _ = made(document(rule("tool_name", "eq", "a", "allow", 20), rule(*one, "deny", 9)))
    assert word(policy, x="q") == "allow", "it is never reached"


@pytest.mark.parametrize("more", ["extra: 1", "conditions: []"])
def test_a_rule_with_more_in_it_than_is_known_does_not_map(made, more):
    text = document(rule("tool_name", "eq", "a", "allow", 9), rule("tool_name", "eq", "a", "allow", 1))
    policy, _ = made(text.replace("priority: 9", f"priority: 9, {more}").replace("priority: 1}", "priority: 1, z: 1}"))
    assert word(made(text)[0]) == "allow"
    assert "a" not in policy.tools, "no rule that is understood names it"


def test_what_is_allowed_by_default_is_refused_where_it_is_not_named(made):
    policy, notes = made(document(rule("tool_name", "eq", "a", "deny"), default="allow", more=", max_tokens: 9"), "b")
    assert (word(policy, "a"), word(policy, "b"), word(policy, "c")) == ("deny", "allow", "deny")
    said = [n.what for n in notes]
    assert "what no rule names is allowed there" in said and "'max_tokens' is not about calls of tools" in said


def test_a_list_of_tools_is_the_only_ones(made):
    text = document(rule("tool_name", "in", "[a, b]", "allow")) + "tool_allowlist: [b, c]\n"
    policy, _ = made(text)
    assert [word(policy, tool) for tool in "abc"] == ["deny", "allow", "deny"]
    with pytest.raises(WorkspaceError, match="is a list of names"):
        made(text.replace("[b, c]", "b"))


def test_a_key_that_nobody_knows_asks(made):
    allow = document(rule("tool_name", "eq", "a", "allow"))
    assert word(made(allow + "quota: 1\n")[0]) == "ask"
    policy, notes = made(allow + "inherit: true\nscope: 'src/**'\n")
    assert word(policy) == "allow" and {"'inherit' does not map", "'scope' does not map"} <= {n.what for n in notes}


def test_calls_are_counted_together(made):
    policy, _ = made(document(rule("tool_name", "in", "[a, b]", "allow")))
    session = policy.session()
    assert [session.decide(tool, {}).word for tool in "abab"] == ["allow", "allow", "allow", "deny"]
    policy, notes = made("rules: []\n", "a")
    session = policy.session()
    assert [session.decide("a", {}).word for _ in range(11)] == ["allow"] * 10 + ["deny"]
    assert any("at most 10 calls" in n.what for n in notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1]", "has no list of 'rules'"),
        ("rules: {}", "has no list of 'rules'"),
        ("agent_control_specification_version: 1", "neither 'rules' nor 'defaults'"),
        ("rules:\n  - name: x\n", ":2: a rule has"),
        ("rules:\n" + rule("tool_name", "eq", "a", "allow", "high"), ":2: the priority"),
        ("rules: []\ndefaults: {max_tool_calls: many}", ":2: 'max_tool_calls'"),
    ],
)
def test_no_document_says_file_and_line(made, text, why):
    with pytest.raises(WorkspaceError, match=why):
        made(text)


def test_names_out_of_the_file_cannot_write_yaml(made):
    text = document(rule("tool_name", "eq", '"a\\n  evil: 1"', "allow")).replace("name: r", 'name: "x\\n  evil: 1"')
    policy, _ = made(text)
    assert list(policy.tools) == ["a\n  evil: 1"]


def test_many_rules_still_compile(made):
    rules = [rule("arguments.x", "eq", n, "allow" if n % 2 else "deny", -n) for n in range(200)]
    policy, _ = made(document(*rules, rule("tool_name", "eq", "a", "deny", -999)))
    assert [word(policy, x=n) for n in (0, 1, 198, 199, 200)] == ["deny", "allow", "deny", "allow", "deny"]
