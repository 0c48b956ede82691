"""Whatever the code of a target does, its attempt ends as an outcome, or the run as a stop that says how to go on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from shipworthy.evals.results import Run

pytestmark = pytest.mark.slow

APP = """
import asyncio, builtins, json, os, signal, subprocess, sys, threading, time
from shipworthy.core.records import Reply, Request, answer, say

class Odd(BaseException): pass
class Mute(Exception):
    def __str__(self): raise SystemExit(0)
    __repr__ = __str__
class Hostile:
    def __repr__(self): raise SystemExit(0)
    __str__ = __eq__ = __len__ = __hash__ = __iter__ = __repr__
    __class__ = property(__repr__)

def fail(error): raise error
async def child(work):
    async def inner(): work()
    await asyncio.create_task(inner())

def patch():
    import shipworthy.store.line, shipworthy.targets._wire as wire
    json.dumps = builtins.repr = shipworthy.store.line.encode_attempt = lambda *a, **k: "{}"
    wire._encode = lambda message: b"{}"
def linger():
    threading.Thread(target=time.sleep, args=(10_000,)).start()
    for command in (["sleep", "98765"], ["setsid", "sleep", "98765"]):
        subprocess.Popen(command)
def cancel_all():
    for task in asyncio.all_tasks(): task.cancel()
def eat():
    held = []
    while True: held.append(bytearray(b"x" * 20_000_000))

ACTS = {
    "exit": lambda: sys.exit(0),
    "interrupt": lambda: fail(KeyboardInterrupt()),
    "generator": lambda: fail(GeneratorExit()),
    "odd": lambda: fail(Odd("x")),
    "mute": lambda: fail(Mute()),
    "nothing": lambda: None,
    "big": lambda: "x" * 50_000_000,
    "endless": lambda: (word for word in iter(int, 1)),
    "hostile": lambda: Hostile(),
    "inside": lambda: Reply(messages=(say("assistant", Hostile()),)),
    "fork": lambda: str(os.fork()),
    "folder": lambda: os.chdir("/") or "moved",
    "hang": lambda: time.sleep(10_000),
    "gone": lambda: os._exit(0),
    "abort": lambda: os.abort(),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "close": lambda: os.closerange(0, 256),
    "patch": lambda: patch() or "patched",
    "eat": eat,
    "linger": lambda: linger() or "left",
    "deaf": lambda: [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)] and "deaf",
}
LATER = {
    "thrown": lambda: fail(GeneratorExit()),
    "cancel": lambda: asyncio.current_task().cancel(),
    "block": lambda: time.sleep(10_000),
    "task": lambda: sys.exit(0),
    "all": cancel_all,
    "loop": lambda: asyncio.get_running_loop().stop(),
}

def plain(text):
    time.sleep(0.01)
    return ACTS[text]() if text in ACTS else "fine"
async def later(text):
    await asyncio.sleep(0.01)
    if text in ("task", "thrown"): await child(LATER[text])
    elif text in LATER: LATER[text]()
    await asyncio.sleep(0.01)
    return ACTS[text]() if text in ACTS and text != "hang" else "fine"
def slow(text):
    time.sleep(0.2)
    return "fine"
