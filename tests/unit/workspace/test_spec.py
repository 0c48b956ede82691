"""The spec digest: it changes with the meaning, and with nothing else."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

from dataclasses import replace

import pytest

from shipworthy.workspace import load
from shipworthy.workspace.kind import kinds
from shipworthy.workspace.kinds.plan import PlanSpec
from shipworthy.workspace.kinds.requirement import Criterion, Requirement
from shipworthy.workspace.load import Workspace


@pytest.fixture
def digest_of(workspace):
    return lambda changes=None, plan="small": Workspace.load(workspace(changes), allow_code=True).spec_digest(plan)


@pytest.mark.parametrize(
    "changes",
    [
        {"requirements.yaml": ("0.5", "0.4")},
        {"requirements.yaml": ("mitigates: [RK-one]", "mitigates: []")},
        {"plans.yaml": ("samples: 2", "samples: 3")},
        {"plans.yaml": ("id: small", "id: small\n            seed: 7")},
        {"gate.yaml": ("[CR-one]", "all")},
        {"gate.yaml": ("id: release", "id: release\n          max_error_rate: 0.01")},
        {"suites/talk/suite.yaml": ("1.10", "1.1")},
        {"suites/talk/suite.yaml": ("limit: 3", "limit: 4")},
        {"suites/talk/suite.yaml": ("base64]", "rot13]")},
        {"suites/talk/suite.yaml": ("metric: long", "metric: long\n        attempts: 2")},
        {"suites/talk/samples.jsonl": ("And again", "And Again")},
        {"suites/talk/samples.jsonl": ('"twin": "t-1"', '"twin": "t-2"')},
    ],
)
def test_meaning_changes_it(digest_of, changes):
    changes = {
        k: (v[0], v[1].replace("\n            ", "\n    ").replace("\n        ", "\n").replace("\n          ", "\n  "))
        for k, v in changes.items()
    }
    assert digest_of(changes) != digest_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"requirements.yaml": ("requirements:", "# a comment\nrequirements:")},
        {"plans.yaml": ("{suite: talk, samples: 2}", '{"samples": 2, "suite": "talk"}')},
        {"suites/talk/card.md": "# Another card\n"},
        {"suites/talk/samples.jsonl": ('{"id": "t-1", "prompt": "Say something."}', '{ "prompt":"Say something.",  "id":"t-1"}')},
        {"suites/talk/suite.yaml": ("title: Talk", "title: Chatter")},
        {"targets.yaml": ("model: m", "model: another")},
        {"guards.yaml": "rules: [{id: GD-pii, use: pii_output}]\n"},
        {"requirements.yaml": ("Answers are short.", "Answers are short!")},
        {"plans.yaml": ("id: small", "id: small\n    title: A small one")},
        {"system.yaml": ("title: A part", "title: One part")},
        {"risks.yaml": ("severity: S2", "severity: S3")},
        {"plans.yaml": ("plans:", "plans:\n  - {id: other, suites: [talk]}")},
    ],
)  # fmt: skip
def test_what_is_not_meaning_does_not(digest_of, changes):
    assert digest_of(changes) == digest_of()


def test_plans_differ(digest_of):
    assert digest_of(plan="full") != digest_of(plan="small")


def test_a_new_default_makes_no_evidence_stale(workspace, monkeypatch):
    """A later version adds a field with a default, and changes the default of another: the digest stays."""
    root = workspace()
    before = Workspace.load(root, allow_code=True).spec_digest("small")

    class LaterCriterion(Criterion):
        tie_breaker: str = "none"
        min_clusters: int = 2

    class LaterPlan(PlanSpec):
        retries: int = 3
        seed: int = 1

    monkeypatch.setitem(kinds(), "plan", replace(kinds()["plan"], model=LaterPlan))
    monkeypatch.setattr(load, "PlanSpec", LaterPlan)
    loaded = Workspace.load(root, allow_code=True)
    assert loaded.plans["small"].retries == 3
    assert loaded.plans["small"].seed == 1
    assert loaded.spec_digest("small") == before

    class LaterRequirement(Requirement):
        criteria: tuple[LaterCriterion, ...] = ()

    monkeypatch.setitem(kinds(), "criterion", replace(kinds()["criterion"], model=LaterCriterion))
    monkeypatch.setitem(kinds(), "requirement", replace(kinds()["requirement"], model=LaterRequirement))
    monkeypatch.setattr(load, "Requirement", LaterRequirement)
    loaded = Workspace.load(root, allow_code=True)
    assert loaded.requirements["RQ-one"].criteria[0].min_clusters == 2
    assert loaded.spec_digest("small") == before


def test_a_new_default_of_a_suite_makes_no_evidence_stale(workspace, monkeypatch):
    root = workspace()
    before = Workspace.load(root, allow_code=True).suites["talk"]

    from shipworthy.workspace import suites
    from shipworthy.workspace.kinds.suite import SuiteFile

    class LaterSuite(SuiteFile):
        attempts: int = 5
        judge: str = "none"

    monkeypatch.setattr(suites, "SuiteFile", LaterSuite)
    after = Workspace.load(root, allow_code=True).suites["talk"]
    assert (before.attempts, after.attempts) == (1, 5)
    assert after.digest == before.digest


PINNED = {
    "helpdesk-rag": {
        "demo": "sha256:7f0fff0004cdb79c2b5135e27a56f993b3a568002483ee0934dff634f2e7a25e",
        "full": "sha256:e566dda7e7503d0bf81c64fbbbcd8f771a46fba775ea960d07d189f27f4ef76b",
    },
    "minimal": {"full": "sha256:34883c5e0754ff3a48c4825b390c45bc7f4e919d1e6e46fcec53def25a1affe4"},
    "agent-mail": {"demo": "sha256:00f26570e2ba703ae671dff16f1369ee20af6a27eaa96cdb1c2fe5c0f619633a"},
}
"""Of the templates. A template or a suite of the library that means something else has another digest, and this is then
written anew; a kind, a key or a default that is added has not."""


@pytest.mark.parametrize("template", PINNED)
def test_kinds_and_keys_that_are_added_change_no_digest(template):
    from shipworthy.workspace.scaffold import TEMPLATES

    loaded = Workspace.load(TEMPLATES / template)
    assert {plan: loaded.spec_digest(plan) for plan in PINNED[template]} == PINNED[template]


def test_what_explains_is_no_part_of_the_spec(digest_of):
    """Each kind that was added beside risks: written, linked, and the digest is what it was."""
    before = digest_of()
    more = """\
