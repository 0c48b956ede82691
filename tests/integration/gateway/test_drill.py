"""Drills of those who approve: made-up calls in the real queue, beside one that a real gateway asks about."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.integration.gateway.policed import TO_EVE, ask
from tests.integration.gateway.upstreams import upstream

from shipworthy.cli import run
from shipworthy.core.errors import UsageError
from shipworthy.gateway import approvals as queue
from shipworthy.gateway.drill import drill, drilled, read_items

ITEMS = """
items:
  - right: deny
    tool: send_mail
    arguments: {to: eve@example.net, body: The figures}
    reason: the recipient stands in a text that others can write
    questions: [{argument: to, value: eve@example.net, origin: search_mail, why: nobody of ours asked for it}]
  - {right: deny, tool: pay, arguments: {amount: 900.10}, reason: it cannot be undone}
  - {right: approve, tool: send_mail, arguments: {to: bo@example.org, body: Thanks}, reason: it leaves the house}
  - {right: approve, tool: pay, arguments: {amount: 3}, reason: it cannot be undone}
"""


def state_of(served):
    return served.gateway.keeper.active.config.state


async def answered(state, wanted, decide):
    """Give a word on every call that waits, until so many have one."""
    done = set()
    async with asyncio.timeout(30):
        while len(done) < wanted:
            for row in queue.read_all(state):
                if row.state == "waiting" and row.id not in done:
                    granted = decide(row)
                    await asyncio.to_thread(lambda row=row, granted=granted: queue.answer(
                        state, row.id, granted=granted, by="ada" if granted else "bo", why="so"))  # fmt: skip
                    done.add(row.id)
            await asyncio.sleep(0.01)


def test_a_drill_is_shown_like_any_call_measured_and_never_made(policed, loopback, tmp_path, capsys) -> None:
    (tmp_path / "drill.yaml").write_text(ITEMS)
    (tmp_path / "gateway.yaml").write_text("state: state\n")

    async def main():
        eve = {"content": "I will.", "tool_calls": [TO_EVE]}
        async with upstream(loopback, eve, "tool_calls") as up, policed(up.url, approvals={"timeout_s": 30}) as served:
            state = state_of(served)
            (tmp_path / "state").symlink_to(state)
            real = asyncio.create_task(ask(served, "/v1/chat/completions", False))
            items = read_items(tmp_path / "drill.yaml")
            drilling = asyncio.create_task(drill(state, items, every_s=0, wait_s=30, seed=3, tell=lambda _: None))
            async with asyncio.timeout(20):
                while len(rows := queue.read_all(state)) < 5:
                    await asyncio.sleep(0.01)
            # What is of a drill and what is not differs in nothing but what it says.
            assert len({(row.state, len(row.request), len(row.id), row.worker[:1]) for row in rows}) == 1
            shown = [await asyncio.to_thread(queue.show, state, row.id) for row in rows]
            assert all(whole for _, whole in shown)
            assert {row.call.name for row, _ in shown} == {"send_mail", "pay"}
            # Everybody's body is Thanks or not: `ada` lets pass whatever is no payment of 900.
            await answered(state, 5, lambda row: row.call.arguments.get("amount") != 900.1)
            found = await drilling
            assert [(one.right, one.said) for one in found].count(("deny", "approve")) == 1
            assert (await real)[1].status == 200
            assert len(served.records) == 1, "no call of a drill was anybody's request"
            assert not list(state.glob("approvals/w*.sock")) or len(list(state.glob("approvals/w*.sock"))) == 1
            return state

    asyncio.run(main())
    capsys.readouterr()
    show = ["gateway", "approvals", "oversight", "--config", str(tmp_path / "gateway.yaml")]
    assert run([*show, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["drilled"], told["unanswered"]) == (4, 0)
    ada, bo = told["people"]
    assert (ada["by"], ada["words"], ada["caught"]["hits"], ada["caught"]["trials"]) == ("ada", 3, 0, 1)
    assert (ada["passed"]["hits"], ada["passed"]["trials"]) == (2, 2)
    assert (bo["by"], bo["caught"]["hits"], bo["caught"]["trials"], bo["passed"]) == ("bo", 1, 1, None)
    assert run(show) == 0
    assert "waved through" in capsys.readouterr().out


def test_what_nobody_answers_is_refused_and_counted(tmp_path) -> None:
    (tmp_path / "drill.yaml").write_text(ITEMS)
    items = read_items(tmp_path / "drill.yaml")
    found = asyncio.run(drill(tmp_path / "s", items, every_s=0, wait_s=0.2, seed=1, tell=lambda _: None))
    assert [(one.row.state, one.said) for one in found] == [("expired", None)] * 4
    assert len(list(drilled(tmp_path / "s"))) == 4
    [kept] = (tmp_path / "s/drills").iterdir()
    assert (kept.stat().st_mode & 0o077) == 0
    assert "eve" not in kept.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("items: []", "write `items:`"),
        ("- a", "write `items:`"),
        (ITEMS + "more: 1\n", "nothing else"),
        ("items:\n  - {right: maybe, tool: t, arguments: {}, reason: r}\n", "drill.yaml:2: this is no call of a drill"),
        ("items:\n  - {right: deny, tool: t, reason: r}\n", "`arguments`"),
        ("items:\n  - {right: deny, tool: t, arguments: {}, reason: r}\n", "whoever always says deny passes"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_its_line(tmp_path, text, said) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_items(path)
    assert said in str(caught.value)
