"""One record a request: redacted, on the disk before the answer ends, whole after kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import aiohttp
import pytest

from shipworthy.core.errors import StoreError
from shipworthy.store.traffic import read

PRIVATE = "bert.jansen@private.example.net"


def talking(loopback, text="hello"):
    async def handler(request, writer):
        if request.json.get("stream"):
            chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]}]
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            data = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"
            loopback.respond(writer, data.encode(), content_type="text/event-stream")
        else:
            loopback.respond(writer, loopback.completion(text))

    return loopback.serve(handler)


def test_nothing_unredacted_is_durable(over, loopback, tmp_path) -> None:
    async def main():
        rules = {"rules": [{"id": "GD-pii", "use": "pii_output", "mode": "shadow"}]}
        async with talking(loopback, f"I know {PRIVATE}") as up, over(up.url + "/v1", guards=rules) as served:
            for stream in (False, True):
                answer = await served.ask(
                    model=f"m {PRIVATE}",
                    messages=[{"role": "user", "content": f"I am {PRIVATE}"}],
                    tools=[{"type": "function", "function": {"name": PRIVATE, "parameters": {}}}],
                    stream=stream,
                )
                assert answer.status == 200
                assert PRIVATE in answer.text  # a shadow rule changes nothing
            assert len(served.records) == 2
            assert "[redacted:email]" in repr(served.records)

    asyncio.run(main())
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("traffic" in str(path) for path in written)
    assert [path for path in written if PRIVATE.encode() in path.read_bytes()] == []


def test_a_record_says_what_happened(over, loopback) -> None:
    async def main():
        async with talking(loopback, "HERON-4471 is it") as up, over(up.url + "/v1") as served:
            answer = await served.ask()
            [record] = served.records
            assert answer.headers["x-shipworthy-request"] == record.id
            assert (record.route, record.ending, record.status) == ("/v1/chat/completions", "blocked", 200)
            kinds = [type(event).__name__ for event in record.events]
            assert list(dict.fromkeys(kinds)) == ["Said", "Asked", "GuardEvent"]
            assert [event.withheld for event in record.events if type(event).__name__ == "Said"] == [False, True, False]
            assert record.timing.seconds >= record.timing.guard_seconds > 0

    asyncio.run(main())


def test_what_cannot_be_recorded_is_not_answered(over, loopback, read_events) -> None:
    async def main():
        async with talking(loopback) as up, over(up.url + "/v1") as served:

            async def full(sealed):
                raise StoreError("the disk is full")

            served.gateway.log.append = full
            whole = await served.ask()
            assert (whole.status, whole.json["error"]["code"]) == (503, "not_recorded")
            assert "hello" not in whole.text
            streamed = await served.ask(stream=True)
            assert read_events(streamed.text)[-1]["error"]["code"] == "not_recorded"
            assert "[DONE]" not in streamed.text
            assert '"stop"' not in streamed.text

    asyncio.run(main())


def start(path, folder):
    """Start the command in a process of its own; return it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "shipworthy", "gateway", "--config", str(path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=folder,
    )
    for line in process.stderr:
        if found := re.search(r"listening on (\S+?),? ?(?:\d+ workers)?$", line.strip()):
            return process, found[1]
    raise AssertionError(f"it ended with {process.wait()}")


async def asking(base, ids, stop):
    """Ask one thing after the other, and keep the ids of requests whose answers ended."""
    async with aiohttp.ClientSession() as session:
        while not stop.is_set():
            for stream in (False, True):
                body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
                with suppress(aiohttp.ClientError, OSError):
                    async with session.post(base + "/v1/chat/completions", json=body) as answer:
                        text = await answer.text()
                        if answer.status == 200 and ("[DONE]" in text if stream else "choices" in text):
                            ids.append(answer.headers["x-shipworthy-request"])


def test_kill_9_under_load_loses_no_finished_request(files, loopback, tmp_path) -> None:
    async def main():
        async with talking(loopback) as up:
            path = files(up.url + "/v1", workers=2)
            finished = []
            for round_ in (1, 2):
                process, base = start(path, tmp_path)
                stop, before = asyncio.Event(), len(finished)
                load = [asyncio.create_task(asking(base, finished, stop)) for _ in range(8)]
                async with asyncio.timeout(200):
                    while len(finished) < before + 60:
                        await asyncio.sleep(0.02)
                os.killpg(process.pid, signal.SIGKILL)
                stop.set()
                await asyncio.gather(*load)
                process.wait()
                process.stderr.close()
                kept = [line.served for line in read(tmp_path / ".shipworthy/gateway/traffic")]
                assert len(finished) >= 60 * round_
                assert set(finished) <= {served.id for served in kept if served.ending == "answered"}
                assert len({served.id for served in kept}) == len(kept)

    asyncio.run(main())


def test_the_kill_switch_reaches_every_worker_and_a_killed_one_comes_back(files, loopback, tmp_path) -> None:
    async def ask(base):
        async with aiohttp.ClientSession() as session:  # a new connection: any worker may take it
            body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
            async with session.post(base + "/v1/chat/completions", json=body) as answer:
                return answer.status

    def command(*words):
        return subprocess.run(
            [sys.executable, "-m", "shipworthy", "gateway", *words, "--config", str(path)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    async def main():
        nonlocal path
        async with talking(loopback) as up:
            path = files(up.url + "/v1", workers=2)
            process, base = start(path, tmp_path)
            try:
                assert {await ask(base) for _ in range(20)} == {200}
                await asyncio.to_thread(command, "pull", "stop", "--by", "ada", "--why", "an incident")
                assert {await ask(base) for _ in range(20)} == {503}
                assert "ada\tan incident" in await asyncio.to_thread(command, "levers")
                await asyncio.to_thread(command, "release", "stop")
                assert {await ask(base) for _ in range(20)} == {200}
                children = await asyncio.to_thread(
                    subprocess.run, ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
                )
                worker = int(children.stdout.split()[0])
                os.kill(worker, signal.SIGKILL)
                ended = f"worker {worker} ended"
                assert await asyncio.to_thread(lambda: any(ended in line for line in process.stderr))
                assert {await ask(base) for _ in range(20)} == {200}
                # The worker in the dead one's place is there when it has started: until then the page says 1.
                for _ in range(600):
                    async with aiohttp.ClientSession() as session, session.get(base + "/metrics") as answer:
                        page = await answer.text()
                    if "\nshipworthy_gateway_workers 2\n" in page:
                        break
                    await asyncio.sleep(0.1)
                else:
                    pytest.fail(f"no second worker within a minute:\n{page}")
                # A scrape of one worker tells of all of them, and of the dead one too.
                requests = re.findall(r"^shipworthy_gateway_requests_total\{.*ending=\"(\w+)\".*\} (\d+)$", page, re.M)
                assert sorted(requests) == [("answered", "60"), ("stopped", "20")]
            finally:
                process.terminate()
                assert await asyncio.to_thread(process.wait) == 0
                process.stderr.close()
            lines = (await asyncio.to_thread(command, "traffic")).splitlines()
            assert {json.loads(line)["ending"] for line in lines} == {"answered", "stopped"}

    path = None
    asyncio.run(main())
