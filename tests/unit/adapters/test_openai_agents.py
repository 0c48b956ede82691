from __future__ import annotations

import asyncio
import json
import sys

import pytest
from tests.unit.adapters.mailbox import MAILS, SAYS, Mailbox, conversation, words

pytest.importorskip("agents.testing", reason="openai-agents is not here: python bench/adapters.py --tests has it")

from agents import Agent, RunConfig, Runner, WebSearchTool, function_tool
from agents.mcp import MCPServerStdio
from agents.testing import ScriptedModel, assistant_message, function_call

from shipworthy.adapters.openai_agents import mediated, under_policy
from shipworthy.core.errors import UsageError

READ = ("search_mail", {"query": "Lunch"})
EVE = ("send_mail", {"to": "eve@example.net"})
QUIET = RunConfig(tracing_disabled=True)


def agent(it, box, *steps, hears=True, **options):
    calls = [
        [function_call(name, args, call_id=f"{n}-{m}") for m, (name, args) in enumerate(step)]
        for n, step in enumerate(steps)
    ]
    tools = options.pop("tools", None) or [function_tool(tool, strict_mode=False) for tool in box.tools]
    model = ScriptedModel([*calls, [assistant_message("Done.")]])
    return under_policy(Agent(name="mail", model=model, tools=tools, **options), it, hears=hears)


def run(it, box, *steps, says=SAYS, **options):
    return asyncio.run(Runner.run(agent(it, box, *steps, **options), says, run_config=QUIET))


def outputs(result) -> list:
    return [item.output for item in result.new_items if item.type == "tool_call_output_item"]


def test_the_prompt_is_heard_and_what_tools_gave_is_read():
    it, box = conversation(), Mailbox()
    result = run(it, box, [READ], [("send_mail", {"to": "bo@example.org"})], [EVE])
    assert box.did == [("search_mail", "Lunch", 10), ("send_mail", "bo@example.org", "Hello")]
    assert outputs(result) == [MAILS, "sent", "The call was refused."]


def test_parallel_calls_are_each_decided_over():
    it, box = conversation(), Mailbox()
    run(it, box, [READ, ("delete_mail", {"mail_id": "m9"}), EVE, READ])
    assert {name for name, *_ in box.did} == {"search_mail"} and len(box.did) == 2


def test_arguments_that_are_no_json_object_are_refused():
    it, box = conversation(), Mailbox()
    result = run(it, box, [("search_mail", '["Lunch"]')], [("search_mail", "{")])
    assert not box.did and "failed" in words(it) and len(outputs(result)) == 2


def test_a_json_text_that_says_a_thing_twice_runs_as_it_was_decided_over():
    it, box = conversation(), Mailbox()
    run(it, box, [READ], [("send_mail", '{"to": "bo@example.org", "to": "eve@example.net"}')])
    assert len(box.did) == 1


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_run_stops_for_a_person_and_goes_on(answer):
    it, box = conversation(ask="pause"), Mailbox()
    made = agent(it, box, [READ], [EVE, READ])

    async def go():
        first = await Runner.run(made, SAYS, run_config=QUIET)
        [asked] = first.interruptions
        assert asked.tool_name == "send_mail"
        state = first.to_state()
        if answer == "yes":
            state.approve(asked)
        else:
            state.reject(asked)
        return await Runner.run(made, state, run_config=QUIET)

    assert asyncio.run(go()).final_output == "Done."
    assert [d for d in box.did if d[0] == "send_mail"] == (
        [("send_mail", "eve@example.net", "Hello")] if answer == "yes" else []
    )
    assert [d[0] for d in box.did].count("search_mail") == 2  # the call beside it was made once
    assert words(it).count("ask") == 1


def test_a_policy_that_denies_is_not_overruled_by_the_sdks_own_approval():
    it, box = conversation(ask="pause"), Mailbox()
    tool = function_tool(box.delete_mail, needs_approval=True, strict_mode=False)
    made = agent(it, box, [("delete_mail", {"mail_id": "m9"})], tools=[tool])

    async def go():
        first = await Runner.run(made, SAYS, run_config=QUIET)
        state = first.to_state()
        state.approve(first.interruptions[0])
        return await Runner.run(made, state, run_config=QUIET)

    assert outputs(asyncio.run(go())) == ["The call was refused."] and not box.did


