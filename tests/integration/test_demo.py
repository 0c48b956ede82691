"""The whole chain on the real model, as a person types it: demo, killed and run again, gate, verify, tamper, view."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.model, pytest.mark.slow]

EVAL_CALLS = 8  # the plan `smoke`


def shipworthy(*argv, cwd, **options):
    return subprocess.run(
        [sys.executable, "-m", "shipworthy", *map(str, argv)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        **options,
    )


def attempts(workspace):
    """The complete lines of every run log, by run."""
    return {
        log.parent.name: [json.loads(line) for line in log.read_bytes().split(b"\n")[:-1]]
        for log in sorted(workspace.glob(".shipworthy/runs/*/attempts-0000.jsonl"))
    }


@pytest.fixture(scope="module")
def demo(weights, tmp_path_factory):
    """A demo that was killed in the middle of its first run and then run again."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "shipworthy", "demo", "work", "--plan", "smoke", "--no-open"]
    killed = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and killed.poll() is None:
        if sum(len(lines) for lines in attempts(folder / "work").values()) >= 2:
            os.killpg(killed.pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    killed.wait()
    before = attempts(folder / "work")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return folder, killed.returncode, before, done


def test_the_kill_came_in_the_middle(demo):
    _, code, before, _ = demo
    assert code == -signal.SIGKILL
    (lines,) = before.values()
    assert 2 <= len(lines) < EVAL_CALLS


def test_nothing_finished_was_lost_or_done_again(demo):
    folder, _, before, done = demo
    ((run, lines),) = before.items()
    after = attempts(folder / "work")
    assert after[run][: len(lines)] == lines
    assert [len(records) for records in after.values()] == [EVAL_CALLS] * 2
    assert "going on with " + run in done.stderr


def test_it_ends_in_a_verdict_a_report_and_a_pack(demo):
    folder, _, _, done = demo
    assert "where the time went" in done.stdout
    assert "with guards:    INCONCLUSIVE" in done.stdout, "eight attempts cannot decide, and must not"
    (pack,) = (folder / "work" / "evidence").glob("*.zip")
    (report,) = (folder / "work" / "evidence").glob("*.html")
    assert report.stem == pack.stem
    verified = shipworthy("evidence", "verify", pack, "--trust", "work/trust.json", cwd=folder)
    assert verified.returncode == 3, verified.stdout  # it holds, and what it says is inconclusive
    assert "report.html rendered again" in verified.stdout
    assert "BAD" not in verified.stdout


def test_a_tampered_pack_is_refused_by_name(demo, tmp_path):
    folder, *_ = demo
    (pack,) = (folder / "work" / "evidence").glob("*.zip")
    data = pack.read_bytes()
    at = (
        data.index(b'"verdict": "inconclusive"')
        if b'"verdict": "inconclusive"' in data
        else data.index(b"inconclusive")
    )
    changed = tmp_path / "changed.zip"
    changed.write_bytes(data[:at] + data[at:].replace(b"inconclusive", b"ship        ", 1))
    refused = shipworthy("evidence", "verify", changed, "--trust", folder / "work" / "trust.json", cwd=folder)
    assert refused.returncode == 4
    assert "Traceback" not in refused.stderr


def test_the_gate_exits_as_its_verdict_says(demo):
    folder, *_ = demo
    gated = shipworthy("gate", "--format", "json", cwd=folder / "work")
    assert gated.returncode == 3
    assert json.loads(gated.stdout)["verdict"] == "inconclusive"


def test_running_it_again_repeats_nothing(demo):
    folder, *_ = demo
    before = attempts(folder / "work")
    again = shipworthy("demo", "work", "--plan", "smoke", "--no-open", cwd=folder)
    assert again.returncode == 0
    assert again.stderr.count("is there already") == 2
    assert attempts(folder / "work") == before


def test_the_transcripts_can_be_read(demo):
    folder, *_ = demo
    page = folder / "page.html"
    viewed = shipworthy("view", "latest", "-C", "work", "--output", page, cwd=folder)
    assert viewed.returncode == 0, viewed.stderr
    packed = re.search(r'id="index">(.*?)</script>', page.read_text(encoding="utf-8"))[1]
    assert b"groundedness" in gzip.decompress(base64.b64decode(packed))
