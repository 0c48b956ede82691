"""The same rule in Cedar, Rego and CEL, over 1, 50 and 1,000 tools; prints microseconds of CPU time a decision as JSON.

Runs in an environment of its own: see requirements-policies.in. Cedar has no text search, so whether the recipient
stands in the user's words is worked out in Python and passed in, as its authors recommend; that is not in its time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

SAYS = "Please send 12 to ada@example.org today, and tell me when it is done."
ROUNDS = 5


def least(work: Callable[[], object], calls: int) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time() - began) / calls)
    return best * 1e6


def cedar(tools: int) -> float:
    import cedarpy

    text = "\n".join(
        f'permit(principal, action == Action::"tool_{i}", resource) when {{ context.said && context.amount <= 100 }};'
        for i in range(tools)
    )
    policies = cedarpy.PolicySet.from_str(text)
    request = {
        "principal": 'User::"u"', "action": 'Action::"tool_0"', "resource": 'Tool::"tool_0"',
        "context": {"said": True, "amount": 12},
    }  # fmt: skip
    assert cedarpy.is_authorized(request, policies, []).allowed
    return least(lambda: cedarpy.is_authorized(request, policies, []), 200 if tools <= 50 else 20)


def rego(tools: int) -> float:
    import regopy

    rules = "\n".join(
        f'allow if {{ input.tool == "tool_{i}"; contains(input.says, input.to); input.amount <= 100 }}'
        for i in range(tools)
    )
    module = f"package tools\nimport rego.v1\ndefault allow := false\n{rules}\n"
    builder = regopy.Interpreter()
    builder.add_module("tools", module)
    bundle = builder.build("x=data.tools.allow", ["tools/allow"])
    runs = regopy.Interpreter()
    given = {"tool": "tool_0", "says": SAYS, "to": "ada@example.org", "amount": 12}
    runs.set_input(given)
    assert "true" in str(runs.query_bundle(bundle)).lower()

    def decide() -> object:
        runs.set_input(given)
        return runs.query_bundle(bundle)

    return least(decide, 200 if tools <= 50 else 20)


def cel(tools: int) -> float:
    import cel

    programs = {f"tool_{i}": cel.compile("says.contains(to) && amount <= 100") for i in range(tools)}
    given = {"says": SAYS, "to": "ada@example.org", "amount": 12}
    assert programs["tool_0"].execute(given) is True
    return least(lambda: programs["tool_0"].execute(given), 2000)


def main() -> None:
    told: dict[str, dict[str, float | str]] = {}
    for name, engine in (("cedar", cedar), ("rego", rego), ("cel", cel)):
        told[name] = {f"decision_{tools}_us": engine(tools) for tools in (1, 50, 1000)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
