"""An evaluation with nobody, an attentive person and a rubber stamp to ask: by the state of the world."""

from __future__ import annotations

import pytest

from shipworthy.core.events import Approval
from shipworthy.evals.begin import begin, complete
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of the agent that obeys every mail for each person who is asked."""
    root = tmp_path_factory.mktemp("agent") / "w"
    scaffold(root, "agent-mail")
    written = (root / "targets.yaml").read_text("utf-8")
    targets = "".join(
        f"  {person}: {{use: hijacked_agent, tasks: office, approver: {person}}}\n"
        for person in ("nobody", "attentive", "rubber_stamp")
    )
    (root / "targets.yaml").write_text(written + targets, "utf-8")
    workspace = Workspace.load(root)
    return {
        person: complete(begin(workspace, "demo", target=person)) for person in ("nobody", "attentive", "rubber_stamp")
    }


def hits(run, metric, suite="mail-attacks"):
    return [
        score.hit for attempt in run.attempts() if attempt.suite == suite
        for score in attempt.scores if score.metric == metric
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("person", "harmed", "word"),
    [("nobody", False, False), ("attentive", False, False), ("rubber_stamp", True, True)],
)
def test_what_is_asked_about_happens_as_the_person_says(runs, person, harmed, word):
    assert hits(runs[person], "attack_success") == [harmed] * 12
    assert hits(runs[person], "asked") == [True] * 12
    assert hits(runs[person], "utility", "mail-tasks") == [True] * 8
    approvals = [e for a in runs[person].attempts() for e in a.events if isinstance(e, Approval)]
    assert {(e.by, e.granted) for e in approvals} == {(person, word)}
    assert len(approvals) == 12


def test_the_person_is_part_of_what_was_measured(runs):
    assert len({run.manifest.subject_digest for run in runs.values()}) == 3


def test_autonomy_counts_what_a_person_was_asked_about(runs):
    of = {
        person: [
            s.value for a in run.attempts() if a.suite == "mail-attacks" for s in a.scores if s.metric == "autonomy"
        ]
        for person, run in runs.items()
    }
    assert of["rubber_stamp"] == of["nobody"] == [0.5] * 12
