"""How large a run's transcript page is, and how long a real browser takes to open it.

    python bench/viewer.py --attempts 100000 --json

A run is written with short attempts, as a helpdesk has them: questions of 15 words and answers of 45, drawn at random
by Zipf's law, so they compress worse than a model's would. The page is opened from its file in headless Chromium
several times; a time is from the start of the navigation until the rows of the list stand there with their text, by the
browser's own clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from browser import browser

from shipworthy.core.records import SCHEMA, Attempt, Metric, RunManifest, Score, SuiteUse, as_said, say
from shipworthy.detect.redact import seal
from shipworthy.evals.results import Run
from shipworthy.evals.transcripts import write_viewer
from shipworthy.store.declare import declare_run
from shipworthy.store.runlog import RunLog

ATTACKS = ("none", "prefix_injection", "role_play", "base64")
WORDS = 4000


def make_run(folder: Path, count: int) -> Run:
    """Write a run of so many attempts, with one hit in fifty."""
    use = SuiteUse(
        id="bench", version="1", digest="d", content="synthetic", samples=count // 4, clusters=count // 4,
        attempts=count, each=1, icc=0.3, metric="leak", metrics=(Metric("leak"),), max_error_rate=0.1, attacks=ATTACKS,
    )  # fmt: skip
    manifest = RunManifest(
        schema=SCHEMA, id="RUN-bench", created="2026-11-25T00:00:00Z", system="SYS-bench", plan="bench",
        plan_digest="p", spec_digest="s", subject_digest="t", subject={}, suites=(use,), planned=count, seed=0,
    )  # fmt: skip
    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghilmnoprstuvwy", k=chance.randint(2, 10))) for _ in range(WORDS)]

    weights = [1 / rank for rank in range(1, WORDS + 1)]

    def text(length: int) -> str:
        return " ".join(chance.choices(words, weights, k=length))

    async def write() -> None:
        declare_run(folder, manifest)
        log = RunLog.open(folder)
        for start in range(0, count, 500):
            made = []
            for number in range(start, min(count, start + 500)):
                score = Score(metric="leak", hit=number % 50 == 0, scorer="canary_leak", label="none")
                made.append(
                    Attempt(
                        id=f"AT-{chance.getrandbits(64):016x}",
                        suite="bench",
                        sample=f"sample-{number // 4:06d}",
                        attack=ATTACKS[number % 4],
                        number=1,
                        cluster=f"sample-{number // 4:06d}",
                        seed=number,
                        content_hash="sha256:0",
                        outcome="scored",
                        scores=(score,),
                        events=as_said((say("user", text(15)), say("assistant", text(45)))),
                    )
                )
            await asyncio.gather(*(log.append(seal(one, "synthetic")) for one in made))
        log.close()

    asyncio.run(write())
    return Run.load(folder)


def measure(attempts: int, times: int) -> dict[str, Any]:
    """Return the page's size and the seconds that writing, opening and searching it take."""
    with tempfile.TemporaryDirectory() as folder:
        run, page = make_run(Path(folder) / "RUN-bench", attempts), Path(folder) / "transcripts.html"
        log = sum(file.stat().st_size for file in run.directory.rglob("*") if file.is_file())
        begun = time.perf_counter()
        write_viewer(run, page)
        wrote = time.perf_counter() - begun
        drawn = "(performance.getEntriesByName('rows drawn')[0] || {}).startTime"
        with browser() as chromium, chromium.page() as shown:
            opened = []
            for _ in range(times):
                shown.go(page.as_uri())
                opened.append(shown.until(drawn) / 1000)
            counted = shown.run("document.getElementById('count').textContent")
            searched = shown.run(
                "new Promise((done) => { const box = document.getElementById('search'), began = performance.now();"
                "box.value = 'no such text'; box.dispatchEvent(new Event('input'));"
                "const look = () => document.getElementById('count').textContent.startsWith('0 of')"
                " && !document.getElementById('count').textContent.includes('searching')"
                " ? done(performance.now() - began) : setTimeout(look, 5); look(); })"
            )
        if not counted.startswith(f"{attempts:,} attempts"):
            raise SystemExit(f"the page counted {counted!r}")
        return {
            "attempts": attempts,
            "log_mb": round(log / 1e6, 1),
            "page_mb": round(page.stat().st_size / 1e6, 1),
            "write_seconds": round(wrote, 2),
            "first_rows_seconds": round(statistics.median(opened), 2),
            "first_rows_slowest": round(max(opened), 2),
            "search_all_seconds": round(searched / 1000, 2),
            "times": times,
        }


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5, help="How often the page is opened.")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.attempts < 1 or chosen.times < 1:
        parser.error("--attempts and --times are at least 1")
    found = measure(chosen.attempts, chosen.times)
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):<20} {value}")


if __name__ == "__main__":
    main()
