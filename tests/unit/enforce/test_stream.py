"""The property that holds the guard seam together: any chunking gives what the whole text gives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipworthy.core.protocols import Guard, GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.enforce import stream as stream_module
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.guards.canary_output import CanaryOutput
from shipworthy.guards.pii_output import PiiOutput

PIECES = st.sampled_from(
    ["ana.b@example.org", "+44 20 7946 0958", "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "10.2.3.4",
     "219-09-9999", "MARIGOLD-77", "m a r i g o l d 7 7", "TUFSSUdPTEQtNzc", "born on 3 May 1980", "call me on ",
     "tel 72 128 827", "4111\u00a01111  1111\n1111", "536\u201190\u20114399", "4111 1111" + "\u200b" * 150,
     "  ", "\n\n", "1. M\n2. A\n3. R\n4. I\n5. G\n6. O\n7. L\n8. D\n9. 7\n10. 7\n", "JVAVESKHJ5GEILJXG4======",
     "77 65 82 73 71 79 76", "mike alpha romeo india golf oscar lima delta seven seven", " 1111 1111", "&#77;",
     "Mad ants run in green oil. ", " ", "1", "@", ".", "-", "\u200b", "é", "\ud800", "abab", "ba",
     "plain words here. "]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=40).map("".join)
CUTS = st.lists(st.integers(1, 60), min_size=1, max_size=30)


class Pattern:
    """A guard made of one RE2 pattern with bounded matches; overlapping matches included."""

    stages: frozenset[Stage] = frozenset({"output"})

    def __init__(self, pattern: str, reach: int | None, action: str = "redact", replacement: str = "") -> None:
        self.pattern, self.reach, self.action, self.replacement = re2.compile(pattern), reach, action, replacement

    def describe(self) -> dict[str, str]:
        return {"guard": "pattern", "pattern": self.pattern.pattern}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        found, at = [], 0
        text = part.text.replace("\ud800", "?")
        while match := self.pattern.search(text, at):
            found.append(Finding(match.start(), match.end(), "p", self.action, self.replacement))
            at = match.start() + 1
        return found


def pipeline(*guards: Guard, **options: object) -> Pipeline:
    return Pipeline([Rule(f"GD-{i}", g, **options) for i, g in enumerate(guards)])  # type: ignore[arg-type]


async def streamed(made: Pipeline, text: str, cuts: Sequence[int], stride: int = 1) -> tuple[str, list[object], object]:
    stream = made.stream("output", stride=stride)
    out, at, turn = [], 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        out.append(await stream.feed(text[at : at + size]))
        at, turn = at + size, turn + 1
    out.append(await stream.finish())
    return "".join(out), sorted(map(repr, stream.events)), stream


REAL = pipeline(PiiOutput(names=["Ana Bell"]), CanaryOutput(canaries=["MARIGOLD-77"]), action="redact")
OVERLAP = pipeline(Pattern("ab", 2), Pattern("ba{1,3}b?", 5, "replace", "<long>"), Pattern("(?s)[a1].", 2, "allow"))


@given(TEXTS, CUTS, st.integers(1, 300))
@settings(max_examples=120, deadline=None)
@example("x" * 700 + "MARIGOLD-77" + "y" * 700, [1], 1)
@example("1 " * 900, [7], 1)
@example("a@b.cc@d.ee" * 60, [3], 2)
def test_the_shipped_guards_give_the_same_for_any_chunking(text: str, cuts: list[int], stride: int) -> None:
    async def run() -> None:
        whole = await REAL.apply("output", text)
        out, events, _ = await streamed(REAL, text, cuts, stride)
        assert out == whole.text
        assert events == sorted(map(repr, whole.events))

    asyncio.run(run())


@given(st.text(alphabet="ab1 ", max_size=200), CUTS, st.integers(1, 20))
@settings(max_examples=300, deadline=None)
def test_overlapping_findings_give_the_same_for_any_chunking(text: str, cuts: list[int], stride: int) -> None:
    async def run() -> None:
        whole = await OVERLAP.apply("output", text)
        out, events, _ = await streamed(OVERLAP, text, cuts, stride)
        assert (out, events) == (whole.text, sorted(map(repr, whole.events)))

    asyncio.run(run())


@given(TEXTS, st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_a_blocked_canary_never_leaves(text: str, cut: int) -> None:
    made = pipeline(CanaryOutput(canaries=["MARIGOLD-77"]))

    async def run() -> None:
        whole = await made.apply("output", text)
        out, _, stream = await streamed(made, text, [cut])
        assert stream.blocked == whole.blocked
        assert "marigold-77" not in out.lower()
        if not whole.blocked:
            assert out == text
        else:
            # What had left cannot be recalled; it is a beginning of the text, and the message says it stopped.
            assert out.endswith(made.block_message)
            assert text.startswith(out.removesuffix(made.block_message).removesuffix("\n"))

    asyncio.run(run())


def test_a_block_in_mid_stream_says_what_had_left() -> None:
    made = pipeline(CanaryOutput(canaries=["MARIGOLD-77"]))

    async def run() -> None:
        text = "word " * 100 + "MARIGOLD-77" + " more" * 100
        out, _, stream = await streamed(made, text, [50])
        assert 0 < stream.released <= 500
        assert out == text[: stream.released] + "\n" + made.block_message

    asyncio.run(run())


def test_text_leaves_before_the_end_when_it_is_settled() -> None:
    async def run() -> None:
        stream = REAL.stream("output", stride=1)
        early = [await stream.feed("word ") for _ in range(400)]
        assert len("".join(early)) > 1000

    asyncio.run(run())


def test_a_guard_that_needs_the_whole_text_holds_all_of_it() -> None:
    made = pipeline(Pattern("ab", None))

    async def run() -> None:
        stream = made.stream("output", stride=1)
        assert [await stream.feed(c) for c in "xxabxx"] == [""] * 6
        assert await stream.finish() == "xx[redacted:p]xx"

    asyncio.run(run())


def test_a_guard_whose_reach_is_too_small_fails_closed() -> None:
    # Says that it depends on four characters around a position, yet finds across more.
    made = pipeline(Pattern("a{1,9}b", 4))

    async def run() -> None:
        out, _, stream = await streamed(made, "aaaaaaaab", [1])
        assert stream.blocked
        assert "b" not in out.partition("\n")[0]

    asyncio.run(run())


def test_scans_go_by_strides_not_by_tokens() -> None:
    class Counting(Pattern):
        calls = 0

        async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
            self.calls += 1
            return await super().check(part, ctx)

    guard = Counting("ab", 2)

    async def run() -> None:
        await streamed(pipeline(guard), "x" * 2560, [1], stride=256)

    asyncio.run(run())
    assert guard.calls <= 12


def test_shadow_rules_see_the_whole_text_and_change_nothing() -> None:
    made = Pipeline([Rule("GD-1", Pattern("ab", None, "block"), shadow=True)])

    async def run() -> None:
        stream = made.stream("output")
        assert await stream.feed("xxa") == "xxa"
        assert await stream.feed("bxx") == "bxx"
        assert await stream.finish() == ""
        assert not stream.blocked
        assert [(e.action, e.shadow) for e in stream.events] == [("block", True)]

    asyncio.run(run())


def test_a_stream_that_would_hold_too_much_is_blocked(monkeypatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_HELD", 100)
    made = pipeline(Pattern("ab", None))

    async def run() -> None:
        out, _, stream = await streamed(made, "x" * 300, [30])
        assert (out, stream.blocked) == (made.block_message, True)

    asyncio.run(run())
