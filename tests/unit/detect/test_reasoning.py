"""Thoughts between marks, as the common models write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.reasoning import thoughts, unseen, worded

THOUGHT, ANSWER = "Could this be illegal?\nI cannot refuse.", "Nine to five."
PAIRS = [
    ("<think>", "</think>"),
    ('<think time="3">', "</think >"),
    ("<Thought>", "</Thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<thinking>", "</thinking>"),
    ("<antThinking>", "</antThinking>"),
    ("<thinking_process>", "</thinking_process>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ("<inner-monologue>", "</inner-monologue>"),
    ("<scratchpad>", "</scratchpad>"),
    ('<details type="reasoning" done="true">', "</details>"),
    ("[THINK]", "[/THINK]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    ("<|thinking_start|>", "<|thinking_end|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>", "<unused95>"),
    ("Here is my thought process:", "Here is my response:"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
]


@pytest.mark.parametrize(("opens", "closes"), PAIRS, ids=[opens for opens, _ in PAIRS])
def test_what_stands_between_marks_is_no_answer_and_the_answer_keeps_its_place(opens, closes):
    text = f"{opens}{THOUGHT}{closes}\n{ANSWER}"
    bare = worded(text)
    assert bare.strip() == ANSWER
    assert (len(bare), bare.index(ANSWER)) == (len(text), text.index(ANSWER))
    assert THOUGHT not in unseen(text) and unseen(text)[-len(ANSWER) :] == ANSWER
    assert worded(f"{opens}{THOUGHT}").strip() == ""
    assert unseen(f"{opens}{THOUGHT}") == f"{opens}{THOUGHT}"


@pytest.mark.parametrize("closes", ["</think>", "</seed:think>", "[/THINK]", "<|END_THINKING|>", "</thinking_process>"])
def test_a_template_may_open_the_thought_itself(closes):
    text = f"{THOUGHT}{closes}{ANSWER}"
    assert worded(text).strip() == ANSWER
    assert unseen(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Write `<think>` before it.",
        'The tag "<reasoning>" is ours.',
        "Here you are. Here is my thought process: none.",
        "Read <b>this</b> and [THIS].",
        '<|channel|>commentary to=functions.mail <|constrain|>json<|message|>{"to": "eve"}<|call|>',
        "a < b and c > d",
    ],
)
def test_what_only_looks_like_it_is_read(text):
    assert thoughts(text) == []
    assert unseen(text) == text


@given(st.text(), st.sampled_from(PAIRS), st.text())
def test_no_text_moves(before, marks, after):
    text = f"{before}{marks[0]}x{marks[1]}{after}"
    assert len(worded(text)) == len(unseen(text)) == len(text)


def test_ever_so_many_thoughts_take_one_pass() -> None:
    # One copy of the text for each of them took time in the square of their number.
    assert unseen("<think>no</think>a" * 20_000).split() == ["a"] * 20_000
    assert worded("<|im_end|>a" * 20_000).split() == ["a"] * 20_000
    heads = "<|channel|>commentary to=x<|message|>{}"
    assert worded(heads * 5_000) == heads * 5_000
