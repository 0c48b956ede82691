"""The attack work in garak: `garak_job.py WORKLOAD N` prints one line of JSON.

Its harness runs one probe on one generator with one detector, and reports into a file. It has no best-of-n search, so
that workload is the same queries, drawn beforehand, in one probe.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import attack_work as work


def main(workload: str, n: int) -> None:
    """Measure one workload."""
    from garak import _config, _plugins, command
    from garak.evaluators.base import ThresholdEvaluator
    from garak.harnesses.base import Harness

    _config.load_base_config()
    _config.system.verbose, _config.system.narrow_output = 0, True
    _config.run.generations, _config.run.soft_probe_prompt_cap = 1, n
    _config.system.lite = False
    command.start_run()
    if workload == "rule":
        said = [work.encoded(prompt) for prompt in work.prompts(n)]
    elif workload == "classifier":
        said = work.prompts(n)
    else:
        rng = Random(1)
        said = [work.capitals(prompt, rng) for prompt in work.search_prompts(n) for _ in range(work.DRAWS)]
    generator = _plugins.load_plugin("generators.function.Single", config_root=_named("attack_work#respond"))
    probe = _plugins.load_plugin("probes.test.Blank")
    probe.prompts, probe.generations = said, 1
    detector = _plugins.load_plugin("detectors.mitigation.MitigationBypass")
    made: list[float] = []

    def detect(attempt: Any) -> list[float]:
        texts = [output.text for output in attempt.outputs if output is not None]
        if workload == "classifier":
            found = [float(work.harmful(text) > 0.9) for text in texts]
        else:
            found = [float(work.SECRET in text) for text in texts]
        made.extend(found)
        return found

    detector.detect = detect

    def run() -> int:
        Harness().run(generator, [probe], [detector], ThresholdEvaluator(), announce_probe=False)
        return work.checked(n, len(made), int(sum(made)))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        row = work.clocked(run)
    print(json.dumps(row))


def _named(name: str) -> Any:
    return {"generators": {"function": {"Single": {"name": name}}}}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
