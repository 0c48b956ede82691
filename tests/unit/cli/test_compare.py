from __future__ import annotations

import json

from shipworthy.cli import run as shipworthy
from shipworthy.evals.plan import PlanItem


def number(item: PlanItem) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_compare_names_what_changed(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    old, new = gated.run(), gated.run(lambda i: i.suite == "help" or number(i) < 15, guards="on")
    assert shipworthy(["runs", "compare", "-C", str(gated.root), old.id, new.id, "--samples", "3"]) == 0
    out = capsys.readouterr().out
    (row,) = [line for line in out.splitlines() if line.startswith("leak ") and "%" in line]
    assert "0.0 %" in row
    assert "25.0 %" in row
    assert "worse" in row
    assert "leak leak: 15 samples with more hits, 0 with fewer" in out
    assert "leak-00                      0 -> 2 of 2" in out
    assert "and 12 more" in out


def test_compare_as_json_and_with_latest(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    old, new = gated.run(), gated.run(guards="on")
    assert shipworthy(["runs", "compare", "-C", str(gated.root), old.id, "--format", "json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["old"], body["new"]) == (old.id, new.id)
    assert {row["verdict"] for row in body["rows"]} == {"unclear"}


def test_an_unknown_run_is_a_usage_error(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    gated.run()
    assert shipworthy(["runs", "compare", "-C", str(gated.root), "RUN-none"]) == 2
    assert "there is no run 'RUN-none'" in capsys.readouterr().err
