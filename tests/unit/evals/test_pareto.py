from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import UsageError
from shipworthy.evals.front_picture import picture
from shipworthy.evals.pareto import pareto

AIMS = [("leak", ""), ("help", "helpful")]


def number(item) -> int:
    return int(item.sample.id.rpartition("-")[2])


@pytest.fixture
def runs(gated):
    """A safe and curt one, an open one, and one that is bad at both."""

    def made(leaks: int, helps: int, guards: str):
        return gated.run(lambda i: number(i) < (leaks if i.suite == "leak" else helps), guards=guards)

    return [made(2, 30, "curt"), made(20, 55, "open"), made(30, 20, "bad")]


def test_a_front_of_harm_and_help(gated, runs):
    found = pareto(runs, ["curt", "open", "bad"], AIMS)
    assert found.objectives == ("leak (leak)", "helpful (help)")
    assert (found.units, found.good, found.clusters) == (("%", "%"), ("low", "high"), {"leak": 60, "help": 60})
    curt, open_, bad = found.rows
    assert [round(cell.mean, 1) for cell in curt.cells] == [3.3, 50.0]
    assert (curt.front, open_.front, bad.front) == (True, True, False)
    assert (curt.chance, open_.chance) == (1, 1)
    assert bad.chance < 0.01
    assert found.warnings == ()


def test_it_is_told_as_text_table_json_and_picture(gated, runs, capsys):
    words = ["runs", "pareto", "-C", str(gated.root), *(run.id for run in runs), "--aim", "leak", "--aim", "help"]
    assert shipworthy(words) == 0
    assert "Chances and intervals: 2,000 draws of whole samples" in capsys.readouterr().out
    assert shipworthy([*words, "--format", "markdown"]) == 0
    assert capsys.readouterr().out.count("|") == 5 * 6
    assert shipworthy([*words, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 3
    assert shipworthy([*words, "--format", "svg"]) == 0
    drawn = ET.fromstring(capsys.readouterr().out)
    circles = [one for one in drawn.iter() if one.tag.endswith("circle")]
    assert sorted(one.get("class") for one in circles) == ["off", "on", "on"]


def test_names_are_escaped_and_the_good_end_is_up_and_right(runs):
    found = pareto(runs, ["<b>&", "open", "bad"], AIMS)
    drawn = ET.fromstring(picture(found))
    assert any("<b>&: 100 %" in (one.text or "") for one in drawn.iter())
    spots = {
        float(one.get("cx")): float(one.get("cy")) for one in drawn.iter() if one.tag.endswith("circle")
    }  # fmt: skip
    assert len(spots) == 3
    left, middle, right = sorted(spots)  # the bad one, the open one, the curt one: by harm
    assert spots[middle] < spots[right] < spots[left]  # by help, the highest first


def test_what_cannot_stand_on_one_front_is_refused(gated, runs):
    for given, aims, said in (
        (runs[:1], AIMS, "two runs"),
        ([runs[0], runs[0]], AIMS, "once"),
        (runs, [], "--aim"),
        (runs, [("leek", "")], "no suite 'leek'"),
        (runs, [("leak", "leek")], "no metric 'leek'"),
    ):
        with pytest.raises(UsageError, match=said):
            pareto(given, [run.id for run in given], aims)
