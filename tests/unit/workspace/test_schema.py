"""JSON Schemas for editors: they take what we take, and refuse what is plainly wrong."""

from __future__ import annotations

import jsonschema
import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.kind import sections
from shipworthy.workspace.nodes import parse_yaml, read_yaml
from shipworthy.workspace.scaffold import TEMPLATES
from shipworthy.workspace.schema import names, schema_of

FILES = sorted(
    path
    for path in TEMPLATES.rglob("*.yaml")
    if path.name not in ("samples.yaml", "state.yaml", "tasks.yaml", "goals.yaml")  # samples and worlds
)


def which(path):
    if "suites" in path.relative_to(TEMPLATES).parts:
        return "suite"
    return next((name for name in ("guards", "policy") if path.name.startswith(name)), "workspace")


def wrong(name, value):
    return [error.message for error in jsonschema.Draft202012Validator(schema_of(name)).iter_errors(value)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_it_takes_the_templates(path):
    assert wrong(which(path), read_yaml(path).value) == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.parent.glob("suites/*/suite.yaml")), ids=lambda p: p.parent.name)
def test_it_takes_the_librarys_suites(path):
    assert wrong("suite", read_yaml(path).value) == []


@pytest.mark.parametrize("name", names())
def test_each_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(schema_of(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("workspace", "risk: []"),
        ("workspace", "risks: [{id: RK-a, title: A}]"),
        ("workspace", "risks: [{id: RK-a, title: A, severity: S5}]"),
        ("workspace", "risks: [{id: RK-a, title: A, severity: S1, severety: S1}]"),
        ("workspace", "risks: [{id: RX-a, title: A, severity: S1}]"),
        ("workspace", "risks: [{id: RK-a, title: A, severity: S1, likelihood: 6}]"),
        ("workspace", "risks: [{id: RK-a, title: A, severity: S1, journeys: UJ-a}]"),
        ("workspace", "plans: [{id: Big, suites: [a]}]"),
        ("workspace", "plans: [{id: a, suites: [{samples: 1}]}]"),
        ("workspace", "targets: {}"),
        ("workspace", "targets: {default: {model: m}}"),
        ("workspace", "gate: {max_error_rate: 2}"),
        ("workspace", "include: a.yaml"),
        ("suite", "{use: secret-leakage}"),
        ("suite", "{id: a, version: 1, title: A, content: secret, metric: m, scorers: [a]}"),
        ("suite", "{id: a, version: 1, title: A, content: private, metric: m, scorers: []}"),
        ("guards", "rules: [{id: GD-a, use: pii, mode: loud}]"),
        ("policy", "tools: {send: {effect: far}}"),
        ("lever", "{id: LV-a, title: A, kind: flag, max_minutes: 0}"),
    ],
)
def test_it_refuses_what_is_broken(name, text):
    assert wrong(name, parse_yaml(text, TEMPLATES).value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("workspace", "targets: {default: helpdesk_rag, other: {like: default, model: {use: smollm2}}}"),
        ("workspace", "plans: [{id: a, suites: [one, {suite: two, samples: 3}]}]"),
        ("workspace", "risks:"),
        ("suite", "{id: a, version: 1.10, title: 2026, content: private, metric: m, scorers: refusal}"),
        ("policy", "tools: {send: {effect: external, args: {to: recipient}}}"),
    ],
)
def test_it_takes_the_short_forms(name, text):
    assert wrong(name, parse_yaml(text, TEMPLATES).value) == []


def test_it_knows_every_section_and_says_what_keys_are():
    made = schema_of()
    assert set(made["properties"]) == {*sections(), "include", "inherits"}
    lever = schema_of("lever")["properties"]
    assert lever["last_drilled"]["description"].startswith("the day on which that was last tried")


def test_an_unknown_name_is_refused():
    with pytest.raises(UsageError, match="did you mean 'threat'"):
        schema_of("thraet")
