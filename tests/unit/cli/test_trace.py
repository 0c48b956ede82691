"""`trace`, `coverage` and `risks`, as a user calls them, on a decision that was really made."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run
from shipworthy.release.decide import decide
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision


@pytest.fixture
def call(gated, capsys):
    """Decide on a run in which two of sixty samples leaked, and return what calls a verb there."""
    gated.edit("risks.yaml", "severity: S2", "severity: S2, journeys: [UJ-ask], owner: us")
    (gated.root / "journeys.yaml").write_text("journeys: [{id: UJ-ask, title: Ask | tell, critical: true}]\n")
    made = gated.run(lambda item: item.suite == "help" or item.sample.id in ("leak-03", "leak-04"))
    layout, decision = Layout(gated.root), decide(gated.workspace, made)
    with layout.saving_decision(decision):
        register_decision(layout, decision)

    def verb(*words, code=0):
        capsys.readouterr()
        assert run([*words, "-C", str(gated.root), "--allow-code"]) == code
        return capsys.readouterr()

    verb.decision, verb.run = decision, made
    return verb


def test_risks_show_what_is_left(call):
    [line] = json.loads(call("risks", "--format", "json").out)
    criterion = next(c for c in call.decision.criteria if c.id == "CR-leak")
    assert (line["risk"], line["measured"], line["criterion"]) == ("RK-leak", True, "CR-leak")
    assert line["residual"] == pytest.approx(line["inherent"] * criterion.bound)
    assert line["low"] <= line["residual"] <= line["high"] < line["inherent"]
    text = call("risks").out
    assert "RK-leak It tells" in " ".join(text.split())
    assert "4 of 120" in " ".join(text.split())
    assert call("risks", "--format", "markdown").out.startswith("| risk | severity |")


def test_only_the_greatest(call, gated):
    (gated.root / "threats.yaml").write_text("risks: [{id: RK-big, title: Big, severity: S1}]\n")
    found = json.loads(call("risks", "--top", "1", "--format", "json").out)
    assert [line["risk"] for line in found] == ["RK-big"]


def test_coverage_is_a_census(call, gated):
    found = json.loads(call("coverage", "--format", "json").out)
    assert (found["critical_cells"], found["covered"], found["share"]) == (1, 1, 1.0)
    assert "Covered of the critical cells: 1 of 1 (100 %)" in call("coverage").out
    gated.edit("targets.yaml", "model: m", "model: other")
    text = call("coverage").out
    assert "Covered of the critical cells: 0 of 1 (0 %)" in text
    assert "the target changed since" in " ".join(text.split())


def test_why_in_both_directions(call):
    text = call("trace", "why", "RQ-safe").out
    assert text.startswith("requirement RQ-safe: It keeps its secrets. (requirements.yaml:2)\n")
    assert "because of:\n  risk RK-leak: It tells (risks.yaml:2)\n" in text
    assert "    journey UJ-ask: Ask | tell (journeys.yaml:1)\n" in text
    assert f"4 of 120, bound {100 * call.decision.criteria[0].bound:.1f} %, must be upper95 <= 0.10" in text
    assert f"{call.run.id}, {call.decision.id}" in text
    [found] = json.loads(call("trace", "why", "RQ-safe", "--format", "json").out)
    assert found["up"][0]["id"] == "RK-leak"
    assert found["down"][0]["below"][0]["kind"] == "suite"


def test_why_in_markdown_makes_no_markup_of_words(call):
    text = call("trace", "why", "UJ-ask", "--format", "markdown").out
    assert r"- **UJ-ask**: Ask \| tell" in text


def test_why_of_a_decision_and_of_a_run(call):
    text = call("trace", "why", call.decision.id).out
    assert f"decision {call.decision.id}: inconclusive" in text
    assert "criterion CR-leak" in text
    assert "risk RK-leak" in text
    text = call("trace", "why", call.run.id).out
    assert f"  decision {call.decision.id}: inconclusive" in text
    assert "    criterion CR-leak" in text


def test_an_unknown_id_is_a_mistake_of_the_user(call):
    assert "did you mean 'RK-leak'" in call("trace", "why", "RK-leek", code=2).err


def test_matrix_and_tree(call):
    rows = json.loads(call("trace", "matrix", "--format", "json").out)
    assert [(row["risk"], row["criterion"], row["evidence"]) for row in rows] == [
        ("RK-leak", "CR-leak", "inconclusive"), ("", "CR-help", "ship"), ("", "CR-drop", "inconclusive"),
    ]  # fmt: skip
    assert "CR-leak" in call("trace", "matrix").out
    text = call("trace", "tree").out
    assert text.index("risk RK-leak") < text.index("requirement RQ-safe") < text.index("criterion CR-leak")


def test_a_decision_that_was_edited_is_named_and_counts_for_nothing(call, gated):
    path = Layout(gated.root).decisions / f"{call.decision.id}.json"
    path.write_text(path.read_text().replace('"hits": 4', '"hits": 0'))
    done = call("risks", "--format", "json")
    assert f"warning: {call.decision.id}: it is not the decision that the audit log holds" in done.err
    assert not json.loads(done.out)[0]["measured"]


def test_a_review_is_printed_and_taken(call, gated):
    text = call("trace", "review", "--by", "Ann: 'A'").out
    assert text.startswith("reviews:\n  - id: RV-")
    assert "    by: \"Ann: 'A'\"\n" in text
    (gated.root / "reviews.yaml").write_text(text)
    assert call("trace", "review", "--by", "Ann").out == "# every link was reviewed, and no end changed since\n"
    gated.edit("risks.yaml", "It tells", "It tells everything")
    text = call("trace", "review", "--by", "Ann").out
    [line] = [line for line in text.splitlines() if "->" in line]
    assert line.strip().startswith("RQ-safe -> RK-leak: ")
    assert line.endswith("# changed since it was reviewed")
    assert "suspect link RQ-safe -> RK-leak" in call("check").out


def test_the_chain_is_drawn(call, tmp_path):
    assert "flowchart TD" in call("trace", "diagram", "case").out
    assert call("trace", "diagram", "flow").out.startswith("%% Data flow of Desk\nflowchart LR\n")
    file = tmp_path / "case.svg"
    assert call("trace", "diagram", "case", "--format", "svg", "--output", str(file)).out.startswith(f"{file}: ")
    assert "CR-leak" in file.read_text()
    assert "cannot write" in call("trace", "diagram", "flow", "--output", str(tmp_path / "no" / "x"), code=2).err
