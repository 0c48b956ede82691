"""Any edit of prose leaves a plan's digest alone; any edit of what decides, and is reached, changes it."""

# ruff: noqa: E501 - a table of places and values is read by its columns
from __future__ import annotations

import copy
import json
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.kinds.requirement import Requirement
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.meaning import meaning

DOCUMENTS = {
    "system.yaml": {"system": {"id": "SYS-a", "title": "A", "owner": "us", "purpose": "p", "tier": "low",
                               "components": [{"id": "CMP-a", "title": "A", "kind": "tool"}]}},
    "targets.yaml": {"targets": {"default": {"use": "openai_compatible", "base_url": "http://localhost:1", "model": "m"}}},
    "journeys.yaml": {"journeys": [{"id": "UJ-a", "title": "A", "text": "t", "critical": True}]},
    "risks.yaml": {"risks": [{"id": "RK-a", "title": "A", "severity": "S2", "likelihood": 2, "owner": "o", "text": "t",
                              "journeys": ["UJ-a"], "components": ["CMP-a"], "refs": ["owasp-llm:LLM01@2025"]}]},
    "threats.yaml": {"threats": [{"id": "THR-a", "title": "A", "risks": ["RK-a"], "attackers": ["x"], "text": "t"}]},
    "requirements.yaml": {"requirements": [
        {"id": "RQ-a", "text": "t", "mitigates": ["RK-a"], "refs": ["eu-ai-act:Art15@2024"],
         "criteria": [{"id": "CR-a", "suite": "here", "metric": "not_refused", "must": "upper95 <= 0.5",
                       "severity": "S2", "attack": "none", "min_clusters": 1}]},
        {"id": "RQ-b", "text": "t", "criteria": [{"id": "CR-b", "suite": "there", "must": "upper95 <= 0.5"}]},
    ]},
    "plans.yaml": {"plans": [
        {"id": "p", "title": "t", "seed": 1, "suites": [{"suite": "here", "samples": 1, "attacks": ["none"], "attempts": 1}]},
        {"id": "q", "suites": ["there"]},
    ]},
    "gate.yaml": {"gate": {"id": "release", "criteria": "all", "max_error_rate": 0.1}},
    "guards.yaml": {"block_message": "No.", "rules": [{"id": "GD-a", "use": "pii_output"}]},
    **{f"suites/{name}.yaml": {
        "id": name, "version": "1", "title": "T", "content": "synthetic", "metric": "not_refused", "license": "CC0-1.0",
        "scorers": ["refusal", {"use": "refusal", "metric": "over_refusal"}], "attacks": ["none", {"use": "payload_in_document", "position": "head"}],
        "attempts": 1, "max_error_rate": 0.1, "icc": 0.1, "refs": ["owasp-llm:LLM01@2025"],
        "samples": [{"id": "a", "prompt": "x", "severity": "S2"}, {"id": "b", "prompt": "y"}],
    } for name in ("here", "there")},
}  # fmt: skip

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
refs = st.lists(st.sampled_from(["owasp-llm:LLM02@2025", "atlas:AML.T0054@5.6", "ailuminate:vcr@1.0"]), max_size=2)
numbers = st.integers(1, 50)
rates = st.floats(0, 1).map(lambda value: round(value, 4))
here, there = "suites/here.yaml", "suites/there.yaml"
requirement, other = ("requirements.yaml", "requirements", 0), ("requirements.yaml", "requirements", 1)
plan = ("plans.yaml", "plans", 0)

