"""What an attempt costs at the very least: a question, an answer, a hash-chained line, now and then a sync. No product.

python bench/floor.py N
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

WORKERS = 10
SYNC_EVERY = 100


async def answer(question: str) -> str:
    """Say yes after one turn of the loop."""
    await asyncio.sleep(0)
    return "yes"


async def run(n: int, path: Path) -> None:
    """Write n lines."""
    chain, written, numbers = b"\0" * 32, 0, iter(range(n))
    with path.open("wb") as file:

        async def work() -> None:
            nonlocal chain, written
            for number in numbers:
                began = time.perf_counter()
                question = f"Question {number}: say yes"
                said = await answer(question)
                line = json.dumps(
                    {
                        "id": number,
                        "messages": [question, said],
                        "hit": said == "yes",
                        "seconds": time.perf_counter() - began,
                        "previous": chain.hex(),
                    }
                ).encode()
                chain = sha256(line).digest()
                file.write(line + b"\n")
                written += 1
                if written % SYNC_EVERY == 0:
                    file.flush()
                    os.fsync(file.fileno())

        await asyncio.gather(*(work() for _ in range(WORKERS)))


def peak_mb() -> float:
    """Return the most memory this program had, on Linux."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def main(n: int) -> None:
    """Print one line of JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        asyncio.run(run(n, Path(scratch) / "floor.jsonl"))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = peak_mb()
    print(json.dumps({"n": n, "cpu_ms": cpu / n * 1e3, "wall_s": wall, "peak_mb": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
