"""What the gateway costs beside a proxy without guards on the same stack, and whether anything leaves unseen.

python bench/gateway.py [--json]      everything; exit 1 over a limit
python bench/gateway.py --quick       a tenth of the requests, and a part of the matrix

Half of the requests are streamed, in 40 pieces. `share_of_bare_proxy` is of requests for a CPU second of the serving
process, all by turns on one stub: with three guards, and `share_without_rules` with none, which is what reading,
writing and recording cost. `added_ms` is of the time to the end of an answer at 50 requests a second on one worker.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

ROUNDS = 3
REQUESTS, CONNECTIONS = 600, 16
RATE, SECONDS = 50, 20
SWITCHES = 5
LIMITS = {
    "share_of_bare_proxy": 0.5,
    "unscanned_bytes": 0,
    "kill_switch_s": 1.0,
    "added_ms_p50": 10.0,
    "added_ms_p99": 30.0,
}
QUESTION = "Please explain to our customer what to do when the parcel is late, in plain words. " * 6
WORDS = "Thank you for your patience. A late parcel is found in most cases within three working days of asking. "
ANSWER = WORDS * 6
GUARDS = """
block_message: "No."
rules:
  - {id: GD-input, use: input_rules}
  - {id: GD-pii, use: pii_output}
  - {id: GD-canary, use: canary_output, params: {canaries: [HERON-4471]}}
"""


async def stub() -> None:
    """Serve an upstream on a free port until killed: an answer of 600 characters after 20 ms, or in 40 pieces."""
    size = len(ANSWER) // 40 + 1
    chunks: list[dict[str, Any]] = [{"delta": {"content": ANSWER[i : i + size]}} for i in range(0, len(ANSWER), size)]
    chunks.append({"delta": {}, "finish_reason": "stop"})
    events = [b"data: %b\n\n" % json.dumps({"id": "s", "choices": [{"index": 0, **c}]}).encode() for c in chunks]
    message = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    whole = json.dumps({"id": "s", "choices": [message], "usage": {}}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = re.search(rb"content-length: *(\d+)", asked)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                await asyncio.sleep(0.02)
                if not body.get("stream"):
                    writer.write(head % (b"application/json", b"content-length: %d" % len(whole)) + whole)
                    continue
                writer.write(head % (b"text/event-stream", b"transfer-encoding: chunked"))
                for event in [*events, b"data: [DONE]\n\n"]:
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


async def proxy(upstream: str) -> None:
    """Serve the proxy without guards until killed."""
    from shipworthy.conformance.bare import bare

    async with bare(upstream) as base:
        print(base, flush=True)
        await asyncio.Event().wait()


@contextmanager
def process(*words: str):
    """Run this file, or the gateway, in a process of its own; yields it and its address."""
    command = (
        [sys.executable, "-m", "shipworthy", *words] if words[0] == "gateway" else [sys.executable, __file__, *words]
    )
    made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert made.stdout is not None
    found = None
    for line in made.stdout:
        if found := re.search(r"(http://127\.0\.0\.1:\d+)", line):
            break
    if not found:
        raise SystemExit(f"{words} ended with {made.wait()}")
    try:
        yield made, found[1]
    finally:
        made.terminate()
        made.wait()


def configured(folder: Path, upstream: str, workers: int = 1, guards: str = GUARDS) -> Path:
    """Write a gateway's files."""
    folder.mkdir(exist_ok=True)
    (folder / "guards.yaml").write_text(guards)
    path = folder / "gateway.yaml"
    path.write_text(
        f"listen: 127.0.0.1:0\nworkers: {workers}\nguards: guards.yaml\nupstreams:\n"
        f"  main: {{url: '{upstream}/v1', breaker: {{failures: 0}}}}\n"  # the matrix fails on purpose, in a row
    )
    return path


