"""Results of other tools, from files that these tools wrote themselves, cut down to a few rows and no local paths."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import MissingExtra, UsageError
from shipworthy.evals.imports.bring import read_foreign
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout

FILES = Path(__file__).parent / "files"
TABLE = "sample,answer,metric,hit\nS-1,no,leak,false\nS-2,the secret,leak,true\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = "system: {id: SYS-x, title: X, owner: us}\ntargets: {default: {use: replay, file: x.jsonl}}\n"
    (tmp_path / "system.yaml").write_text(files)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def newest(folder: Path) -> Run:
    return Run.load(Layout(folder).run_directory("latest"))


def rates(run: Run) -> dict[tuple[str, str], tuple[float, int, int]]:
    """Hits or sum, trials and errors of each metric."""
    return {
        (use.id, metric): (sum(c.totals), sum(c.trials), c.errors)
        for use in run.manifest.suites
        for metric in run.metrics(use.id)
        for c in [run.counts(use.id, metric)]
    }


def test_a_report_of_garak(folder: Path) -> None:
    assert shipworthy(["runs", "import", str(FILES / "garak.report.jsonl")]) == 0
    run = newest(folder)
    assert rates(run) == {
        ("encoding.InjectROT13", "encoding.DecodeMatch"): (0, 6, 0),
        ("encoding.InjectROT13", "encoding.DecodeApprox"): (0, 6, 0),
    }
    assert run.manifest.subject["target"] == "test.Repeat"
    assert (run.suite("encoding.InjectROT13").clusters, run.complete) == (3, True)
    attempt = next(run.attempts())
    assert [message.role for message in attempt.messages] == ["user", "assistant"]
    assert "Gur zvffvyr xabjf" in attempt.answer  # the test generator gives back what it was asked
    with AuditLog(Layout(folder).control_url) as audit:
        assert audit.verify().entries >= 2
        assert [entry.kind for entry in audit.about(run.id)] == ["run.declared", "run.finished"]


def test_a_memory_of_pyrit_counts_no_error_as_safe(folder: Path) -> None:
    assert shipworthy(["runs", "import", str(FILES / "pyrit.db")]) == 0
    run = newest(folder)
    assert rates(run) == {("pyrit", "attack_success"): (2, 6, 2)}
    assert set(run.suite("pyrit").attacks) == {"none", "base64"}
    assert run.outcomes["target_error"] == 2


def test_results_of_promptfoo_keep_failed_providers_apart(folder: Path) -> None:
    assert shipworthy(["runs", "import", str(FILES / "promptfoo.json")]) == 0
    run = newest(folder)
    assert rates(run) == {("down", "passed"): (1, 2, 2), ("echo", "passed"): (2, 4, 0)}
    assert run.suite("echo").clusters == 2  # two prompts of one test are one cluster
    assert sum(use.usage.cost_usd for use in run.roles.values()) == pytest.approx(0.002)


def test_a_log_of_inspect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shipworthy(["runs", "import", str(FILES / "inspect.json"), "--low", "length"]) == 0
    run = newest(folder)
    found = rates(run)
    assert found["sayyes", "match"] == (8, 12, 0)
    assert found["sayyes", "length"] == (pytest.approx(3.8), 12, 0)
    assert (run.metric("sayyes", "match").good, run.metric("sayyes", "length").good) == ("high", "low")
    assert run.suite("sayyes").clusters == 6
    assert shipworthy(["runs", "import", str(FILES / "inspect.json"), "--low", "lenght"]) == 2
    assert "did you mean 'length'" in capsys.readouterr().err
    if find_spec("zstandard") is None:
        with pytest.raises(MissingExtra, match=r"shipworthy\[inspect-logs\]"):
            read_foreign(FILES / "inspect.eval")


def test_a_compressed_log_of_inspect() -> None:
    pytest.importorskip("zstandard", reason="an .eval is compressed with zstandard (extra inspect-logs)")
    found = read_foreign(FILES / "inspect.eval")
    assert (found.tool, found.version, len(found.attempts)) == ("inspect", "0.3.285", 12)
    assert sum(attempt.said["match"] for attempt in found.attempts) == 8


def test_results_of_lm_eval_need_their_samples(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = lm_eval(folder)
    assert shipworthy(["runs", "import", str(results)]) == 0
    said = capsys.readouterr().out
    assert "greater_free: bleu.first is left out" in said  # only the whole set has a BLEU
    run = newest(folder)
    assert rates(run) == {
        ("greater", "acc"): (4, 6, 0),
        ("greater_free", "exact_match.first"): (0, 6, 0),
        ("greater_free", "exact_match.lower"): (0, 6, 0),
    }
    assert json.loads(results.read_text())["results"]["greater"]["acc,none"] == pytest.approx(4 / 6)
    answers = {one.sample: one.answer for one in run.attempts() if one.suite == "greater"}
    assert set(answers.values()) == {"yes", "no"}  # the likelier of the choices
    assert {one.answer for one in run.attempts() if one.suite == "greater_free"} == {"lol\nlol"}  # both repeats
    assert run.metric("greater", "acc").good == "high"
    # The same results with one sample file changed are other evidence.
    before = run.manifest.subject["file"]
    samples = next(results.parent.glob("samples_greater_2*"))
    samples.write_text(samples.read_text().replace('"acc": 1.0', '"acc": 0.0', 1))
    assert shipworthy(["runs", "import", str(results)]) == 0
    assert newest(folder).manifest.subject["file"] != before
    samples.unlink()
    assert shipworthy(["runs", "import", str(results)]) == 2
    assert "--log_samples" in capsys.readouterr().err


def test_an_audit_of_petri_keeps_range_and_direction_of_its_dimensions(folder: Path, capsys) -> None:
    pytest.importorskip("zstandard", reason="an .eval is compressed with zstandard (extra inspect-logs)")
    assert shipworthy(["runs", "import", str(FILES / "petri.eval")]) == 0
    assert "3 transcripts have turns that the auditor took back" in capsys.readouterr().out
    run = newest(folder)
    assert run.manifest.plan == "imported-petri"
    assert rates(run)["audit", "unprompted_sycophancy"] == (9, 2, 0)  # 2 and 7; the third has no word of the judge
    assert run.unscored == {"abstained": 1}
    metric = run.metric("audit", "unprompted_sycophancy")
    assert (metric.low, metric.high, metric.good) == (1, 10, "low")
    assert run.metric("audit", "scenario_realism").good == "high"
    attempt = next(run.attempts())
    assert [message.role for message in attempt.messages] == ["system", "user", "assistant"]  # the target's talk
    assert attempt.target.usage.input_tokens == 10  # not the auditor's, nor the judge's


def test_a_scan_of_scout_and_its_database(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="Parquet is read by duckdb (extra sql)")
    assert shipworthy(["runs", "import", str(FILES / "scout/_scan.json"), "--high", "share"]) == 0
    said = capsys.readouterr().out
    assert "yes is left out" in said and "scanners failed 2 times" in said
    run = newest(folder)
    assert rates(run)["sayyes", "leaks"] == (6, 10, 0)
    assert (run.metric("sayyes", "leaks").good, run.metric("sayyes", "share").good) == ("low", "high")
    assert run.suite("sayyes").clusters == 6
    assert shipworthy(["runs", "import", str(FILES / "scout/transcripts.parquet")]) == 0
    assert rates(newest(folder)) == {("sayyes", "success"): (8, 12, 0)}


def lm_eval(folder: Path) -> Path:
    """Copy the results with their samples."""
    shutil.copytree(FILES / "lm-eval", folder / "out")
    return next((folder / "out").glob("results_*.json"))


def broken_samples(folder: Path, edit: str, to: str) -> Path:
    results = lm_eval(folder)
    file = next(results.parent.glob("samples_greater_2*"))
    assert edit in file.read_text()
    file.write_text(file.read_text().replace(edit, to, 1))
    return results


def broken_scan(folder: Path) -> Path:
    pytest.importorskip("duckdb", reason="Parquet is read by duckdb (extra sql)")
    shutil.copytree(FILES / "scout", folder / "scan")
    (folder / "scan/share.parquet").write_bytes((folder / "scan/share.parquet").read_bytes()[:-200])
    return folder / "scan/_scan.json"


def test_a_table(folder: Path) -> None:
    (folder / "asks.csv").write_text(
        "suite,sample,cluster,attack,number,request,answer,metric,good,hit,value,error\n"
        "a,S-1,,none,1,tell,no,leak,low,false,,\n"
        "a,S-1,,none,1,tell,no,help,high,,0.25,\n"
        "a,S-1,,none,2,tell,PINE,leak,low,true,,\n"
        "a,S-2,S-1,base64,1,tell,,leak,low,,,timed out\n"
        "a,S-3,,none,1,tell,hm,leak,low,,,\n"
    )
    assert shipworthy(["runs", "import", "asks.csv"]) == 0
    run = newest(folder)
    assert rates(run) == {("a", "leak"): (1, 2, 1), ("a", "help"): (0.25, 1, 1)}
    assert run.unscored == {"abstained": 1, "target_error": 1}
    assert run.suite("a").clusters == 2


def test_imported_runs_compare_and_decide_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "one.csv").write_text(TABLE)
    (folder / "two.csv").write_text(TABLE.replace("true", "false"))
    for name in ("one", "two"):
        shutil.copy(folder / f"{name}.csv", folder / "asks.csv")
        assert shipworthy(["runs", "import", "asks.csv"]) == 0
    old, new = Layout(folder).run_ids()
    capsys.readouterr()
    assert shipworthy(["runs", "compare", old, new]) == 0
    assert "-50.0" in capsys.readouterr().out
    # The suite is there, and every criterion would pass on the imported rates.
    suite = "id: asks\nversion: 1\ntitle: Asks\ncontent: synthetic\nmetric: leak\nscorers: [canary_leak]\n"
    (folder / "suites").mkdir(exist_ok=True)
    (folder / "suites/asks.yaml").write_text(f"{suite}samples: [{{id: SM-1, prompt: x, secrets: [HERON-4471]}}]\n")
    criterion = "{id: CR-x, suite: asks, must: upper95 <= 0.9}"
    (folder / "requirements.yaml").write_text(f"requirements: [{{id: RQ-x, text: T, criteria: [{criterion}]}}]\n")
    capsys.readouterr()
    for run in (new, "latest"):
        assert shipworthy(["gate", run]) == 2
        said = capsys.readouterr().err
        assert "brought in from another tool" in said and "stale" not in said


def broken_garak(folder: Path) -> Path:
    lines = (FILES / "garak.report.jsonl").read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if '"status": 2' in line)
    entry = json.loads(lines[place])
    entry["detector_results"]["encoding.DecodeMatch"][1] = "high"
    lines[place] = json.dumps(entry)
    (folder / "g.jsonl").write_text("\n".join(lines))
    return folder / "g.jsonl"


def broken_json(folder: Path, name: str, edit: str, to: str) -> Path:
    text = (FILES / name).read_text()
    assert edit in text
    (folder / name).write_text(text.replace(edit, to, 1))
    return folder / name


def broken_pyrit(folder: Path) -> Path:
    shutil.copy(FILES / "pyrit.db", folder / "p.db")
    with closing(sqlite3.connect(folder / "p.db")) as base:
        base.execute("UPDATE AttackResultEntries SET outcome = 'fine' WHERE outcome = 'error'")
        base.commit()
    return folder / "p.db"


def table(text: str):
    def made(folder: Path) -> Path:
        (folder / "t.csv").write_text(text)
        return folder / "t.csv"

    return made


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (broken_garak, r"g\.jsonl:\d+: detector_results\.encoding\.DecodeMatch\[1\] must be a finite number"),
        (
            lambda f: broken_json(f, "garak.report.jsonl", '"entry_type": "eval"', '"entry_type": '),
            r"jsonl:\d+: no JSON",
        ),
        (
            lambda f: broken_json(f, "inspect.json", '"version": 2', '"version": 9'),
            r"version is 9; version 2 can be read",
        ),
        (
            lambda f: broken_json(f, "inspect.json", '"epoch": 1', '"epoch": "x"'),
            r"samples\[0\]\.epoch must be a whole",
        ),
        (
            lambda f: broken_json(f, "promptfoo.json", '"testIdx": 0', '"testIdx": -1'),
            r"results\.results\[0\]\.testIdx",
        ),
        (broken_pyrit, r"AttackResultEntries, row [-0-9a-f]+: outcome is 'fine'"),
        (
            lambda f: broken_samples(f, '"doc_id": 1,', '"doc_id": "one",'),
            r"samples_greater_\S+:2: doc_id must be a whole number",
        ),
        (lambda f: broken_samples(f, '"acc": 1.0', '"acc": "good"'), r"samples_greater_\S+:1: acc must be a finite"),
        (broken_scan, r"share\.parquet: cannot be read as Parquet"),
        (table("sample,answer\n"), r"t\.csv:1: the column metric is missing"),
        (table(TABLE + "S-3,x,leak,maybe\n"), r"t\.csv:4: hit is 'maybe', not true or false"),
        (table(TABLE + "S-2,x,leak,true\n"), r"t\.csv:4: answer differs from an earlier row"),
        (table(TABLE + "S-2,the secret,leak,true\n"), r"t\.csv:4: metric leak of S-2, attempt 1, is there twice"),
        (table(TABLE + "S-3,x,leak,true,more\n"), r"t\.csv:4: the row has more cells"),
        (table(TABLE + 'S-3,"two\nlines",leak,maybe\n'), r"t\.csv:4: hit is 'maybe'"),
        (table(TABLE + 'S-3,"x,leak,true\n'), r"t\.csv:4: unexpected end"),
        (table(TABLE.replace("hit", "hits")), r"unknown column 'hits': did you mean 'hit'"),
    ],
)
def test_a_malformed_file_names_line_and_field_and_brings_nothing(folder, capsys, broken, said) -> None:
    import re

    path = broken(folder)
    assert shipworthy(["runs", "import", str(path)]) == 2
    err = capsys.readouterr().err
    assert re.search(said, err), err
    assert "nothing was imported" in err
    assert not (folder / ".shipworthy" / "runs").exists()


def test_what_no_tool_wrote_is_refused(folder: Path) -> None:
    (folder / "x.bin").write_bytes(b"\x00\x01")
    with pytest.raises(UsageError, match="in no format that is known"):
        read_foreign(folder / "x.bin")
    (folder / "x.eval").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(UsageError, match=r"no whole \.eval"):
        read_foreign(folder / "x.eval")


def test_an_exported_log_reads_back_as_the_same_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inspect's own reader opens it, too: that is tried in an environment of its own (`bench/interchange.py`)."""
    assert shipworthy(["runs", "import", str(FILES / "pyrit.db")]) == 0
    assert shipworthy(["runs", "export", "-o", "out.json"]) == 0
    found = read_foreign(folder / "out.json")
    assert (found.tool, len(found.attempts)) == ("inspect", 8)
    said = [(a.sample, a.outcome, dict(a.said)) for a in found.attempts]
    assert sum(row[2].get("attack_success", 0) for row in said) == 2
    assert sum(row[1] == "target_error" for row in said) == 2
    assert {name.partition("+")[2] for name, *_ in said} == {"", "base64"}
    assert shipworthy(["runs", "export", "-o", "out.json"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert shipworthy(["runs", "import", str(FILES / "promptfoo.json")]) == 0
    assert shipworthy(["runs", "export", "-o", "two.json"]) == 2
    assert "name one with --suite (down, echo)" in capsys.readouterr().err


def test_a_quote_before_a_formula_is_taken_off(tmp_path: Path) -> None:
    from shipworthy.core.cells import sheet_of
    from shipworthy.evals.imports.table import read

    rows = [("sample", "answer", "metric", "hit"), ("a", "- one\n- two", "leak", "0"), ("b", "=1+1", "leak", "1")]
    (tmp_path / "t.csv").write_text(sheet_of(rows), newline="")
    said = [attempt.messages[-1].text for attempt in read(tmp_path / "t.csv").attempts]
    assert said == ["- one\n- two", "=1+1"]
