"""A small, whole workspace that a test changes in one place."""

from __future__ import annotations

import textwrap

import pytest

SCORER = '''
from shipworthy.core.records import Metric
from shipworthy.core.registry import scorer


@scorer
class CountsWords:
    """Give the metric `long`: an answer of more than `limit` words."""

    metrics = (Metric("long"),)

    def __init__(self, limit: int = 5) -> None:
        self.limit = limit

    def describe(self):
        return {"scorer": "counts_words", "version": "1", "limit": self.limit}

    async def score(self, attempt, sample, ctx):
        return ()
'''

FILES = {
    "system.yaml": """\
        system:
          id: SYS-one
          title: One
          owner: us
          components:
            - {id: CMP-a, title: A part}
        include: [include/*.yaml]
        """,
    "targets.yaml": """\
        targets:
          default: {use: openai_compatible, base_url: "http://localhost:1/v1", model: m}
        """,
    "journeys.yaml": """\
        journeys:
          - {id: UJ-ask, title: Ask}
        """,
    "risks.yaml": """\
        risks:
          - id: RK-one
            title: Too many words
            severity: S2
            journeys: [UJ-ask]
            components: [CMP-a]
            refs: [owasp-llm:LLM09@2025]
        """,
    "requirements.yaml": """\
        requirements:
          - id: RQ-one
            text: Answers are short.
            mitigates: [RK-one]
            criteria:
              - id: CR-one
                suite: talk
                metric: long
                must: upper95 <= 0.5
        """,
    "plans.yaml": """\
        plans:
          - id: small
            suites:
              - {suite: talk, samples: 2}
        """,
    "gate.yaml": """\
        gate:
          id: release
          criteria: [CR-one]
        """,
    "suites/talk/suite.yaml": """\
        id: talk
        version: 1.10
        title: Talk
        content: synthetic
        metric: long
        scorers: [{use: counts_words, limit: 3}]
        attacks: [none, base64]
        """,
    "suites/talk/samples.jsonl": """\
        {"id": "t-1", "prompt": "Say something."}
        {"id": "t-2", "prompt": "Say something else.", "tags": ["stratum:b"]}
        {"id": "t-3", "prompt": "And again.", "twin": "t-1"}
        """,
    "suites/talk/card.md": "# Talk\n",
    "plugins/counts_words.py": SCORER,
}


@pytest.fixture
def workspace(tmp_path):
    """Write the small workspace, with changes: file -> text, (old, new) to replace, or None to leave it out."""

    def write(changes=None, /, **_):
        changes = changes or {}
        for name, text in (FILES | {k: v for k, v in changes.items() if isinstance(v, str)}).items():
            change = changes.get(name, "")
            if change is None:
                continue
            text = textwrap.dedent(text)
            if isinstance(change, tuple):
                assert change[0] in text, f"{change[0]!r} is not in {name}"
                text = text.replace(*change)
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def problems(workspace):
    """Load the changed workspace and return its problems as ``file:line: message (hint)``, file relative."""
    from shipworthy.core.errors import WorkspaceError
    from shipworthy.workspace.load import Workspace

    def load(changes):
        root = workspace(changes)
        try:
            Workspace.load(root, allow_code=True)
        except WorkspaceError as error:
            return [str(p._replace(file=p.file.relative_to(root))) for p in error.problems]
        return []

    return load
