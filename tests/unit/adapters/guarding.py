"""Guards and marks for the tests of what stands around a framework's models."""

from __future__ import annotations

from shipworthy.conformance.cells import PLACES, MatrixCell
from shipworthy.core.records import Finding
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.workspace.guards import GuardFile

MARK = "mark@leak.example.org"
SPOKEN = [place for place in PLACES if place not in ("error", "late_error", "headers", "logprobs", "finish_reason")]
CELLS = [
    MatrixCell(number, "chat", place, "thirds", 1, wide, False, False)
    for number, (place, wide) in enumerate(((place, wide) for place in SPOKEN for wide in (False, True)), start=1)
]


def pipeline(*rules):
    rules = rules or (
        {"id": "GD-in", "use": "pii", "stages": ["input", "retrieved"]},
        {"id": "GD-out", "use": "pii_output"},
    )
    return Pipeline.build(GuardFile.model_validate({"block_message": "No.", "rules": rules}))


class Breaks:
    """A guard that breaks where it would have found something."""

    stages = frozenset({"input", "output", "tool_call", "retrieved"})
    reach = 0

    def describe(self):
        return {"guard": "breaks"}

    async def check(self, part, ctx):
        if "@" in part.text:
            raise RuntimeError(part.text)
        return ()


class Wrong(Breaks):
    """A guard whose findings are none."""

    async def check(self, part, ctx):
        return [Finding(5, 2, "x")]


def broken(guard):
    return Pipeline([Rule("GD-broken", guard())], "No.")
