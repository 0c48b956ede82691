from __future__ import annotations

import pytest

from shipworthy.agents.script import filled
from shipworthy.core.records import ToolCall


@pytest.fixture
def play():
    """Run a script on a world and return the results."""

    async def run(world, script):
        answers, results = [], []
        for number, step in enumerate(script):
            result = await world.run(ToolCall(f"c{number}", step.tool, filled(step.arguments, answers)))
            answers.append(result.text)
            results.append(result)
        return results

    return run
