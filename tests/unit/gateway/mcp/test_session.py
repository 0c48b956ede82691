"""What a session makes of a server and a client that do what they should not, and of what happens around it."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.unit.gateway.mcp.rig import INITIALIZE, MARK, RESULTS, TOOL, rigged

from shipworthy.core.errors import StoreError
from shipworthy.core.events import Called, Returned
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.mcp_shapes import NO_MEDIA
from shipworthy.enforce.pipeline import WITHHELD, Pipeline
from shipworthy.gateway import levers
from shipworthy.gateway.mcp.turn import BLOCKED, BUSY, ENDED, NOT_RECORDED, STOPPED, UPSTREAM


def on(tmp_path, work, guard="", **spec):
    """Run some work on an open session."""

    async def main():
        async with rigged(tmp_path, guard, **spec) as rig:
            await rig.open()
            await asyncio.wait_for(work(rig), 30)
            return rig

    return asyncio.run(main())


async def settled(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def sent(rig, method):
    return [m for m in map(json.loads, rig.server.sent) if m.get("method") == method]


# ---- calls ---------------------------------------------------------------------------------------------------------


def test_a_call_and_its_record(tmp_path) -> None:
    async def work(rig):
        answer = await rig.ask("tools/call", {"name": "look", "arguments": {"at": "it"}})
        assert answer["result"] == RESULTS["tools/call"]

    rig = on(tmp_path, work)
    (record,) = [r for r in rig.records if r.model == "tools/call"]
    assert record.ending == "answered"
    assert [type(e) for e in record.events] == [Called, Returned]
    assert (record.upstream, record.route, record.guards[:7]) == ("it", "test", "sha256:")


def test_a_blocked_call_is_not_made_and_a_blocked_result_is_withheld(tmp_path) -> None:
    async def work(rig):
        answer = await rig.ask("tools/call", {"name": "look", "arguments": {"at": MARK}})
        assert answer["result"] == {"content": [{"type": "text", "text": "The call was refused."}], "isError": True}
        assert sent(rig, "tools/call") == []
        rig.server.results["tools/call"] = {"content": [{"type": "text", "text": MARK}]}
        answer = await rig.ask("tools/call")
        assert answer["result"] == {"content": [{"type": "text", "text": WITHHELD}], "isError": True}
        answer = await rig.ask("resources/read", {"uri": MARK})
        assert answer["error"]["code"] == BLOCKED

    rig = on(tmp_path, work, "block")
    assert [r.ending for r in rig.records if r.model == "tools/call"] == ["blocked", "blocked"]


def test_what_is_split_over_two_places_is_found(tmp_path) -> None:
    head, tail = MARK[:9], MARK[9:]

    async def work(rig):
        texts = [{"type": "text", "text": text} for text in (head + "\n", tail)]
        rig.server.results["tools/call"] = {"content": texts}
        assert (await rig.ask("tools/call"))["result"]["content"] == texts  # no guard joins lines
        rig.gateway.keeper.active.pipeline = _joining(rig, head + "\n" + tail)
        rig.server.results["tools/call"] = {"content": [{"type": "text", "text": t} for t in (head, tail)]}
        assert (await rig.ask("tools/call"))["result"]["content"][0]["text"] == WITHHELD

    on(tmp_path, work, "redact")


def _joining(rig, wanted) -> Pipeline:
    from shipworthy.core.records import Finding
    from shipworthy.enforce.rule import STAGES, Rule

    class Joined:
        stages, reach = frozenset(STAGES), None

        def describe(self):
            return {"guard": "joined"}

        async def check(self, part, ctx):
            at = part.text.find(wanted)
            return [Finding(at, at + len(wanted), "joined", "redact")] if at >= 0 else []

    return Pipeline([Rule("GD-joined", Joined())], "No.")


def test_spotlight_marks_what_a_model_reads_and_no_names(tmp_path) -> None:
    from shipworthy.enforce.rule import Rule
    from shipworthy.guards.spotlight import MARK as BLANK
    from shipworthy.guards.spotlight import Spotlight

    async def work(rig):
        rig.gateway.keeper.active.pipeline = Pipeline([Rule("GD-spot", Spotlight())], "No.")
        link = {"type": "resource_link", "uri": "a://b c", "name": "n m"}
        content = [{"type": "text", "text": "one two"}, link]
        rig.server.results["tools/call"] = {"content": content, "structuredContent": {"a b": "c d"}}
        found = (await rig.ask("tools/call"))["result"]
        assert found["content"] == [{"type": "text", "text": f"one{BLANK}two"}, link]
        assert found["structuredContent"] == {"a b": f"c{BLANK}d"}
        assert (await rig.ask("tools/list"))["result"]["tools"] == [TOOL]

    on(tmp_path, work)


@pytest.mark.parametrize("media", ["refuse", "pass"])
def test_pictures_and_sounds(tmp_path, media) -> None:
    picture = {"type": "image", "data": "aGk=", "mimeType": "image/png"}
    blob = {"uri": "a://b", "blob": "aGk="}

    async def work(rig):
        rig.server.results["tools/call"] = {"content": [picture, {"type": "resource", "resource": blob}]}
        content = (await rig.ask("tools/call"))["result"]["content"]
        text = {"type": "resource", "resource": {"uri": "a://b", "text": NO_MEDIA}}
        kept = [{"type": "text", "text": NO_MEDIA}, text]
        assert content == (kept if media == "refuse" else [picture, {"type": "resource", "resource": blob}])

    rig = on(tmp_path, work, media=media)
    events = [e for r in rig.records for e in r.events if getattr(e, "rule", "") == "media"]
    assert bool(events) == (media == "pass")


def test_what_is_no_base64_is_refused(tmp_path) -> None:
    async def work(rig):
        rig.server.results["tools/call"] = {"content": [{"type": "image", "data": MARK, "mimeType": "a"}]}
        assert (await rig.ask("tools/call"))["error"]["code"] == UPSTREAM

    on(tmp_path, work, media="pass")


def test_numbers_are_looked_at_too(tmp_path) -> None:
    from shipworthy.enforce.rule import Rule
    from shipworthy.guards.pii import Pii

    async def work(rig):
        rig.gateway.keeper.active.pipeline = Pipeline([Rule("GD-pii", Pii(), stages=frozenset({"retrieved"}))], "No.")
        card = 4111111111111111
        given = {"content": [], "structuredContent": {"card": card, "n": [7, 8.5, True]}}
        rig.server.results["tools/call"] = given
        found = (await rig.ask("tools/call"))["result"]["structuredContent"]
        assert found["n"] == [7, 8.5, True]
        assert isinstance(found["card"], str)
        assert str(card) not in found["card"]
        rig.server.results["resources/list"] = {"resources": [{"uri": "a://b", "name": "n", "size": card}]}
        assert (await rig.ask("resources/list"))["error"]["code"] == BLOCKED
        rig.server.results["resources/list"] = {"resources": [{"uri": "a://b", "name": "n", "size": 10}]}
        assert (await rig.ask("resources/list"))["result"]["resources"][0]["size"] == 10

    on(tmp_path, work)


# ---- tools and pins ------------------------------------------------------------------------------------------------


def test_a_tool_that_changes_ends_the_session(tmp_path) -> None:
    async def work(rig):
        assert (await rig.ask("tools/call"))["result"]
        rig.server.results["tools/list"] = {"tools": [{**TOOL, "description": f"Look. {MARK}"}]}
        assert (await rig.ask("tools/call"))["result"]  # it did not say so, and what the model read still holds
        await rig.server.say(rpc.notification("notifications/tools/list_changed", {}))
        answer = await rig.ask("tools/call")
        assert answer["error"]["message"] == "the server's tools are not the pinned ones: the session is over"
        assert len(sent(rig, "tools/call")) == 2
        assert (await rig.ask("ping"))["error"]["code"] == ENDED
        assert rig.server.closed

    rig = on(tmp_path, work)
    assert any("'look' is not the pinned one" in line for line in rig.told)


@pytest.mark.parametrize("tools", [[], [TOOL, TOOL], [TOOL, {**TOOL, "name": "more"}], [{**TOOL, "title": "t"}]])
def test_any_difference_is_drift(tmp_path, tools) -> None:
    async def work(rig):
        rig.server.results["tools/list"] = {"tools": tools}
        answer = await rig.ask("tools/list")
        assert "not the pinned ones" in answer["error"]["message"]

    on(tmp_path, work)


def test_without_pins_no_tool_is_served_and_the_rest_is(tmp_path) -> None:
    async def work(rig):
        rig.fresh({})
        rig.session.server.read = rig.session.server.read._replace(pins=None)
        rig.session._asks._tools._pins = None
        await rig.open()
        assert "never pinned" in (await rig.ask("tools/list"))["error"]["message"]
        assert "no pinned tool" in (await rig.ask("tools/call"))["error"]["message"]
        assert (await rig.ask("resources/list"))["result"] == {"resources": []}

    on(tmp_path, work)


# ---- what the server does that it may not --------------------------------------------------------------------------


def test_a_server_that_hangs_is_given_up_and_told(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"tools/call"}
        answer = await rig.ask("tools/call")
        assert answer["error"] == {"code": UPSTREAM, "message": "there was no answer in time"}
        await settled(lambda: sent(rig, "notifications/cancelled"))
        (asked,), (told,) = sent(rig, "tools/call"), sent(rig, "notifications/cancelled")
        assert told["params"] == {"requestId": asked["id"]}
        await rig.server.say(rpc.result(asked["id"], RESULTS["tools/call"]))  # late, and no stray
        assert (await rig.ask("ping"))["result"] == {}

    rig = on(tmp_path, work, timeout_s=0.1)
    assert [r.ending for r in rig.records if r.model == "tools/call"] == ["upstream_timeout"]
    assert not any(r.error.startswith("the server answered something") for r in rig.records)


def test_answers_to_nothing_are_dropped_and_many_end_the_session(tmp_path) -> None:
    async def work(rig):
        await rig.ask("tools/call")
        twice = sent(rig, "tools/call")[0]["id"]
        await rig.server.say(rpc.result(twice, {"content": [{"type": "text", "text": MARK}]}))
        await rig.server.say(rpc.error(None, 1, MARK))
        await rig.server.say(rpc.result("never", {}))
        assert rig.client.sent == []
        assert (await rig.ask("ping"))["result"] == {}
        for _ in range(101):
            await rig.server.say(b"Server starting ...")
        assert (await rig.ask("ping"))["error"]["code"] == ENDED

    rig = on(tmp_path, work)
    assert sum(r.error == "the server answered something that nobody waits for" for r in rig.records) == 3
    assert MARK not in repr(rig.records)


def test_an_answer_that_cannot_be_read_fails_its_request(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"resources/read"}
        asking = asyncio.create_task(rig.ask("resources/read"))
        await settled(lambda: sent(rig, "resources/read"))
        id = sent(rig, "resources/read")[0]["id"]
        await rig.server.say({"jsonrpc": "2.0", "id": id, "result": MARK})
        answer = await asking
        assert answer["error"]["code"] == UPSTREAM
        assert MARK not in json.dumps(answer, ensure_ascii=False)

    on(tmp_path, work)


def test_a_server_that_floods_is_cut_off(tmp_path) -> None:
    async def work(rig):
        for number in range(21):
            await rig.server.say(rpc.notification("notifications/message", {"level": "info", "data": number}))
        assert len(rig.client.sent) == 20
        assert "more than 20 things" in (await rig.ask("ping"))["error"]["message"]

    on(tmp_path, work, unasked=20)


def test_a_server_that_asks_too_much_at_once_is_refused(tmp_path) -> None:
    async def work(rig):
        rig.client.silent = {"roots/list"}
        for number in range(3):
            await rig.server.say(rpc.request(number, "roots/list", {}))
        answer = await rig.server.answers.get()
        assert (answer["id"], answer["error"]["code"]) == (2, BUSY)
        await rig.server.say(rpc.request(1, "roots/list", {}))
        assert (await rig.server.answers.get())["error"]["code"] == rpc.INVALID_REQUEST

    on(tmp_path, work, pending=2)


def test_a_server_that_dies_fails_what_waits(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"tools/call"}
        asking = asyncio.create_task(rig.ask("tools/call"))
        await settled(lambda: sent(rig, "tools/call"))
        rig.server.lost = "the server ended, with status -9"
        await rig.session.hear(None, None)
        assert (await asking)["error"]["message"] == "the server ended, with status -9"
        assert (await rig.ask("ping"))["error"]["code"] == ENDED

    on(tmp_path, work)


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("tools/call", {"content": [], "extra": 1}),
        ("tools/call", {"content": [{"type": "video"}]}),
        ("tools/call", {"content": [{"type": "text", "text": "a", "more": "b"}]}),
        ("resources/read", {"contents": [{"uri": "a://b", "text": 5}]}),
        ("resources/read", {}),
        ("prompts/list", {"prompts": [{"name": "p", "_meta": {"io.modelcontextprotocol/x": 1}}]}),
    ],
)
def test_fields_that_nobody_knows_are_refused(tmp_path, method, result) -> None:
    async def work(rig):
        rig.server.results[method] = result
        answer = await rig.ask(method)
        assert answer["error"]["code"] == UPSTREAM
        assert "extra" not in answer["error"]["message"]  # it is the server's own word

    on(tmp_path, work)


def test_what_the_server_may_not_ask_is_refused_by_name(tmp_path) -> None:
    async def work(rig):
        answer = await rig.asks("tasks/list", {})
        assert answer["error"]["message"].startswith("tasks/list is not served")
        answer = await rig.asks("elicitation/create", {"message": "a", "extra": 1})
        assert "(extra)" in answer["error"]["message"]
        rig.session._asks.capabilities = {}
        assert (await rig.asks("sampling/createMessage"))["error"]["code"] == rpc.METHOD_NOT_FOUND
        assert rig.client.sent == []

    on(tmp_path, work)


# ---- the client ----------------------------------------------------------------------------------------------------


def test_the_clients_identifiers_stay_on_its_side(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"tools/call"}
        params = {"name": "look", "_meta": {"progressToken": "mine"}}
        asking = asyncio.create_task(rig.ask("tools/call", params, id="mine too"))
        await settled(lambda: sent(rig, "tools/call"))
        (asked,) = sent(rig, "tools/call")
        assert "mine" not in json.dumps(asked)
        token = asked["params"]["_meta"]["progressToken"]
        await rig.server.say(rpc.notification("notifications/progress", {"progressToken": token, "progress": 1}))
        assert json.loads(rig.client.sent[0])["params"] == {"progressToken": "mine", "progress": 1}
        await rig.server.say(rpc.notification("notifications/progress", {"progressToken": "mine", "progress": 2}))
        assert len(rig.client.sent) == 1
        await rig.server.say(rpc.result(asked["id"], RESULTS["tools/call"]))
        assert (await asking)["id"] == "mine too"

    on(tmp_path, work)


def test_a_client_that_asks_too_much_at_once_is_refused(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"tools/call"}
        flying = [asyncio.create_task(rig.ask("tools/call", id=f"a{n}")) for n in range(2)]
        await settled(lambda: len(sent(rig, "tools/call")) == 2)
        assert (await rig.ask("ping"))["error"]["code"] == BUSY
        assert (await rig.ask("ping", id="a1"))["error"]["code"] == rpc.INVALID_REQUEST
        for asked in sent(rig, "tools/call"):
            await rig.server.say(rpc.result(asked["id"], RESULTS["tools/call"]))
        await asyncio.gather(*flying)
        assert (await rig.ask("ping"))["result"] == {}

    on(tmp_path, work, pending=2)


def test_a_client_may_cancel(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"tools/call"}
        asking = asyncio.create_task(rig.ask("tools/call", id=7))
        await settled(lambda: sent(rig, "tools/call"))
        told = rpc.RpcNotification("notifications/cancelled", {"requestId": 7, "reason": MARK})
        assert await rig.session.said(told)
        assert await asking is None
        await settled(lambda: sent(rig, "notifications/cancelled"))
        assert MARK not in b"".join(rig.server.sent).decode()

    rig = on(tmp_path, work)
    assert [r.ending for r in rig.records if r.model == "tools/call"] == ["gone"]


def test_a_client_that_leaves_is_recorded_and_the_server_is_told(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"tools/call"}
        asking = asyncio.create_task(rig.ask("tools/call"))
        await settled(lambda: sent(rig, "tools/call"))
        asking.cancel()
        await asyncio.wait({asking})
        await settled(lambda: sent(rig, "notifications/cancelled"))

    rig = on(tmp_path, work)
    assert [r.ending for r in rig.records if r.model == "tools/call"] == ["gone"]


def test_the_order_of_a_session(tmp_path) -> None:
    async def work(rig):
        assert (await rig.ask("initialize"))["error"]["message"] == "a session is initialized once"
        rig.fresh()
        assert (await rig.ask("tools/list"))["error"]["message"] == "the first request is 'initialize'"
        assert rig.server.sent == []
        assert not await rig.session.said(rpc.RpcNotification("notifications/roots/list_changed", {}))
        assert (await rig.ask("server/discover"))["error"]["code"] == rpc.METHOD_NOT_FOUND

    on(tmp_path, work)


@pytest.mark.parametrize(("offered", "agreed"), [("2024-11-05", "2024-11-05"), ("2026-07-28", "2025-11-25"), (MARK, "2025-11-25")])  # fmt: skip  # noqa: E501
def test_only_known_revisions_are_offered(tmp_path, offered, agreed) -> None:
    async def work(rig):
        rig.fresh()
        await rig.ask("initialize", {**INITIALIZE, "protocolVersion": offered})
        assert sent(rig, "initialize")[0]["params"]["protocolVersion"] == agreed

    on(tmp_path, work)


def test_a_server_of_another_revision_is_refused(tmp_path) -> None:
    async def work(rig):
        rig.fresh()
        rig.server.results["initialize"] = {**RESULTS["initialize"], "protocolVersion": "2026-07-28"}
        assert "no revision" in (await rig.ask("initialize"))["error"]["message"]

    on(tmp_path, work)


# ---- levers, the switch, the log -----------------------------------------------------------------------------------


def test_the_kill_switch_ends_what_is_under_way(tmp_path) -> None:
    async def work(rig):
        watch = asyncio.create_task(rig.gateway.keeper.watch())
        rig.server.silent = {"tools/call"}
        asking = asyncio.create_task(rig.ask("tools/call"))
        await settled(lambda: sent(rig, "tools/call"))
        levers.pull(rig.gateway.keeper.active.config.state, "stop", "me", "")
        assert (await asking)["error"]["code"] == STOPPED
        assert (await rig.ask("ping"))["error"]["code"] == STOPPED
        assert rig.server.closed
        watch.cancel()

    rig = on(tmp_path, work)
    assert [r.ending for r in rig.records if r.model == "tools/call"] == ["stopped"]


def test_an_answer_is_looked_at_by_the_guards_in_force_when_it_comes(tmp_path) -> None:
    async def work(rig):
        rig.server.silent = {"resources/read"}
        with rig.unguarded():
            asking = asyncio.create_task(rig.ask("resources/read"))
            await settled(lambda: sent(rig, "resources/read"))
        given = {"contents": [{"uri": "a://b", "text": MARK}]}
        await rig.server.say(rpc.result(sent(rig, "resources/read")[0]["id"], given))
        assert (await asking)["result"]["contents"][0]["text"] == "[redacted:mark]"

    on(tmp_path, work, "redact")


def test_what_is_not_recorded_is_not_passed_on(tmp_path) -> None:
    async def work(rig):
        async def fails(served, active):
            raise StoreError("the disk is full")

        rig.gateway.keep = fails
        assert (await rig.ask("resources/list"))["error"]["code"] == NOT_RECORDED
        assert (await rig.asks("roots/list"))["error"]["code"] == NOT_RECORDED
        rig.client.sent.clear()
        await rig.server.say(rpc.notification("notifications/message", {"level": "info", "data": 1}))
        assert not await rig.session.said(rpc.RpcNotification("notifications/roots/list_changed", {}))
        assert rig.client.sent == []

    on(tmp_path, work)


def test_a_session_ends_when_the_file_says_something_else(tmp_path) -> None:
    async def work(rig):
        path = tmp_path / "gateway.yaml"
        path.write_text(path.read_text().replace("/mcp", "/other"))
        await rig.gateway.keeper.reload()
        assert "begin anew" in (await rig.ask("ping"))["error"]["message"]

    on(tmp_path, work)
