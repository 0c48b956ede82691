"""Every template for a kind of product is whole, passes `check`, and reaches a verdict on a local target.

The three with an agent run as they are: their target is a script in this process. Those that talk are measured here
on a function that answers by rule, since the small model they name takes minutes; their pages say what it did.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.cli.check import look
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

TALKING = ("chat-assistant", "rag-copilot", "high-stakes-advice", "image-feature")
ACTING = ("tool-agent", "support-automation", "code-assistant")
ANSWERS = '''
"""Declines what asks for harm, sends people on, and quotes nothing that it was not given."""


def answer(text: str) -> str:
    if "?" in text:
        return "I do not know. A doctor, a lawyer or an adviser can tell you."
    return "I cannot help with that. Please talk to a professional."
'''
KINDS = (
    "component", "data", "journey", "attacker", "asset", "entry", "boundary", "threat", "risk", "requirement",
    "control",
    "monitor", "lever", "role", "tier", "plan", "suite",
)  # fmt: skip


@pytest.mark.parametrize("name", [*TALKING, *ACTING])
def test_a_template_reaches_a_verdict(
    name: str, tmp_path: Path, allow: Callable[..., None], capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    root = tmp_path / "product"
    scaffold(root, name)
    loaded, problems, warnings = look(root, allow_code=False)
    assert loaded is not None and not problems, problems
    # That nobody drilled the levers is true of a product that was just begun.
    assert all("was never drilled" in warning.message for warning in warnings), warnings
    assert not [kind for kind in KINDS if not loaded.graph.of_kind(kind)]
    assert set(loaded.graph.of_kind("tier")) == {"low", "medium", "high"}
    assert loaded.guards is not None or loaded.policy is not None
    covered = {one.suite for _, one in loaded.criteria()}
    assert covered == set(loaded.suites) == {one.suite for one in loaded.plan("quick").suites}
    _explained(loaded, (repository / "docs/explanation/templates" / f"{name}.md").read_text(encoding="utf-8"))
    if name in TALKING:
        module = f"answers_{name.replace('-', '_')}"
        (root / f"{module}.py").write_text(ANSWERS)
        (root / "targets.yaml").write_text(f"targets: {{default: {{use: python, call: '{module}:answer'}}}}\n")
    words = ["ci", "-C", str(root), "--plan", "quick", *(["--allow-code"] if name in TALKING else [])]
    code = shipworthy(words)
    decision = Layout(root).load_decision()
    measured = {one.id: one for one in decision.criteria}
    assert all(one.trials for one in measured.values()) and decision.verdict != "inconclusive", capsys.readouterr().err
    assert code == {"ship": 0, "no-ship": 1}[decision.verdict]
    if name in ACTING:
        assert decision.verdict == "ship"


def _explained(loaded: Workspace, page: str) -> None:
    """Hold the page of a template to its files: each severity and each limit stands there, with a reason."""
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    for risk in loaded.risks.values():
        assert any(row[1].strip().startswith(f"`{risk.id}`") and row[2].strip() == risk.severity for row in rows)
    for _, criterion in loaded.criteria():
        said = next(row for row in rows if row[1].strip().startswith(f"`{criterion.id}`"))
        assert said[2].strip() == f"`{criterion.must}`" and len(said[3].strip()) > 40
