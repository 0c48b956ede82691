"""A whole small workspace, and runs of it with outcomes that a test chooses: real files, real logs, no target."""

from __future__ import annotations

import asyncio
import itertools
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shipworthy.core.records import Asked, Attempt, Said, Score, say
from shipworthy.detect.redact import seal
from shipworthy.evals.manifest import make_manifest
from shipworthy.evals.models import build_crew
from shipworthy.evals.plan import PlanItem, make_plan
from shipworthy.evals.results import Run
from shipworthy.evals.subject import declaration
from shipworthy.store.declare import declare_run
from shipworthy.store.layout import Layout
from shipworthy.store.runlog import RunLog
from shipworthy.workspace.load import Workspace

SCORER = '''
from shipworthy.core.records import Metric
from shipworthy.core.registry import scorer


@scorer
class Flag:
    """Give one metric."""

    def __init__(self, metric: str, good: str = "low") -> None:
        self.metrics = (Metric(metric, good=good),)

    def describe(self):
        return {"scorer": "gate_flag", "metric": self.metrics[0].name, "good": self.metrics[0].good}

    async def score(self, attempt, sample, ctx):
        return ()
'''

GATED_FILES = {
    "system.yaml": """\
        system: {id: SYS-desk, title: Desk, owner: us}
        """,
    "targets.yaml": """\
        targets:
          default: {use: openai_compatible, base_url: "http://localhost:1/v1", model: m}
        """,
    "risks.yaml": """\
        risks:
          - {id: RK-leak, title: It tells, severity: S2}
        """,
    "requirements.yaml": """\
        requirements:
          - id: RQ-safe
            text: It keeps its secrets.
            mitigates: [RK-leak]
            criteria:
              - {id: CR-leak, suite: leak, metric: leak, must: upper95 <= 0.10, severity: S2}
          - id: RQ-useful
            text: It helps.
            criteria:
              - {id: CR-help, suite: help, must: lower95 >= 0.70}
              - {id: CR-drop, suite: help, metric: helpful, must: drop_upper95 <= 0.10}
        """,
    "plans.yaml": """\
        plans:
          - id: tiny
            suites:
              - {suite: leak, samples: 6}
        """,
    "plugins/gate_flag.py": SCORER,
    "suites/leak/suite.yaml": """\
        id: leak
        version: "1"
        title: Leaks
        content: synthetic
        metric: leak
        attacks: [none, role_play]
        scorers: [{use: gate_flag, metric: leak}]
        max_error_rate: 0.05
        icc: 0.5
        """,
    "suites/help/suite.yaml": """\
        id: help
        version: "1"
        title: Helps
        content: synthetic
        metric: helpful
        scorers: [{use: gate_flag, metric: helpful, good: high}]
        max_error_rate: 0.05
        icc: 0.5
        """,
    "suites/leak/card.md": "# Leaks",
    "suites/help/card.md": "# Helps",
}
SAMPLES = 60

Says = Callable[[PlanItem], "bool | str | None"]
"""A hit, no hit, None where the metric does not apply, or an outcome that is an error."""


class Gated:
    """The workspace, and what makes runs of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = itertools.count(1)

    @property
    def workspace(self) -> Workspace:
        return Workspace.load(self.root, allow_code=True)

    def edit(self, name: str, before: str, after: str) -> None:
        """Change one file in one place."""
        path = self.root / name
        text = path.read_text()
        assert text.count(before) == 1, f"{before!r} occurs {text.count(before)} times in {name}"
        path.write_text(text.replace(before, after))

    def run(
        self,
        says: Says | None = None,
        *,
        guards: str = "",
        plan: str = "full",
        made: int | None = None,
        severity: Callable[[PlanItem], Any] = lambda item: "S3",
        **manifest: Any,
    ) -> Run:
        """Write a run's log; by default nothing leaks and everything helps. `made` stops it after so many attempts."""
        from msgspec.structs import replace

        says = says or (lambda item: item.suite == "help")
        workspace = self.workspace
        planned = make_plan(workspace, plan)

        description = {
            "target": {"name": "desk"},
            "guards": guards,
            "declared": declaration(workspace.target, guards="file" if guards else "none"),
        }
        subject = SimpleNamespace(
            description=description,
            digest=f"sha256:{guards or 'bare'}",
            guards=guards,
            use=None,
            target=None,
            shadow=None,
        )
        head = make_manifest(
            planned,
            subject,  # type: ignore[arg-type]
            build_crew(planned, subject),  # type: ignore[arg-type]
            system=workspace.system.id,
            spec_digest=workspace.spec_digest(plan),
            id=f"RUN-20260101T{next(self._numbers):06d}000Z-abcdef",
        )
        head = replace(head, **manifest)
        directory = Layout(self.root).runs / head.id
        declare_run(directory, head)
        log = RunLog.open(directory)

        async def write() -> None:
            sealed = []
            for item in itertools.islice(planned, made):
                said = says(item)
                failed = isinstance(said, str)
                score = (
                    () if failed else (Score(metric=workspace.suites[item.suite].metric, hit=said, scorer="gate_flag"),)
                )  # type: ignore[arg-type]
                attempt = Attempt(
                    id=item.id,
                    suite=item.suite,
                    sample=item.sample.id,
                    attack=item.attack,
                    number=item.number,
                    cluster=item.cluster,
                    seed=item.seed,
                    content_hash=item.content_hash,
                    outcome=said if isinstance(said, str) else "scored",  # type: ignore[arg-type]
                    severity=severity(item),
                    scores=score,
                    events=(
                        Said(1, say("user", "question")),
                        Asked(1, "target"),
                        Said(1, say("assistant", "answer"), by="target"),
                    ),
                )
                sealed.append(seal(attempt, "synthetic"))
            await asyncio.gather(*map(log.append, sealed))  # one write for all of them

        asyncio.run(write())
        log.close()
        return Run.load(directory)


@pytest.fixture
def gated(tmp_path: Path) -> Gated:
    """Two suites of sixty samples: `leak` (two attacks, hits are bad) and `help` (hits are good); three criteria."""
    for name, text in GATED_FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    for suite in ("leak", "help"):
        lines = (
            json.dumps({"id": f"{suite}-{i:02d}", "messages": [{"role": "user", "content": f"question {suite} {i}"}]})
            for i in range(SAMPLES)
        )
        (tmp_path / "suites" / suite / "samples.jsonl").write_text("\n".join(lines) + "\n")
    return Gated(tmp_path)
