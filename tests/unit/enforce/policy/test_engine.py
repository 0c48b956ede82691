from __future__ import annotations

import sys

import pytest

from shipworthy.core.errors import MissingExtra, PluginError, WorkspaceError
from shipworthy.enforce.policy.budget import Spent
from shipworthy.enforce.policy.derived import derivable
from shipworthy.enforce.policy.engine import Policy
from shipworthy.workspace.policies import ToolBudget


def test_the_digest_is_of_what_decides(make):
    one = make("tools: {a: {effect: none}}")
    prose = make("tools: {a: {effect: none, why: Because.}}\ncases: [{tool: a, expect: allow}]")
    assert one.digest == prose.digest
    assert one.digest != make("tools: {a: {effect: internal}}").digest
    assert one.digest != make("tools: {a: {effect: none}}", shadow=True).digest


def test_a_path_that_is_none_names_the_tool(make):
    with pytest.raises(PluginError, match=r"^a: '\]' is no path"):
        make('tools: {a: {effect: none, returns: {trusted: ["]"]}}}')


def test_a_condition_says_what_to_install(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "cel", None)
    with pytest.raises(MissingExtra, match=r"pip install .*the extra 'policy' of shipworthy"):
        make('tools: {a: {effect: none, when: "true"}}')


@pytest.mark.parametrize(
    ("when", "args", "word"),
    [
        ("size(args.to) < 2", {"to": ["a"]}, "allow"),
        ("size(args.to) < 2", {"to": ["a", "b"]}, "deny"),
        ("args.missing == 1", {"to": []}, "deny"),
        ("1", {"to": []}, "deny"),
        ('says.contains("now") && !tainted && calls.a == 0', {"to": []}, "allow"),
    ],
)
def test_a_condition_decides_and_one_without_an_answer_refuses(make, when, args, word):
    pytest.importorskip("cel", reason="the extra 'policy' is not installed")
    s = make(f"tools: {{a: {{effect: none, args: {{to: none}}, when: '{when}'}}}}").session()
    s.hear(["Do it now"])
    assert s.decide("a", args).word == word


@pytest.mark.parametrize("when", ["size(", "arguments.x == 1"])
def test_a_condition_that_is_none_is_an_error(make, when):
    pytest.importorskip("cel", reason="the extra 'policy' is not installed")
    with pytest.raises(PluginError, match=r"^a: when: "):
        make(f"tools: {{a: {{effect: none, when: '{when}'}}}}")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("tools:\n  a: {effect: none, inent: [x]}", 2, "unknown key 'inent'"),
        ("tools:\n  a:\n    effect: external\n    args: {to: recipent}", 4, "must be 'none', 'recipient'"),
        ("tools:\n  a:\n    effect: none\n    args:\n      to: {kind: id, sources: [made]}", 5, "leaves out 'user'"),
        ("tools:\n  a:\n    effect: none\n    args:\n      to: {kind: id, sources: [user, any]}", 5, "not checked"),
        ("tools:\n  a:\n    effect: none\n    budget: {amount: 1}", 2, "no argument is of class 'amount'"),
        ("tool: {}", 1, "unknown key 'tool'"),
    ],
)
def test_what_is_wrong_has_file_and_line(tmp_path, text, line, said):
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(WorkspaceError) as caught:
        Policy.read(tmp_path / "policy.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, said in str(problem)) == (line, True), str(problem)


def test_an_empty_file_is_refused_and_an_empty_policy_is_one(tmp_path):
    (tmp_path / "policy.yaml").write_text("")
    with pytest.raises(WorkspaceError, match="the file is empty"):
        Policy.read(tmp_path / "policy.yaml")
    (tmp_path / "policy.yaml").write_text("tools: {}")
    assert Policy.read(tmp_path / "policy.yaml").tools == {}


def test_a_budget_that_nothing_fits_lets_nothing_pass():
    assert Spent().beyond(ToolBudget(amount=10), float("nan"), frozenset())
    assert Spent().beyond(ToolBudget(calls=0), 0, frozenset())


@pytest.mark.parametrize("amount", [0, -1, 1e9, float("nan")])
def test_an_amount_beyond_all_known_is_not_derived(amount):
    assert not derivable(amount, [100, 50])
