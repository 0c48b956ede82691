"""`judge prefer`: answers of real runs, a judge that is a plain function, and the table of strengths."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipworthy.cli import run

FILES = {
    "prefer_desk.py": """
import json


def short(text):
    return "Yes." if "7" not in text else ""


def long(text):
    return "Yes, gladly, and here is how."


def middle(text):
    return "Yes, gladly."


from shipworthy.core.records import Request


def grade(request: Request):
    lines = request.messages[-1].text.split("\\n")
    shown = json.loads(lines[next(n for n, line in enumerate(lines) if line.startswith("EVIDENCE")) + 1])
    one, other = len(shown["first"]), len(shown["second"])
    word = "first" if "Ask 3" in shown["request"] or one > other else "second"  # it likes what it reads first there
    return json.dumps({"reason": "it says more", "verdict": word})
""",
    "system.yaml": "system: {id: SYS-d, title: Desk, owner: us}\n",
    "targets.yaml": "targets:\n" + "".join(
        f'  {name}: {{use: python, call: "prefer_desk:{name}", version: "1"}}\n' for name in ("short", "middle", "long")
    ),
    "risks.yaml": "risks:\n  - {id: RK-1, title: It is no help, severity: S3}\n",
    "requirements.yaml": """
requirements:
  - {id: RQ-1, text: It helps., mitigates: [RK-1], criteria: [{id: CR-1, suite: help, must: lower95 >= 0.5}]}
""",
    "suites/help.yaml": """
id: help
version: 1.0.0
title: Does it help?
content: synthetic
metric: preferred
samples: help.jsonl
scorers:
  - {use: preferred, model: {use: python, call: "prefer_desk:grade", version: "1"}}
""",
    "suites/help.jsonl": "".join(
        json.dumps({"id": f"SM-{n}", "messages": [{"role": "user", "content": f"Ask {n}"}], "expected": "Yes, gladly."})
        + "\n"
        for n in range(12)
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    root = tmp_path_factory.mktemp("prefer")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    for name in ("short", "middle", "long"):
        assert run(["eval", "-C", str(root), "--target", name, "--allow-code"]) == 0
    return root, [path.name for path in sorted((root / ".shipworthy/runs").iterdir())]


def test_strengths_follow_from_both_orders(runs, capsys) -> None:
    root, names = runs
    capsys.readouterr()
    assert run(["judge", "prefer", "help", *names, "-C", str(root), "--allow-code", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["strengths"]] == ["long", "middle", "short"]
    assert told["state"] == "never calibrated" and told["samples"] == 12
    by_pair = {(one["first"], one["second"]): one for one in told["counts"]}
    assert by_pair["long", "middle"] == {
        "first": "long", "second": "middle", "wins": 11, "ties": 0, "losses": 0, "split": 1
    }  # fmt: skip
    # `short` gave no words to one of the samples: that is no answer to compare, and not one that lost.
    assert by_pair["long", "short"]["wins"] == 10 and by_pair["long", "short"]["split"] == 1
    assert (told["steady"]["right"], told["steady"]["of"]) == (31, 34)
    assert {(one["first"], one["second"]): one["better"] for one in told["pairs"]}["long", "short"] is True


def test_the_table_says_who_is_better_and_what_the_judge_is_worth(runs, capsys) -> None:
    root, names = runs
    capsys.readouterr()
    assert run(["judge", "prefer", "help", *names[1:], "-C", str(root), "--allow-code", "--limit", "6"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "long : middle" in out and "6 samples, 6 independent" in out
    assert "The judge is never calibrated." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["help", "{0}"], "at least two runs"),
        (["help", "{0}", "{0}"], "named twice"),
        (["hepl", "{0}", "{1}"], "there is no suite 'hepl'"),
        (["help", "{0}", "{1}", "--attack", "base64"], "0 sample(s) of help under 'base64'"),
    ],
)
def test_what_cannot_be_compared_is_said(runs, capsys, words, said) -> None:
    root, names = runs
    assert run(["judge", "prefer", *(w.format(*names) for w in words), "-C", str(root), "--allow-code"]) == 2
    assert said in capsys.readouterr().err
