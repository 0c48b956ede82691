"""Cedar in our language: what maps means the same, and what does not lets nothing pass.

`bench/imports.py` has Cedar's own word on it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.from_cedar import from_cedar
from shipworthy.workspace.nodes import parse_yaml
from shipworthy.workspace.policies import PolicyFile

pytest.importorskip("cel")
NAMES = frozenset({"x", "y", "t", "r"})
EASY = 'permit(principal, action == Action::"a", resource)'


@pytest.fixture
def made(tmp_path):
    def make(text, *tools, **how):
        file = tmp_path / "p.cedar"
        file.write_text(text, "utf-8")
        found = from_cedar(file, tools, **how)
        names = dict.fromkeys(found.tools, NAMES)
        policy = Policy(PolicyFile.model_validate(parse_yaml(found.text(file, names), Path("p.yaml")).value))
        return policy, found.notes

    return make


def word(policy, tool="a", **args):
    return policy.session().decide(tool, args).word


@pytest.mark.parametrize(
    ("condition", "passes", "does_not"),
    [
        ('context.x == "q"', {"x": "q"}, [{"x": "z"}, {"x": 1}, {}]),
        ("context.x != 1", {"x": "q"}, [{"x": 1}, {}]),
        ("context.x <= 3 && context.x > -1", {"x": 0}, [{"x": 4}, {"x": "0"}, {"x": True}]),
        ("context.x + 1 == 3", {"x": 2}, [{"x": 3}, {"x": 2**63 - 1}]),
        ('context.x like "*@x.org"', {"x": "a\nb@x.org"}, [{"x": "a@xxorg"}, {"x": "a@x.org."}, {"x": 1}]),
        ("context has r && context.r has k", {"r": {"k": 1}}, [{}, {"r": {}}, {"r": "k"}]),
        ('context.t.contains("q")', {"t": [1, "q"]}, [{"t": []}, {"t": {"q": 1}}, {"t": "q"}]),
        ('["q", 1].contains(context.x)', {"x": 1}, [{"x": 2}, {}]),
        ('context.t.containsAll(["q"])', {"t": ["q", "r"]}, [{"t": ["r"]}, {"t": "q"}]),
        ("context.x.containsAll([])", {"x": []}, [{"x": 5}, {}]),
        ('["q"].containsAny(context.t)', {"t": ["q", "r"]}, [{"t": ["r"]}, {}]),
        ("context.t.isEmpty()", {"t": []}, [{"t": [1]}, {"t": ""}]),
        ("if context.x == 1 then true else context.y", {"x": 2, "y": True}, [{"x": 2, "y": 1}, {"x": 2}]),
        # An error on the left is not made good on the right, as CEL would have it.
        ("context.x == 1 || true", {"x": 2}, [{}]),
        ("true && context.x", {"x": True}, [{"x": 1}, {"x": "true"}]),
        ("(true && context.x) != false", {"x": True}, [{"x": 1}]),
    ],
)  # fmt: skip
def test_conditions(made, condition, passes, does_not):
    policy, notes = made(f"{EASY} when {{ {condition} }};")
    assert not notes
    assert word(policy, **passes) == "allow"
    assert {word(policy, **args) for args in does_not} == {"deny"}
    policy, _ = made(f"{EASY}; forbid(principal, action, resource) when {{ {condition} }};")
    assert word(policy, **passes) == "deny"


@pytest.mark.parametrize(
    "condition",
    [
        "context.x == context.y",  # sets are equal in any order
        "context.x != [1, 2]",
        "context.t.contains(context.x)",
        'principal == User::"u"',
        'context.x == User::"u"',
        'ip(context.x).isLoopback()',
        "resource.owner == principal",
        'context.x is User',
        'context.x in User::"u"',
        "context == {}",
        "context.x == ?principal",
    ],
)  # fmt: skip
def test_what_does_not_map_asks_and_says_so(made, condition):
    for effect in ("permit", "forbid"):
        text = f"{EASY};\n" if effect == "forbid" else ""
        policy, notes = made(f'{text}{effect}(principal, action == Action::"a", resource)\nwhen {{ {condition} }};')
        assert word(policy, x=1, y=1, t=[1]) == "ask"
        assert [n.line for n in notes] == [3 if effect == "forbid" else 2]


def test_a_permit_that_maps_is_not_widened_by_one_that_does_not(made):
    policy, _ = made(
        f'{EASY} when {{ context.x == 1 }}; permit(principal == User::"u", action == Action::"a", resource);'
    )
    assert (word(policy, x=1), word(policy, x=2)) == ("allow", "deny")


def test_a_call_is_refused_without_a_permit_and_for_other_tools(made):
    policy, _ = made('forbid(principal, action == Action::"a", resource); permit(principal, action, resource);', "b")
    assert (word(policy, "a"), word(policy, "b"), word(policy, "c")) == ("deny", "allow", "deny")


def test_a_group_of_actions_may_reach_other_tools(made):
    text = 'permit(principal, action, resource); forbid(principal, action in [Action::"a"], resource);'
    policy, notes = made(text, "b")
    assert (word(policy, "a"), word(policy, "b")) == ("deny", "ask")
    assert notes[0].tools == ("b",)
    policy, notes = made(text, "b", flat=True)
    assert (word(policy, "b"), notes) == ("allow", [])
    policy, _ = made('permit(principal, action in [Action::"a"], resource);', "b")
    assert (word(policy, "a"), word(policy, "b")) == ("allow", "deny")


def test_one_name_for_actions_of_two_types_passes_nothing(made):
    policy, notes = made(f'{EASY}; forbid(principal, action in [NS::Action::"a"], resource) when {{ false }};')
    assert (word(policy), notes[-1].tools) == ("deny", ("a",))


def test_arguments_may_lie_deeper_in_the_context(made):
    policy, notes = made(f"{EASY} when {{ context.input.x == 1 }};", at=("input",))
    assert (word(policy, x=1), word(policy, x=2), notes) == ("allow", "deny", [])
    policy, notes = made(f"{EASY} when {{ context.x == 1 }};", at=("input",))
    assert word(policy, x=1) == "ask" and "context.x" in notes[0].what


def test_what_cedar_cannot_read_is_refused(made):
    policy, _ = made(f"{EASY};")
    assert (word(policy, x=None), word(policy, x=1.5), word(policy, x=1)) == ("deny", "deny", "allow")


def test_names_out_of_the_file_cannot_write_yaml(made):
    name = "a\\n  evil: {effect: none}\\n#"
    policy, _ = made(f'permit(principal == User::"u", action == Action::"{name}", resource);')
    assert list(policy.tools) == ["a\n  evil: {effect: none}\n#"]


def test_no_cedar_says_file_and_line(made):
    with pytest.raises(WorkspaceError, match=r"p\.cedar:2: expected ';'"):
        made("permit(principal, action, resource)\n")


def test_a_file_without_actions(made):
    policy, notes = made("permit(principal, action, resource);")
    assert not policy.tools and "no policy names an action" in notes[0].what


def test_many_policies_and_long_chains_still_compile(made):
    many = "".join(f"{EASY} when {{ context.x == {n} }};" for n in range(300))
    policy, notes = made(many + "forbid(principal, action, resource) when { context.x == 7 };")
    assert (word(policy, x=299), word(policy, x=7), word(policy, x=300), notes) == ("allow", "deny", "deny", [])
    chain = " && ".join(f"context.x != {n}" for n in range(300))
    policy, _ = made(f"{EASY} when {{ {chain} }};")
    assert (word(policy, x=299), word(policy, x=300)) == ("deny", "allow")


def test_what_doubles_with_every_level_does_not_map(made):
    text = "1"
    for _ in range(25):
        text = f"if {text} < 2 then 1 else 2"
    policy, notes = made(f"{EASY} when {{ {text} == 1 }};")
    assert word(policy) == "ask" and "a condition as" in notes[0].what
