"""Write the samples of the agents' suites anew from the settings: `python tests/unit/agents/make_suites.py`."""

from __future__ import annotations

from shipworthy.agents.cases import attack_samples, lines, task_samples
from shipworthy.agents.setting import setting, settings
from shipworthy.workspace.library import LIBRARY

if __name__ == "__main__":
    for suite, make in (("agent-tasks", task_samples), ("agent-worlds", attack_samples)):
        text = "".join(lines(make(setting(name))) for name in settings())
        (LIBRARY / suite / "samples.jsonl").write_text(text, encoding="utf-8")
