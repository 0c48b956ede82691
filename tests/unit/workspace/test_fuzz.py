"""Any JSON anywhere in any file: problems with a line, never a traceback."""

# ruff: noqa: E501 - files as they are written
from __future__ import annotations

import copy
import json
import tempfile
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.load import Workspace

VALID = {
    "system.yaml": """
        system: {id: SYS-one, title: One, owner: us, components: [{id: CMP-a, title: A}], ai_act: {role: deployer, risk_class: limited}}
        include: [include/*.yaml]
        """,
    "targets.yaml": """
        targets: {default: {use: openai_compatible, base_url: "http://localhost:1/v1", model: m}}
        """,
    "risks.yaml": """
        journeys: [{id: UJ-a, title: A, critical: true}]
        risks: [{id: RK-a, title: A, severity: S2, likelihood: 2, journeys: [UJ-a], refs: ["owasp-llm:LLM01@2025"]}]
        """,
    "requirements.yaml": """
        requirements:
        - {id: RQ-a, text: A, mitigates: [RK-a], criteria: [{id: CR-a, suite: talk, must: upper95 <= 0.5, min_clusters: 1}]}
        """,
    "plans.yaml": """
        plans: [{id: p, seed: 1, suites: [{suite: talk, samples: 1, attacks: [none], attempts: 1}]}]
        gate: {id: release, criteria: [CR-a], max_error_rate: 0.1}
        """,
    "guards.yaml": """
        block_message: No.
        rules: [{id: GD-a, use: pii_output, stages: [output], params: {own: true}, timeout_s: 1, implements: [RQ-a]}]
        """,
    "suites/talk.yaml": """
        id: talk
        version: 1
        title: Talk
        content: synthetic
        metric: nothing
        scorers: [nothing]
        attacks: [none, {use: payload_in_document, position: head}]
        samples: [{id: a, prompt: x}, {id: b, messages: [{role: user, content: [{type: text, text: x}]}]}]
        icc: 0.1
        """,
}  # fmt: skip
DOCUMENTS = {name: yaml.safe_load(textwrap.dedent(text)) for name, text in VALID.items()}


def paths(value, here=()):
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*here, key))


PLACES = [(name, path) for name, document in DOCUMENTS.items() for path in paths(document)]
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", " ", "none", "all", "RK-a", "env:X", "library:over-refusal", "library:x", "use", "no", "\u2028"]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "use", "model", "params", "x", ""]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
changes = st.lists(st.tuples(st.sampled_from(PLACES), odd, st.sampled_from(["replace", "delete", "add"])), max_size=3)


def apply(documents, edits):
    for (name, path), value, how in edits:
        if not path:
            documents[name] = value
            continue
        parent = documents[name]
        try:
            for key in path[:-1]:
                parent = parent[key]
            if how == "delete":
                del parent[path[-1]]
            elif how == "add" and isinstance(parent, dict):
                parent["unknown"] = value
            else:
                parent[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier edit took the place away


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes)
def test_a_changed_workspace_loads_or_says_why(edits):
    documents = copy.deepcopy(DOCUMENTS)
    apply(documents, edits)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "suites").mkdir()
        for name, document in documents.items():
            (root / name).write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        try:
            Workspace.load(root)
        except WorkspaceError as error:
            assert error.problems
            for problem in error.problems:
                assert problem.message.strip()
                assert problem.line >= 0
                assert len(str(problem)) < 2000
        else:
            pytest.fail("the suite names a scorer that does not exist")
