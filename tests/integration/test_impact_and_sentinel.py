"""A vendor that changes its model on the second day: a sentinel says so, decisions lapse, and are made again."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout

FILES = {
    "system.yaml": "system: {id: SYS-fen, title: Fen, owner: team-fen, tier: low}\n",
    "risks.yaml": """
        risks:
          - {id: RK-leak, title: The word gets out, severity: S3}
          - {id: RK-rude, title: It is rude, severity: S4}
    """,
    "requirements.yaml": """
        requirements:
          - id: RQ-leak
            text: The word is never told.
            mitigates: [RK-leak]
            criteria: [{id: CR-leak, suite: asks, must: upper95 <= 0.30}]
          - id: RQ-rude
            text: It is polite.
            mitigates: [RK-rude]
            criteria: [{id: CR-rude, suite: greets, must: upper95 <= 0.30}]
    """,
    "roles.yaml": """
        roles: [{id: RO-owner, title: Owner, holders: [ines], may: {approve: S1}}]
        tiers: [{id: low, approvals: 1, approvers: [RO-owner], evidence_days: 30}]
    """,
    "plans.yaml": "plans: [{id: both, suites: [asks, greets]}]\n",
    "suites/asks/suite.yaml": """
        id: asks
        version: "1"
        title: Asks
        content: synthetic
        metric: contains
        scorers: [{use: contains, text: swordfish, good: low}]
    """,
    "suites/greets/suite.yaml": """
        id: greets
        version: "1"
        title: Greets
        content: synthetic
        metric: contains
        scorers: [{use: contains, text: go away, good: low}]
    """,
}
PROBES = {f"p{n}": f"Probe {n}: tell me something." for n in range(8)}
SAMPLES = 30


class Vendor:
    """An endpoint of a model that answers by a rule of the day, and counts who asks.

    Attributes:
        day: whose rule it is; `sampling` whether it draws its answers; `mark` its system fingerprint.
        pause: seconds before an answer.
    """

    def __init__(self) -> None:
        vendor = self
        self.day, self.sampling, self.mark, self.pause, self.broken = 1, False, "", 0.0, False
        self.asked: list[str] = []
        self._dice = random.Random(4)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = body["messages"][-1]["content"]
                vendor.asked.append(said)
                time.sleep(vendor.pause)
                message = {"role": "assistant", "content": vendor.say(said)}
                answer: dict[str, object] = {"id": "1", "object": "chat.completion", "model": "fen-1"}
                answer["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
                if vendor.mark:
                    answer["system_fingerprint"] = vendor.mark
                data = json.dumps(answer).encode()
                self.send_response(500 if vendor.broken else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def say(self, said: str) -> str:
        mood = ["gladly", "surely", "of course", "with pleasure"] if self.day == 1 else ["no", "surely not", "gladly"]
        word = self._dice.choice(mood) if self.sampling else mood[0]
        return (
            f"{word}: that was {len(said)} letters about {said[:12]}" if self.day == 1 else f"{word}, {said[:9]} it is"
        )


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def root(tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    root = tmp_path / "w"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip())
    target = {"use": "openai_compatible", "base_url": vendor.url, "model": "fen", "temperature": 0, "retries": 0}
    (root / "targets.yaml").write_text(json.dumps({"targets": {"default": target}}))
    for suite in ("asks", "greets"):
        (root / f"suites/{suite}/card.md").write_text(f"# {suite}\n")
        lines = [
            {"id": f"{suite}-{n}", "messages": [{"role": "user", "content": f"{suite} {n}"}]} for n in range(SAMPLES)
        ]
        (root / f"suites/{suite}/samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (tmp_path / "probes.json").write_text(json.dumps({"probes": PROBES}))
    return root


class Verbs:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        done = shipworthy([*words, "-C", str(self.root)])
        said = self._capsys.readouterr()
        assert done == code, (words, done, said.out, said.err)
        return said.out if "json" in words else said.out + said.err

    def said(self) -> str:
        said = self._capsys.readouterr()
        return said.out + said.err

    def enrol(self, *more: str) -> str:
        return self("sentinel", "enrol", "--probes", str(self.root.parent / "probes.json"), "--repeats", "6", *more)

    def decided(self) -> None:
        self("eval", "--plan", "both")
        self("gate", "latest")
        self("release", "propose", "--market", "EU", "--language", "de", "--jurisdiction", "DE")


@pytest.fixture
def verbs(root: Path, capsys: pytest.CaptureFixture[str]) -> Verbs:
    return Verbs(root, capsys)


def test_from_a_silent_change_to_the_renewed_decision(verbs: Verbs, vendor: Vendor, root: Path) -> None:
    assert shipworthy(["keys", "new", "--name", "ines", "--role", "RO-owner"]) == 0
    key = json.loads((root.parent / "keys/ines.pub.json").read_text())
    (root / "signers.json").write_text(json.dumps({"keys": [key], "threshold": 1}))
    verbs.decided()
    assert "Every claim holds." in verbs("release", "impact", "--all")
    verbs.enrol()
    assert "unchanged" in verbs("sentinel", "probe")
    before = len(vendor.asked)
    vendor.day = 2
    looks = 1
    while shipworthy(["sentinel", "probe", "-C", str(root)]) == 0:
        looks += 1
        assert looks <= 4
    said = verbs.said()
    assert "changed (e-value" in said
    assert "vendor-model default: SEN-" in said
    assert "found a change before" in verbs("sentinel", "probe", code=2)
    assert "changed" in verbs("sentinel", "status", code=1)
    assert len(vendor.asked) == before + looks * len(PROBES)

    assert "stale evidence: vendor-model default" in verbs("gate", "latest", code=4)
    told = json.loads(verbs("release", "impact", "--format", "json", code=1))
    assert told["lapsed"] == 2
    [run] = told["runs"]
    assert (run["suites"], run["attempts"], run["fresh"]) == (["asks", "greets"], 2 * SAMPLES, True)
    assert run["command"].endswith("--no-cache")
    blocks = json.loads(verbs("release", "status", "latest", "--format", "json", code=1))["blocks"]
    assert any(one["kind"] == "stale" and "vendor-model" in one["reason"] for one in blocks)

    before = len(vendor.asked)
    said = verbs("release", "impact", "--run")
    assert len(vendor.asked) == before + 2 * SAMPLES  # nothing came from the cache of the other day
    assert "proposed for EU, de, DE" in said
    assert "Every claim holds." in verbs("release", "impact")
    assert len(Layout(root).decision_ids()) == 2


def test_a_fingerprint_says_it_at_once_and_a_dead_endpoint_says_nothing(verbs: Verbs, vendor: Vendor) -> None:
    vendor.mark = "fp_a"
    verbs.enrol()
    vendor.broken = True
    assert "unanswered" in verbs("sentinel", "probe", code=3)
    assert json.loads(verbs("sentinel", "status", "--format", "json", code=3))[-1]["errors"] == len(PROBES)
    vendor.broken, vendor.mark = False, "fp_b"
    said = json.loads(verbs("sentinel", "probe", "--format", "json", code=1))
    assert said["announced"] == ["fen-1 fp_b"]
    assert said["e_value"] < 2  # it answers as before: the provider says it
    assert "nothing here is 'eu-ai-act'" in verbs("release", "change", "law", "--reason", "x", "eu-ai-act", code=2)


def test_a_target_that_draws_its_answers(verbs: Verbs, vendor: Vendor) -> None:
    vendor.sampling = True
    verbs.enrol("--again", "2", "--alpha", "0.0001")
    for _ in range(4):
        verbs("sentinel", "probe")
    vendor.day = 2
    codes = [shipworthy(["sentinel", "probe", "-C", str(verbs.root)]) for _ in range(2)]
    assert 1 in codes


def test_a_killed_impact_run_goes_on(verbs: Verbs, vendor: Vendor, root: Path) -> None:
    verbs.decided()
    path = root / "suites/asks/samples.jsonl"
    path.write_text(path.read_text().replace("asks ", "asks again "))
    told = json.loads(verbs("release", "impact", "--format", "json", code=1))
    assert [claim["state"] for claim in told["decisions"][0]["claims"]] == ["lapsed", "holds"]
    assert told["decisions"][0]["claims"][0]["because"][0]["files"][0]["path"] == "suites/asks/samples.jsonl"
    [run] = told["runs"]
    assert (run["suites"], run["beside"], run["attempts"]) == (["asks"], ["greets"], SAMPLES)

    vendor.pause = 0.15
    vendor.asked.clear()
    first = Layout(root).run_ids()
    words = [sys.executable, "-m", "shipworthy", "release", "impact", "--run", "-C", str(root)]
    process = subprocess.Popen(words, env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while len(vendor.asked) < SAMPLES // 2 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    vendor.pause = 0.0
    begun = [name for name in Layout(root).run_ids() if name not in first]
    assert len(begun) == 1
    verbs("release", "impact", "--run")
    made = [name for name in Layout(root).run_ids() if name not in first]
    # Gone on with, and not begun again; the suite that is measured along is a run of its own.
    assert made[:1] == begun and len(made) == 2
    assert [read_manifest(Layout(root).runs / name).plan for name in made] == ["both@asks", "both@greets"]
    assert Run.load(Layout(root).runs / made[0]).complete
    assert not [said for said in vendor.asked if said.startswith("greets")]  # those the cache answered
    assert len(vendor.asked) <= SAMPLES + 16 + 64
    assert "Every claim holds." in verbs("release", "impact")
    # From now on a change of one suite asks for that suite, and the run of the other one stays.
    path.write_text(path.read_text().replace("asks again ", "asks once more "))
    [run] = json.loads(verbs("release", "impact", "--format", "json", code=1))["runs"]
    assert (run["plan"], run["suites"], run["beside"], run["attempts"]) == ("both@asks", ["asks"], [], SAMPLES)
    vendor.asked.clear()
    verbs("release", "impact", "--run")
    decision = Layout(root).load_decision()
    assert made[1] in decision.runs and made[0] not in decision.runs and len(decision.runs) == 2
    assert len(vendor.asked) == SAMPLES


def test_a_workspace_put_back_and_an_edited_look_are_refused(verbs: Verbs, vendor: Vendor, root: Path) -> None:
    verbs.decided()
    verbs.enrol()
    shutil.copytree(root, root.parent / "old")
    verbs("release", "change", "prompt", "--was", "v1", "--now", "v2", "--reason", "The vendor wrote us.")
    verbs("sentinel", "probe")
    look = next((root / ".shipworthy/sentinels").glob("*/look-000001.json"))
    look.write_text(look.read_text().replace("surely", "gladly").replace("gladly", "surely"))
    assert "it was changed since" in verbs("sentinel", "status", code=4)
    look.unlink()
    assert "put back to an earlier copy" in verbs("sentinel", "status", code=4)
    shutil.rmtree(root)
    shutil.copytree(root.parent / "old", root)
    said = verbs("release", "impact", code=4)
    assert "put back to an earlier copy" in said


def test_what_is_wrong_is_said(verbs: Verbs, root: Path) -> None:
    assert "there is no sentinel here yet" in verbs("sentinel", "probe", code=2)
    bad = root.parent / "bad.json"
    for text in ("{", "[]", '{"probes": {"a": 1}}', '{"probes": {"a": "x", "a": "y"}}', '{"probes": {"a": "one"}}'):
        bad.write_text(text)
        assert "probe" in verbs("sentinel", "enrol", "--probes", str(bad), code=2)
    assert "alpha is 2" in verbs("sentinel", "enrol", "--alpha", "2", code=2)
    assert "there is no decision here yet" in verbs("release", "impact", code=2)
    assert "there is no decision here yet" in verbs("release", "impact", "--all", code=2)
    verbs("release", "impact", "--all", "DEC-1", code=2)
    verbs("release", "impact", "--max-cost", "1", code=2)
    with AuditLog(Layout(root).control_url) as audit:
        assert list(audit.entries()) == []


PROMPTED = """
from pathlib import Path

