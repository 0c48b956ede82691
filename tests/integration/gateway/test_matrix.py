"""No byte leaves unseen: every route, form, place, cut and number of choices, with a mark in each."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from shipworthy.conformance.ask import ask
from shipworthy.conformance.bare import bare
from shipworthy.conformance.cells import AFTER, BEFORE, PLACES, ROUTES, SPOKEN, WIDE_AFTER, WIDE_BEFORE, cells
from shipworthy.conformance.stub import Stub
from shipworthy.core.records import Finding
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.exchange.desk import Mediation

ALL = list(cells(ROUTES))
FEW = [cell for cell in ALL if cell.cut != "bytes" and (cell.cut != "characters" or cell.choices == 3)]
PII = {"id": "GD-pii", "use": "pii_output"}


def run(over, chosen, rules, *, look=None, change=None):
    """Ask a gateway for some cells, and return what came of each."""

    async def main():
        stub = Stub(chosen)
        guards = {"block_message": "No.", "rules": rules}
        async with stub.serve() as url:
            # The stub fails on purpose, many times in a row.
            asked = {"main": {"url": url, "retries": 0, "timeout_s": 20, "breaker": {"failures": 0}}}
            came = await _asked(over(url, guards=guards, upstreams=asked), chosen, look, change)
            assert len(stub.asked) == len(chosen)
            return came

    return asyncio.run(main())


async def _asked(gateway, chosen, look, change):
    async with gateway as served:
        if change is not None:
            change(served.gateway)
        came = [(cell, await ask(served.session, served.base, cell)) for cell in chosen]
        if look is not None:
            look(served)
        return came


def unescaped(text):
    halves = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def answered(came):
    """Return all that was said, whatever the pieces."""
    return "".join(came.texts().values())


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES)
def test_nothing_unseen_leaves_and_the_rest_does(over, route) -> None:
    chosen = [cell for cell in ALL if cell.route == route]
    came = run(over, chosen, [PII])
    leaks = [(cell.name, marks) for cell, answer in came if (marks := answer.marks(cell))]
    assert leaks == []
    for cell, answer in came:
        other_form = not cell.ask and cell.streams  # a stream was not asked for, and is not taken for an answer
        if cell.place not in SPOKEN or other_form:
            continue
        assert answer.status == 200, (cell.name, answer.body)
        said = unescaped(answered(answer))
        choices = 1 if cell.place == "function_call" and cell.route != "chat" else cell.choices
        before, after = (WIDE_BEFORE, WIDE_AFTER) if cell.wide else (BEFORE, AFTER)
        assert said.count(before) >= choices, (cell.name, said)
        assert said.count(after) >= choices, (cell.name, said)


def test_every_place_is_in_the_matrix() -> None:
    for route in ROUTES:
        assert {cell.place for cell in ALL if cell.route == route} == set(PLACES)
    assert {cell.cut for cell in ALL} == {"characters", "thirds", "whole", "bytes"}
    assert len({cell.number for cell in ALL}) == len(ALL)


def test_the_kit_sees_what_leaks() -> None:
    """Before a proxy without guards every place leaks: a reader that finds nothing would find nothing anywhere."""

    async def main():
        chosen = [cell for cell in ALL if cell.route == "chat" and cell.cut in ("characters", "whole")]
        stub = Stub(chosen)
        async with stub.serve() as url, bare(url) as base, aiohttp.ClientSession() as session:
            return {cell.name for cell in chosen if not (await ask(session, base, cell)).marks(cell)}

    assert asyncio.run(main()) == set()


def test_a_block_keeps_all_of_it_back(over) -> None:
    came = run(over, FEW, [PII | {"action": "block"}])
    assert [cell.name for cell, answer in came if answer.marks(cell)] == []
    said = {cell.name: answered(answer) for cell, answer in came if cell.place in SPOKEN and answer.status == 200}
    assert said
    # Short answers are still held when their mark is found: not a word of them leaves.
    assert [name for name, text in said.items() if BEFORE in text or WIDE_BEFORE in text or "No." not in text] == []


class Breaks:
    """A guard that breaks."""

    stages = frozenset({"output", "tool_call"})
    reach = 0

    def describe(self):
        return {"guard": "breaks"}

    async def check(self, part, ctx):
        raise RuntimeError(part.text)


class BreaksLate(Breaks):
    """A guard that breaks where it would have found something."""

    async def check(self, part, ctx):
        if "@" in part.text:
            raise RuntimeError(part.text)
        return ()


class Wrong(Breaks):
    """A guard whose findings are none."""

    async def check(self, part, ctx):
        return [Finding(5, 2, "x")]


@pytest.mark.parametrize("guard", [Breaks, BreaksLate, Wrong])
def test_a_guard_that_fails_keeps_all_of_it_back(over, guard) -> None:
    def change(gateway):
        pipeline = Pipeline([Rule("GD-broken", guard())], "No.")
        gateway.keeper.active.pipeline, gateway.keeper.active.mediation = pipeline, Mediation(pipeline)

    chosen = [cell for cell in FEW if cell.place in SPOKEN and cell.cut != "characters"]
    told = []
    came = run(over, chosen, [], change=change, look=lambda served: told.extend(served.records))
    assert [cell.name for cell, answer in came if answer.marks(cell)] == []
    assert not any(AFTER in answered(answer) or WIDE_AFTER in answered(answer) for _, answer in came)
    blocked = [record for record in told if record.ending == "blocked"]
    assert len(blocked) == sum(answer.status == 200 for _, answer in came) > len(chosen) / 2
    # What the guard's own error quoted is in no record.
    assert "leak.example" not in repr(told)


SAID = {"content", "reasoning_content", "refusal", "arguments", "name", "text", "thinking", "partial_json"}


def test_shadow_cannot_change_a_byte(over, tmp_path) -> None:
    """With a rule in shadow and with none at all the same leaves; what it found is recorded.

    Of a stream that is texts and end: pieces that arrive in one read leave in one event, and which do is luck.
    """
    chosen = [cell for cell in FEW if cell.place in SPOKEN and cell.cut != "whole"]
    records = []
    shadowed = run(over, chosen, [PII | {"mode": "shadow"}], look=lambda served: records.extend(served.records))
    bare_ = run(over, chosen, [PII | {"mode": "off"}])

    def plain(answer):
        # Events are counted, too, and how many there are is luck.
        text = re.sub(rb'"(created|created_at|sequence_number)":\d+', b"", answer.body)
        text = re.sub(rb"[0-9a-f]{32}", b"ID", text)
        if not text.startswith((b"data:", b"event:")):
            return text
        said = {path: said for path, said in answer.texts().items() if path[-1] in SAID}
        return said, text.split(b"\n\n")[-3:]

    assert [(cell.name, plain(answer)) for cell, answer in shadowed] == [(c.name, plain(a)) for c, a in bare_]
    assert all(answer.marks(cell) for cell, answer in shadowed)
    assert sum(any(event.shadow for event in record.events if hasattr(event, "shadow")) for record in records) == len(
        chosen
    )
