"""The catalogue of threats: enough of it, every reference right, and what tests each is really there."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from shipworthy.core.registry import create
from shipworthy.workspace import catalogue as module
from shipworthy.workspace.catalogue import CatalogueThreat, catalogue
from shipworthy.workspace.kinds.data import DataClass
from shipworthy.workspace.kinds.system import ComponentKind
from shipworthy.workspace.suites import library_suite

ENTRY = {
    "id": "AIT-some-thing", "title": "Something goes wrong", "vector": "misuse", "preconditions": ["it runs"],
    "text": "Something goes wrong since somebody did something that nobody had thought of.",
    "components": ["model"], "capability": "asks", "refs": ["owasp-llm:LLM01@2025"], "controls": ["care"],
    "untested": "nobody can",
}  # fmt: skip


def test_there_are_sixty_and_more_and_each_reference_resolves():
    assert len(catalogue()) >= 60  # reading them looks up every reference, at its version


def test_the_public_top_tens_are_covered():
    refs = {ref.partition("@")[0] for entry in catalogue().values() for ref in entry.refs}
    assert {f"owasp-llm:LLM{n:02}" for n in range(1, 11)} <= refs
    assert {f"owasp-asi:ASI{n:02}" for n in range(1, 11)} <= refs


def test_it_speaks_of_components_and_data_that_a_workspace_can_have():
    kinds, data = set(get_args(ComponentKind)), set(get_args(DataClass))
    for entry in catalogue().values():
        assert set(entry.components) <= kinds, entry.id
        assert set(entry.when.also) <= kinds, entry.id
        assert set(entry.when.holds) <= data, entry.id


def test_every_kind_of_component_but_the_last_has_threats():
    tried = {kind for entry in catalogue().values() for kind in entry.components}
    assert tried == set(get_args(ComponentKind)) - {"other"}


def test_what_tests_an_entry_is_a_metric_of_a_suite():
    named = {(entry.tested_by.suite, entry.tested_by.metric) for entry in catalogue().values() if entry.tested_by}
    assert len(named) >= 8
    for name, metric in named:
        scorers = [create("scorer", use.use, use.own_params) for use in library_suite(name).scorers]
        assert metric in {m.name for scorer in scorers for m in scorer.metrics}, name


@pytest.mark.parametrize(
    "change",
    [
        {"id": "THR-1"},
        {"capability": "magic"},
        {"untested": ""},
        {"tested_by": {"suite": "a", "metric": "b"}},
        {"text": "Too short."},
        {"when": {"writer": ["users"]}},
    ],
)
def test_a_broken_entry_is_refused(change):
    CatalogueThreat.model_validate(ENTRY)
    with pytest.raises(ValidationError):
        CatalogueThreat.model_validate({**ENTRY, **change})


def test_a_stale_reference_in_it_is_refused(monkeypatch, tmp_path):
    from shipworthy.core.errors import WorkspaceError

    lines = [f"    {key}: {value!r}" for key, value in ENTRY.items() if key != "id"]
    text = "\n".join(["threats:", "  - id: AIT-some-thing", *lines]).replace("@2025", "@2023")
    (tmp_path / "a.yaml").write_text(text)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    with pytest.raises(WorkspaceError, match=r"stale reference '.*@2023'"):
        catalogue.__wrapped__()
