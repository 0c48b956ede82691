"""The job in Inspect: n samples, an instant model, the `match` scorer. Run by `run.py` in Inspect's own environment.

python inspect_job.py N [--realtime]
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate


def outputs() -> Iterator[ModelOutput]:
    """Say yes for ever; with usage, or Inspect downloads a tokenizer."""
    while True:
        output = ModelOutput.from_content("mockllm/model", "yes")
        output.usage = ModelUsage(input_tokens=5, output_tokens=1, total_tokens=6)
        yield output


def main(n: int, realtime: bool) -> None:
    """Print one line of JSON."""
    samples = [Sample(input=f"Question {i}: say yes", target="yes") for i in range(n)]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=match())
    model = get_model("mockllm/model", custom_outputs=outputs())
    with tempfile.TemporaryDirectory() as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        (log,) = evaluate(task, model=model, display="none", log_dir=scratch, log_realtime=realtime)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    done = log.results.completed_samples if log.results else 0
    if log.status != "success" or done != n:
        raise SystemExit(f"{log.status}: {done} of {n}: {log.error}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "cpu_ms": cpu / n * 1e3, "wall_s": wall, "peak_mb": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]), "--realtime" in sys.argv)
