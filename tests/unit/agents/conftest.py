from __future__ import annotations

from collections import defaultdict

import pytest

from shipworthy.agents.script import filled
from shipworthy.cli import run
from shipworthy.core.records import ToolCall
from shipworthy.evals.results import Run
from shipworthy.store.layout import Layout


@pytest.fixture
def play():
    """Run a script on a world and return the results."""

    async def played(world, script):
        answers, results = [], []
        for number, step in enumerate(script):
            result = await world.run(ToolCall(f"c{number}", step.tool, filled(step.arguments, answers)))
            answers.append(result.text)
            results.append(result)
        return results

    return played


@pytest.fixture
def measured(capsys):
    """Run a workspace's plan with a target; return hits and trials of each metric."""

    def evaluated(root, target):
        assert run(["eval", "-C", str(root), "--target", target]) == 0
        capsys.readouterr()
        hits = defaultdict(list)
        for attempt in Run.load(Layout(root).run_directory("latest")).attempts():
            for score in attempt.scores:
                if score.hit is not None:
                    hits[score.metric].append(score.hit)
        return {metric: (sum(some), len(some)) for metric, some in hits.items()}

    return evaluated
