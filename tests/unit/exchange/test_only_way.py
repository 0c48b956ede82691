"""The exchange is the only way to a model and the only thing that records: read off the source, so that it stays so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import shipworthy
from shipworthy.core import events

SOURCE = Path(shipworthy.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if "library" not in path.relative_to(SOURCE).parts)
CHANNEL = "exchange/channel.py"

RECORDS = {kind.__name__ for kind in events.Event.__args__}


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def written(node: ast.expr) -> str:
    return ast.unparse(node)


def reached(tree: ast.AST) -> list[str]:
    """Return every expression whose `send` is read, called or not, and every `stream` that is called.

    A bound method can be called later; a `stream` that is only read is a file to print to.
    """
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [
        written(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and (node.attr == "send" or (node.attr == "stream" and id(node) in called))
    ]


def by_name(tree: ast.AST) -> list[str]:
    """Return every ``getattr(x, "send")`` and the like."""
    return [
        written(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "methodcaller", "attrgetter")
        and any(isinstance(arg, ast.Constant) and arg.value in ("send", "stream") for arg in node.args)
    ]


# What else has a method of that name: an HTTP library's own sockets and responses, and a guard pipeline's window over
# one text. None of them is a target. The only models that are asked elsewhere are `self._model` of a target that is
# made of one, such as a retrieval application around a language model: the whole of it is the system under test, what
# happens inside is not a conversation of its own, and its reply counts the usage of both.
ELSEWHERE = {
    # A framework's own model is asked by the framework; what is read here is how its words pass the guards.
    "adapters/around.py": {"self._guards().stream"},
    "adapters/langchain_guards.py": {"around.stream"},
    "adapters/llama_index_guards.py": {"around.stream"},
    "agents/loop.py": {"self._model.send"},  # the target `agent`
    "attacks/pyrit.py": {"coroutine.send"},  # a step of a converter's own coroutine
    "conformance/stub.py": {"self.stream"},  # an upstream of our own, answering
    "core/carries.py": {"getattr(target, 'send', None)"},  # its parameters are read, and it is not called
    "targets/": {"self._model.send", "self._model.stream"},
    "exchange/stream.py": {"self._pipeline.stream"},
    "gateway/turn.py": {"exchange.stream"},  # through the exchange, and not past it
    "gateway/upstream.py": {"self._upstreams.stream"},  # the exchange's target itself: the one of several that answers
    "gateway/telemetry.py": {"super().send"},  # the exporter's own HTTP
    # Both ends of a session of MCP, which are no models.
    "gateway/mcp/": {
        "self.send", "self.wire.send", "self._wire.send", "session.send", "self._session.send", "client.send",
        "session.client.send", "stream.send", "wire.send",
    },
}  # fmt: skip
HTTP = {"self._http.send", "client.stream"}


def allowed(path: str) -> set[str]:
    found = {word for start, words in ELSEWHERE.items() if path.startswith(start) for word in words}
    return found | HTTP if path.startswith("targets/_") else found


def test_nothing_but_the_channel_reaches_a_target():
    wrong = []
    for path in FILES:
        tree = ast.parse(path.read_text("utf-8"))
        # The exchange asks its channel for a stream; a channel has no `send` to be mistaken for a target's.
        through = {"self._target.stream"} if name(path) == "exchange/exchange.py" else set()
        if name(path) != CHANNEL:
            found = {*reached(tree), *by_name(tree)} - allowed(name(path)) - through
            wrong += [f"{name(path)}: {word}" for word in sorted(found)]
    assert wrong == []


def test_the_channel_does_reach_it():
    found = reached(ast.parse((SOURCE / CHANNEL).read_text("utf-8")))
    assert "self.target.send" in found
    assert any(word.endswith(".stream") for word in found)


def made(tree: ast.AST) -> set[str]:
    """Return the event records that are constructed, under whatever name they were imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shipworthy.core"):
            names |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in RECORDS}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    direct = {names[call.id] for call in calls if isinstance(call, ast.Name) and call.id in names}
    dotted = {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and call.attr in RECORDS and isinstance(call.value, ast.Name)
    }
    return direct | dotted


# Redaction and the run log make records anew from records. A guard's finding and a policy's word are worded where they
# are come to; they enter a record only through the exchange, which stamps its turn on them.
def may_make(path: str) -> set[str]:
    if path.startswith(("exchange/", "detect/", "store/")):
        return RECORDS
    if path.startswith(("evals/imports/", "telemetry/")):
        return RECORDS  # what others recorded elsewhere is told in our events: no model is asked, nothing is added
    if path == "gateway/drill.py":
        return {"PolicyEvent"}  # a made-up call as a policy would word it: it enters the approvals queue alone
    if path == "core/records.py":
        return {"Said"}  # `as_said` reads a conversation of which only the messages are known, and records nothing
    if path == "adapters/conversation.py":
        # In somebody else's agent no exchange runs: what a policy said there is told to whoever keeps that record.
        return {"PolicyEvent", "GuardEvent", "Approval", "Called", "Returned", "Failed"}
    if path in ("agents/approver.py", "agents/played.py", "gateway/approvals.py"):
        return {"Approval"}  # an approver's word, as a policy's
    if path.startswith("gateway/mcp/"):
        # No model is asked in a session of MCP, so no exchange runs: what happened there is told in the same events.
        return {"Said", "Called", "Returned", "Retrieved", "GuardEvent", "Approval"}
    return {"GuardEvent", "PolicyEvent"} if path.startswith("enforce/") else set()


def test_nothing_but_the_exchange_makes_events():
    trees = {name(path): ast.parse(path.read_text("utf-8")) for path in FILES}
    assert {path: found for path, tree in trees.items() if (found := made(tree) - may_make(path))} == {}


def test_the_exchange_does_make_them():
    found = set().union(*(made(ast.parse(path.read_text("utf-8"))) for path in FILES if "exchange" in path.parts))
    assert found >= {"Said", "Asked", "Rewound", "Chosen", "Called", "Returned", "Retrieved", "Failed", "StateChanged"}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("await subject.target.send(request)", ["subject.target.send"]),
        ("ask = target.send", ["target.send"]),
        ("async for d in self._judge.stream(r): ...", ["self._judge.stream"]),
        ("target.sender(1)", []),
        ("x.send = 1", []),
    ],
)
def test_the_reading_finds_what_it_should(code, seen):
    tree = ast.parse(f"async def f():\n    {code}")
    assert reached(tree) == seen


def test_the_reading_finds_events_under_other_names():
    code = "from shipworthy.core.events import Said as S\nfrom shipworthy.core import events as e\nS(1, m)\ne.Failed(1)"
    assert made(ast.parse(code)) == {"Said", "Failed"}
    assert by_name(ast.parse("getattr(target, 'send')(request)")) == ["getattr(target, 'send')"]
