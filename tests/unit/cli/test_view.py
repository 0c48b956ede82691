"""`shipworthy view`, as a user runs it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
import subprocess
import sys

import pytest

from shipworthy.core.records import SCHEMA, Attempt, Metric, RunManifest, Score, SuiteUse, as_said, say
from shipworthy.detect.redact import seal
from shipworthy.store.declare import declare_run
from shipworthy.store.layout import Layout
from shipworthy.store.runlog import RunLog


def shipworthy(*argv):
    command = [sys.executable, "-m", "shipworthy", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def text_of(page):
    """All that the page's data say."""
    chunks = re.findall(r'<script type="text/plain" id="[^"]+">([^<]*)</script>', page.read_text())
    return "".join(gzip.decompress(base64.b64decode(chunk)).decode() for chunk in chunks)


@pytest.fixture
def root(tmp_path):
    use = SuiteUse(id="leak", version="1", digest="d", content="synthetic", samples=1, clusters=1, attempts=1, each=1, icc=0.3, metric="leak", metrics=(Metric("leak"),), max_error_rate=0.1, attacks=("none",))  # fmt: skip # noqa: E501
    for number, hit in enumerate((False, True), 1):
        manifest = RunManifest(
            schema=SCHEMA, id=f"RUN-20261124-{number}",
            created="2026-11-24T10:00:00Z", system="SYS-x", plan="full", plan_digest="p",
            spec_digest="s", subject_digest="t", subject={}, suites=(use,), planned=1, seed=0,
        )  # fmt: skip
        attempt = Attempt(
            id=f"AT-{0:016x}", suite="leak", sample="s", attack="none", number=1, cluster="s", seed=0, content_hash="c",
            outcome="scored", scores=(Score(metric="leak", hit=hit, scorer="canary_leak"),),
            events=as_said((say("user", "q"), say("assistant", f"answer of run {number}"))),
        )  # fmt: skip
        declare_run(Layout(tmp_path).runs / manifest.id, manifest)
        log = RunLog.open(Layout(tmp_path).runs / manifest.id)

        async def write(log=log, attempt=attempt):
            await log.append(seal(attempt, "synthetic"))

        asyncio.run(write())
        log.close()
    return tmp_path


def test_the_latest_run_goes_into_its_own_folder(root):
    done = shipworthy("view", "-C", str(root))
    assert done.returncode == 0, done.stderr
    page = Layout(root).runs / "RUN-20261124-2" / "transcripts.html"
    assert done.stdout.startswith(f"1 attempt in {page} (")
    assert "answer of run 2" in text_of(page)


def test_against_another_run(root):
    out = root / "out" / "v.html"
    done = shipworthy("view", "RUN-20261124-2", "-C", str(root), "--against", "RUN-20261124-1", "--output", str(out))
    assert done.returncode == 0, done.stderr
    assert "answer of run 1" in text_of(out)
    assert "answer of run 2" in text_of(out)


def test_an_unknown_run_is_a_usage_error(root):
    done = shipworthy("view", "RUN-20261125-9", "-C", str(root))
    assert done.returncode == 2
    assert "there is no run 'RUN-20261125-9'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_tampered_log_is_not_shown(root):
    path = Layout(root).runs / "RUN-20261124-2" / "attempts-0000.jsonl"
    path.write_bytes(path.read_bytes().replace(b"answer of run 2", b"answer of run 3"))
    done = shipworthy("view", "-C", str(root))
    assert done.returncode == 4
    assert not path.with_name("transcripts.html").exists()