EXPLAINS = {
    ("system.yaml", "system", "title"): words, ("system.yaml", "system", "owner"): words,
    ("system.yaml", "system", "purpose"): words, ("system.yaml", "system", "components", 0, "title"): words,
    ("journeys.yaml", "journeys", 0, "title"): words, ("journeys.yaml", "journeys", 0, "text"): words,
    ("journeys.yaml", "journeys", 0, "critical"): st.booleans(),
    ("risks.yaml", "risks", 0, "title"): words, ("risks.yaml", "risks", 0, "owner"): words,
    ("risks.yaml", "risks", 0, "likelihood"): st.integers(1, 5), ("risks.yaml", "risks", 0, "refs"): refs,
    ("threats.yaml", "threats", 0, "title"): words, ("threats.yaml", "threats", 0, "attackers"): st.lists(words, max_size=2),
    (*requirement, "text"): words, (*requirement, "refs"): refs, (*plan, "title"): words,
    (here, "title"): words, (here, "license"): words, (here, "refs"): refs,
    # Deciding words, and not reached by the plan.
    (*other, "text"): words, (*other, "criteria", 0, "must"): numbers.map(lambda n: f"upper95 <= {n} %"),
    (*other, "criteria", 0, "severity"): st.sampled_from(["S1", "S2", "S4"]),
    (there, "attempts"): numbers, (there, "samples", 0, "prompt"): words, (there, "icc"): rates,
    ("plans.yaml", "plans", 1, "suites", 0): st.just("here"),
    ("guards.yaml", "block_message"): words,
}  # fmt: skip
DECIDES = {
    (*requirement, "mitigates"): st.just([]), (*requirement, "id"): st.just("RQ-z"),
    (*requirement, "criteria", 0, "must"): numbers.map(lambda n: f"upper95 <= {n} %"),
    (*requirement, "criteria", 0, "metric"): st.just("over_refusal"),
    (*requirement, "criteria", 0, "severity"): st.sampled_from(["S1", "S3", "S4"]),
    (*requirement, "criteria", 0, "attack"): st.just("payload_in_document"),
    (*requirement, "criteria", 0, "min_clusters"): st.just(2),
    (*requirement, "criteria", 0, "id"): st.just("CR-z"),
    (*requirement, "criteria", 0, "suite"): st.just("there"),
    (*plan, "seed"): numbers, (*plan, "suites", 0, "samples"): st.just(2), (*plan, "suites", 0, "attempts"): numbers,
    (*plan, "suites", 0, "attacks", 0): st.just("payload_in_document"), (*plan, "suites", 0, "suite"): st.just("there"),
    ("gate.yaml", "gate", "criteria"): st.sampled_from([["CR-a"], ["CR-b"], ["CR-a", "CR-b"]]),
    ("gate.yaml", "gate", "max_error_rate"): rates, ("gate.yaml", "gate", "id"): st.just("other"),
    (here, "version"): words, (here, "content"): st.just("private"), (here, "attempts"): numbers,
    (here, "icc"): rates, (here, "max_error_rate"): rates, (here, "metric"): st.just("over_refusal"),
    (here, "attacks", 1, "position"): st.just("tail"), (here, "samples", 0, "prompt"): words,
    (here, "samples", 1, "severity"): st.sampled_from(["S1", "S4"]), (here, "samples", 0, "id"): st.just("c"),
}  # fmt: skip


def edits(table):
    places = st.lists(st.sampled_from(sorted(table, key=repr)), min_size=1, max_size=3, unique=True)
    return places.flatmap(lambda chosen: st.tuples(*(st.tuples(st.just(place), table[place]) for place in chosen)))


def digest(changes=()):
    documents = copy.deepcopy(DOCUMENTS)
    for (*path, last), value in changes:
        parent = documents
        for key in path:
            parent = parent[key]
        assume(not isinstance(parent, dict) or parent.get(last) != value)
        parent[last] = value
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "suites").mkdir()
        for name, document in documents.items():
            (Path(folder) / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        try:
            return Workspace.load(folder).spec_digest("p")
        except WorkspaceError as error:
            if len(changes) < 2:
                raise
            reject()  # two edits may contradict each other, such as a criterion's id and the gate's
            raise AssertionError from error


@cache
def before():
    return digest()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(edits(EXPLAINS))
def test_prose_and_what_is_not_reached_never_change_it(changes):
    assert digest(changes) == before()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(edits(DECIDES), edits(EXPLAINS))
def test_what_decides_and_is_reached_always_changes_it(deciding, explaining):
    assert digest((*deciding, *explaining)) != before()


@pytest.mark.parametrize("place", sorted({**EXPLAINS, **DECIDES}, key=repr), ids=repr)
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_place_can_be_edited_alone(place, data):
    """So that none of the edits above is one that is always refused."""
    value = data.draw({**EXPLAINS, **DECIDES}[place])
    assert (digest(((place, value),)) == before()) == (place in EXPLAINS)


def test_what_was_written_counts_and_not_the_model():
    assert meaning(
        Requirement, {"id": "RQ-a", "text": "prose", "criteria": [{"id": "CR-a", "must": "m", "new": 1}]}
    ) == {
        "id": "RQ-a",
        "criteria": [{"id": "CR-a", "must": "m", "new": 1}],
    }
