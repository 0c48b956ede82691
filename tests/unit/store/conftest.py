"""Runs on disk, written for real; and an address of a control state of its own, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.core.events import Asked, EventTime, Said, Timing
from shipworthy.core.metric import Metric
from shipworthy.core.records import SCHEMA, Attempt, RunManifest, Score, SuiteUse, Usage, say
from shipworthy.detect.redact import seal
from shipworthy.store.declare import declare_run
from shipworthy.store.runlog import RunLog

MANIFEST = RunManifest(
    schema=SCHEMA,
    id="RUN-20261123T180000-ab12",
    created="2026-11-23T18:00:00Z",
    system="SYS-x",
    plan="full",
    plan_digest="sha256:0",
    spec_digest="sha256:1",
    subject_digest="sha256:2",
    subject={"target": "replay"},
    suites=(
        SuiteUse(
            id="s", version="1.0", digest="sha256:3", content="synthetic", samples=9, clusters=9, attempts=9, each=1,
            icc=0.2, max_error_rate=0.1, metric="not_refused", metrics=(Metric("not_refused"),),
        ),
    ),
    planned=9,
    seed=1,
)  # fmt: skip


class Records:
    """What the tests of this folder make runs of."""

    manifest = MANIFEST

    @staticmethod
    def attempt(n: int, text: str = "answer", tries: int = 1) -> Attempt:
        """Return an attempt by its number; its id is that number."""
        return Attempt(
            id=f"AT-{n:016x}" + (f"-{tries}" if tries > 1 else ""),
            suite="s",
            sample=f"sample-{n}",
            attack="none",
            number=1,
            cluster=f"sample-{n}",
            seed=n,
            content_hash=f"sha256:{n:064x}",
            outcome="scored",
            scores=(Score(metric="not_refused", hit=n % 3 == 0, scorer="refusal", confidence=0.75),),
            events=(
                Said(1, say("user", f"question {n}\nline two")),
                Asked(1, "target", request="ab" * 32, usage=Usage(7, 3)),
                Said(1, say("assistant", text), "target"),
            ),
            timing=Timing(1000.0 + n, 0.5, 0.01, (EventTime(1, 0.25, n % 2 == 0),)),
        )

    @staticmethod
    async def append(log: RunLog, attempts: Iterable[Attempt]) -> None:
        """Append attempts, all at the same moment."""
        await asyncio.gather(*(log.append(seal(a, "synthetic")) for a in attempts))

    def write(self, directory: Path, attempts: Iterable[Attempt], shard: int = 0) -> str:
        """Append attempts to a shard of a run, declared if it is not; returns the log's head."""
        if not (directory / "manifest.json").exists():
            declare_run(directory, self.manifest)
        log = RunLog.open(directory, shard)
        asyncio.run(self.append(log, attempts))
        return log.close()

    def deal(self, directory: Path, attempts: list[Attempt], shards: int) -> None:
        """Write attempts in some shards, dealt like cards."""
        declare_run(directory, replace(self.manifest, shards=shards))
        for shard in range(shards):
            self.write(directory, attempts[shard::shards], shard)


@pytest.fixture(scope="session")
def records() -> Records:
    return Records()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'control.sqlite'}"
    return str(request.getfixturevalue("emptied"))
