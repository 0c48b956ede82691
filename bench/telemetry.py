"""What `shipworthy serve` takes in, keeps and answers, and what Phoenix takes for the same spans.

python bench/telemetry.py [--json]     everything; exit 1 over a limit, or where a figure is missing
python bench/telemetry.py --quick      fewer spans and facts
python bench/telemetry.py --no-peer    without Phoenix, which is installed from its lock (855 MB)

Spans are of the conventions for generative AI, 2 KB of protobuf each, 100 in a request, packed with gzip as exporters
do. One in twelve holds personal data; people come back, six spans a conversation, each with words of its own.
`spans_per_cpu_s` counts CPU of all processes of the server, from the first request until everything that was
acknowledged is in segments; every request waits for its answer, and eight are on their way at one time. That nothing
personal is on the disk, and that every acknowledged span is, is checked on what was just measured. `bytes_per_span` is
of all files of the store. `lone_bytes_per_span` is the worst case: every span is another person's.
`rate_10m_s` is of the wall, best of five, with two threads, over 10 million facts of 30 days, 20 features: violations
by day, feature and severity, with their intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil

HERE = Path(__file__).parent
SPANS, QUICK = 60_000, 12_000
BATCH, FLYING = 100, 8
FACTS = 10_000_000
LIMITS = {
    "spans_per_cpu_s": 10_000, "bytes_per_span": 600, "rate_10m_s": 0.3, "idle_mb": 150, "ready_s": 2.0,
    "unredacted": 0, "lost": 0,
}  # fmt: skip
LEAST = ("spans_per_cpu_s",)
PHOENIX_SPANS = 2_000
ANN = "ann.marlow@example.org"
_WORDS = (
    "the order was placed on Monday and shipping takes three to five working days please check your account "
    "settings refund policy allows returns within thirty days of delivery if the item is unused in its "
    "original packaging contact support for help with billing questions about an invoice or a subscription "
    "that renews every month we looked into this and found that the parcel left our warehouse yesterday "
    "evening so it should arrive soon could you tell me whether the blue jacket comes in a larger size and "
    "what the difference between both models is"
).split()


def words(rng: random.Random, size: int) -> str:
    """Return text of about so many characters, with numbers in it as people write them."""
    said: list[str] = []
    length = 0
    while length < size:
        word = str(rng.randrange(1, 400)) if rng.random() < 0.01 else rng.choice(_WORDS)
        if rng.random() < 0.08:
            word += rng.choice((".", ",", "?", ".\n"))
        said.append(word)
        length += len(word) + 1
    return " ".join(said)


def batches(spans: int, seed: int, *, lone: bool = False) -> Iterator[bytes]:
    """Yield packed requests of `BATCH` spans."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    rng = random.Random(seed)
    now = time.time_ns() - 60_000_000_000
    for first in range(0, spans, BATCH):
        request = ExportTraceServiceRequest()
        of_resource = request.resource_spans.add()
        _set(of_resource.resource.attributes, {"service.name": "shop", "telemetry.sdk.language": "python"})
        scope = of_resource.scope_spans.add()
        scope.scope.name = "opentelemetry.instrumentation.openai_v2"
        for number in range(first, first + BATCH):
            talk = number if lone else number // 6
            span = scope.spans.add()
            span.trace_id, span.span_id = rng.randbytes(16), rng.randbytes(8)
            span.name = "chat gpt-5-mini"
            span.start_time_unix_nano = now + number * 1_000_000
            span.end_time_unix_nano = span.start_time_unix_nano + 900_000_000
            asked, answered = words(rng, 500), words(rng, 850)
            if number % 12 == 5:
                answered += f" Write to {ANN} or call +44 20 7946 0958."
            _set(
                span.attributes,
                {
                    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-5-mini", "gen_ai.response.model": "gpt-5-mini-2026-08-01",
                    "gen_ai.response.finish_reasons": "stop", "gen_ai.usage.input_tokens": 180 + number % 50,
                    "gen_ai.usage.output_tokens": 240 + number % 70, "server.address": "api.openai.com",
                    "gen_ai.agent.name": ("search", "help", "order")[talk % 3],
                    "gen_ai.conversation.id": f"conversation-{talk}", "user.id": f"user-{talk}@example.net",
                    "gen_ai.system_instructions": _parts("You are a helpful assistant of a shop."),
                    "gen_ai.input.messages": f'[{{"role":"user","parts":{_parts(asked)}}}]',
                    "gen_ai.output.messages":
                        f'[{{"role":"assistant","parts":{_parts(answered)},"finish_reason":"stop"}}]',
                },
            )  # fmt: skip
        yield gzip.compress(request.SerializeToString(), 6)


def _parts(text: str) -> str:
    return json.dumps([{"type": "text", "content": text}])