"""


@pytest.fixture
def workspace(tmp_path):
    def make(call: str, acts: list[str], **settings: object) -> Path:
        root = tmp_path / "workspace"
        (root / "suites" / "many").mkdir(parents=True)
        target = json.dumps({"use": "python", "call": f"vanishing:{call}", "timeout": 3, **settings})
        system = "{id: SYS-bad, title: Bad, owner: Ops, tier: low, purpose: Does what it likes.}"
        (root / "system.yaml").write_text(f"system: {system}\ntargets: {{default: {target}}}\n")
        (root / "suites/many/suite.yaml").write_text(
            'id: many\nversion: "1"\ntitle: Many\ncontent: synthetic\nmetric: not_refused\n'
            "scorers: [{use: contains, text: never, good: low, metric: not_refused}]\n"
        )
        (root / "suites/many/card.md").write_text("# Many\n\nWhat a target may do.\n")
        samples = [{"id": f"M-{act}", "messages": [{"role": "user", "content": act}]} for act in acts]
        (root / "suites/many/samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
        (root / "vanishing.py").write_text(textwrap.dedent(APP))
        return root

    return make


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "shipworthy", "eval", "--allow-code", "--no-cache", *arguments]


def evaluate(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # In its folder, so that every path of it is relative: a target that changes the folder must not lead us away.
    return subprocess.run(
        command(*arguments), cwd=root, env=_environment(**environment), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def _environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "CI"} | more


def read(root: Path) -> Run:
    (manifest,) = (root / ".shipworthy" / "runs").glob("*/manifest.json")
    return Run.load(manifest.parent)  # verifies the log


def outcomes(root: Path) -> dict[str, str]:
    return {attempt.sample.removeprefix("M-"): attempt.outcome for attempt in read(root).attempts()}


RAISED = ["exit", "interrupt", "generator", "odd", "mute", "nothing", "big", "endless", "hostile", "inside"]
FINE = [f"fine{i}" for i in range(8)]


@pytest.mark.parametrize("call", ["plain", "later"])
def test_in_this_process_what_can_be_caught_is_an_outcome(workspace, call):
    first, last = ([], "hang") if call == "plain" else (["cancel", "thrown"], "block")
    acts = [*first, *RAISED, "fork", "folder", *FINE, last]
    root = workspace(call, acts)
    done = evaluate(root, "--concurrency", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    expected = dict.fromkeys(acts, "scored") | dict.fromkeys(RAISED, "target_error")
    expected |= {"hang": "timeout", "block": "timeout"} | dict.fromkeys(["cancel", "thrown"], "target_error")
    found = outcomes(root)
    if call == "later":  # what was asked beside the one that held up everything was not answered in time either
        held = {act for act in FINE if found[act] == "timeout"}
        assert len(held) < len(FINE) / 2
        expected |= dict.fromkeys(held, "timeout")
    assert found == {act: expected[act] for act in acts}
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("call", "act", "said"),
    [
        ("later", "task", r"Stopped: code of an attempt called exit\(0\)"),
        ("later", "all", "Stopped: code of an attempt cancelled the run"),
        ("later", "loop", "Stopped: code of an attempt stopped the event loop"),
        ("plain", "close", ""),  # standard error is among what it closes
        ("plain", "gone", "ended it, with exit code 0"),
        ("plain", "abort", "ended by SIGABRT"),
        ("plain", "kill", "ended by SIGKILL"),
    ],
)
def test_in_this_process_what_cannot_be_caught_stops_and_says_how_to_go_on(workspace, call, act, said):
    if sys.platform != "linux" and act in ("gone", "abort", "kill"):
        pytest.skip("the work is watched on Linux")
    root = workspace(call, [*FINE, act])
    done = evaluate(root, "--concurrency", "1")
    assert done.returncode == 4, done.stdout + done.stderr
    run = read(root)
    assert 1 <= len(run) < len(FINE) + 1
    assert set(run.outcomes) <= {"scored", "target_error"}
    assert run.outcomes["scored"] == len(run)
    said_all = done.stdout + done.stderr
    assert re.search(said, said_all), said_all
    if act != "close":
        assert f"Go on:    shipworthy eval --resume {run.id} --no-cache --allow-code" in said_all
    before = {attempt.id: attempt for attempt in run.attempts()}
    done = evaluate(root, "--resume", run.id, "--concurrency", "1")
    assert done.returncode == 4
    assert before.items() <= {attempt.id: attempt for attempt in read(root).attempts()}.items()


def test_in_a_process_of_its_own_all_of_it_is_an_outcome(workspace):
    ends = ["hang", "gone", "abort", "kill", "close", "eat"]
    acts = [*RAISED, *ends, "fork", "folder", "patch", "linger", "deaf", *FINE]
    root = workspace("plain", acts, isolate=True, memory=1.0, timeout=10)
    done = evaluate(root)
    assert done.returncode == 0, done.stdout + done.stderr
    found = outcomes(root)
    failed = dict.fromkeys([*RAISED, *ends], "target_error") | {"hang": "timeout"}
    assert {act: outcome for act, outcome in found.items() if act not in ("patch", *FINE)} == {
        act: failed.get(act, "scored") for act in acts if act not in ("patch", *FINE)
    }
    # What it patches is its own process: answers of that may be lost, and are not taken for others.
    assert {found[act] for act in ("patch", *FINE)} <= {"scored", "target_error"}
    assert {a.answer for a in read(root).attempts() if a.sample.startswith("M-fine")} <= {"fine", ""}
    assert not _running("98765"), "what a target started outlives the run"


@pytest.mark.skipif(sys.platform != "linux", reason="the work is watched on Linux")
def test_threads_and_processes_that_stay_do_not_outlive_the_run(workspace):
    root = workspace("plain", [*FINE, "linger"])
    done = evaluate(root)
    assert (done.returncode, len(read(root))) == (0, len(FINE) + 1), done.stderr
    assert not _running("98765")


def _running(word: str) -> list[str]:
    import psutil

    return [p.info["name"] for p in psutil.process_iter(["name", "cmdline"]) if word in (p.info["cmdline"] or ())]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_cleanly_and_says_how_to_go_on(workspace, number):
    root = workspace("slow", [f"q{i}" for i in range(60)])
    process = subprocess.Popen(
        command("--concurrency", "2"), cwd=root, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    until = time.monotonic() + 60
    while not any(p.stat().st_size > 500 for p in root.glob(".shipworthy/runs/*/attempts-*")):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, (out + err).decode()
    run = read(root)
    assert 0 < len(run) < 60
    assert f"Stopped: it was sent {number.name}." in out.decode()
    assert f"Go on:    shipworthy eval --resume {run.id} --no-cache --allow-code" in out.decode()
    assert b"Traceback" not in err


def test_an_isolated_callable_is_not_given_our_secrets(workspace, allow):
    root = workspace("plain", ["see"], keys=["env:APP_TOKEN"])
    app = root / "vanishing.py"
    app.write_text(
        app.read_text()
        + "\nACTS['see'] = lambda: print('\\x1b[2Jhello') or "
        + "' '.join(sorted(n for n in os.environ if n[:4] in ('APP_', 'OTHE', 'DATA', 'PLAI')))"
        + " + os.environ['APP_TOKEN']\n"
    )
    given = {"APP_TOKEN": "tok-12345678", "OTHER_API_KEY": "x", "DATABASE_URL": "db://u:p@h/x", "PLAIN": "y"}
    given["CI"] = "true"  # where it is isolated without being told
    done = evaluate(root, **given)
    assert (done.returncode, "shipworthy allow key env:APP_TOKEN vanishing:plain" in done.stderr) == (2, True), (
        done.stderr
    )
    allow(env__APP_TOKEN="vanishing:plain")
    done = evaluate(root, SHIPWORTHY_GRANTS=os.environ["SHIPWORTHY_GRANTS"], **given)
    assert done.returncode == 0, done.stderr
    (attempt,) = read(root).attempts()
    assert attempt.answer == "APP_TOKEN PLAIN[redacted:credential]"
    assert "DATABASE_URL" in done.stderr
    assert "OTHER_API_KEY" in done.stderr
    assert "[vanishing:plain] \N{REPLACEMENT CHARACTER}[2Jhello" in done.stderr
