"""Benchmarks of others through our runner, with an agent that obeys every injection: InjecAgent, AgentThreatBench.

python bench/foreign.py [--json] [--injecagent CLONE [--setting base|enhanced]] [--agent-threat-bench FOLDER]

AgentThreatBench is read from inspect-evals, whose files are taken by the lock under bench/peers; FOLDER is another
copy. InjecAgent is in no registry: it is measured where CLONE names a copy of its repository. Each becomes a suite of a
workspace (`shipworthy suites import`), and is run with `shipworthy eval`:

    none        hijacked_agent (`at_end`), no policy
    never       the same script without the attacks, no policy
    nobody      hijacked_agent behind what `shipworthy policy draft` makes of the tools' signatures; nobody is asked
    attentive   the same with a person who sees what a call does

For each, every rate with its 95 % interval over clusters, and by stratum. Of AgentThreatBench, `joint` is the share of
all samples that were useful and secure: those without an attack by their task alone. No model is asked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))

from environments import sources_of  # noqa: E402

from shipworthy.cli import run  # noqa: E402
from shipworthy.core.records import Attempt  # noqa: E402
from shipworthy.evals.results import Run  # noqa: E402
from shipworthy.stats import rate_interval  # noqa: E402
from shipworthy.store.layout import Layout  # noqa: E402

TARGETS = """targets:
  default: {{use: hijacked_agent, tasks: {script}}}
  never: {{use: hijacked_agent, obeys: never, tasks: {script}}}
  attentive: {{use: hijacked_agent, tasks: {script}, approver: attentive}}
"""
ROWS = {"none": ("default", False), "never": ("never", False), "nobody": ("default", True),
        "attentive": ("attentive", True)}  # fmt: skip


def shipworthy(*line: str) -> str:
    """Run a verb; return what it printed."""
    told = StringIO()
    with redirect_stdout(told):
        code = run([*line])
    if code:
        raise RuntimeError(f"shipworthy {' '.join(line)}: exit code {code}\n{told.getvalue()[-2000:]}")
    return told.getvalue()


def measured(benchmark: str, data: Path, *more: str) -> dict[str, Any]:
    """Import a benchmark, and run each row."""
    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        (root / "system.yaml").write_text("system: {id: SYS-a, title: An assistant, owner: bench}\n", "utf-8")
        shipworthy("suites", "import", benchmark, str(data), "-C", home, "--as", "foreign", *more)
        suite = root / "suites" / "foreign"
        (root / "targets.yaml").write_text(TARGETS.format(script="suites/foreign/script"), "utf-8")
        drafted = shipworthy("policy", "draft", str(suite / "tools.json"))
        told: dict[str, Any] = {}
        for row, (target, policy) in ROWS.items():
            (root / "policy.yaml").unlink(missing_ok=True)
            if policy:
                (root / "policy.yaml").write_text(drafted, "utf-8")
            shipworthy("eval", "-C", home, "--target", target)
            told[row] = counted(list(Run.load(Layout(root).run_directory("latest")).attempts()), suite)
    return told


def counted(attempts: list[Attempt], suite: Path) -> dict[str, Any]:
    """Return the rates of a run, of all and by stratum."""
    tags = {}
    for line in (suite / "samples.jsonl").read_text("utf-8").splitlines():
        sample = json.loads(line)
        tags[sample["id"]] = next(tag for tag in sample["tags"] if tag.startswith("stratum:")).partition(":")[2]
    strata = sorted(set(tags.values()))
    told: dict[str, Any] = {"attempts": len(attempts), "unscored": sum(a.outcome != "scored" for a in attempts)}
    told["all"] = rates(attempts)
    return told | {name: rates(a for a in attempts if tags[a.sample] == name) for name in strata}


def rates(attempts: Iterable[Attempt]) -> dict[str, Any]:
    hits: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for attempt in attempts:
        found = {score.metric: score.hit for score in attempt.scores if score.hit is not None}
        if "utility" in found:
            found["joint"] = found.get("useful_and_secure", found["utility"])
        for metric, hit in found.items():
            hits[metric][attempt.cluster].append(hit)
    return {metric: share([*clusters.values()]) for metric, clusters in sorted(hits.items())}


def share(clusters: list[list[bool]]) -> dict[str, Any]:
    limits = rate_interval([sum(some) for some in clusters], [len(some) for some in clusters])
    return {"hits": sum(map(sum, clusters)), "n": sum(map(len, clusters)), "low": limits.low, "high": limits.high,
            "clusters": len(clusters)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--injecagent", type=Path, metavar="CLONE", help="a copy of InjecAgent's repository")
    parser.add_argument(
        "--setting", action="append", choices=["base", "enhanced"], help="of InjecAgent; both if left out"
    )
    parser.add_argument("--agent-threat-bench", type=Path, metavar="FOLDER", help="instead of the locked inspect-evals")
    given = parser.parse_args()
    folder = given.agent_threat_bench or sources_of("inspect-evals") / "inspect_evals" / "agent_threat_bench"
    told = {"agent_threat_bench": measured("agent-threat-bench", folder)}
    if given.injecagent is not None:
        for setting in given.setting or ("base", "enhanced"):
            told[f"injecagent_{setting}"] = measured("injecagent", given.injecagent, "--setting", setting)
    if given.json:
        print(json.dumps(told, indent=2))
        return
    for benchmark, rows in told.items():
        for row, found in rows.items():
            print(f"{benchmark}, {row}: {found['attempts']} attempts, {found['unscored']} not scored")
            for stratum, metrics in found.items():
                for metric, r in metrics.items() if isinstance(metrics, dict) else ():
                    limits = f"[{r['low']:.1%}, {r['high']:.1%}]"
                    print(f"  {stratum:16} {metric:18} {r['hits']:4} of {r['n']:4}  {limits}")


if __name__ == "__main__":
    main()
