from __future__ import annotations

import json
from pathlib import Path

from shipworthy import cli


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.run(["guard", "calibrate", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def texts(count: int) -> list[str]:
    things = ("badge", "printer", "room", "car", "laptop", "invoice", "holiday", "chair", "phone", "key")
    return [f"How do I get a new {things[i % 10]} for the office number {i}, please?" for i in range(count)]


def test_it_prints_threshold_rate_interval_and_denominator(tmp_path: Path, capsys) -> None:
    file = tmp_path / "benign.txt"
    file.write_text("\n".join(texts(120) * 2), encoding="utf-8")
    code, out, _ = run(capsys, str(file), "--budget", ".05")
    assert code == 0
    assert out.startswith("threshold: 0.")
    assert " of 120, " in out  # equal texts count once
    code, out, _ = run(capsys, str(file), "--budget", ".05", "--format", "json")
    told = json.loads(out)
    assert told["texts"] == 120
    assert told["low"] <= told["rate"] <= told["high"]
    assert told["guard"]["guard"] == "injection"


def test_the_order_of_the_texts_makes_no_difference(tmp_path: Path, capsys) -> None:
    said = []
    for name, lines in (("a", texts(60)), ("b", texts(60)[::-1])):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps({"text": t}) + "\n" for t in lines), encoding="utf-8")
        said.append(run(capsys, str(file), "--budget", ".1")[1])
    assert said[0] == said[1]


def test_mistakes_are_told_without_a_traceback(tmp_path: Path, capsys) -> None:
    few = tmp_path / "few.txt"
    few.write_text("hello\n", encoding="utf-8")
    code, _, err = run(capsys, str(few))
    assert code == 2
    assert "1 different texts cannot tell a budget of 0.01: give 201 or more" in err
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "a"}\n\n{"txt": "b"}\n', encoding="utf-8")
    code, _, err = run(capsys, str(bad))
    assert code == 2
    assert "bad.jsonl:3: not a JSON object with a text" in err
    bad.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in run(capsys, str(bad))[2]
    file = tmp_path / "benign.txt"
    file.write_text("\n".join(texts(120)), encoding="utf-8")
    code, _, err = run(capsys, str(file), "--budget", ".05", "--guard", "secrets")
    assert code == 2
    assert "no threshold" in err
    assert "Traceback" not in err


def test_parameters_go_to_the_guard(tmp_path: Path, capsys) -> None:
    file = tmp_path / "benign.txt"
    file.write_text("\n".join(texts(120)), encoding="utf-8")
    arguments = (str(file), "--budget", ".05", "--format", "json")
    told = json.loads(run(capsys, *arguments, "--param", "threshold=0.5")[1])
    assert told["guard"]["thresholds"] == {"input": 0.5, "retrieved": 0.5}
    code, _, err = run(capsys, *arguments, "--param", "threshold")
    assert code == 2
    assert "KEY=VALUE" in err
    assert run(capsys, *arguments, "--param", "label=1")[0] == 2
