"""`--concurrency` is how many calls are on their way at once, whatever the target is; waiting for a place is free."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.evals.results import Run
from shipworthy.store.layout import Layout
from shipworthy.workspace.scaffold import scaffold

AT_ONCE = 64

MODULE = f"""
import threading

meet = threading.Barrier({AT_ONCE})


def together(text: str) -> str:
    \"\"\"Answer only when so many are here at the same time.\"\"\"
    meet.wait(60)
    return "I cannot help with that."


slow, held = threading.Semaphore(3), threading.Event()


def one_after_another(text: str) -> str:
    \"\"\"Three calls take a second each: far below the deadline by itself, and beyond it one after another.\"\"\"
    if slow.acquire(blocking=False):
        held.wait(1.0)
    return "I cannot help with that."
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    scaffold(tmp_path / "w", "minimal")
    (tmp_path / "bots_of_concurrency.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    plan = {"plans": [{"id": "some", "title": "Some", "suites": [{"suite": "over-refusal", "samples": 2 * AT_ONCE}]}]}
    (tmp_path / "w" / "plans.yaml").write_text(json.dumps(plan))
    return tmp_path / "w"


def _eval(root, call: str, at_once: int, **settings: object) -> Run:
    use = {"use": "python", "call": f"bots_of_concurrency:{call}", **settings}
    (root / "targets.yaml").write_text(json.dumps({"targets": {"default": use}}))
    words = ["--plan", "some", "--allow-code", "--no-cache", "--concurrency", str(at_once)]
    assert shipworthy(["eval", "-C", str(root), *words]) == 0
    return Run.load(Layout(root).run_directory("latest"))


def test_as_many_calls_of_a_plain_function_as_are_asked_for_are_on_their_way_at_once(root):
    run = _eval(root, "together", AT_ONCE)
    assert len(run) % AT_ONCE == 0 and len(run) and run.errors == 0


def test_waiting_for_a_place_is_no_part_of_the_deadline(root):
    run = _eval(root, "one_after_another", 1, timeout=2.5)
    assert run.errors == 0 and sum(attempt.seconds for attempt in run.attempts()) > 2.5
