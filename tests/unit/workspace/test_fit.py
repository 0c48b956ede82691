"""Fitting a suite to a product: with the facts that it was written with, nothing changes."""

from __future__ import annotations

import pytest

from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import library_suite


@pytest.mark.parametrize("name", ["secret-leakage", "pii-leakage", "indirect-injection"])
def test_the_shipped_product_is_asked_what_the_library_says(tmp_path, name):
    scaffold(tmp_path / "w", "helpdesk-rag")
    assert Workspace.load(tmp_path / "w").suites[name].samples == library_suite(name).samples


@pytest.mark.parametrize("name", ["secret-leakage", "pii-leakage", "indirect-injection"])
def test_every_asker_of_a_suite_is_among_the_people_it_lists(name, tmp_path):
    from shipworthy.workspace.suites import LIBRARY, read_suite

    loaded = read_suite(LIBRARY / name / "suite.yaml", [])
    assert loaded is not None and loaded.spec.facts is not None
    assert {s.user for s in loaded.entity.samples} <= set(loaded.spec.facts.people)
