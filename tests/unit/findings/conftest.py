"""A workspace with one target that always says the same, and a control state of either kind."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from shipworthy.workspace.load import Workspace

FILES = {
    "system.yaml": "system: {id: SYS-x, title: X, owner: team-x}\n",
    "targets.yaml": "targets: {default: {use: replay, file: answers.jsonl}}\n",
    "risks.yaml": "risks: [{id: RK-a, title: It leaks, severity: S2}]\n",
    "requirements.yaml": """
        requirements:
          - id: RQ-a
            text: It does not leak
            mitigates: [RK-a]
            criteria: [{id: CR-a, suite: s, must: upper95 <= 0.3}]
    """,
    "triage.yaml": """
        triage:
          severities: [{severity: S2, due: 5 days, rate: 0.2}, {severity: S3, due: 20 days, rate: 0.2}]
          owner: team-x
    """,
    "suites/s.yaml": """
        id: s
        version: "1"
        title: S
        content: synthetic
        metric: contains
        scorers: [{use: contains, text: no, good: low}]
        samples: [{id: a, prompt: Hello.}]
    """,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "w"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text).lstrip())
    (folder / "answers.jsonl").write_text(json.dumps({"prompt": "Hello.", "answer": "Good day."}) + "\n")
    return folder


@pytest.fixture
def workspace(root: Path) -> Workspace:
    return Workspace.load(root)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'control.sqlite'}"
    return str(request.getfixturevalue("emptied"))
