"""Two versions of a suite: what is compared, and what is held back."""

from __future__ import annotations

from pathlib import Path

from shipworthy.cli import run
from shipworthy.evals.suite_diff import suite_difference
from shipworthy.workspace.new_suite import new_suite
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import load_suite


def test_sealed_samples_are_counted_and_not_compared(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    scaffold(tmp_path / "w", "minimal")
    one, _ = new_suite(tmp_path / "w", "ours")
    other, _ = new_suite(tmp_path / "w", "theirs", one.folder, 9)
    found = suite_difference(load_suite(one.folder), load_suite(other.folder))
    assert found.sealed == (one.sealed, other.sealed) != (0, 0)
    assert found.same + len(found.changed) + len(found.removed) == one.samples - one.sealed
    assert found.same + len(found.changed) + len(found.added) == other.samples - other.sealed
    assert run(["suites", "diff", str(one.folder), str(other.folder)]) == 0
    assert f"sealed: {one.sealed} -> {other.sealed}, held back and not compared" in capsys.readouterr().out
