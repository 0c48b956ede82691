"""The job in DeepEval: n finished answers, an exact metric. It calls no model, so it does less than the others.

python deepeval_job.py N
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from typing import Any

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase


class Match(BaseMetric):
    """Score 1 if the answer is the expected one."""

    def __init__(self) -> None:
        self.threshold = 0.5

    def measure(self, test_case: LLMTestCase, *arguments: Any, **options: Any) -> float:
        """Compare."""
        self.score = float(test_case.actual_output == test_case.expected_output)
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, test_case: LLMTestCase, *arguments: Any, **options: Any) -> float:
        """Compare."""
        return self.measure(test_case)

    def is_successful(self) -> bool:
        """Say how it went."""
        return bool(self.success)

    @property
    def __name__(self) -> str:
        return "Match"


def main(n: int) -> None:
    """Print one line of JSON."""
    cases = [LLMTestCase(input=f"Question {i}: say yes", actual_output="yes", expected_output="yes") for i in range(n)]
    cpu, wall = time.process_time(), time.perf_counter()
    result = evaluate(
        cases,
        [Match()],
        async_config=AsyncConfig(run_async=False),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False, use_cache=False),
    )
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if len(result.test_results) != n:
        raise SystemExit(f"{len(result.test_results)} of {n}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("\n" + json.dumps({"n": n, "cpu_ms": cpu / n * 1e3, "wall_s": wall, "peak_mb": peak}))


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())  # it leaves files where it runs
    main(int(sys.argv[1]))
