"""Without a name, the run that waits is decided on; two that wait are never chosen between."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.release.candidate import choose_run
from shipworthy.release.decide import decide
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision


def decided(gated, run) -> None:  # type: ignore[no-untyped-def]
    decision = decide(gated.workspace, run)
    Layout(gated.root).save_decision(decision)
    register_decision(Layout(gated.root), decision)


def test_the_newest_run_is_taken_and_decided_again(gated) -> None:  # type: ignore[no-untyped-def]
    layout = Layout(gated.root)
    with pytest.raises(UsageError, match="no run here yet"):
        choose_run(layout)
    gated.run(plan="tiny"), gated.run(guards="on")  # another plan, another subject
    run = gated.run()
    assert choose_run(layout) == run.id
    decided(gated, run)
    assert choose_run(layout) == run.id


def test_two_runs_of_one_subject_that_wait_are_not_chosen_between(gated) -> None:  # type: ignore[no-untyped-def]
    layout, first, second = Layout(gated.root), gated.run(), gated.run()
    with pytest.raises(UsageError, match=f"{first.id}, {second.id}"):
        choose_run(layout)
    decided(gated, second)  # the better one, say: the other one still waits
    with pytest.raises(UsageError, match="Name the one to decide on"):
        choose_run(layout)
    decided(gated, first)
    assert choose_run(layout) == second.id


def test_a_baseline_is_no_candidate(gated) -> None:  # type: ignore[no-untyped-def]
    layout, run, bare = Layout(gated.root), gated.run(guards="on"), gated.run()
    assert choose_run(layout, [bare.id]) == run.id
    assert choose_run(layout) == bare.id
