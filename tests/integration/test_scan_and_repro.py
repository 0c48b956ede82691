"""`shipworthy scan` and `shipworthy repro`, from the command line to the report, on targets of our own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

APP = """
import hashlib, time
def refuses(text): return "I cannot answer that."
def obliges(text): return "Sure! Here is how to do it. First, get everything ready. Then do it. " + text[-80:]
def moody(text):
    import random
    return refuses(text) if random.random() < 0.5 else obliges(text)
def slow(text): time.sleep(0.05); return "I cannot answer that."
def broken(text): raise ValueError(text)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    (folder / "scanned_app.py").write_text(APP)
    return folder


def shipworthy(place, *words, **env):
    return subprocess.run(
        [sys.executable, "-m", "shipworthy", *words],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **env},
    )


def _importable(folder):
    return {"PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(folder))))}


@pytest.fixture(scope="module")
def scanned(place):
    """One scan of a target that refuses everything, within a budget that holds two samples or more of each suite."""
    done = shipworthy(place, "scan", "--target", "scanned_app:moody", "--budget", "20s", "--output", "out")
    return done, place / "out"


def test_a_scan_ends_with_a_table_a_report_and_its_code(scanned):
    done, out = scanned
    assert done.returncode in (1, 3), done.stderr
    for suite in ("harmful-request", "over-refusal", "indirect-injection", "groundedness"):
        assert re.search(rf"^{suite} .*%.* to .*%", done.stdout, flags=re.M)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "CR-harm" in page
    assert "samples of each suite" in done.stderr


def test_every_suite_gets_the_same_share(scanned):
    _, out = scanned
    (manifest,) = out.glob(".shipworthy/runs/*/manifest.json")
    suites = json.loads(manifest.read_text())["suites"]
    assert len({s["samples"] for s in suites}) == 1 or min(s["samples"] for s in suites) >= 60
    assert {len(s["attacks"]) for s in suites} == {3}


def test_a_scan_leaves_a_workspace(scanned):
    _, out = scanned
    assert shipworthy(out.parent, "check", "-C", "out").returncode == 0
    assert shipworthy(out.parent, "runs", "list", "-C", "out").returncode == 0


def test_one_attempt_is_made_again(scanned):
    _, out = scanned
    (log,) = out.glob(".shipworthy/runs/*/attempts-0000.jsonl")
    attempt = re.search(r"AT-[0-9a-f]{16}", log.read_text())[0]
    done = shipworthy(out.parent, "repro", attempt, "-C", "out", "-n", "12", "--allow-code", **_importable(out.parent))
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^now +\d+: ", done.stdout, flags=re.M)) == 12
    assert re.search(r"\d+(\.\d)? % \[.* %, .* %\], \d+ of 12 tries, 0 errors left out", done.stdout)
    assert "$KEY" in done.stdout
    runs = list(out.glob(".shipworthy/runs/*"))
    assert len(runs) == 1  # repro writes no run


def test_an_attempt_that_is_nowhere_is_a_users_mistake(scanned):
    _, out = scanned
    done = shipworthy(out.parent, "repro", "AT-0000000000000000", "-C", "out", **_importable(out.parent))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_target_that_always_fails_is_no_verdict(place):
    done = shipworthy(place, "scan", "--target", "scanned_app:broken", "--output", "broken")
    assert done.returncode == 4
    assert "answered nothing: scanned_app:broken raised ValueError at scanned_app.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_budget_that_is_too_short_says_what_it_needs(place):
    done = shipworthy(place, "scan", "--target", "scanned_app:slow", "--budget", "1ms", "--output", "short")
    assert done.returncode == 4
    assert re.search(r"needs about \d+ s", done.stderr)


def test_a_mistyped_target_leaves_a_former_scan_as_it_was(place, scanned):
    before = (place / "out" / "targets.yaml").read_text()
    done = shipworthy(place, "scan", "--target", "smolm2", "--output", "out")
    assert done.returncode == 2
    assert "did you mean 'smollm2'" in done.stderr
    assert (place / "out" / "targets.yaml").read_text() == before


def test_a_folder_that_is_not_ours_is_left_alone(place):
    (place / "mine").mkdir()
    (place / "mine" / "system.yaml").write_text("precious")
    done = shipworthy(place, "scan", "--target", "scanned_app:refuses", "--output", "mine")
    assert done.returncode == 2
    assert (place / "mine" / "system.yaml").read_text() == "precious"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--base-url", "http://127.0.0.1:1/v1"],
        ["--base-url", "http://127.0.0.1:1/v1", "--model", "m", "--target", "a:b"],
        ["--base-url", "http://models.example/v1", "--model", "m", "--api-key-env", "SCAN_KEY"],
        ["--base-url", "http://127.0.0.1:1/v1", "--model", "m", "--api-key-env", "sk-pasted-key-0123"],
        ["--base-url", "http://127.0.0.1:1/v1", "--model", "m", "--api-key-env", "NOT_SET_ANYWHERE_1"],
        ["--target", "nowhere:f"],
        ["--target", "smolm2"],
        ["--target", "scanned_app:refuses", "--limit", "2"],
        ["--target", "scanned_app:refuses", "--budget", "soon"],
    ],
)
def test_what_cannot_work_is_said_without_a_traceback(place, words):
    done = shipworthy(place, "scan", *words, "--output", "wrong", SCAN_KEY="sk-hidden")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "sk-" not in done.stderr


def test_an_endpoint_is_scanned_and_its_key_is_nowhere(place, allow, chat):
    words = ["--base-url", chat.url, "--model", "m", "--api-key-env", "SCAN_KEY", "--budget", "15s", "--output", "http"]
    done = shipworthy(place, "scan", *words, SCAN_KEY="sk-hidden-key-4711")
    assert done.returncode in (0, 1, 3), done.stderr
    assert {headers["Authorization"] for headers in chat.seen} == {"Bearer sk-hidden-key-4711"}
    out = place / "http"
    (log,) = out.glob(".shipworthy/runs/*/attempts-0000.jsonl")
    attempt = re.search(r"AT-[0-9a-f]{16}", log.read_text())[0]
    repro = ["repro", attempt, "-C", "http", "-n", "3"]
    again = shipworthy(place, *repro, SCAN_KEY="sk-hidden-key-4711")
    assert again.returncode == 2, "a scan's folder may send the key no more than any other"
    assert f"shipworthy allow key env:SCAN_KEY {chat.place}" in again.stderr
    allow(env__SCAN_KEY=chat.place)
    again = shipworthy(place, *repro, SCAN_KEY="sk-hidden-key-4711")
    assert "answers: alike in 3 of 3" in again.stdout
    assert "deterministic" not in again.stdout
    curl = again.stdout[again.stdout.index("curl ") :]
    assert chat.url + "/chat/completions" in curl
    assert '"Authorization: Bearer $KEY"' in curl
    if shutil.which("curl"):
        env = {**os.environ, "KEY": "sk-by-hand"}
        ran = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, env=env)
        assert chat.said in ran.stdout, ran.stderr
        assert chat.seen[-1]["Authorization"] == "Bearer sk-by-hand"
    for file in (p for p in out.rglob("*") if p.is_file()):
        assert b"sk-hidden-key-4711" not in file.read_bytes()
    assert "sk-hidden-key-4711" not in done.stdout + done.stderr + again.stdout + again.stderr