data_categories: [{id: DAT-a, title: A, sensitivity: public}]
subprocessors: [{id: SUB-a, title: A}]
attackers: [{id: ATK-a, title: A, can: [asks], goal: G}]
assets: [{id: AST-a, title: A}]
entry_points: [{id: EP-a, title: A, component: CMP-a}]
trust_boundaries: [{id: TB-a, title: A, components: [CMP-a]}]
threats: [{id: THR-a, title: A, attackers: [ATK-a], risks: [RK-one]}]
clauses: [{id: POL-a, title: A}]
controls: [{id: CT-a, title: A, implements: [RQ-one], process: P}]
monitors: [{id: MON-a, title: A, metric: m, must: "< 1", window: 1d, watches: [RQ-one]}]
levers: [{id: LV-a, title: A, kind: flag, max_minutes: 1, contains: [RK-one]}]
roles: [{id: RO-a, title: A, holders: [ann], may: {approve: S1, accept: S1}}]
tiers: [{id: medium, approvers: [RO-a], accepts: S1}]
waivers: [{id: WV-a, risks: [RK-one], requirements: [RQ-one], reason: R, compensating: C, accepted_by: RO-a, by: ann,
  ceiling: S1, begins: 2026-01-01, expires: 2026-01-02}]
reviews: [{id: RV-a, by: ann, on: 2026-01-01, links: {"RQ-one -> RK-one": "0000000000000000"}}]
"""
    told = {name for name, kind in kinds().items() if kind.section and f"\n{kind.section}: " in f"\n{more}"}
    assert len(told) == 15
    assert digest_of({"include/more.yaml": more}) == before
