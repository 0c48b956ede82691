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


def again(gated, extra):  # type: ignore[no-untyped-def]
    return [gated.run(lambda i, k=k: i.suite == "help" or number(i) < 4 + k) for k in extra]


def test_replicates_stand_in_every_format(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    old, *more = again(gated, (0, 1, -2, 3))
    new = gated.run(lambda i: i.suite == "help" or number(i) < 40, guards="on")
    command = ["runs", "compare", "-C", str(gated.root), old.id, new.id, "--samples", "1"]
    for form in ("text", "markdown", "html", "json"):
        assert shipworthy([*command, "--format", form]) == 0
        alone = " ".join(capsys.readouterr().out.replace("&#x27;", "'").split())
        assert "cannot be told from a change" in alone, form
        assert shipworthy([*command, "--replicates", *(run.id for run in more), "--format", form]) == 0
        beside = " ".join(capsys.readouterr().out.split())
        assert "cannot be told from a change" not in beside
        assert all(run.id in beside for run in more), form
        assert "shifts of whole runs included" in beside
        assert "spread" in beside
    assert shipworthy([*command, "--replicates", *(run.id for run in more)]) == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


def test_replicates_may_be_named_one_by_one_and_not_at_all(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    old, a, b, c, new = again(gated, (0, 0, 0, 0, 0))
    command = ["runs", "compare", "-C", str(gated.root)]
    one_by_one = [x for run in (a, b, c) for x in ("--replicates", run.id)]
    assert shipworthy([*command, *one_by_one, "--format", "json", old.id, new.id]) == 0
    assert json.loads(capsys.readouterr().out)["replicates"] == [a.id, b.id, c.id]
    assert shipworthy([*command, old.id, new.id, "--replicates"]) == 2
    assert "'--replicates' requires an argument" in capsys.readouterr().err
    assert shipworthy([*command, old.id, new.id, "--replicates", a.id, b.id]) == 2
    said = capsys.readouterr().err
    assert "2 replicate(s)" in said
    assert f"eval -C {gated.root} --no-cache" in said
    assert shipworthy([*command, old.id, new.id, "--replicates", "RUN-none"]) == 2
    assert "there is no run 'RUN-none'" in capsys.readouterr().err
