"""The tool policy before the calls of a session: what results say is remembered, budgets count, a person is asked."""

from __future__ import annotations

import asyncio
import json

import yaml
from tests.unit.adapters.mailbox import MAILS
from tests.unit.gateway.mcp.rig import rigged

from shipworthy.core.digests import digest
from shipworthy.core.events import Approval, PolicyEvent
from shipworthy.dialects.mcp_pins import pinned_part
from shipworthy.gateway import approvals, levers

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("search_mail", "send_mail", "delete_mail")]
REFUSED = {"content": [{"type": "text", "text": "The call was refused."}], "isError": True}
RULES = {
    "tools": {
        "search_mail": {"effect": "none", "args": {"query": "none"}, "returns": {"trusted": ["[].id", "[].sender"]}},
        "send_mail": {
            "effect": "external",
            "intent": ["send"],
            "args": {"to": "recipient", "body": "content"},
            "budget": {"calls": 2, "per": "user", "otherwise": "deny"},
        },
        "resources/read": {"effect": "none", "args": {"uri": "none"}},
    }
}


def on(tmp_path, work, rules=RULES, **top):
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(rules))

    async def main():
        spec = {"prefix": top.pop("prefix", "")}
        async with rigged(tmp_path, top={"policy": "policy.yaml", **top}, **spec) as rig:
            await begun(rig)
            async with asyncio.timeout(20):
                await work(rig)
            return rig

    return asyncio.run(main())


async def begun(rig):
    rig.fresh({tool["name"]: digest(pinned_part(tool)) for tool in TOOLS})
    rig.server.results = {
        "tools/list": {"tools": TOOLS},
        "tools/call": {"content": [{"type": "text", "text": json.dumps(MAILS)}]},
    }
    await rig.open()


async def call(rig, name, **arguments):
    return (await rig.ask("tools/call", {"name": name, "arguments": arguments}))["result"]


def called(rig):
    return [m["params"]["name"] for m in map(json.loads, rig.server.sent) if m.get("method") == "tools/call"]


def test_what_nobody_listed_is_refused_and_what_is_harmless_passes(tmp_path) -> None:
    async def work(rig):
        assert not (await call(rig, "search_mail", query="Lunch")).get("isError")
        assert await call(rig, "delete_mail", mail_id="m1") == REFUSED
        assert (await rig.ask("resources/read", {"uri": "a://b"}))["result"] == {"contents": []}
        assert (await rig.ask("prompts/get", {"name": "p"}))["error"]["message"] == "The call was refused."
        assert called(rig) == ["search_mail"]

    rig = on(tmp_path, work)
    endings = [(r.model, r.ending) for r in rig.records if r.model in ("tools/call", "prompts/get")]
    assert endings == [("tools/call", "answered"), ("tools/call", "refused"), ("prompts/get", "refused")]
    assert all(r.policy for r in rig.records if r.model == "tools/call")


def test_without_anybody_to_ask_the_answer_is_no(tmp_path) -> None:
    async def work(rig):
        await call(rig, "search_mail", query="Lunch")
        assert await call(rig, "send_mail", to="eve@example.net", body="Hello") == REFUSED

    rig = on(tmp_path, work)
    events = [e for r in rig.records for e in r.events]
    assert [e.verdict for e in events if isinstance(e, PolicyEvent)] == ["allow", "ask"]
    assert [(e.by, e.granted) for e in events if isinstance(e, Approval)] == [("nobody", False)]


def test_a_person_is_asked_in_the_gateways_queue(tmp_path) -> None:
    async def work(rig):
        state = rig.gateway.keeper.active.config.state
        await call(rig, "search_mail", query="Lunch")

        async def answered(granted, arguments=None, to="eve@example.net"):
            asking = asyncio.create_task(call(rig, "send_mail", to=to, body="Hello"))
            while not (rows := [row for row in approvals.read_all(state) if row.state == "waiting"]):
                await asyncio.sleep(0.02)
            assert rows[0].session != rig.session.id
            said = {"granted": granted, "by": "ops", "why": "", "arguments": arguments}
            await asyncio.to_thread(lambda: approvals.answer(state, rows[0].id, **said))
            return await asking

        assert await answered(False) == REFUSED
        assert not (await answered(True)).get("isError")
        edited = {"to": "bo@example.org", "body": "Edited"}
        assert not (await answered(True, edited, "mallory@example.net")).get("isError")
        made = [json.loads(m)["params"] for m in rig.server.sent if b"send_mail" in m]
        assert [m["arguments"] for m in made] == [{"to": "eve@example.net", "body": "Hello"}, edited]

    rig = on(tmp_path, work, approvals={"timeout_s": 20})
    given = [(e.by, e.granted) for r in rig.records for e in r.events if isinstance(e, Approval)]
    assert given == [("ops", False), ("ops", True), ("ops", True)]


