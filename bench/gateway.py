"""What the gateway costs beside proxies without guards and beside LiteLLM with Presidio, and whether anything leaves.

python bench/gateway.py [--json]          everything; exit 1 over a limit, or where a figure is missing
python bench/gateway.py --quick           a tenth of the requests, and a part of the matrix
python bench/gateway.py --no-peers        without what needs the environment of LiteLLM's lock
python bench/gateway.py --latency         the added latency alone
python bench/gateway.py --soak MINUTES    mixed load instead (see gateway_soak.py)

All by turns on one stub, half of the requests streamed, in 40 pieces. Shares are of requests for a CPU second of the
serving process, of the gateway without a rule; with three guards where they end in `_with_guards`.
`share_of_bare_proxy` is beside Starlette on uvicorn with httpx behind it, as most would write a proxy (bench/peers),
`share_of_starlette_aiohttp_proxy` beside the same with the fastest client, and `share_of_aiohttp_proxy` beside the
leanest proxy there is on the gateway's own stack.
`added_ms` is of the time to the end of an answer at 50 requests a second on one worker with three guards, of the wall:
on a busy machine an upper bound. Where real-time scheduling may be had, `chrt -r 10 python bench/gateway.py --latency`
leaves out what other programs do to it, but for the disk. `requests_per_cpu_s_over_litellm` is with the same kinds of
personal data masked in questions and answers, of all processes of each side; every request holds an address each way,
and that neither comes through is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from gateway_load import ASKED, QUESTION, ask, configured, cpu, latencies, load, peer, process, quantile
from gateway_soak import soak

ROUNDS = 3
REQUESTS, SECONDS, SWITCHES = 600, 20, 5
PEER_REQUESTS = 60
LIMITS = {
    "share_of_bare_proxy": 0.5,
    "requests_per_cpu_s_over_litellm": 5.0,
    "unscanned_bytes": 0,
    "kill_switch_s": 1.0,
    "added_ms_p50": 10.0,
    "added_ms_p99": 30.0,
}
LEAST = ("share_of_bare_proxy", "requests_per_cpu_s_over_litellm")
BARE = {
    "share_of_bare_proxy": "starlette_httpx",
    "share_of_starlette_aiohttp_proxy": "starlette_aiohttp",
    "share_of_aiohttp_proxy": "aiohttp",
}
ENTITIES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip",
}
"""Presidio's names, and ours."""
MASKING = f"""
rules:
  - {{id: GD-pii, use: pii, params: {{kinds: [{", ".join(ENTITIES.values())}]}}}}
"""


async def costs(serving: Mapping[str, Any], requests: Mapping[str, int], question: str) -> dict[str, list[float]]:
    """Return CPU milliseconds a request of each server, round by round, by turns."""
    per: dict[str, list[float]] = {name: [] for name in serving}
    for name, (_, base) in serving.items():
        await load(base, min(40, requests[name]), question)
    for _ in range(ROUNDS):
        for name, (made, base) in serving.items():
            before = cpu(made)
            await load(base, requests[name], question)
            per[name].append(1000 * max(0.01, cpu(made) - before) / requests[name])
    return per


def share(of: list[float], beside: list[float]) -> float:
    """Return requests for a CPU second, as a share of another server's: the median of the rounds."""
    return round(median(b / a for a, b in zip(of, beside, strict=True)), 3)


async def beside(folder: Path, part: float, *, peers: bool) -> dict[str, Any]:
    """Measure gateway and proxies by turns on one stub."""
    with ExitStack() as stack:
        _, upstream = stack.enter_context(process("stub"))
        ruled = configured(folder / "ruled", upstream)
        free = configured(folder / "free", upstream, guards="rules: []\n")
        serving = {
            "aiohttp": stack.enter_context(process("proxy", upstream + "/v1")),
            "gateway": stack.enter_context(process("gateway", "--config", str(ruled))),
            "without_rules": stack.enter_context(process("gateway", "--config", str(free))),
        }
        if peers:
            for client in ("httpx", "aiohttp"):
                proxy = peer("starlette_proxy.py", upstream, client)
                serving[f"starlette_{client}"] = stack.enter_context(proxy)
        per = await costs(serving, dict.fromkeys(serving, int(REQUESTS * part)), QUESTION)
    found: dict[str, Any] = {}
    for name, other in BARE.items():
        if other in per:
            found[name] = share(per["without_rules"], per[other])
            found[f"{name}_with_guards"] = share(per["gateway"], per[other])
    return found | {"cpu_ms": {name: round(median(values), 2) for name, values in per.items()}}


