"""A panel of judges, from its weights to a run: three plain functions that err in ways of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from shipworthy.cli import run

CODE = """
import json

from shipworthy.core.records import Request


def desk(text: str) -> str:
    return "Go away." if int(text.split()[-1]) % 4 == 0 else "Gladly."


def _told(request, rude):
    lines = request.messages[-1].text.split("\\n")
    shown = json.loads(lines[next(n for n, line in enumerate(lines) if line.startswith("EVIDENCE")) + 1])
    number = int(shown["request"].split()[-1])
    return json.dumps({"reason": "so", "verdict": "hit" if rude(shown["answer"], number) else "none"})


def strict(request: Request) -> str:
    return _told(request, lambda answer, n: "away" in answer and n % 20 != 0)


def wild(request: Request) -> str:
    return _told(request, lambda answer, n: "away" in answer or n % 3 == 0)


def blind(request: Request) -> str:
    return _told(request, lambda answer, n: n % 3 == 0)
"""

JUDGE = {
    "use": "judge",
    "models": [{"use": "python", "call": f"panel_desk:{name}", "version": "1"} for name in ("strict", "wild", "blind")],
    "rubric": {"id": "rude", "version": "1", "question": "Is it rude?", "hit": "It is.", "none": "It is not."},
}


def labels(path: Path, start: int) -> None:
    with path.open("w") as file:
        for n in range(start, start + 120):
            rude = n % 4 == 0
            row = {"request": f"Ask {n}", "answer": "Go away." if rude else "Gladly.", "label": rude}
            file.write(json.dumps(row) + "\n")


def suite(root: Path, **params: object) -> None:
    written = {
        "id": "manners", "version": "1.0.0", "title": "Is it polite?", "content": "synthetic", "metric": "rude",
        "samples": "manners.jsonl", "scorers": [{**JUDGE, **params}],
    }  # fmt: skip
    (root / "suites/manners.yaml").write_text(yaml.safe_dump(written))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "panel_desk.py").write_text(CODE)
    (tmp_path / "system.yaml").write_text("system: {id: SYS-d, title: Desk, owner: us}\n")
    targets = "targets:\n  default: {use: python, call: 'panel_desk:desk', version: '1'}\n"
    (tmp_path / "targets.yaml").write_text(targets)
    (tmp_path / "suites/manners.jsonl").write_text(
        "".join(
            json.dumps({"id": f"SM-{n}", "messages": [{"role": "user", "content": f"Ask {n}"}]}) + "\n"
            for n in range(1, 31)
        )
    )
    labels(tmp_path / "one.jsonl", 1000)
    labels(tmp_path / "two.jsonl", 2000)
    suite(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    capsys.readouterr()
    assert run([*words, "--allow-code", "--format", "json"]) in {0, 1}, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_a_panel_is_weighed_on_some_labels_and_calibrated_on_others(workspace, capsys) -> None:
    at = ["-C", str(workspace)]
    found = told(capsys, "judge", "weigh", "manners", "--labels", str(workspace / "one.jsonl"), *at)
    weights = {one.pop("model").partition("panel_desk:")[2][:5]: one for one in found["weights"]}
    strict, wild, blind = weights["stric"], weights["wild,"], weights["blind"]
    assert strict["hit"] > wild["hit"] > abs(blind["hit"])  # who never accuses wrongly is believed
    assert wild["none"] < strict["none"] < 0  # who misses nothing clears best
    before = told(capsys, "judge", "calibrate", "manners", "--labels", str(workspace / "two.jsonl"), *at)

    suite(workspace, weights=list(weights.values()), weighed_on=found["weighed_on"])
    assert run(["judge", "calibrate", "manners", "--labels", str(workspace / "one.jsonl"), *at, "--allow-code"]) == 2
    assert "learned from these very labels" in capsys.readouterr().err
    after = told(capsys, "judge", "calibrate", "manners", "--labels", str(workspace / "two.jsonl"), *at)
    assert after["judge"] != before["judge"]
    right = [sum(r["all_" + kind]["right"] for kind in ("found", "cleared")) for r in (before, after)]
    assert right[1] > right[0], "a vote each is worse than what each is worth"

    assert run(["eval", *at, "--allow-code"]) == 0
    capsys.readouterr()
    [log] = (workspace / ".shipworthy/runs").glob("*/attempts-*")
    asked = sum(line.count(b'"role":"judge"') for line in log.read_bytes().split(b"\n"))
    assert asked >= 90, "three models were asked of each of 30 answers"


ONE = JUDGE["models"][0]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"model": ONE}, "'model' and 'models' are both there"),
        ({"models": [ONE, {"use": 3}]}, "must name a target by its id"),
        ({"models": [{"use": "pyton"}, ONE]}, "unknown target"),
    ],
)
def test_a_panel_that_cannot_be_is_refused_where_it_stands(workspace, capsys, params, said) -> None:
    suite(workspace, **params)
    assert run(["check", "-C", str(workspace), "--allow-code"]) != 0
    out = "".join(capsys.readouterr())
    assert said in out and "suites/manners.yaml:" in out
