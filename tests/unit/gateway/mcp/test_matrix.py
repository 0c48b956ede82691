"""No byte leaves unseen: a mark in every text of every message of either side, whatever the guard does, however cut."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

pytest.importorskip("mcp.types.methods", reason="mcp is not here: the extra `mcp` brings it")

from tests.unit.gateway.mcp.examples import Example, cells
from tests.unit.gateway.mcp.rig import MARK, PARAMS, Rig, rigged

from shipworthy.core.digests import digest
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.mcp_pins import pinned_part
from shipworthy.dialects.mcp_shapes import BadShape
from shipworthy.store import traffic

ALL = list(cells())
NEVER = re.compile(
    "|".join(
        [
            r"icons|execution|/experimental/|/tasks/|/task/|progressToken",  # refused, left out, or replaced
            r"initialize/(capabilities/\w+/.*|protocolVersion)",  # what both can do is agreed in words of the protocol
            r"mimeType",  # of pictures and sounds, which are kept back
            r"tools/\[\]/_meta/.*",  # of a tool only what is pinned is passed on
            r"(client/asks|server/results)/tools/list/(_meta/.*|cursor|nextCursor)",  # all are on one page
            r"client/asks/tools/call/name",  # one that is not pinned
            r"(client/results|server/asks)/ping/.*",  # answered here
            r"notifications/cancelled/.*",  # told in words of ours
        ]
    )
)
"""Places whose texts leave in no case."""


async def came(rig: Rig, example: Example, slot: str) -> bytes:
    """Send one message with a mark in one place; return all that came out at the other side."""
    value = example.marked(slot, MARK)
    pins = None
    if example.method == "tools/list" and value.get("nextCursor") not in (None, MARK):
        del value["nextCursor"]
    if example.method == "initialize" and value["protocolVersion"] != MARK:
        value["protocolVersion"] = "2025-11-25"
    if example.method == "tools/call" and example.side == "client" and value["name"] != MARK:
        value["name"] = "look"
    if example.method == "tools/list" and example.kind == "results":
        pins = {tool["name"]: digest(pinned_part(tool)) for tool in _as_read(value)["tools"]}
    if rig.session.ended or example.method == "initialize" or pins or rig.used > 50:
        cut, ascii = rig.server.cut, rig.server.ascii
        rig.fresh(pins)
        rig.server.cut, rig.server.ascii = cut, ascii
        rig.used = 0
        if example.method != "initialize":
            await rig.open(sampling={"tools": {}, "context": {}})
    rig.used += 1
    rig.server.sent.clear()
    rig.client.sent.clear()
    rig.server.results, rig.client.results = {}, {}
    if example.kind == "asks" and example.side == "client":
        await rig.ask(example.method, value)
        return b"\n".join(rig.server.sent)
    if example.kind == "asks":
        await rig.asks(example.method, value)
        return b"\n".join(rig.client.sent)
    if example.kind == "says" and example.side == "client":
        if example.method == "notifications/progress":
            return await _progress(rig, value)
        await rig.session.said(rpc.read(rpc.write(rpc.notification(example.method, value))))
        return b"\n".join(rig.server.sent)
    if example.kind == "says":
        rig.server.silent = {"resources/read"}
        with rig.unguarded():
            asking = asyncio.create_task(rig.ask("resources/read", {"uri": "a://b", "_meta": {"progressToken": "tok"}}))
            while not rig.server.sent:
                await asyncio.sleep(0)
        if example.method == "notifications/progress":
            value["progressToken"] = json.loads(rig.server.sent[-1])["id"]
        await rig.server.say(rpc.notification(example.method, value))
        rig.server.silent = set()
        out = b"\n".join(rig.client.sent)
        await rig.server.say(rpc.result(json.loads(rig.server.sent[0])["id"], {"contents": []}))
        await asking
        return out
    if example.side == "server":
        rig.server.results = {example.method: value}
        answer = await rig.ask(example.method, PARAMS.get(example.method))
        return rpc.write(answer) + b"\n".join(rig.client.sent)
    rig.client.results = {example.method: value}
    answer = await rig.asks(example.method)
    return rpc.write(answer)


async def _progress(rig: Rig, value: Any) -> bytes:
    """Have the client tell of progress with something that the server asked."""
    with rig.unguarded():
        rig.client.silent = {"roots/list"}
        asking = asyncio.create_task(rig.asks("roots/list", {"_meta": {"progressToken": "tok"}}))
        while not rig.client.sent:
            await asyncio.sleep(0)
    number = json.loads(rig.client.sent[0])["id"]
    await rig.session.said(
        rpc.read(rpc.write(rpc.notification("notifications/progress", {**value, "progressToken": number})))
    )
    out = b"\n".join(rig.server.sent)
    rig.client.silent = set()
    await rig.session.said(rpc.RpcResult(number, {"roots": []}))
    await asking
    return out


def _as_read(value: Any) -> Any:
    from shipworthy.dialects.mcp import CLIENT_ASKS

    try:
        return CLIENT_ASKS["tools/list"].result.made(value, lambda holds, was: was, "")
    except BadShape:
        return {"tools": []}


def run(tmp_path, monkeypatch, guard: str, cut: int = 1 << 20, ascii: bool = False, chosen=ALL, outs=None):
    outs = [] if outs is None else outs
    monkeypatch.setattr(traffic, "_datasync", lambda file: None)  # thousands of records, and no disk to try

    async def main():
        async with rigged(tmp_path, guard) as rig:
            rig.used = 0
            await rig.open()
            rig.server.cut, rig.server.ascii = cut, ascii
            found: list[tuple[Example, str, bool]] = []
            for example, slot, path in chosen:
                out = await asyncio.wait_for(came(rig, example, slot), 20)
                found.append((example, path, MARK in out.decode()))
                outs.append(out)
            return found, rig.records

    return asyncio.run(main())


@pytest.mark.parametrize("guard", ["redact", "block", "fail"])
def test_no_marked_text_leaves_unseen(tmp_path, monkeypatch, guard) -> None:
    found, records = run(tmp_path, monkeypatch, guard)
    assert [(*e[:3], path) for e, path, leaked in found if leaked] == []
    assert MARK not in repr(records)


@pytest.mark.parametrize(("cut", "ascii"), [(1, False), (3, True), (7, False)])
def test_however_the_bytes_are_cut_and_written(tmp_path, monkeypatch, cut, ascii) -> None:
    chosen = [cell for cell in ALL if cell[0].side == "server"][::3]
    found, _ = run(tmp_path, monkeypatch, "redact", cut, ascii, chosen)
    assert not any(leaked for _, _, leaked in found)


def test_without_a_guard_what_is_served_comes_out_as_it_was(tmp_path, monkeypatch) -> None:
    """The matrix is of texts that really leave: all of them, except for what is named here."""
    found, _ = run(tmp_path, monkeypatch, "")
    kept = {"/".join([e.side, e.kind, e.method, path]) for e, path, leaked in found if not leaked}
    assert {place for place in kept if not NEVER.search(place)} == set()
    assert sum(leaked for _, _, leaked in found) > 400


def test_in_shadow_no_byte_is_another_one(tmp_path, monkeypatch) -> None:
    bare: list[bytes] = []
    shadowed: list[bytes] = []
    chosen = ALL[::3]
    run(tmp_path, monkeypatch, "", chosen=chosen, outs=bare)
    _, records = run(tmp_path, monkeypatch, "shadow", chosen=chosen, outs=shadowed)
    assert shadowed == bare
    found = [e for r in records for e in r.events if getattr(e, "guard", "") == "GD-mark"]
    assert len(found) > 100
    assert all(e.shadow for e in found)