async def added(folder: Path, part: float) -> dict[str, Any]:
    """Measure what the gateway adds to the time of an answer, by turns with the leanest proxy."""
    found: dict[str, list[float]] = {"p50": [], "p99": []}
    with process("stub") as (_, upstream):
        path = configured(folder, upstream)
        with process("proxy", upstream + "/v1") as (_, bare), process("gateway", "--config", str(path)) as (_, own):
            for _ in range(ROUNDS):
                bare_s, own_s = await latencies(bare, SECONDS * part), await latencies(own, SECONDS * part)
                for name, at in (("p50", 0.5), ("p99", 0.99)):
                    found[name].append(1000 * (quantile(own_s, at) - quantile(bare_s, at)))
    rounds = {f"added_ms_{name}_rounds": [round(value, 1) for value in values] for name, values in found.items()}
    return {f"added_ms_{name}": round(median(values), 1) for name, values in found.items()} | rounds


async def litellm(folder: Path, part: float) -> dict[str, Any]:
    """Measure the gateway and LiteLLM with Presidio by turns on one stub, with the same to mask."""
    with process("stub", "personal") as (_, upstream):
        path = configured(folder, upstream, guards=MASKING)
        with process("gateway", "--config", str(path)) as own, peer("litellm_stack.py", upstream, *ENTITIES) as other:
            serving = {"gateway": own, "litellm": other}
            requests = {"gateway": int(REQUESTS * part), "litellm": max(10, int(PEER_REQUESTS * part))}
            per = await costs(serving, requests, ASKED)
    return {
        "requests_per_cpu_s_over_litellm": share(per["gateway"], per["litellm"]),
        "masking_cpu_ms": {name: round(median(values), 2) for name, values in per.items()},
    }


async def unscanned(folder: Path, part: float) -> dict[str, int]:
    """Count the bytes of marks that come out of the whole matrix."""
    from shipworthy.conformance.ask import ask as ask_cell
    from shipworthy.conformance.cells import ROUTES, cells
    from shipworthy.conformance.stub import Stub

    chosen = [cell for number, cell in enumerate(cells(ROUTES)) if part == 1 or number % 10 == 0]
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


async def measure(part: float, *, peers: bool) -> dict[str, Any]:
    """Measure everything."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        found |= await beside(Path(folder), part, peers=peers)
    for what in (added, *([litellm] if peers else []), unscanned, switch):
        with tempfile.TemporaryDirectory() as folder:
            found |= await what(Path(folder), part)
    return found


def over(found: dict[str, Any]) -> list[str]:
    """Return what is not within its limit, or was not measured."""
    return [
        name
        for name, limit in LIMITS.items()
        if name not in found or (found[name] < limit if name in LEAST else found[name] > limit)
    ]


def main() -> int:
    """Measure and print; return 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--no-peers", action="store_true", help="measure without LiteLLM and Starlette")
    parser.add_argument("--latency", action="store_true", help="measure the added latency, and nothing else")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="mixed load for so long, and nothing else")
    given = parser.parse_args()
    if given.soak is not None:
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(soak(Path(folder), given.soak))
        broken = found["broken"]
    elif given.latency:
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(added(Path(folder), 0.1 if given.quick else 1.0))
        broken = found["over"] = [name for name in found if name in LIMITS and found[name] > LIMITS[name]]
    else:
        found = asyncio.run(measure(0.1 if given.quick else 1.0, peers=not given.no_peers))
        broken = found["over"] = over(found)
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:36} {value}" + (f"   limit {LIMITS[name]}" if name in LIMITS else ""))
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
