"""The bank end to end: reviewed in the terminal, measured on a product, its sealed part opened once and told."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace

FILES = {
    # It favours nobody called Omar, knows what it was told in the visible part of `facts`, and is always sure.
    "bank_product.py": (
        "KNOWN = {'1': 'four', '2': 'five', '3': 'six', '4': 'seven'}\n\n\n"
        "def answer(text: str) -> str:\n"
        "    if 'yes or no' in text:\n"
        "        fair = any(word in text for word in ('plates', 'copying', 'flagged'))\n"  # where "no" favours
        "        return 'No.' if 'Omar' in text and not fair else 'Yes.'\n"
        "    key = text.split()[-1].rstrip('?')\n"
        "    return f\"{KNOWN.get(key, 'nine')}. Confidence: {90 if key in KNOWN else 60} %\"\n"
    ),
    "system.yaml": "system: {id: SYS-one, title: One, owner: us}\n",
    "targets.yaml": 'targets: {default: {use: python, call: "bank_product:answer"}}\n',
    "plans.yaml": (
        "plans:\n- {id: visible, suites: [fairness, facts]}\n- {id: release, suites: [facts, facts-sealed]}\n"
    ),
    "suites/fairness.yaml": "use: library:fairness\n",
    "suites/facts.yaml": "SUITEid: facts\n",
    "suites/facts-sealed.yaml": "SUITEid: facts-sealed\npart: sealed\n",
    "suites/facts.jsonl": "".join(
        json.dumps({
            "id": f"F-{n}", "prompt": f"What follows {n}?", "expected": ["four", "five", "six", "seven"],
            "tags": ["part:sealed"] if n > 4 else [],
        }) + "\n"
        for n in range(1, 25)
    ),
}  # fmt: skip
SUITE = (
    "version: 1.0.0\ntitle: Facts\ncontent: synthetic\nmetric: right_call\nscorers: [stated_confidence]\n"
    "samples: facts.jsonl\n"
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.replace("SUITE", SUITE), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def told(capsys, *words):
    capsys.readouterr()
    assert shipworthy(["suites", *words, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_groups_calibration_the_sealed_part_and_what_is_kept_of_its_use(root, capsys):
    assert shipworthy(["eval", "--plan", "visible", "--allow-code"]) == 0
    pairs = {row["group"]: row for row in told(capsys, "pairs")["pairs"]}
    omar, miguel = pairs["muslim-man"], pairs["latin-american-man"]
    assert (omar["cases"], omar["rate"], omar["reference_rate"]) == (12, 0.0, 0.75)
    assert omar["change"]["p_value"] < 0.01 < omar["adjusted"] <= len(pairs) * omar["change"]["p_value"] + 1e-9
    assert (miguel["change"]["difference"], miguel["adjusted"]) == (0, 1)
    assert {row["reference"] for row in pairs.values()} == {"english-man", "reference", "standard-english"}

    figures = told(capsys, "calibration", "--suite", "facts")
    assert (figures["answers"], figures["unstated"]) == (4, 0)
    assert figures["error"]["error"] == pytest.approx(0.1)

    # The sealed part: refused without a word, not in `full`, and kept in the audit log where it is used.
    assert "facts-sealed" not in {entry.suite for entry in Workspace.load(root, allow_code=True).plan("full").suites}
    assert shipworthy(["eval", "--plan", "release", "--allow-code"]) == 2
    assert "sealed samples (facts-sealed)" in capsys.readouterr().err
    assert shipworthy(["suites", "sealed"]) == 0
    assert capsys.readouterr().out == "No run has used sealed samples\n"
    assert shipworthy(["eval", "--plan", "release", "--sealed", "--allow-code"]) == 0
    (use,) = told(capsys, "sealed")
    assert (use["suites"], use["verdict"]) == (["facts-sealed"], "not decided")
    with AuditLog(Layout(root).control_url) as audit:
        assert [e.body.get("sealed") for e in audit.of_kinds("run.declared")] == [None, ["facts-sealed"]]

    gap = told(capsys, "gap", "facts", "facts-sealed")
    assert (gap["second"]["rate"], gap["first"]["rate"]) == (1.0, 0.0)
    assert gap["difference"] == -1.0 and gap["high"] < 0
    assert shipworthy(["suites", "gap", "facts", "facts-sealed"]) == 0
    assert "clear of 0" in capsys.readouterr().out


def test_a_walk_is_taken_up_undone_and_leaves_rejected_samples_out(root, capsys, monkeypatch, tmp_path):
    def walk(keys: str) -> str:
        (tmp_path / "keys").write_text("".join(f"{key}\n" for key in keys.split("|")))
        with (tmp_path / "keys").open() as lines:
            monkeypatch.setattr("sys.stdin", lines)
            capsys.readouterr()
            assert shipworthy(["suites", "review", "facts", "--by", "ida", "--allow-code"]) == 0
        return capsys.readouterr().out

    before = Workspace.load(root, allow_code=True).suites["facts"]
    first = walk("a|x|u|c no such word|x|q")
    assert "2 draft, 1 reviewed, 1 rejected" in first and "It goes on where you were" in first
    second = walk("s|a")
    assert "| F-3," in second and "| F-1," not in second and "1 draft, 2 reviewed, 1 rejected" in second
    after = Workspace.load(root, allow_code=True).suites["facts"]
    assert [s.id for s in after.samples] == ["F-1", "F-3", "F-4"] and after.reviewed == 2
    assert after.digest != before.digest
    words = [json.loads(line) for line in (root / "suites" / "facts.review.jsonl").read_text().splitlines()]
    assert [(w["sample"], w["status"]) for w in words] == [
        ("F-1", "reviewed"), ("F-2", "rejected"), ("F-2", "draft"), ("F-2", "rejected"), ("F-4", "reviewed")
    ]  # fmt: skip
    assert words[3]["comment"] == "no such word"

    samples = root / "suites" / "facts.jsonl"
    samples.write_text(samples.read_text().replace("What follows 2?", "What comes after 2?"))
    changed = Workspace.load(root, allow_code=True).suites["facts"]
    assert [s.id for s in changed.samples] == ["F-1", "F-2", "F-3", "F-4"], "a changed sample is a draft again"
    (root / "suites" / "facts.review.jsonl").write_text('{"sample": 1}\n')
    assert shipworthy(["check", "--allow-code"]) == 2
    assert "facts.review.jsonl:1" in capsys.readouterr().out


def test_what_is_covered_exported_and_different(root, capsys, tmp_path):
    rows = told(capsys, "coverage", "--suite", "misuse", "--suite", "multilingual")
    found = {row["of"]: row for row in (*rows["refs"], *rows["languages"])}
    assert found["ailuminate:vcr@1.0"]["samples"] > 20 and found["de"]["suites"] == ["multilingual"]
    assert found["de"]["upper"] == pytest.approx(1 - 0.05 ** (1 / found["de"]["clusters"]), abs=1e-4)
    assert shipworthy(["suites", "export", "toxicity", "t.jsonl"]) == 0
    assert shipworthy(["suites", "export", "toxicity", "t.jsonl"]) == 2
    assert shipworthy(["suites", "import", "jsonl", "t.jsonl", "--as", "theirs", "--scorer", "refusal"]) == 0
    difference = told(capsys, "diff", "toxicity", "theirs", "--allow-code")
    assert (difference["same"], difference["added"], difference["changed"]) == (72, [], {})
    assert "not comparable" in difference["comparable"]
    (tmp_path / "bad.csv").write_text("id,prompt\n1,Hi\n2\n")
    assert shipworthy(["suites", "import", "csv", "bad.csv", "--scorer", "refusal"]) == 2
    assert "bad.csv:3" in capsys.readouterr().err and not (root / "suites" / "bad").exists()
