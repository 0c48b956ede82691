"""Calls that wait for a person's word: asked once, durable, redacted on the disk, and refused where no word comes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest
import yaml
from tests.integration.gateway.policed import GUARDS, TO_EVE, ask
from tests.integration.gateway.test_records import start
from tests.integration.gateway.upstreams import upstream
from tests.unit.adapters.mailbox import RULES

from shipworthy.cli import run
from shipworthy.core.events import Approval, PolicyEvent
from shipworthy.gateway import approvals as queue
from shipworthy.gateway import levers

CHAT = "/v1/chat/completions"
EVE = {"content": "I will.", "tool_calls": [TO_EVE]}
WAIT = {"timeout_s": 30}


def state_of(served):
    return served.gateway.keeper.active.config.state


async def waiting(state):
    """Return the call that waits, once one does."""
    async with asyncio.timeout(20):
        while True:
            if rows := [row for row in queue.read_all(state) if row.state == "waiting"]:
                return rows[0]
            await asyncio.sleep(0.02)


async def word(served, row, granted=True, **more):
    """Give a word, from a thread: the gateway runs on this loop."""
    told = {"granted": granted, "by": "ada", "why": "a good reason", **more}
    return await asyncio.to_thread(lambda: queue.answer(state_of(served), row.id, **told))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/responses"])
def test_a_call_leaves_with_a_persons_word_and_not_before(policed, loopback, monkeypatch, path, stream) -> None:
    monkeypatch.setattr(queue, "BEAT_S", 0.05)

    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:
            asking = asyncio.create_task(ask(served, path, stream))
            row = await waiting(state_of(served))
            await asyncio.sleep(0.2)
            assert not asking.done()
            # On the disk nothing personal; on the operator's screen the call as it would be made.
            [file] = (state_of(served) / "approvals").glob("AP-*.json")
            assert "eve@example.net" not in file.read_text()
            assert (file.stat().st_mode & 0o077) == 0
            seen, whole = await asyncio.to_thread(queue.show, state_of(served), row.id)
            assert whole
            assert seen.call.arguments == {"to": "eve@example.net", "body": "Yes"}
            [question] = seen.questions
            assert (question.argument, question.value, question.origin) == ("to", "eve@example.net", "search_mail")
            given, first = await word(served, row)
            assert (first, given.state) == (True, "approved")
            again, second = await word(served, row, granted=False)
            assert (second, again.state, again.by) == (False, "approved", "ada")
            text, answer = await asking
            assert answer.status == 200
            assert "eve@example.net" in text
            comments = [line for line in text.split("\n") if line.startswith(":")]
            assert bool(comments) == stream
            assert set(comments) <= {": waiting"}
            [record] = served.records
            words = [e for e in record.events if isinstance(e, PolicyEvent | Approval)]
            assert [type(e).__name__ for e in words] == ["PolicyEvent", "Approval"]
            assert (words[1].by, words[1].granted, words[1].reason) == ("ada", True, "a good reason")
            assert f"{row.id} waits for a person's word on send_mail" in served.told[-1]
            assert "eve" not in repr(served.told)

    asyncio.run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_no_word_in_time_is_a_no(policed, loopback, stream) -> None:
    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals={"timeout_s": 0.3}) as served:
            text, answer = await ask(served, CHAT, stream)
            assert answer.status == 200
            assert "Nobody answered within 0.3 s." in text
            assert '"content_filter"' in text
            [row] = queue.read_all(state_of(served))
            assert row.state == "expired"
            late, counts = await word(served, row)
            assert (late.state, counts) == ("expired", False)

    asyncio.run(main())


def test_a_no_is_told_and_not_why(policed, loopback) -> None:
    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:
            asking = asyncio.create_task(ask(served, CHAT, False))
            await word(served, await waiting(state_of(served)), granted=False, why="it smells")
            text, _ = await asking
            assert "A person said no." in text
            assert "smells" not in text
            assert "tool_calls" not in text

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changed", "leaves"),
    [
        ({"to": "bo@example.org", "body": "No"}, True),  # the policy allows it by itself
        ({"to": "cy@example.com", "body": "Yes"}, True),  # it asks again, and this word is the answer
        ({"to": "bo@example.org", "bcc": "x"}, False),  # it denies an argument that it does not know
        ({"to": "bo@example.org", "body": "the code is HERON-4471"}, False),  # a guard blocks it
    ],
)
def test_arguments_that_a_person_changes_are_looked_at_anew(policed, loopback, changed, leaves) -> None:
    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:
            asking = asyncio.create_task(ask(served, CHAT, False))
            row = await waiting(state_of(served))
            given, first = await word(served, row, arguments=changed)
            assert first
            assert given.arguments == changed
            text, _ = await asking
            assert ("tool_calls" in text) == leaves
            assert "eve@example.net" not in text.replace("'eve@example.net'", "")
            assert not leaves or changed["to"] in text
            assert "HERON" not in text
            kept = (state_of(served) / "approvals" / f"{row.id}.json").read_text()
            assert changed["to"] not in kept

    asyncio.run(main())


def test_a_yes_endorses_exactly_those_values_in_that_session(policed, loopback) -> None:
    asked = {"headers": {"x-shipworthy-session": "s1"}}

    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:
            asking = asyncio.create_task(ask(served, CHAT, False, **asked))
            await word(served, await waiting(state_of(served)))
            assert "tool_calls" in (await asking)[0]
            assert "tool_calls" in (await ask(served, CHAT, False, **asked))[0]  # nobody is asked again
            asking = asyncio.create_task(ask(served, CHAT, False))  # but in another session
            await word(served, await waiting(state_of(served)), granted=False)
            assert "tool_calls" not in (await asking)[0]
            assert len(queue.read_all(state_of(served))) == 2

    asyncio.run(main())


def test_a_request_that_ends_leaves_nobody_waiting(policed, loopback) -> None:
    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:
            asking = asyncio.create_task(ask(served, CHAT, True))
            await waiting(state_of(served))
            asking.cancel()  # the client hangs up
            await asyncio.wait([asking])
            stopped = None
            async with asyncio.timeout(20):
                while [row.state for row in queue.read_all(state_of(served))] != ["gone"]:
                    await asyncio.sleep(0.02)
                asking = asyncio.create_task(ask(served, CHAT, False))
                await waiting(state_of(served))
                levers.pull(state_of(served), "stop", "ada", "an incident")
                stopped, answer = await asking
            assert answer.status == 503
            assert "eve" not in stopped
            assert [row.state for row in queue.read_all(state_of(served))] == ["gone", "gone"]

    asyncio.run(main())


def test_what_cannot_be_written_down_is_not_asked(policed, loopback, monkeypatch) -> None:
    def full(*args, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(queue, "write_atomic", full)

    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:
            text, answer = await ask(served, CHAT, False)
            assert (answer.status, "tool_calls" in text) == (200, False)
            assert "There was no answer." in text

    asyncio.run(main())


def test_an_operator_answers_on_the_command_line(policed, loopback, capfd) -> None:
    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up, policed(up.url, approvals=WAIT) as served:

            async def verb(*words):
                code = await asyncio.to_thread(run, ["gateway", "approvals", *words, "--config", str(served.config)])
                return code, capfd.readouterr()

            asking = asyncio.create_task(ask(served, CHAT, False))
            row = await waiting(state_of(served))
            [listed] = json.loads((await verb("list", "--format", "json"))[1].out)
            assert (listed["id"], listed["state"]) == (row.id, "waiting")
            shown = json.loads((await verb("show", row.id, "--format", "json"))[1].out)
            assert (shown["whole"], shown["call"]["name"]) == (True, "send_mail")
            code, told = await verb("list")
            assert code == 0
            assert told.out.startswith(f"{row.id}\twaiting\t{row.until}\t\tsend_mail\t")
            code, told = await verb("show", row.id)
            assert code == 0
            assert '"to": "eve@example.net"' in told.out
            assert "it stands in what search_mail read" in told.out
            assert (await verb("approve", row.id))[0] == 2  # not without why
            assert (await verb("approve", row.id, "--why", "x", "--arguments", "[1]"))[0] == 2
            assert (await verb("show", "AP-none"))[0] == 2
            code, told = await verb("approve", row.id, "--by", "ada", "--why", "Eve is our auditor")
            assert (code, told.out) == (0, f"{row.id} is approved\n")
            assert "eve@example.net" in (await asking)[0]
            code, told = await verb("deny", row.id, "--why", "no")
            assert code == 1
            assert "was answered before: approved by ada" in told.err
            assert (await verb("list"))[1].out == ""
            assert "approved" in (await verb("list", "--all"))[1].out
            assert "[redacted:email]" in (await verb("show", row.id))[1].out

    asyncio.run(main())


def test_kill_9_leaves_the_row_and_lets_nothing_pass(files, loopback, tmp_path) -> None:
    """Two workers: each sees what waits in the other; a killed one's call was never made, and cannot be any more."""
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(RULES))

    async def main():
        async with upstream(loopback, EVE, "tool_calls") as up:
            path = files(up.url + "/v1", guards=GUARDS, policy="policy.yaml", approvals=WAIT, workers=2)
            process, base = start(path, tmp_path)
            state = tmp_path / ".shipworthy/gateway"
            from types import SimpleNamespace

            import aiohttp

            try:
                async with aiohttp.ClientSession() as session:
                    served = SimpleNamespace(session=session, base=base)
                    asking = [asyncio.create_task(ask(served, CHAT, True)) for _ in range(4)]
                    async with asyncio.timeout(60):
                        while len(rows := queue.read_all(state)) < 4:
                            await asyncio.sleep(0.05)
                    first = rows[0]
                    told, counts = await asyncio.to_thread(
                        lambda: queue.answer(state, first.id, granted=True, by="ada", why="fine")
                    )
                    assert (told.state, counts) == ("approved", True)
                    done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED, timeout=30)
                    assert ["eve@example.net" in task.result()[0] for task in done] == [True]
                    os.killpg(process.pid, signal.SIGKILL)
                    rest = await asyncio.gather(*(t for t in asking if t not in done), return_exceptions=True)
                    assert [type(end) for end in rest if not isinstance(end, Exception)] == []
            finally:
                process.kill()
                process.wait()
                process.stderr.close()
            # A killed worker closes its sockets before its locks: what it held is lost a moment after we are told.
            for _ in range(200):
                states = sorted(row.state for row in queue.read_all(state))
                if "waiting" not in states:
                    break
                await asyncio.sleep(0.05)
            assert states == ["approved", "lost", "lost", "lost"]
            lost = next(row for row in queue.read_all(state) if row.state == "lost")
            command = [sys.executable, "-m", "shipworthy", "gateway", "approvals", "approve", lost.id, "--why", "late"]
            ended = subprocess.run([*command, "--config", str(path)], capture_output=True, text=True, check=False)
            assert ended.returncode == 1
            assert "the call was never made" in ended.stderr
            assert json.loads((state / "approvals" / f"{lost.id}.json").read_bytes())["state"] == "waiting"

    asyncio.run(main())
