"""What the gateway's benches share: an upstream, a bare proxy, processes, and requests.

gateway_load.py stub [personal]   serve an upstream
gateway_load.py proxy UPSTREAM    serve the proxy without guards on the gateway's own stack
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil

PEERS = Path(__file__).parent / "peers"
sys.path.insert(0, str(PEERS))

from environments import apart, python_of  # noqa: E402

CONNECTIONS = 16
RATE = 50
QUESTION = "Please explain to our customer what to do when the parcel is late, in plain words. " * 6
WORDS = "Thank you for your patience. A late parcel is found in most cases within three working days of asking. "
ANSWER = WORDS * 6
ASKERS, OTHERS = "ada.lovelace@letters-of-ada.org", "claims.desk@late-parcels.org"
ASKED = f"{QUESTION} Write to me at {ASKERS}."
PERSONAL = f"{ANSWER[:300]} Write to {OTHERS}. {ANSWER[300:]}"
GUARDS = """
block_message: "No."
rules:
  - {id: GD-input, use: input_rules}
  - {id: GD-pii, use: pii_output}
  - {id: GD-canary, use: canary_output, params: {canaries: [HERON-4471]}}
"""


async def stub(kind: str = "") -> None:
    """Serve an upstream on a free port until killed: an answer of 600 characters after 20 ms, or in 40 pieces.

    Args:
        kind: ``personal`` for an answer with an address in it, and an error where the asker's own comes through.
    """
    said = PERSONAL if kind else ANSWER
    size = len(said) // 40 + 1
    chunks: list[dict[str, Any]] = [{"delta": {"content": said[i : i + size]}} for i in range(0, len(said), size)]
    chunks.append({"delta": {}, "finish_reason": "stop"})
    events = [b"data: %b\n\n" % json.dumps({"id": "s", "choices": [{"index": 0, **c}]}).encode() for c in chunks]
    message = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    whole = json.dumps({"id": "s", "choices": [message], "usage": {}}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = re.search(rb"content-length: *(\d+)", asked)
                data = await reader.readexactly(int(length[1]) if length else 0)
                body = json.loads(data)
                await asyncio.sleep(0.02)
                if kind and ASKERS.encode() in data:
                    writer.write(head % (b"application/json", b"content-length: 2") + b"{}")
                    continue
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
    """Run the gateway, or a server of this file, in a process of its own; yields it and its address."""
    own = [sys.executable, "-m", "shipworthy", *words]
    with running(own if words[0] == "gateway" else [sys.executable, __file__, *words]) as served:
        yield served


@contextmanager
def peer(file: str, *words: str):
    """Run a file of bench/peers in the environment `litellm`; yields it and its address."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in apart(home).items() if name != "PYTHONPATH"}
        with running([python_of("litellm"), str(PEERS / file), *words], env=environment) as served:
            yield served


@contextmanager
def running(command: list[str], **how: Any):
    """Run what says on its output where it serves; yields it and its address."""
    words = " ".join(command[1:3])
    made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    assert made.stdout is not None
    found, told = None, []
    for line in made.stdout:
        if found := re.search(r"(?:^|listening on )(http://127\.0\.0\.1:\d+)", line):
            break
        told.append(line)
    if not found:
        raise SystemExit(f"{words} ended with {made.wait()}:\n{''.join(told)[-3000:]}")
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
    """Return the CPU seconds of a process and of all that it started."""
    first = psutil.Process(of.pid)
    times = [one.cpu_times() for one in (first, *first.children(recursive=True))]
    return sum(time.user + time.system for time in times)


async def ask(session: aiohttp.ClientSession, base: str, number: int, question: str = QUESTION) -> tuple[int, float]:
    """Ask once; return the status, and the seconds to the end of the answer."""
    body = {"model": "m", "messages": [{"role": "user", "content": question}], "stream": number % 2 == 0}
    began = time.perf_counter()
    async with session.post(base + "/v1/chat/completions", json=body) as answer:
        text = await answer.read()
    took = time.perf_counter() - began
    if answer.status == 200 and len(text) < len(ANSWER):
        raise SystemExit("an answer without all of its words")
    if question != QUESTION and OTHERS in re.sub(r"[^\w@.-]+(?:data|content)?", "", text.decode()):
        raise SystemExit("an answer with somebody's address in it")
    return answer.status, took


async def load(base: str, requests: int, question: str = QUESTION) -> None:
    """Ask so often, over some connections at one time."""
    numbers = iter(range(requests))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one() -> None:
            for number in numbers:
                status, _ = await ask(session, base, number, question)
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


if __name__ == "__main__":
    asyncio.run({"stub": stub, "proxy": proxy}[sys.argv[1]](*sys.argv[2:]))
