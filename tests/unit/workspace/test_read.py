"""Reading: every file is found, and every broken one is named with its line, all at once."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.read import read_guards


def test_all_problems_come_at_once_sorted_by_file_and_line(problems):
    found = problems({
        "risks.yaml": "risks:\n  - {id: RK-one, title: A, severity: S9}\n  - {id: RK-one, titel: B, severity: S1}\n",
        "gate.yaml": "gate:\n  criterias: all\n",
        "requirements.yaml": ("suite: talk", "suite: tlak"),
        "suites/talk/samples.jsonl": '{"id": "t-1", "prompt": "a"}\n{"id": "t-1", "prompt": "b"}\n{"id": 3}\n',
        "targets.yaml": "targets:\n  default:\n    use: openai_compatibel\n",
    })  # fmt: skip
    assert found == [
        "gate.yaml:2: unknown key 'criterias' (did you mean 'criteria'?)",
        "requirements.yaml:7: unknown suite 'tlak' (did you mean 'talk'?)",
        "risks.yaml:2: 'severity' must be 'S1', 'S2', 'S3' or 'S4', not 'S9'",
        "risks.yaml:3: the key 'title' is missing",
        "risks.yaml:3: the risk id 'RK-one' is used twice (first on line 2)",
        "risks.yaml:3: unknown key 'titel' (did you mean 'title'?)",
        "suites/talk/samples.jsonl:2: the sample id 't-1' is used twice (first on line 1)",
        "suites/talk/samples.jsonl:3: a sample needs an 'id' that is text",
        "targets.yaml:3: unknown target 'openai_compatibel' (did you mean 'openai_compatible'?)",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"journeys.yaml": "journey:\n  - {id: UJ-ask, title: Ask}\n"}, "journeys.yaml:1: unknown section 'journey' (did you mean 'journeys'?)"),
        ({"journeys.yaml": "journeys: {id: UJ-ask, title: Ask}\n"}, "journeys.yaml:1: 'journeys' must be a list"),
        ({"journeys.yaml": "journeys:\n  - Ask\n"}, "journeys.yaml:2: 'journeys' must be a mapping of keys to values (journey), not text"),
        ({"journeys.yaml": "- a\n"}, "journeys.yaml:1: the file must hold sections: agenda, assets, attackers, clauses, controls, data_categories, decision_tables, dossier, entry_points, escalations, facts, gate, include, inherits, journeys, levers, monitors, plans, programme, requirements, reviews, risks, roles, subprocessors, system, targets, threats, tiers, triage, trust_boundaries, waivers"),
        ({"system.yaml": ("[include/*.yaml]", "[nope.yaml]")}, "system.yaml:7: there is no file 'nope.yaml' (paths start at the workspace)"),
        ({"system.yaml": ("[include/*.yaml]", "[../x.yaml]")}, "system.yaml:7: '../x.yaml' leads out of the workspace"),
        ({"system.yaml": ("[include/*.yaml]", "[/etc/x.yaml]")}, "system.yaml:7: '/etc/x.yaml' leads out of the workspace"),
        ({"system.yaml": ("[include/*.yaml]", "yes")}, "system.yaml:7: 'include' must be a list of files of this workspace"),
        ({"system.yaml": "gate: {}\n"}, "system.yaml:1: the section 'system' is missing"),
        ({"targets.yaml": None}, "system.yaml:1: the section 'targets' is missing: what is to be tested?"),
        ({"plans.yaml": ("id: small", "id: full")}, "plans.yaml:2: the plan id 'full' is taken (it always exists and covers everything)"),
        ({"gate.yaml": "system: {id: SYS-b, title: B, owner: b}\n"}, "gate.yaml:1: the section 'system' is written twice"),
        ({"suites/talk.yaml": "use: library:talk\n"}, "suites/talk.yaml:1: the library has no suite 'talk'"),
    ],
)  # fmt: skip
def test_one_wrong_place(problems, changes, expected):
    assert [p for p in problems(changes) if p.startswith(expected)], problems(changes)


def test_a_broken_entity_does_not_make_links_to_it_dangle(problems):
    found = problems({"risks.yaml": ("severity: S2", "severity: worst"), "journeys.yaml": ("title: Ask", "titel: Ask")})
    assert not [p for p in found if "unknown risk" in p or "unknown journey" in p]
    assert len(found) == 3


def test_a_broken_suite_does_not_make_criteria_dangle(problems):
    found = problems({"suites/talk/suite.yaml": ("content: synthetic", "content: synthetik")})
    assert found == [
        "suites/talk/suite.yaml:4: 'content' must be 'synthetic' or 'private', not 'synthetik' (did you mean 'synthetic'?)"
    ]


def test_files_that_nobody_reads_are_warned_about(workspace):
    root = workspace({"risk.yaml": "risks: []\n"})
    [warning] = Workspace.load(root, allow_code=True).warnings
    assert str(warning).endswith("risk.yaml: is not read (did you mean 'risks.yaml'?)")


def test_an_include_that_includes_itself_ends(workspace):
    root = workspace(
        {
            "include/a.yaml": "include: [include/a.yaml, include/b.yaml]\n",
            "include/b.yaml": "include: [include/a.yaml]\n",
        }
    )
    assert Workspace.load(root, allow_code=True)


def test_a_guard_file_on_its_own(tmp_path):
    path = tmp_path / "guards.yaml"
    path.write_text("rules:\n  - {id: GD-pii, use: pii_output, action: redact, params: {own: false}}\n")
    [rule] = read_guards(path).rules
    assert (rule.id, rule.on_error, rule.mode, rule.params) == ("GD-pii", "block", "enforce", {"own": False})
    path.write_text("rules:\n  - {id: GD-pii, use: pii_output, actoin: redact}\n  - {id: GD-pii, use: pii_outputs}\n")
    with pytest.raises(WorkspaceError) as caught:
        read_guards(path)
    assert [p.line for p in caught.value.problems] == [2, 3]
    path.write_text("rules:\n  - {id: GD-pii, use: pii_output}\n  - id: GD-pii\n    use: pii_outputs\n")
    with pytest.raises(WorkspaceError) as caught:
        read_guards(path)
    assert [(p.line, p.message) for p in caught.value.problems] == [
        (3, "the guard id 'GD-pii' is used twice"),
        (4, "unknown guard 'pii_outputs'"),
    ]