def cpu(of: subprocess.Popen[str]) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{of.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ask(session: aiohttp.ClientSession, base: str, number: int) -> tuple[int, float]:
    """Ask once; return the status, and the seconds to the end of the answer."""
    body = {"model": "m", "messages": [{"role": "user", "content": QUESTION}], "stream": number % 2 == 0}
    began = time.perf_counter()
    async with session.post(base + "/v1/chat/completions", json=body) as answer:
        text = await answer.read()
    if answer.status == 200 and len(text) < len(ANSWER):
        raise SystemExit("an answer without all of its words")
    return answer.status, time.perf_counter() - began


async def load(base: str, requests: int) -> None:
    """Ask so often, over some connections at one time."""
    numbers = iter(range(requests))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one() -> None:
            for number in numbers:
                status, _ = await ask(session, base, number)
                if status != 200:
                    raise SystemExit(f"an answer with status {status}")

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


async def latencies(base: str, seconds: float) -> list[float]:
    """Return the seconds of each answer, asked for at a fixed rate whatever the answers before it take."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began, made = time.perf_counter(), []
        for number in range(int(RATE * seconds)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            made.append(asyncio.create_task(ask(session, base, number)))
        return [took for _, took in await asyncio.gather(*made)]


def quantile(values: list[float], at: float) -> float:
    """Return an order statistic."""
    return sorted(values)[min(len(values) - 1, int(at * len(values)))]


async def beside(folder: Path, part: float) -> dict[str, Any]:
    """Measure gateway and proxy by turns on one stub."""
    with process("stub") as (_, upstream), process("proxy", upstream + "/v1") as (plain, plain_at):
        ruled, free = (
            configured(folder / "ruled", upstream),
            configured(folder / "free", upstream, guards="rules: []\n"),
        )
        with (
            process("gateway", "--config", str(ruled)) as (own, own_at),
            process("gateway", "--config", str(free)) as (unruled, unruled_at),
        ):
            requests = int(REQUESTS * part)
            serving = {"bare": (plain, plain_at), "gateway": (own, own_at), "without_rules": (unruled, unruled_at)}
            per: dict[str, list[float]] = {name: [] for name in serving}
            for _, base in serving.values():
                await load(base, 40)
            for _ in range(ROUNDS):
                for name, (made, base) in serving.items():
                    before = cpu(made)
                    await load(base, requests)
                    per[name].append(1000 * max(0.01, cpu(made) - before) / requests)
            added: dict[str, list[float]] = {"p50": [], "p99": []}
            for _ in range(ROUNDS):
                bare_s = await latencies(plain_at, SECONDS * part)
                own_s = await latencies(own_at, SECONDS * part)
                added["p50"].append(1000 * (quantile(own_s, 0.5) - quantile(bare_s, 0.5)))
                added["p99"].append(1000 * (quantile(own_s, 0.99) - quantile(bare_s, 0.99)))
    return {
        "share_of_bare_proxy": round(median(b / g for b, g in zip(per["bare"], per["gateway"], strict=True)), 3),
        "share_without_rules": round(median(b / g for b, g in zip(per["bare"], per["without_rules"], strict=True)), 3),
        "cpu_ms": {name: round(median(values), 2) for name, values in per.items()},
        "added_ms_p50": round(median(added["p50"]), 1),
        "added_ms_p99": round(median(added["p99"]), 1),
    }


async def unscanned(folder: Path, part: float) -> dict[str, int]:
    """Count the bytes of marks that come out of the whole matrix."""
    from shipworthy.conformance.ask import ask as ask_cell
    from shipworthy.conformance.cells import cells
    from shipworthy.conformance.stub import Stub

    chosen = [cell for number, cell in enumerate(cells()) if part == 1 or number % 10 == 0]
    marked = Stub(chosen)
    async with marked.serve() as upstream:
        path = configured(folder, upstream.removesuffix("/v1"))
        with process("gateway", "--config", str(path)) as (_, base):
            async with aiohttp.ClientSession() as session:
                found = [(await ask_cell(session, base, cell)).marks(cell) for cell in chosen]
    return {"unscanned_bytes": sum(len(mark) for marks in found for mark in marks), "cells": len(chosen)}


@asynccontextmanager
async def asking_all_the_time(base: str):
    """Ask over new connections, whichever worker takes them; yields the times and statuses of answers."""
    seen: list[tuple[float, int]] = []

    async def forever() -> None:
        while True:
            async with aiohttp.ClientSession() as session:
                began = time.monotonic()
                status, _ = await ask(session, base, 1)
                seen.append((began, status))

    tasks = [asyncio.create_task(forever()) for _ in range(8)]
    try:
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def switch(folder: Path, part: float) -> dict[str, float]:
    """Return the seconds from pulling the kill switch to the start of the last request that was still answered."""
    from shipworthy.gateway import levers

    took = []
    with process("stub") as (_, upstream):
        path = configured(folder, upstream, workers=2)
        with process("gateway", "--config", str(path)) as (_, base):
            for _ in range(max(1, int(SWITCHES * part))):
                async with asking_all_the_time(base) as seen:
                    await asyncio.sleep(0.5)
                    pulled = time.monotonic()
                    await asyncio.to_thread(levers.pull, folder / ".shipworthy/gateway", "stop", "bench", "")
                    await asyncio.sleep(1.5)
                refused = [began for began, status in seen if status == 503]
                if not refused:
                    raise SystemExit("the kill switch stopped nothing")
                took.append(max([began for began, status in seen if status == 200], default=pulled) - pulled)
                await asyncio.to_thread(levers.release, folder / ".shipworthy/gateway", "stop", "bench", "")
    return {"kill_switch_s": round(max(0.0, *took), 3)}


async def measure(part: float) -> dict[str, Any]:
    """Measure everything."""
    found: dict[str, Any] = {}
    for what in (beside, unscanned, switch):
        with tempfile.TemporaryDirectory() as folder:
            found |= await what(Path(folder), part)
    return found


def over(found: dict[str, Any]) -> list[str]:
    """Return what is not within its limit."""
    return [
        name
        for name, limit in LIMITS.items()
        if (found[name] < limit if name.startswith("share") else found[name] > limit)
    ]


def main(arguments: list[str]) -> int:
    """Measure and print; return 1 where a limit is broken."""
    if arguments[:1] == ["stub"]:
        asyncio.run(stub())
    if arguments[:1] == ["proxy"]:
        asyncio.run(proxy(arguments[1]))
    found = asyncio.run(measure(0.1 if "--quick" in arguments else 1.0))
    broken = over(found)
    if "--json" in arguments:
        print(json.dumps({**found, "over": broken}))
    else:
        for name, value in found.items():
            print(f"{name:22} {value}" + (f"   limit {LIMITS[name]}" if name in LIMITS else ""))
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