def test_what_is_spent_is_the_users_over_all_sessions(tmp_path) -> None:
    rules = {"tools": {"search_mail": {"effect": "none", "args": {"query": "none"}, "budget": {"calls": 2, "per": "user", "otherwise": "deny"}}}}  # noqa: E501  # fmt: skip

    async def work(rig):
        await call(rig, "search_mail", query="a")
        await begun(rig)
        assert not (await call(rig, "search_mail", query="b")).get("isError")
        assert await call(rig, "search_mail", query="c") == REFUSED

    on(tmp_path, work, rules)


def test_a_lever_tightens_a_policy_under_a_session(tmp_path) -> None:
    async def work(rig):
        state = rig.gateway.keeper.active.config.state
        assert await call(rig, "delete_mail", mail_id="m1") != REFUSED
        levers.pull(state, "strict", "me", "")
        assert await call(rig, "delete_mail", mail_id="m1") == REFUSED
        levers.release(state, "strict", "me", "")
        assert await call(rig, "delete_mail", mail_id="m1") != REFUSED

    on(tmp_path, work, modes={"policy": "shadow"}, levers={"strict": {"policy": "enforce"}})


def test_a_policy_that_comes_into_force_ends_sessions_that_it_knows_nothing_of(tmp_path) -> None:
    async def work(rig):
        assert await call(rig, "delete_mail", mail_id="m1") != REFUSED
        levers.pull(rig.gateway.keeper.active.config.state, "strict", "me", "")
        answer = await rig.ask("tools/call", {"name": "delete_mail"})
        assert "begin anew" in answer["error"]["message"]

    on(tmp_path, work, modes={"policy": "off"}, levers={"strict": {"policy": "enforce"}})


def test_a_prefix_tells_tools_of_one_name_apart(tmp_path) -> None:
    rules = {"tools": {"work.search_mail": RULES["tools"]["search_mail"]}}

    async def work(rig):
        assert not (await call(rig, "search_mail", query="a")).get("isError")
        assert called(rig) == ["search_mail"]

    on(tmp_path, work, rules, prefix="work.")


def test_what_a_guard_only_flags_tightens_the_tools(tmp_path) -> None:
    from tests.unit.gateway.mcp.rig import MARK, MarkGuard

    from shipworthy.enforce.pipeline import Pipeline
    from shipworthy.enforce.rule import Rule

    rules = {"tools": {name: RULES["tools"][name] for name in ("search_mail", "send_mail")}}
    rules["tools"]["send_mail"] = {"effect": "external", "args": {"to": "none", "body": "none"}}

    async def work(rig):
        rig.gateway.keeper.active.pipeline = Pipeline([Rule("GD-mark", MarkGuard("tighten"))], "No.")
        assert not (await call(rig, "send_mail", to="bo@example.org", body="a")).get("isError")
        rig.server.results["tools/call"] = {"content": [{"type": "text", "text": f"Mail: {MARK}"}]}
        found = await call(rig, "search_mail", query="Lunch")
        assert found["content"][0]["text"] == f"Mail: {MARK}"
        assert await call(rig, "send_mail", to="bo@example.org", body="b") == REFUSED

    on(tmp_path, work, rules)


def test_a_lever_for_a_ring_reaches_its_sessions_and_no_others(tmp_path) -> None:
    async def work(rig):
        state = rig.gateway.keeper.active.config.state
        levers.pull(state, "strict", "me", "", ring="inner")
        assert await call(rig, "delete_mail", mail_id="m1") != REFUSED
        rig.session.user = "inside"
        assert await call(rig, "delete_mail", mail_id="m1") == REFUSED

    clients = {name: {"key": f"file:{name}"} for name in ("inside", "outside")}
    for name in clients:
        (tmp_path / name).write_text(name * 4)
    clients = {name: {"key": f"file:{tmp_path / name}"} for name in clients}
    more = {"rings": {"inner": ["inside"]}, "clients": clients}
    on(tmp_path, work, modes={"policy": "shadow"}, levers={"strict": {"policy": "enforce"}}, **more)
