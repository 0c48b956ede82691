"""What a model wrote before and around its answer and did not mean as one: thoughts between marks, left-over tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

# How the common models mark thoughts inside their text: what opens them, and what closes them. Our own list, from their
# chat templates; most have a channel of their own on the wire, and these marks where a server does not know them.
_WORDS = (
    r"(?:seed:|antml?:|ant)?(?:think|thinking|thought|thoughts|thought_process|thinking_process|reasoning|analysis|reflection|"
    r"scratchpad|cot|chain[_-]of[_-]thought|inner[_-]monologue|monologue|deliberation|internal_reasoning|planning)"
)
_PAIRS = (
    (rf"<{_WORDS}(?:\s[^<>]{{0,80}})?>", rf"</{_WORDS}\s*>"),
    (r"<details\s[^<>]{0,40}type=[\"']?reasoning[^<>]{0,80}>", r"</details>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"\u25c1think\u25b7", r"\u25c1/think\u25b7"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<\|thinking\|>", r"<\|/thinking\|>"),
    (r"<\|think(?:ing)?_start\|>|<\|begin_of_thinking\|>", r"<\|think(?:ing)?_end\|>|<\|end_of_thinking\|>"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),
    (r"<unused94>", r"<unused95>"),
    # Granite says in a fixed sentence where its thoughts begin and where its answer does.
    (r"\AHere is my thought process:", r"Here is my response:"),
    # gpt-oss: every channel but the final one is for nobody to read. A call stands in one, too, and is none.
    (r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)(?! to=)(?:[^<]{0,80})<\|message\|>",
     r"(?:<\|end\|>|(?=<\|start\|>)|(?=<\|channel\|>final))"),
)  # fmt: skip
_OPENS = re.compile("|".join(f"(?P<m{i}>{opens})" for i, (opens, _) in enumerate(_PAIRS)), re.IGNORECASE)
_CLOSES = [re.compile(closes, re.IGNORECASE) for _, closes in _PAIRS]
# A template may open the thought itself: then only its end is in the text.
_END = re.compile(
    r"</(?:seed:|antml?:|ant)?(?:think|thinking|thought|reasoning|thought_process|thinking_process)\s*>|\[/THINK\]|\u25c1/think\u25b7|"
    r"<\|END_THINKING\|>|<\|end_of_thought\|>|<\|inner_suffix\|>",
    re.IGNORECASE,
)
_TOKENS = re.compile(
    r"<\|(?:im_end|im_start|eot_id|end_of_text|endoftext|end|start|return|eom_id|message|channel|end_of_turn|eos|"
    r"START_RESPONSE|END_RESPONSE|END_OF_TURN_TOKEN|begin_of_solution|end_of_solution|call|constrain)\|>(?:assistant|final)?|<(?:end_of_turn|eos|pad|/s|bos)>"
    r"|\[/?INST\]|\[(?:BEGIN|END) FINAL RESPONSE\]",
    re.IGNORECASE,
)
_NO_LINE = re.compile(r"[^\n]")

# What addresses a call to a tool there: without its tokens nothing could tell it from prose.
_CALL = re.compile(r"<\|channel\|>(?:analysis|commentary) to=[^{}]{0,120}?<\|message\|>", re.IGNORECASE)


def thoughts(text: str) -> list[tuple[int, int]]:
    """Return the spans of a text that are thoughts, their marks included; one that is never closed goes to the end.

    >>> [(a, b) for a, b in thoughts("<think>Could this be illegal?</think>Nine to five.")]
    [(0, 37)]
    """
    spans: list[tuple[int, int]] = []
    if "<" not in text and "[" not in text and "\u25c1" not in text and not text.startswith("Here is my thought"):
        return spans
    at = 0
    while found := _OPENS.search(text, at):
        if text[max(0, found.start() - 1) : found.start()] in ("`", '"', "'"):
            at = found.end()
            continue
        closes = _CLOSES[int((found.lastgroup or "m0")[1:])].search(text, found.end())
        end = closes.end() if closes else len(text)
        spans.append((found.start(), end))
        at = max(end, found.end())
    closed = _END.search(text)
    # Everything before it was thought; a mark that a text only speaks of stands between quotes or in code.
    if closed and not any(a < closed.start() for a, _ in spans) and text[max(0, closed.start() - 1)] not in "`\"'":
        spans = [(0, closed.end()), *(span for span in spans if span[0] >= closed.end())]
    return spans


def unseen(text: str) -> str:
    """Return a text of the same length with the thoughts that stand between both of their marks made blank.

    >>> unseen("<think>HERON</think>No.").strip(), unseen("HERON</think>No."), unseen("<think>HERON")
    ('No.', 'HERON</think>No.', '<think>HERON')
    """
    return _blank(
        text,
        (
            (start, end)
            for start, end in thoughts(text)
            if _OPENS.match(text, start) and any(closes.search(text[start:end]) for closes in _CLOSES)
        ),
    )


def worded(text: str) -> str:
    """Return a text of the same length with thoughts and left-over tokens of the template made blank.

    Spans of the result are spans of the text.

    >>> worded("[THINK]No.[/THINK]Yes</s>").strip()
    'Yes'
    """
    spans = thoughts(text)
    if "<" in text or "[" in text:
        heads = [found.span() for found in _CALL.finditer(text)]
        begins = [start for start, _ in heads]
        for found in _TOKENS.finditer(text):
            place = bisect_right(begins, found.start()) - 1
            if place < 0 or found.start() >= heads[place][1]:
                spans.append(found.span())
    return _blank(text, sorted(spans))


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with spans made blank, in one pass over it; they come in order and may overlap."""
    pieces, at = [], 0
    for start, end in spans:
        if end > at:
            pieces += [text[at:start], _NO_LINE.sub(" ", text[max(start, at) : end])]
            at = end
    return "".join(pieces) + text[at:]
