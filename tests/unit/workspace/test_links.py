"""The link graph: what is named exists, what exists is used, and every complaint has its line."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.load import Workspace

GUARDS = "rules:\n  - id: GD-pii\n    use: pii_output\n    params: {own: true}\n    implements: [RQ-one]\n"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"risks.yaml": ("UJ-ask", "UJ-aks")}, "risks.yaml:5: unknown journey 'UJ-aks' (did you mean 'UJ-ask'?)"),
        ({"risks.yaml": ("CMP-a", "CMP-b")}, "risks.yaml:6: unknown component 'CMP-b' (did you mean 'CMP-a'?)"),
        ({"risks.yaml": ("LLM09@2025", "LLM99@2025")}, "risks.yaml:7: OWASP Top 10 for LLM Applications has no 'LLM99' (did you mean 'LLM09'?)"),
        ({"risks.yaml": ("@2025", "")}, "risks.yaml:7: the reference 'owasp-llm:LLM09' pins no version (write owasp-llm:LLM09@2025)"),
        ({"risks.yaml": ("@2025", "@2019")}, "risks.yaml:7: stale reference 'owasp-llm:LLM09@2019': OWASP Top 10 for LLM Applications is at 2025, and catalogues renumber"),
        ({"requirements.yaml": ("RK-one", "RK-two")}, "requirements.yaml:4: unknown risk 'RK-two' (did you mean 'RK-one'?)"),
        ({"requirements.yaml": ("metric: long", "metric: lang")}, "requirements.yaml:8: no scorer of the suite 'talk' gives the metric 'lang' (did you mean 'long'?)"),
        ({"requirements.yaml": ("must: upper95 <= 0.5", "must: upper95 < 0.5")}, "requirements.yaml:9: 'must' cannot read the condition 'upper95 < 0.5'"),
        ({"requirements.yaml": ("must: upper95 <= 0.5", "must: upper95 <= 0.5\n        attack: bas64")}, "requirements.yaml:10: the suite 'talk' has no attack 'bas64' (did you mean 'base64'?)"),
        ({"requirements.yaml": ("must: upper95 <= 0.5", "must: upper95 <= 0.5\n        min_clusters: 4")}, "requirements.yaml:10: needs 4 independent samples; the suite 'talk' has 3"),
        ({"requirements.yaml": ("suite: talk", "suite: over-refusal")}, "requirements.yaml:7: unknown suite 'over-refusal'"),
        ({"plans.yaml": ("suite: talk", "suite: walk")}, "plans.yaml:4: unknown suite 'walk' (did you mean 'talk'?)"),
        ({"plans.yaml": ("samples: 2", "attacks: [rot31]")}, "plans.yaml:4: the suite 'talk' has no attack 'rot31'"),
        ({"plans.yaml": ("{suite: talk, samples: 2}", "talk\n      - suite: talk")}, "plans.yaml:5: the plan names the suite 'talk' twice"),
        ({"gate.yaml": ("CR-one", "CR-oen")}, "gate.yaml:3: unknown criterion 'CR-oen' (did you mean 'CR-one'?)"),
        ({"gate.yaml": ("[CR-one]", "[]")}, "gate.yaml:3: a gate without criteria lets everything pass"),
        ({"targets.yaml": ("model: m", "modle: m")}, "targets.yaml:2: target 'openai_compatible' has no parameter 'modle' (did you mean 'model'?)"),
        ({"suites/talk/suite.yaml": ("counts_words", "count_words")}, "suites/talk/suite.yaml:6: unknown scorer 'count_words' (did you mean 'counts_words'?)"),
        ({"suites/talk/suite.yaml": ("limit: 3", "limits: 3")}, "suites/talk/suite.yaml:6: scorer 'counts_words' has no parameter 'limits' (did you mean 'limit'?)"),
        ({"suites/talk/suite.yaml": ("limit: 3", "limit: three")}, "suites/talk/suite.yaml:6: the scorer 'counts_words': 'limit': must be a whole number"),
        ({"suites/talk/suite.yaml": ("base64]", "base46]")}, "suites/talk/suite.yaml:7: unknown attack 'base46' (did you mean 'base64'?)"),
        ({"suites/talk/suite.yaml": ("base64]", "none]")}, "suites/talk/suite.yaml:7: the attack 'none' is listed twice"),
        ({"suites/talk/suite.yaml": ("metric: long", "metric: loud")}, "suites/talk/suite.yaml:5: no scorer of the suite gives the metric 'loud' (known: long)"),
        ({"guards.yaml": GUARDS.replace("RQ-one", "RQ-two")}, "guards.yaml:5: unknown requirement 'RQ-two' (did you mean 'RQ-one'?)"),
        ({"guards.yaml": GUARDS.replace("pii_output", "pii_input")}, "guards.yaml:3: unknown guard 'pii_input' (did you mean 'pii_output'?)"),
        ({"guards.yaml": GUARDS.replace("own:", "won:")}, "guards.yaml:4: guard 'pii_output' has no parameter 'won' (did you mean 'own'?)"),
        ({"guards.yaml": GUARDS.replace("own: true", "kinds: [emial]")}, "guards.yaml:3: guard 'pii_output' knows no kind 'emial' (did you mean 'email'?)"),
        ({"guards-strict.yaml": GUARDS.replace("GD-pii", "pii")}, "guards-strict.yaml:2: 'id' must be an id such as 'GD-1' or 'GD-leak', not 'pii'"),
    ],
)  # fmt: skip
def test_one_broken_link(problems, changes, expected):
    assert [p for p in problems(changes) if p.startswith(expected)], problems(changes)


def test_a_requirement_without_criterion(problems):
    requirements = "requirements:\n  - id: RQ-one\n    text: Short.\n    mitigates: [RK-one]\n"
    found = problems({"requirements.yaml": requirements, "gate.yaml": None})
    assert found == [
        "requirements.yaml:2: the requirement 'RQ-one' has no criterion (a requirement that nothing tests decides nothing: add 'criteria', or a monitor that watches it)"
    ]


def test_duplicate_criteria_across_requirements(problems):
    requirements = """\
        requirements:
          - id: RQ-one
            text: A.
            mitigates: [RK-one]
            criteria: [{id: CR-one, suite: talk, must: upper95 <= 0.5}]
          - id: RQ-two
            text: B.
            criteria: [{id: CR-one, suite: talk, must: upper95 <= 0.4}]
        """
    assert problems({"requirements.yaml": requirements}) == [
        "requirements.yaml:8: the criterion id 'CR-one' is used twice (first on line 5)"
    ]


def test_two_files_may_not_claim_one_suite(problems):
    found = problems(
        {
            "suites/again.yaml": "id: talk\nversion: 1\ntitle: B\ncontent: private\nmetric: long\nscorers: [counts_words]\nsamples: [{id: a, prompt: b}]\n"
        }
    )
    assert found == ["suites/talk/suite.yaml:1: the suite id 'talk' is used twice (first on line 1 of again.yaml)"]


def test_a_plan_that_wants_more_samples_than_there_are_is_warned_about(workspace):
    [warning] = Workspace.load(workspace({"plans.yaml": ("samples: 2", "samples: 20")}), allow_code=True).warnings
    assert warning.message == "the suite 'talk' has only 3 samples, not 20"
    assert warning.line == 4


def test_a_model_inside_a_target_is_checked(problems):
    found = problems({"targets.yaml": "targets:\n  default:\n    use: helpdesk_rag\n    model: {use: smolm2}\n"})
    assert found == ["targets.yaml:4: unknown target 'smolm2' (did you mean 'smollm2'?)"]


def test_a_twin_in_another_suite(problems):
    other = "id: other\nversion: 1\ntitle: O\ncontent: synthetic\nmetric: long\nscorers: [counts_words]\n"
    other += "samples: [{id: o-1, prompt: x, twin: talk/t-1}, {id: o-2, prompt: y, twin: talk/t-9}, {id: o-3, prompt: z, twin: nope/a}]\n"
    assert problems({"suites/other.yaml": other}) == [
        "suites/other.yaml:7: the twin 'nope/a' of the sample 'o-3' is in no suite of this workspace",
        "suites/other.yaml:7: the twin 'talk/t-9' of the sample 'o-2' does not exist",
    ]


def test_a_model_for_a_target_that_takes_none(problems):
    found = problems({"targets.yaml": "targets:\n  default:\n    use: smollm2\n    model: {use: smollm2}\n"})
    assert found == ["targets.yaml:4: the target 'smollm2' takes no model"]


def test_a_scorers_model_is_checked_and_not_started(problems):
    model = '{use: openai_compatible, base_url: "http://localhost:1/v1", modle: m}'
    found = problems({"suites/talk/suite.yaml": ("limit: 3", f"limit: 3, model: {model}")})
    expected = "suites/talk/suite.yaml:6: target 'openai_compatible' has no parameter 'modle' (did you mean 'model'?)"
    assert found == [expected]
    assert (
        problems({"suites/talk/suite.yaml": ("limit: 3", f"limit: 3, model: {model.replace('modle', 'model')}")}) == []
    )


def test_a_scorer_that_cannot_be_built_is_named(problems):
    code = "from shipworthy.core.registry import scorer\n\n\n@scorer\nclass S:\n    metrics = ('long',)\n\n    def __init__(self):\n        raise OSError('weights are gone')\n"
    found = problems(
        {"plugins/broken_one.py": code, "suites/talk/suite.yaml": ("{use: counts_words, limit: 3}", "broken_one")}
    )
    assert found == ["suites/talk/suite.yaml:6: the scorer 'broken_one' cannot be built: weights are gone"]


def test_a_credential_that_is_missing_here_is_a_warning(workspace, monkeypatch):
    monkeypatch.delenv("NO_SUCH_CANARY", raising=False)
    guards = "rules:\n  - {id: GD-canary, use: canary_output, params: {canaries: ['env:NO_SUCH_CANARY']}}\n"
    second, first = Workspace.load(workspace({"guards.yaml": guards}), allow_code=True).warnings
    assert "NO_SUCH_CANARY is not set" in first.message
    assert second.hint.endswith("shipworthy allow key env:NO_SUCH_CANARY facts")


def test_the_workspaces_own_code_runs_only_when_allowed(workspace):
    root = workspace()
    with pytest.raises(WorkspaceError) as caught:
        Workspace.load(root)
    [problem] = caught.value.problems
    assert (problem.file.name, problem.line, problem.message) == (
        "suite.yaml",
        6,
        "the scorer 'counts_words' is not loaded",
    )
    assert problem.hint.endswith("--allow-code")
