"""The verbs of telemetry on a store of their own: import, rates, show, draw, delete, and what each refuses."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.unit.telemetry.samples import CURRENT, request

from shipworthy.cli import run
from shipworthy.store.audit import AuditLog

if any(find_spec(name) is None for name in ("duckdb", "zstandard")):
    pytest.skip("the extra serve is not installed: make setup installs it", allow_module_level=True)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    (tmp_path / "serve.yaml").write_text("listen: 127.0.0.1:4318\nstate: store\nkey_file: store.key\n")
    spans = [
        request({**CURRENT, "user.id": f"user-{n % 2}@example.org", "gen_ai.conversation.id": f"talk-{n}"},
                traceId=f"{n:032x}", spanId=f"{n:016x}")
        for n in range(1, 7)
    ]  # fmt: skip
    (tmp_path / "spans.jsonl").write_text("".join(json.dumps(one) + "\n" for one in spans))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run(["telemetry", words[0], "--config", "serve.yaml", *words[1:]]) == code
    found = capsys.readouterr()
    return found.err if code else found.out


def kinds(root: Path) -> list[str]:
    [control] = root.rglob("control.sqlite")
    with AuditLog(f"sqlite:///{control}") as audit:
        return [entry.kind for entry in audit.of_kinds("telemetry.looked", "telemetry.subject_deleted")]


def test_what_was_said_is_counted_looked_at_drawn_and_deleted(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "import", "spans.jsonl") == "6 spans imported, 0 were there before\n"
    [row] = json.loads(told(capsys, "rates", "--by", "feature", "--format", "json"))
    assert (row["sessions"], row["hits"]) == (6, 0) and row["high"] > 3_000, "none of six is not none"
    assert "No violation in 6 sessions." in told(capsys, "rates", "--by", "day,severity")

    shown = json.loads(told(capsys, "show", f"{1:032x}", "--reason", "a report of a user"))
    assert shown["events"] and "why" not in shown
    assert "example.org" not in json.dumps(shown)
    assert kinds(at) == ["telemetry.looked"]

    draw = ("draw", "--size", "3", "--seed", "4", "--out")
    told(capsys, *draw, "one.jsonl")
    told(capsys, *draw, "two.jsonl")
    drawn = [json.loads(line) for line in (at / "one.jsonl").read_text().splitlines()]
    assert (at / "one.jsonl").read_bytes() == (at / "two.jsonl").read_bytes()
    assert len(drawn) == 3 and all(0 < one["inclusion"] <= 1 for one in drawn)

    assert "destroyed" in told(capsys, "delete", "user-1@example.org", "--reason", "they asked for it")
    gone = json.loads(told(capsys, "show", f"{1:032x}", "--reason", "to see that it is gone"))
    assert not gone["events"] and "destroyed" in gone["why"]
    assert json.loads(told(capsys, "show", f"{2:032x}", "--reason", "another one is still there"))["events"]
    assert kinds(at)[-3:] == ["telemetry.subject_deleted", "telemetry.looked", "telemetry.looked"]
    [row] = json.loads(told(capsys, "rates", "--by", "feature", "--format", "json"))
    assert row["sessions"] == 6, "what was counted stays"
    assert not [p for p in at.joinpath("store").rglob("*") if p.is_file() and b"user-1@" in p.read_bytes()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "0" * 32, "--reason", "why"), "say why you look"),
        (("show", "0" * 32, "--reason", "to see what is there"), "there is no trace"),
        (("show", "none", "--reason", "to see what is there"), "16 hex digits"),
        (("rates", "--by", "days"), "not by 'days'"),
        (("draw", "--size", "3", "--seed", "1", "--by", "colour", "--out", "x"), "colour"),
        (("import", "serve.yaml"), "serve.yaml"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_shown(at: Path, capsys, words, said) -> None:
    told(capsys, "import", "spans.jsonl")
    assert said in told(capsys, *words, code=2)
    assert not (at / "x").exists()


def test_a_store_that_is_none_is_no_store_without_telemetry(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no store of telemetry" in told(capsys, "show", "0" * 16, "--reason", "to see what is there", code=2)
    assert "is no store" in told(capsys, "delete", "x", "--reason", "they asked for it", code=2)


def test_alarms_are_looked_for_listed_shown_and_closed(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (at / "serve.yaml").write_text(
        "state: store\nkey_file: store.key\nalarms: {system: SYS-x, streams: [{id: harm}]}\n"
    )
    now = str(time.time_ns())
    when = {"startTimeUnixNano": now, "endTimeUnixNano": now}
    spans = [
        request({**CURRENT, "gen_ai.conversation.id": f"s{n}"}, traceId=f"{n:032x}", spanId=f"{n:016x}", **when)
        for n in range(1, 7)
    ]
    (at / "now.jsonl").write_text("".join(json.dumps(one) + "\n" for one in spans))
    told(capsys, "import", "now.jsonl")
    assert run(["telemetry", "alarms", "check", "--config", "serve.yaml"]) == 1, "traffic without a decision"
    found = capsys.readouterr().out
    assert "0 of 28 days" in found and "1 alarms raised, 1 open" in found
    (at / "bare.yaml").write_text("state: store\nkey_file: store.key\n")
    assert run(["telemetry", "alarms", "check", "--config", "bare.yaml"]) == 1
    assert "bare.yaml has no section 'alarms'" in capsys.readouterr().err
    [one] = json.loads(verb(capsys, "list", "--format", "json"))
    assert (one["kind"], one["sessions"], one["open"]) == ("evidence", 6, True)
    shown = verb(capsys, "show", "latest")
    assert "names no release decision" in shown and f"{1:032x}" in shown
    verb(capsys, "close", one["id"], "--reason", "asked ann.marlow@leak.example.org: a demo")
    assert verb(capsys, "list") == "No alarm is open.\n"
    closed = verb(capsys, "show", one["id"])
    assert "a demo" in closed and "leak.example" not in closed
    assert run(["telemetry", "alarms", "close", one["id"], "--config", "serve.yaml", "--reason", "again"]) == 2
    assert "closed already" in capsys.readouterr().err


def verb(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(["telemetry", "alarms", words[0], "--config", "serve.yaml", *words[1:]]) == 0
    return capsys.readouterr().out


def test_files_for_prometheus_and_grafana_are_written_once(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["telemetry", "monitoring", "--out", "monitoring"]) == 0
    (at / "monitoring" / "prometheus.yaml").write_text("mine\n")
    assert run(["telemetry", "monitoring", "--out", "monitoring"]) == 0
    assert "stays" in capsys.readouterr().out
    assert (at / "monitoring" / "prometheus.yaml").read_text() == "mine\n"
    assert len(list((at / "monitoring").iterdir())) == 5


def test_a_draw_of_sessions_is_labelled_in_a_queue(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "ws"]) == 0
    (at / "serve.yaml").write_text("state: store\nkey_file: store.key\nworkspace: ws\n")
    told(capsys, "import", "spans.jsonl")
    told(capsys, "draw", "--size", "5", "--seed", "1", "--sessions", "--by", "feature", "--out", "draw.jsonl")
    why = ("--reason", "the quarterly audit of the judge")
    assert "5 attempts written" in told(capsys, "attempts", "--draw", "draw.jsonl", "--out", "attempts.csv", *why)
    assert (at / "attempts.csv").stat().st_mode & 0o077 == 0
    assert run(["runs", "import", "attempts.csv", "-C", "ws"]) == 0
    queue = [
        "labels",
        "queue",
        "latest",
        "--suite",
        "telemetry",
        "--metric",
        "violation",
        "--people",
        "ann",
        "-C",
        "ws",
    ]
    capsys.readouterr()
    assert run(queue) == 0
    assert "ann: 5 answers" in capsys.readouterr().out
    drawn = [json.loads(line) for line in (at / "draw.jsonl").read_text().splitlines()]
    said = [{"trace": o["trace"], "span": o["span"], "called": n == 0, "label": False} for n, o in enumerate(drawn)]
    (at / "judged.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    capsys.readouterr()
    assert run(["telemetry", "corrected", "--draw", "draw.jsonl", "--judged", "judged.jsonl", "--format", "json"]) == 0
    whole = json.loads(capsys.readouterr().out)[0]
    assert (whole["observed"], whole["per"], whole["units"]) == (2_000, 0, 6) and whole["high"] > 2_000