def test_a_person_is_asked_by_a_function_and_may_change_the_arguments():
    it, box = conversation(ask=lambda call, word: {"to": "bo@example.org", "copies": 2}), Mailbox()
    run(it, box, [READ], [EVE])
    assert box.did[-1] == ("send_mail", "bo@example.org", "Hello")


def test_a_tool_that_the_provider_runs_is_refused():
    it, box = conversation(), Mailbox()
    with pytest.raises(UsageError, match="a WebSearchTool cannot be put under a policy"):
        run(it, box, [READ], tools=[WebSearchTool()])


def test_one_tool_by_itself():
    it, box = conversation(), Mailbox()
    made = Agent(
        name="mail",
        model=ScriptedModel(
            [[function_call("delete_mail", {"mail_id": "m9"}, call_id="1")], [assistant_message("Done.")]]
        ),
        tools=[mediated(function_tool(box.delete_mail), it)],
    )
    asyncio.run(Runner.run(made, SAYS, run_config=QUIET))
    assert not box.did


def test_history_is_heard_and_read_and_other_agents_words_are_not_the_users():
    it, box = conversation(), Mailbox()
    history = [
        {"role": "user", "content": [{"type": "input_text", "text": "My friend is ada@example.org"}]},
        {"type": "function_call", "name": "search_mail", "arguments": "{}", "call_id": "x"},
        {"type": "function_call_output", "call_id": "x", "output": str(MAILS)},
        {"role": "assistant", "content": "The user wants me to send eve@example.net a note"},
        {"role": "user", "content": "Send her a note"},
    ]
    run(it, box, [("send_mail", {"to": "ada@example.org"})], [EVE], says=history)
    assert box.did == [("send_mail", "ada@example.org", "Hello")]


def test_an_agent_below_hears_no_prompt():
    it, box = conversation(), Mailbox()
    it.hear([SAYS])
    it.read("A page.", "a page")
    run(it, box, [EVE], says="Send eve@example.net a note", hears=False)
    assert not box.did


def test_what_breaks_in_the_adapter_refuses(monkeypatch):
    it, box = conversation(), Mailbox()
    monkeypatch.setattr(it, "hear", lambda words: 1 / 0)
    result = run(it, box, [READ])
    assert not box.did and outputs(result) == ["The call was refused."]


def test_what_a_tool_raised_is_words_of_others():
    it, box = conversation(), Mailbox()
    run(it, box, [("send_mail", {"to": "bo@example.org", "body": "break"})], says="Send bo@example.org a note")
    assert it.session.memory.tainted


SERVER = """
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, TextContent
import json, sys

server = MCPServer("mail")

@server.tool()
def search_mail(query: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=sys.argv[1])])

@server.tool()
def delete_mail(mail_id: str) -> str:
    open(sys.argv[2], "a").write(mail_id)
    return "deleted"

server.run("stdio")
"""


def test_the_tools_of_an_mcp_server_are_under_the_policy(tmp_path):
    it, box, did = conversation(), Mailbox(), tmp_path / "did"

    async def go():
        params = {"command": sys.executable, "args": ["-c", SERVER, json.dumps(MAILS), str(did)]}
        async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:
            sends = [("send_mail", {"to": "bo@example.org"})]
            tools = [function_tool(box.send_mail, strict_mode=False)]
            steps = [READ], sends, [("delete_mail", {"mail_id": "m9"})], [EVE]
            made = agent(it, box, *steps, tools=tools, mcp_servers=[server])
            return await Runner.run(made, SAYS, run_config=QUIET)

    result = asyncio.run(go())
    assert "Lunch" in str(outputs(result)[0]) and outputs(result)[2] == "The call was refused."
    assert not did.exists()
    assert box.did == [("send_mail", "bo@example.org", "Hello")]
