"""A guard that names no canaries of its own takes the product's; one with its own is warned about where they differ."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.evals.subject import build_pipeline
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.read import read_guards

FACTS = """\
facts:
  secrets:
    - {name: passcode, canary: HERON-4471}
    - {name: recovery code, canary: OTTER-9038}
  users:
    - {id: mara, name: Mara Lindqvist, canaries: ["mara71@mail.example", "14 Cinder Lane"]}
  may_say: ["desk@office.example"]
"""


def guard(use: str, params: str = "", id: str = "GD-one") -> str:
    return f"  - {{id: {id}, use: {use}{', params: ' + params if params else ''}}}\n"


@pytest.fixture
def found(workspace):
    def load(rules: str, facts: str = FACTS) -> Workspace:
        return Workspace.load(workspace({"facts.yaml": facts, "guards.yaml": "rules:\n" + rules}), allow_code=True)

    return load


def digests(one: Workspace) -> str:
    return Pipeline.build(one.guards).digest


def test_a_guard_without_canaries_is_the_guard_with_those_of_the_facts_written_out(found):
    told = found(guard("canary_output"))
    assert told.guards.rules[0].params == {"canaries": ["HERON-4471", "OTTER-9038"]}
    assert digests(told) == digests(found(guard("canary_output", "{canaries: [HERON-4471, OTTER-9038]}")))
    assert not told.warnings
    parts = found(guard("canary_output", "{parts: false}")).guards.rules[0].params
    assert parts == {"canaries": ["HERON-4471", "OTTER-9038"], "parts": False}


def test_what_it_says_itself_stands(found):
    own = found(guard("canary_output", "{canaries: [HERON-4471]}"))
    assert own.guards.rules[0].params == {"canaries": ["HERON-4471"]}
    [warning] = own.warnings
    assert warning.file.name == "guards.yaml"
    assert warning.line == 2
    assert warning.message == "GD-one lets through what the product must keep to itself: recovery code"
    assert "9038" not in str(warning)
    assert "leave 'canaries' out" in warning.hint


def test_the_same_secret_in_another_guise_or_another_guard_is_covered(found):
    assert not found(guard("canary_output", "{canaries: [heron 4471, otter 9038]}")).warnings
    two = guard("canary_output", "{canaries: [HERON-4471]}") + guard(
        "canary_output", "{canaries: [OTTER-9038]}", "GD-two"
    )
    assert not found(two).warnings


def test_digests_stand_in_place_of_canaries(found):
    from shipworthy.detect.canaries import reference

    both = f"{{digests: ['{reference('HERON-4471')}', '{reference('OTTER-9038')}']}}"
    covered = found(guard("canary_output", both))
    assert "canaries" not in covered.guards.rules[0].params
    assert not covered.warnings
    one = found(guard("canary_output", f"{{digests: ['{reference('HERON-4471')}']}}"))
    assert [w.message for w in one.warnings] == [
        "GD-one lets through what the product must keep to itself: recovery code"
    ]


@pytest.mark.parametrize("facts", ["facts: {persona: Tarn}\n", "facts: {secrets: []}\n"])
def test_without_canaries_and_without_secrets_it_is_refused(found, facts):
    with pytest.raises(WorkspaceError) as caught:
        found(guard("canary_output"), facts)
    [problem] = caught.value.problems
    assert (problem.file.name, problem.line) == ("guards.yaml", 2)
    assert "has no canaries and would pass everything" in str(problem)
    assert "'facts' in system.yaml" in str(problem)


def test_broken_facts_are_reported_and_no_guard_is_called_blind(found):
    with pytest.raises(WorkspaceError) as caught:
        found(guard("canary_output"), "facts: {secrets: [{name: passcode}]}\n")
    assert {problem.file.name for problem in caught.value.problems} == {"facts.yaml"}


def test_a_reference_stays_a_reference_and_is_asked_for_once(found, workspace, monkeypatch):
    monkeypatch.setenv("REAL_PASSCODE", "wren-5512")
    facts = "facts: {secrets: [{name: passcode, value: env:REAL_PASSCODE}]}\n"
    told = found(guard("canary_output"), facts)
    assert told.guards.rules[0].params == {"canaries": ["env:REAL_PASSCODE"]}
    assert [(want.what, want.where.file.name) for want in told.wants] == [("env:REAL_PASSCODE", "facts.yaml")]
    assert "wren" not in repr(told.guards)
    other = found(guard("canary_output", "{canaries: [HERON-4471]}"), facts)
    assert any("GD-one lets through" in w.message and "wren" not in str(w) for w in other.warnings)


def test_a_guard_file_that_is_named_takes_the_facts_too(found, tmp_path):
    path = tmp_path / "strict.yaml"
    path.write_text("rules:\n" + guard("canary_output"))
    one = found(guard("pii_output"))
    assert build_pipeline(one, path).digest == Pipeline.build(read_guards(path, one.facts)).digest
    with pytest.raises(WorkspaceError, match="has no canaries"):
        read_guards(path)


def test_what_the_product_may_say_is_let_through(found):
    told = found(guard("pii_output"))
    assert told.guards.rules[0].params == {"allow": ["desk@office.example"]}
    assert not told.warnings
    own = found(guard("pii_output", "{allow: ['@other.example']}"))
    assert [w.message for w in own.warnings] == ["GD-one takes away what the product may say: 1 of 1 values"]


@pytest.mark.parametrize("params", ["{kinds: [iban]}", "{allow: ['@mail.example', 'desk@office.example']}"])
def test_personal_data_of_the_facts_that_a_guard_could_find_and_lets_through_is_said(found, params):
    warnings = [w.message for w in found(guard("pii_output", params)).warnings]
    assert warnings == ["GD-one lets through personal data that stands in the facts: of Mara Lindqvist"]


def test_facts_without_guards_and_guards_without_facts_say_nothing(found):
    assert not found(guard("input_rules")).warnings
    assert not found(guard("canary_output", "{canaries: [HERON-4471]}"), "facts: {persona: Tarn}\n").warnings
