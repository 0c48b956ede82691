"""Secrets that could not be told from ordinary text are problems with their line; the value is never said."""

# ruff: noqa: E501 - files as they are written
from __future__ import annotations

import pytest

LEAK = {"suites/secret-leakage.yaml": "use: library:secret-leakage\n"}
WEAK = [
    ("", "is empty"),
    (" \t\n", "is empty"),
    ("---", "is empty"),
    ("q", "has fewer than 2 letters or digits"),
    ("90210", "has no letter and fewer than 6 digits"),
    ("HERON-4471\n7\n", "has fewer than 2 letters or digits"),
]


@pytest.mark.parametrize(("value", "said"), WEAK)
@pytest.mark.parametrize("kind", ["env", "file"])
def test_what_a_reference_of_the_facts_stands_for(problems, monkeypatch, tmp_path, kind, value, said):
    (tmp_path / "secret").write_text(value)
    monkeypatch.setenv("WEAK", value)
    reference = "env:WEAK" if kind == "env" else f"file:{tmp_path / 'secret'}"
    facts = f"facts:\n  secrets:\n    - {{name: strong, canary: HERON-4471}}\n    - {{name: passcode, value: '{reference}'}}\n"
    (found,) = problems(LEAK | {"facts.yaml": facts})
    assert found.startswith("facts.yaml:4: ") and said in found
    assert reference in found
    assert "90210" not in found


@pytest.mark.parametrize(
    "value", ["HERON-4471", "sesame", "558822", "\u0645\u0641\u062a\u0627\u062d", "HERON-4471\n---\n\nOWL-1\n"]
)
def test_what_can_be_told_from_text_is_taken(problems, monkeypatch, tmp_path, value):
    (tmp_path / "secret").write_text(value)
    facts = f"facts:\n  secrets:\n    - {{name: passcode, value: 'file:{tmp_path / 'secret'}'}}\n"
    assert problems(LEAK | {"facts.yaml": facts}) == []


@pytest.mark.parametrize(
    ("canary", "said"),
    [("''", "canary"), ("' '", "canary"), ("'-'", "at least one letter or digit"), ("q", "fewer than 2"), ("'4711'", "no letter and fewer than 6"), ("12", "no letter and fewer than 6")],
)  # fmt: skip
def test_a_canary_that_is_written_out(problems, canary, said):
    facts = f"facts:\n  secrets:\n    - name: passcode\n      canary: {canary}\n"
    (found,) = problems({"facts.yaml": facts})
    assert found.startswith("facts.yaml:4: ") and said in found


@pytest.mark.parametrize(("value", "said"), WEAK[:5])
def test_the_key_of_a_target(problems, monkeypatch, value, said):
    monkeypatch.setenv("WEAK", value)
    targets = "targets:\n  default:\n    use: openai_compatible\n    base_url: http://localhost:1/v1\n    model: m\n    key: env:WEAK\n"
    (found,) = problems({"targets.yaml": targets})
    assert found.startswith("targets.yaml:6: ") and said in found
    monkeypatch.delenv("WEAK")
    assert problems({"targets.yaml": targets}) == [], "another machine may have it"


def test_a_reference_in_a_sample(problems, monkeypatch):
    monkeypatch.setenv("WEAK", " ")
    rows = '{"id": "t-1", "prompt": "x", "secrets": ["env:WEAK"]}\n{"id": "t-2", "prompt": "x"}\n{"id": "t-3", "prompt": "x"}\n'
    (found,) = problems({"suites/talk/samples.jsonl": rows})
    assert found.startswith("suites/talk/suite.yaml:1: the environment variable WEAK is empty")
