"""MCP servers: what they offer is pinned, and anything else ends the work with them."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipworthy.agents.bounds import Bounds
from shipworthy.agents.loop import AgentLoop
from shipworthy.agents.mcp_server import McpServer, ToolDrift, module_folders, pinned, python_module
from shipworthy.agents.sandbox import Sandbox, working
from shipworthy.core.errors import MissingExtra, TargetError, UsageError
from shipworthy.core.events import Called, PolicyEvent, Returned
from shipworthy.core.records import Message, Reply, ToolCall, answer
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.targets.agent import agent

EXAMPLE = [sys.executable, str(Path(__file__).with_name("mcp_example.py"))]


@pytest.mark.parametrize("wrong", [{}, {"url": "http://a", "program": ["b"]}])
def test_a_server_is_a_url_or_a_program(wrong):
    with pytest.raises(UsageError, match="and not both"):
        McpServer(**wrong)


def test_an_agent_has_no_server_without_pins():
    with pytest.raises(UsageError, match="mcp_pins"):
        agent(Model(), mcp_url="http://localhost:1/mcp")


def test_what_holds_a_server_is_described():
    assert McpServer(program=["x"]).describe()["sandbox"] == "none"
    assert McpServer(url="http://a").describe()["sandbox"] == ""
    if working():
        assert McpServer(program=["x"], sandbox=Sandbox()).describe()["sandbox"] == working()[0]


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingExtra, match="mcp"):
        asyncio.run(McpServer(program=EXAMPLE, pins={}).open())


# ---- with a real server ----------------------------------------------------------------------------------------


class Model:
    def __init__(self, *calls):
        self.calls = list(calls)

    def describe(self):
        return {"target": "model"}

    async def send(self, request):
        if not self.calls:
            return answer("done")
        return Reply(messages=(Message("assistant", (self.calls.pop(0),)),))

    async def close(self):
        pass


@pytest.fixture
def have_mcp():
    pytest.importorskip("mcp", reason="the extra 'mcp' is not installed here")


@pytest.fixture
def pins(have_mcp):
    return dict(asyncio.run(pinned(McpServer(program=EXAMPLE))))


def do(server, *calls):
    async def work():
        await server.open()
        try:
            return [await server.run(ToolCall("c", name, arguments)) for name, arguments in calls]
        finally:
            await server.close()

    return asyncio.run(work())


def test_tools_are_listed_called_and_their_structured_content_read(pins):
    server = McpServer(program=EXAMPLE, pins=pins)
    added, looked, failed = do(server, ("add", {"a": 2, "b": 3}), ("look", {"place": "shelf"}), ("fail", {}))
    assert added.text.splitlines()[0] == "5" and not added.is_error
    assert '{"result":5}' in added.text
    assert json.loads(looked.text) == {"place": "shelf", "seen": "nothing"}, "what is said twice is shown once"
    assert failed.is_error and "fail" in failed.text
    add = next(spec for spec in server.specs if spec.name == "add")
    assert add.description == "Add two numbers." and add.parameters["required"] == ["a", "b"]


def test_without_pins_nothing_opens(pins):
    with pytest.raises(ToolDrift, match="never pinned"):
        do(McpServer(program=EXAMPLE))


@pytest.mark.parametrize(
    ("tool", "said"), [("turn", "'add' is not the pinned one"), ("more", "'sum_up' was never pinned")]
)
def test_tools_that_change_between_two_calls_end_the_work(pins, tool, said):
    server = McpServer(program=EXAMPLE, pins=pins)

    async def work():
        await server.open()
        try:
            await server.run(ToolCall("c", tool, {}))
            for _ in range(2):
                with pytest.raises(ToolDrift, match=said):
                    await server.run(ToolCall("c", "add", {"a": 1, "b": 1}))
            with pytest.raises(ToolDrift):
                await server.open()
        finally:
            await server.close()

    asyncio.run(work())


def test_tools_that_changed_since_they_were_pinned_are_shut_out(pins):
    with pytest.raises(ToolDrift, match="'add' is not the pinned one"):
        do(McpServer(program=EXAMPLE, pins={**pins, "add": "sha256:0"}))


def test_a_tool_that_hangs_ends_the_work_and_one_that_floods_gives_an_error(pins):
    flooded = do(McpServer(program=EXAMPLE, pins=pins), ("flood", {}))[0]
    assert flooded.is_error and "not passed on" in flooded.text and len(flooded.text) < 300
    with pytest.raises(ToolDrift, match="did not answer in 1 s"):
        do(McpServer(program=EXAMPLE, pins=pins, bounds=Bounds(seconds=1.0)), ("hang", {}))


def test_a_server_that_ends_or_never_was_is_the_targets_error(pins):
    with pytest.raises(TargetError):
        do(McpServer(program=EXAMPLE, pins=pins, bounds=Bounds(seconds=10.0)), ("leave", {}))
    with pytest.raises(TargetError, match="cannot be used"):
        do(McpServer(program=["/nowhere/at/all"], pins=pins))


@pytest.mark.parametrize("layer", ["bubblewrap", "landlock+seccomp"])
def test_a_started_server_runs_in_the_sandbox(pins, layer):
    if layer not in working():
        pytest.skip(f"{layer} does not work here")
    held = Sandbox(layer, readable=[*module_folders(), Path(__file__).parent])
    bound = McpServer(program=EXAMPLE, pins=pins, sandbox=held)
    assert do(bound, ("reach_out", {}))[0].text.splitlines()[0] == "nothing"
    assert bound.describe()["sandbox"] == layer


def test_a_module_is_found_where_this_process_finds_it(pins, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    assert do(McpServer(program=python_module("mcp_example"), pins=pins), ("add", {"a": 1, "b": 1}))[0].text[0] == "2"


class Denies:
    def describe(self):
        return {"policy": "denies"}

    async def decide(self, call, request):
        return PolicyEvent(0, call.id, "deny")


def test_an_agent_calls_a_server_through_the_exchange(pins):
    def run(policy=None):
        loop = AgentLoop(
            Model(ToolCall("c1", "add", {"a": 2, "b": 3})), servers=[McpServer(program=EXAMPLE, pins=pins)]
        )
        exchange = Exchange(Channel(loop), Mediation(policy=policy))

        async def work():
            try:
                await exchange.ask("Add.")
            finally:
                await loop.close()

        asyncio.run(work())
        return exchange.events

    events = run()
    assert [e.call.name for e in events if isinstance(e, Called)] == ["add"]
    assert next(e for e in events if isinstance(e, Returned)).result.text.startswith("5")
    assert not [e for e in run(Denies()) if isinstance(e, Called)]


def test_an_agent_whose_server_drifts_gives_no_answer(pins):
    calls = ToolCall("c1", "turn", {}), ToolCall("c2", "add", {"a": 2, "b": 3})
    loop = AgentLoop(Model(*calls), servers=[McpServer(program=EXAMPLE, pins=pins)])

    async def work():
        try:
            await Exchange(Channel(loop)).ask("Add.")
        finally:
            await loop.close()

    with pytest.raises(TargetError, match="shut out: the tool 'add' is not the pinned one"):
        asyncio.run(work())


def test_a_server_over_http(pins):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*EXAMPLE, "http", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        server = McpServer(url=f"http://127.0.0.1:{port}/mcp", pins=pins, headers={"X-Test": "1"})
        assert do(server, ("add", {"a": 2, "b": 3}))[0].text.startswith("5")
        assert server.describe()["sandbox"] == ""
    finally:
        process.kill()
        process.wait()
