"""The reader of Cedar: its grammar, its places, and texts made to hurt it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.enforce.policy.cedar import DEEPEST, LONGEST, CedarProblem, read_cedar


def condition(text):
    (policy,) = read_cedar(f"permit(principal, action, resource) when {{ {text} }};")
    return policy.conditions[0].expr


def shape(expr):
    return (expr.kind, expr.value, *map(shape, expr.below)) if expr.below else (expr.kind, expr.value)


def test_a_policy_with_all_its_parts():
    text = """// a remark
@id("one")
@advice("x")
forbid(
  principal in Group::"g",
  action in [Action::"a", NS::Action::"b"],
  resource is NS::File in Folder::"f",
)
when { true } unless { context.x };"""
    (policy,) = read_cedar(text)
    assert (policy.effect, policy.line, policy.name) == ("forbid", 4, "one")
    assert policy.scope["action"].below[1].below[1].value == ("NS::Action", "b")
    assert policy.scope["resource"].value == "NS::File"
    assert [c.unless for c in policy.conditions] == [False, True]
    assert policy.conditions[1].expr.line == 9


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 + 2 * 3 == 7 && !true || false", "||"),
        ("if true then 1 else 2", "if"),
        ('context has a.b && context["c d"].e', "&&"),
        ('context.x like "a*\\*b"', "like"),
        ('{"k": 1, j: [2]}', "record"),
        ('ip("::1").isLoopback()', "method"),
        ("-9223372036854775808", "literal"),
        ("--1", "neg"),
        ("principal is User in Group::\"g\"", "is"),
        ("principal == ?principal", "=="),
    ],
)  # fmt: skip
def test_expressions(text, kind):
    assert condition(text).kind == kind


def test_how_tightly_signs_bind():
    one = shape(condition("1 - 2 - 3 < 4"))
    assert one == ("<", None, ("-", None, ("-", None, ("literal", 1), ("literal", 2)), ("literal", 3)), ("literal", 4))


def test_escapes_and_stars():
    assert condition(r'"\u{e9}\n\x41\"\\"').value == 'é\nA"\\'
    assert condition(r'context.x like "a\\*b\**"').value == ("a\\", "b*", "")
    assert condition('context.x like "\ue000*"').value == ("\ue000", "")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("permit(principal, action, resource)", 1, "expected ';'"),
        ("permit(principal, action);", 1, "expected ','"),
        ("allow(principal, action, resource);", 1, "expected 'permit' or 'forbid'"),
        ("permit(principal, action, resource)\nwhen { 99999999999999999999 };", 2, "no 64-bit number"),
        ("permit(principal, action, resource)\nwhen { who };", 2, "there is no 'who'"),
        ('permit(principal, action, resource)\nwhen { "\\q" };', 2, "no escape"),
        ('permit(principal, action, resource)\nwhen { "\\u{d800}" };', 2, "no character"),
        ("\n\n`", 3, "unexpected character"),
        ('"never closed', 1, "unexpected character"),
        ("permit(principal, action, resource) when { !!!!!true };", 1, "more than four signs"),
    ],
)
def test_what_is_no_cedar_says_where(text, line, why):
    with pytest.raises(CedarProblem, match=why) as raised:
        read_cedar(text)
    assert raised.value.line == line


@pytest.mark.parametrize("opening", ["(", "[", "{a: ", "if ", "if true then ", "context.contains("])
def test_what_is_nested_too_deeply_is_refused(opening):
    with pytest.raises(CedarProblem, match=f"nested deeper than {DEEPEST}"):
        condition(opening * 50_000)


def test_what_is_too_much_is_refused():
    with pytest.raises(CedarProblem, match="longer than"):
        read_cedar(" " * (LONGEST + 1))
    for text in ("1" + " + 1" * 100_000, "1" + "*1" * 100_000):
        with pytest.raises(CedarProblem, match="more than 64 parts"):
            condition(text)
    with pytest.raises(CedarProblem, match="attributes of attributes"):
        condition("context" + ".a" * 100_000)


@given(st.text(alphabet='permit(principal,ctnsxor) when{}=&|!<"\\*.[];:@1 \n', max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        read_cedar("permit(principal, action, resource) when { " + text)
    except CedarProblem as wrong:
        assert wrong.line >= 1
