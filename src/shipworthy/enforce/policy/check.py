"""A policy held against its tools' signatures: what names nothing, what every call would break, what looks swapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.errors import PluginError, Problem, did_you_mean
from shipworthy.enforce.policy.cases import without_cases
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.guess import class_of
from shipworthy.enforce.policy.signatures import Presented
from shipworthy.workspace.nodes import YamlFile
from shipworthy.workspace.policies import PolicyFile, ToolRule

_STRICT = ("recipient", "url", "credential")
"""Classes that a name gives away, and that a rule may not pass over in silence."""


def problems_of(file: PolicyFile, source: YamlFile, tools: Mapping[str, Presented] | None) -> Iterator[Problem]:
    """Yield everything that is wrong with a policy, with its file and line.

    Args:
        tools: the signatures; None leaves out what only they can tell.
    """
    try:
        policy = Policy(file)
    except PluginError as error:
        name = str(error).partition(":")[0]
        yield source.problem(("tools", name) if name in file.tools else (), str(error))
        return
    for name, rule in file.tools.items():
        loc = ("tools", name)
        if rule.undo is not None and rule.undo not in file.tools:
            yield source.problem((*loc, "undo"), f"no rule for {rule.undo!r}", did_you_mean(rule.undo, [*file.tools]))
        if tools is not None:
            yield from _against(name, rule, source, tools)
    for number, case in enumerate(file.cases):
        if case.tool not in file.tools and case.expect == "allow":
            hint = did_you_mean(case.tool, [*file.tools])
            yield source.problem(("cases", number, "tool"), f"no rule names the tool {case.tool!r}", hint)
    for name, word in without_cases(policy):
        hint = "a rule that was never seen to allow and to refuse may be upside down: add one under 'cases'"
        what = "expects 'allow'" if word == "allow" else "expects 'ask', 'deny' or 'refused'"
        yield source.problem(("tools", name), f"{name}: no case {what}", hint)


def uncovered(file: PolicyFile, tools: Mapping[str, Presented]) -> list[str]:
    """Return the tools that no rule names: every call of them is refused."""
    return [name for name in tools if name not in file.tools]


def _against(name: str, rule: ToolRule, source: YamlFile, tools: Mapping[str, Presented]) -> Iterator[Problem]:
    loc = ("tools", name)
    tool = tools.get(name)
    if tool is None:
        yield source.problem(loc, f"there is no tool {name!r}", did_you_mean(name, [*tools]))
        return
    for argument, spec in rule.args.items():
        here = (*loc, "args", argument)
        schema = tool.arguments.get(argument)
        if schema is None:
            others = [other for other, one in tools.items() if argument in one.arguments and other != name]
            hint = did_you_mean(argument, [*tool.arguments])
            if not hint.startswith("did") and others:
                hint = f"{others[0]} has one: are two rules swapped?"
            yield source.problem(here, f"{name} has no argument {argument!r}", hint)
            continue
        if spec.kind == "amount" and schema.get("type") not in (None, "number", "integer"):
            yield source.problem(here, f"is an amount, and {name} takes {_kind(schema)}")
        guessed = class_of(argument, schema, tool, reads=rule.effect == "none")
        if spec.kind == "none" and not spec.sources and guessed in _STRICT:
            hint = f"write '{guessed}', or {{kind: {guessed}, sources: [any]}} to say that it is meant"
            yield source.problem(here, f"is not checked, and looks like a {guessed}", hint)
    missing = sorted(argument for argument in tool.required if argument not in rule.args)
    if missing:
        said = f"{name} needs the argument {missing[0]!r}, which the rule does not know: every call would be refused"
        yield source.problem((*loc, "args") if rule.args else loc, said, f"add {missing[0]!r} under 'args'")


def _kind(schema: Mapping[str, Any]) -> str:
    return str(schema.get("type", "anything"))