def _set(pairs: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        pair = pairs.add()
        pair.key = key
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value


def cpu(process: psutil.Process) -> float:
    """Return CPU seconds of a process and of all it started."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


def memory(process: psutil.Process) -> int:
    """Return the bytes in memory of a process and of all it started."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


async def send(url: str, bodies: list[bytes]) -> float:
    """Send requests, `FLYING` at one time, each until it is taken. Returns seconds."""
    waiting = list(reversed(bodies))
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    began = time.perf_counter()
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            while waiting:
                body = waiting.pop()
                while True:
                    async with session.post(url, data=body, headers=headers) as answer:
                        if answer.status == 200:
                            break
                        if answer.status not in (429, 503):
                            raise SystemExit(f"{url} answered {answer.status}: {await answer.text()}")
                        await asyncio.sleep(float(answer.headers.get("retry-after", "1")))

        await asyncio.gather(*(one() for _ in range(FLYING)))
    return time.perf_counter() - began


def start(folder: Path) -> tuple[subprocess.Popen[str], str, float]:
    """Start a server; return it, its address, and the seconds until it listened."""
    (folder / "serve.yaml").write_text("listen: 127.0.0.1:0\nstate: store\nkey_file: telemetry.key\n")
    command = [sys.executable, "-m", "shipworthy", "serve", "--config", str(folder / "serve.yaml")]
    began = time.perf_counter()
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    for line in server.stderr:
        if "listening on " in line:
            return server, line.split()[-1], time.perf_counter() - began
    raise SystemExit(f"the server ended with {server.wait()}")


def taken(spans: int, folder: Path, *, lone: bool = False) -> dict[str, float]:
    """Send spans to a server of our own, end it, and look at what it left."""
    bodies = list(batches(spans, 7, lone=lone))
    folder.mkdir()
    server, address, ready = start(folder)
    process = psutil.Process(server.pid)
    time.sleep(1.5)
    idle, before = memory(process), cpu(process)
    seconds = asyncio.run(send(f"{address}/v1/traces", bodies))
    busy = memory(process)
    rusage = os.wait4
    server.terminate()
    _, code, used = rusage(server.pid, 0)
    spent = used.ru_utime + used.ru_stime - before
    store = folder / "store"
    size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    from shipworthy.telemetry.facts import FactView

    with FactView(store) as view:
        ((kept, people),) = view.query("SELECT count(*), count(*) FILTER (pii) FROM facts")
    found = subprocess.run(["grep", "-rlaE", rf"{ANN}|7946 0958|user-[0-9]+@", str(store)], stdout=subprocess.PIPE)
    return {
        "spans_per_cpu_s": round(spans / spent),
        "spans_per_s": round(spans / seconds),
        "bytes_per_span": round(size / spans, 1),
        "idle_mb": round(idle / 1e6, 1),
        "busy_mb": round(busy / 1e6, 1),
        "ready_s": round(ready, 2),
        "ready_cpu_s": round(before, 2),
        "unredacted": len(found.stdout.splitlines()),
        "lost": spans - kept,
        "ended": code,
        "personal": people,
    }


def rated(facts: int, folder: Path) -> dict[str, float]:
    """Time the rates by day, feature and severity over so many facts, in segments as a server makes them."""
    from shipworthy.telemetry.fact import COLUMNS
    from shipworthy.telemetry.facts import FactView
    from shipworthy.telemetry.rates import rates
    from shipworthy.telemetry.segment import CONTENT, FACTS, JOURNAL, connect, copy_facts, new_name

    for name in (FACTS, JOURNAL, CONTENT):
        (folder / name).mkdir(parents=True)
    connection = connect(folder, threads=2)
    a_segment, begin = 50_000, 1_790_000_000_000_000
    plain = {"BIGINT": "0::BIGINT", "VARCHAR": "''", "BOOLEAN": "false", "DOUBLE": "0.0"}
    for number in range(facts // a_segment):
        values = {column: plain.get(kind, f"0::{kind}") for column, (kind, _) in COLUMNS.items()} | {
            "time": f"({begin} + ({number} * {a_segment} + i) * {30 * 86_400 * 1_000_000 // facts})::BIGINT",
            "received": f"({begin} + ({number} * {a_segment} + i) * {30 * 86_400 * 1_000_000 // facts})::BIGINT",
            "trace": f"md5('{number}/' || i)", "span": f"md5('{number}/' || i)[:16]",
            "feature": "'feature-' || (hash(i) % 20)", "service": "'shop'", "model": "'model-' || (hash(i) % 3)",
            "session": f"hash({number} * {a_segment} + i // 6)", "severity": "(hash(i + 1) % 5)::UTINYINT",
            "violation": "hash(i + 2) % 500 = 0", "new_session": "i % 6 = 0", "new_violation": "hash(i + 2) % 500 = 0",
            "content": f"'{number:013d}-0000'", "kept": "'ordinary'", "block": "(i // 6)::UINTEGER",
        }  # fmt: skip
        source = ", ".join(f'{value} AS "{column}"' for column, value in values.items())
        made = ", ".join(f'{expression} AS "{column}"' for column, (_, expression) in COLUMNS.items())
        target = folder / FACTS / f"{new_name()}.parquet"
        copy_facts(connection, f"SELECT {made} FROM (SELECT {source} FROM range({a_segment}) r(i))", target)
    connection.close()
    times, cpus = [], []
    for _ in range(5):
        began, before = time.perf_counter(), time.process_time()
        with FactView(folder) as view:
            found = rates(view, "violation", ("day", "feature", "severity"))
        times.append(time.perf_counter() - began)
        cpus.append(time.process_time() - before)
    assert len(found.rates) > 1_000, len(found.rates)
    return {"rate_10m_s": round(min(times), 3), "rate_10m_cpu_s": round(min(cpus), 3), "rates": len(found.rates)}


def phoenix(spans: int) -> dict[str, float]:
    """Send the same spans to Phoenix on SQLite, and wait until it has written them."""
    sys.path.insert(0, str(HERE / "peers"))
    from environments import apart, python_of

    python = python_of("phoenix")
    with tempfile.TemporaryDirectory() as home:
        settings = {
            "PHOENIX_WORKING_DIR": home, "PHOENIX_PORT": "16006", "PHOENIX_GRPC_PORT": "16007",
            "PHOENIX_HOST": "127.0.0.1", "PHOENIX_TELEMETRY_ENABLED": "false",
        }  # fmt: skip
        server = subprocess.Popen(
            [python, "-m", "phoenix.server.main", "serve"], env=apart(home) | settings,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return asyncio.run(_phoenix(server, Path(home), spans))
        finally:
            server.terminate()
            server.wait()


async def _phoenix(server: subprocess.Popen[bytes], home: Path, spans: int) -> dict[str, float]:
    import sqlite3

    process, address = psutil.Process(server.pid), "http://127.0.0.1:16006"
    began = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{address}/healthz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            if server.poll() is not None or time.perf_counter() - began > 240:
                raise SystemExit("Phoenix does not come up")
            await asyncio.sleep(0.2)
    ready = time.perf_counter() - began
    await asyncio.sleep(2)
    idle, before = process.memory_info().rss, cpu(process)
    await send(f"{address}/v1/traces", list(batches(spans, 7)))
    database = sqlite3.connect(f"file:{home}/phoenix.db?mode=ro", uri=True)
    until = time.perf_counter() + 600
    while (there := database.execute("SELECT count(*) FROM spans").fetchone()[0]) < spans:
        if time.perf_counter() > until:
            raise SystemExit(f"Phoenix has written {there} of {spans} spans")
        await asyncio.sleep(0.5)
    spent = cpu(process) - before
    size = sum(file.stat().st_size for file in home.glob("phoenix.db*"))
    database.close()
    found = subprocess.run(["grep", "-rlaF", ANN, str(home)], stdout=subprocess.PIPE)
    return {
        "phoenix_spans_per_cpu_s": round(spans / spent, 1),
        "phoenix_bytes_per_span": round(size / spans),
        "phoenix_idle_mb": round(idle / 1e6),
        "phoenix_ready_s": round(ready, 1),
        "phoenix_unredacted": len(found.stdout.splitlines()),
    }


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Measure everything."""
    spans = QUICK if options.quick else SPANS
    with tempfile.TemporaryDirectory(dir=options.dir) as scratch:
        ours = taken(spans, Path(scratch) / "people")
        lone = taken(QUICK, Path(scratch) / "lone", lone=True)
        ours["lone_bytes_per_span"] = lone["bytes_per_span"]
        ours["lone_spans_per_cpu_s"] = lone["spans_per_cpu_s"]
        facts = FACTS // 10 if options.quick else FACTS
        ours |= rated(facts, Path(scratch) / "facts")
    if not options.no_peer:
        ours |= phoenix(PHOENIX_SPANS)
    return ours


def main() -> int:
    """Print the figures; exit 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("--json", "--quick", "--no-peer"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--dir", default=None, help="where the store is; the system's folder for scratch if left out")
    options = parser.parse_args()
    ours = measure(options)
    broken = [
        f"{name} is {ours[name]}, and the limit {limit}"
        for name, limit in LIMITS.items()
        if (ours[name] < limit if name in LEAST else ours[name] > limit)
    ]
    if options.json:
        print(json.dumps(ours))
    else:
        for name, value in ours.items():
            print(f"{name:28}{value:>14,}" + (f"   limit {LIMITS[name]:,}" if name in LIMITS else ""))
    print("over the limit: " + "; ".join(broken) if broken else "within the limits", file=sys.stderr)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