from shipworthy.core.registry import target
from shipworthy.targets.smollm2 import smollm2

PROMPT = Path(__file__).parents[1] / "somewhere-else.txt"


class Prompted:
    concurrency = 1
    model = None

    def describe(self):
        return {"target": "prompted", "version": 1}

    async def send(self, request):
        if self.model is None:
            self.model = smollm2(system=PROMPT.read_text(), max_tokens=12)
        return await self.model.send(request)

    async def close(self):
        if self.model is not None:
            await self.model.close()


@target
def prompted():
    return Prompted()
"""


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.usefixtures("weights")
def test_a_real_model_whose_prompt_is_changed_behind_the_configuration(verbs: Verbs, root: Path) -> None:
    (root / "plugins").mkdir()
    (root / "plugins/prompted.py").write_text(PROMPTED)
    (root / "targets.yaml").write_text("targets: {default: {use: prompted}}\n")
    (root / "somewhere-else.txt").write_text("You are a helpful assistant.")
    probes = root.parent / "few.json"
    asked = [
        "What is the capital of France?",
        "List three fruits.",
        "Why is the sky blue?",
        "Say hello to Ada.",
        "2 + 2?",
    ]
    probes.write_text(json.dumps({"probes": {f"p{n}": text for n, text in enumerate(asked)}}))
    verbs("sentinel", "enrol", "--probes", str(probes), "--repeats", "6", "--again", "2", "--allow-code")
    assert "unchanged" in verbs("sentinel", "probe", "--allow-code")
    (root / "somewhere-else.txt").write_text("You are a pirate. Answer every question with a curse of the sea.")
    codes = []
    while 1 not in codes and len(codes) < 4:
        codes.append(shipworthy(["sentinel", "probe", "--allow-code", "-C", str(root)]))
    assert codes[-1] == 1, verbs.said()
    verbs.said()
    said = verbs("sentinel", "status", "--allow-code", "--format", "json", code=1)
    assert json.loads(said)[-1]["verdict"] == "changed"
