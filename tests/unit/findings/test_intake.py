"""Signals out of CSV, SARIF and the results of other tools: what is read, what is refused and by which line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.findings.intake import foreign, sarif, table

NOW = "2026-12-01T10:00:00Z"
FILES = Path(__file__).parent.parent / "evals" / "imports" / "files"


def test_rows_of_csv_are_signals_and_the_same_file_gives_the_same_ids(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(
        "\ufeffid,title,text,severity,who,refs,at\n"
        '7,It swore,"It said ""no"", twice",S3,u-1,trace-1 trace-2,2026-11-30T08:00:00Z\n'
        ",It leaked,mail ada@example.org,,,,\n"
    )
    one, two = table.read(path, "SYS-x", now=NOW)
    assert (one.title, one.text, one.severity, one.refs) == (
        "It swore", 'It said "no", twice', "S3", ("trace-1", "trace-2")
    )  # fmt: skip
    assert (two.at, two.text, two.kind, two.source) == (NOW, "mail [redacted:email]", "user_report", "csv:reports.csv")
    path.write_text(path.read_text() + ",A third,,,,,\n")
    assert [s.id for s in table.read(path, "SYS-x", now=NOW)][:2] == [one.id, two.id]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("titel\nx\n", "r.csv:1: the column 'titel' is none that is known"),
        ("title,title\nx,y\n", "r.csv:1: the column 'title' is there twice"),
        ("text\nx\n", "r.csv:1: there is no column 'title'"),
        ("title,severity\nx,S9\n", "r.csv:2: a signal's severity"),
        ("title,text\nx\n", "r.csv:2: . cells, and the header has"),
        ("title\nx,y\n", "r.csv:2: . cells, and the header has"),
        ("title,who\nx,a@example.org\n", "r.csv:2: a signal's who"),
        ('title\n"x\n', "r.csv:"),
    ],
)
def test_a_wrong_csv_is_refused_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        table.read(tmp_path / "r.csv", "SYS-x", now=NOW)


def log(*results: dict[str, Any], rules: Any = ()) -> dict[str, Any]:
    driver = {"name": "Scan", "rules": list(rules)}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]}


def read(tmp_path: Path, value: Any) -> list[Any]:
    (tmp_path / "r.sarif").write_text(json.dumps(value))
    return sarif.read(tmp_path / "r.sarif", "SYS-x", now=NOW)


def test_sarif_results_are_signals(tmp_path: Path) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "app/prompt.py"}, "region": {"startLine": 7}}}
    rules = [{"id": "PI-1", "properties": {"security-severity": "9.8"}},
             {"id": "PI-2", "defaultConfiguration": {"level": "note"}}]  # fmt: skip
    found = read(
        tmp_path,
        log(
            {"ruleId": "PI-1", "message": {"text": "Prompt is built from input"}, "locations": [place]},
            {"ruleIndex": 1, "message": {"text": "a"}, "level": "none", "kind": "pass"},
            {"ruleIndex": 1, "message": {"text": "b"}, "fingerprints": {"v1": "f"}},
            {"ruleIndex": 1, "message": {"text": "in other words"}, "fingerprints": {"v1": "f"}},
            {"message": {"text": "c"}, "level": "error", "suppressions": [{"kind": "inSource"}]},
            {"message": {"text": "d"}},
            rules=rules,
        ),
    )
    assert [(s.title, s.severity) for s in found] == [
        ("PI-1: Prompt is built from input", "S1"), ("PI-2: b", "S4"), ("d", "S3")
    ]  # fmt: skip
    assert (found[0].refs, found[0].source, found[0].kind) == (("app/prompt.py:7",), "Scan", "scanner")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "version is missing"),
        ({"version": "2.0.0", "runs": []}, "only SARIF 2.1.0"),
        (log({"level": "error"}), r"runs\[0\].results\[0\].message is missing"),
        (log({"message": {"text": 5}}), "message.text must be text"),
        (log({"message": {"text": "x"}, "properties": {"security-severity": "high"}}), "no number from 0 to 10"),
        (log({"message": {"text": ""}, "locations": "x"}), "must be"),
    ],
)
def test_wrong_sarif_is_refused_by_its_field(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, value)


def test_reports_of_other_tools_give_a_signal_for_each_sample_that_failed(tmp_path: Path) -> None:
    """The files are real ones; in that of garak, where nothing failed, one detector's scores are turned round."""
    report = tmp_path / "report.jsonl"
    report.write_text((FILES / "garak.report.jsonl").read_text().replace("[0.0", "[1.0"))
    found = foreign.read(report, "SYS-x", "garak", now=NOW, severity="S3", feature="chat")
    assert found
    assert {(s.kind, s.source, s.severity, s.feature) for s in found} == {("scanner", "garak", "S3", "chat")}
    assert all(" failed in " in s.title and s.sample for s in found)
    assert len({s.id for s in found}) == len(found)
    again = foreign.read(report, "SYS-x", "garak", now="2027-01-01T00:00:00Z", severity="S3", feature="chat")
    assert [s.id for s in again] == [s.id for s in found]
    assert foreign.read(FILES / "garak.report.jsonl", "SYS-x", "garak", now=NOW) == []
    bad = foreign.read(FILES / "promptfoo.json", "SYS-x", "promptfoo", now=NOW)
    assert bad
    assert all("not " in s.title for s in bad)
    assert {s.kind for s in foreign.read(FILES / "pyrit.db", "SYS-x", "pyrit", now=NOW)} <= {"red_team"}
