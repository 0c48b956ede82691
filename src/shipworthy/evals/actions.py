"""What an attempt did with tools, step by step: a call, what was said of it, what it changed. The viewer shows it."""

from __future__ import annotations

from typing import Any

from shipworthy.core.events import Approval, Called, PolicyEvent, Returned, StateChanged
from shipworthy.core.records import Attempt


def actions(attempt: Attempt) -> list[dict[str, Any]]:
    """Return the steps in their order, as JSON. Only keys that have something to say.

    ``id``, ``tool``, ``arguments``, ``turn`` of the call, ``policy`` and ``person`` (their words), ``candidate`` (the
    word of the policy that stands beside the one in front, not heeded), ``made`` (whether it ran), ``as`` (the
    arguments with which it ran, where they were changed on the way), ``gave`` and ``failed`` (its result as the target
    saw it), ``state`` (the facts of the world after it). A word on an answer is a step without a tool.
    """
    wanted = {call.id: call for message in _messages(attempt) for call in message.tool_calls if call.id}
    steps: list[dict[str, Any]] = []
    step: dict[str, Any] | None = None

    def begun(call: str, turn: int) -> dict[str, Any]:
        asked = wanted.get(call)
        named = {} if asked is None else {"tool": asked.name, "arguments": asked.arguments}
        return {"id": call, "turn": turn, "made": False, **named}

    def of(call: str, turn: int) -> dict[str, Any]:
        nonlocal step
        if step is None:
            steps.append(step := begun(call, turn))
        return step

    for event in attempt.events:
        match event:
            case PolicyEvent(candidate=True):  # asked afterwards, about calls in their order
                about = (one for one in steps if (one.get("id"), one["turn"]) == (event.call or None, event.turn))
                found = next((one for one in about if "candidate" not in one), None)
                if found is None:  # nothing else is recorded of this call, or nobody said anything of the answer
                    if not event.call and not event.reason:
                        continue
                    found = begun(event.call, event.turn) if event.call else {"turn": event.turn}
                    steps.append(found)
                found["candidate"] = _word(event)
            case PolicyEvent(call=""):
                steps.append({"turn": event.turn, "policy": _word(event)})
            case PolicyEvent():
                of(event.call, event.turn)["policy"] = _word(event)
            case Approval():
                of(event.call, event.turn)["person"] = {
                    "by": event.by, "granted": event.granted, "reason": event.reason
                }  # fmt: skip
            case Called(call=call):
                one = of(call.id, event.turn)
                if "arguments" in one and one["arguments"] != call.arguments:
                    one["as"] = call.arguments
                one.setdefault("tool", call.name)
                one.setdefault("arguments", call.arguments)
                one["made"] = True
            case StateChanged():
                of("", event.turn)["state"] = event.facts
            case Returned(result=result):
                one = of(result.id, event.turn)
                one.setdefault("tool", result.name)
                one |= {"gave": result.text, "failed": result.is_error}
                step = None
            case _:
                pass
    return steps


def _messages(attempt: Attempt) -> Any:
    return (said.message for said in attempt.said)


def _word(event: PolicyEvent) -> dict[str, Any]:
    asked = [{"argument": q.argument, "value": q.value, "origin": q.origin, "why": q.why} for q in event.questions]
    word = {"verdict": event.verdict, "rule": event.rule, "reason": event.reason}
    return word | ({"questions": asked} if asked else {}) | ({"shadow": True} if event.shadow else {})
