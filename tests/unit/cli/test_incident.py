"""The verbs of `incident` as a person uses them: what they print, how they exit, and what they refuse."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from tests.integration.incidents.conftest import write

from shipworthy.cli import run


@pytest.fixture
def here(tmp_path: Path, capsys):
    root = tmp_path / "fen"
    write(root, "http://127.0.0.1:9/v1")
    (root / "targets.yaml").write_text(
        "targets:\n  fen: {use: openai_compatible, base_url: 'http://127.0.0.1:9/v1', model: m}\n"
    )

    def do(*words: str) -> tuple[int, str, str]:
        code = run(["incident", *words, "-C", str(root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return root, do


def test_without_an_incident_it_says_how_to_open_one(here):
    _, do = here
    code, _, err = do("status")
    assert code == 2 and "shipworthy incident open" in err
    assert do("list") == (0, "no incident\n", "")


def test_a_signed_reason_closes_without_a_case_and_no_other_does(here, tmp_path, monkeypatch):
    root, do = here
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    assert run(["keys", "new", "--name", "ines", "--role", "RO-owner"]) == 0
    public = tmp_path / "keys/ines.pub.json"
    (root / "signers.json").write_text(json.dumps({"threshold": 1, "keys": [json.loads(public.read_text())]}))
    do("open", "A rumour")
    assert do("resolve", "--close")[0] == 2  # not contained
    assert do("contain", "--without-replay", "there is nothing to replay")[0] == 0
    code, _, err = do("resolve", "--close")
    assert code == 2 and "no regression case" in err
    assert do("resolve", "--close", "--no-case", "it was a rumour")[0] == 2  # unsigned
    code, out, err = do("resolve", "--close", "--no-case", "it was a rumour", "--key", "ines", "--role", "RO-owner")
    assert code == 0, err
    assert "closed" in out
    events = json.loads(do("show", "--format", "json")[1])["events"]
    assert (events[-1]["outcome"], events[-1]["detail"]["signer"]) == ("signed reason", "ines")
    assert "1 only said to be" in do("mttc")[1]


def test_rating_otherwise_needs_a_reason_and_keeps_both(here):
    _, do = here
    do("open", "It tells")
    rating = (
        "severity",
        "--impact",
        "high",
        "--reach",
        "few",
        "--reversibility",
        "irreversible",
        "--interaction",
        "none",
    )
    assert do("severity", "--impact", "high")[0] == 2
    code, out, _ = do(*rating, "--dry-run")
    assert code == 0 and "recommended: S1" in out
    assert json.loads(do("show", "--format", "json")[1])["severity"] is None
    assert do(*rating, "--as", "S2")[0] == 2
    assert do(*rating, "--as", "S2", "--why", "only made-up data")[0] == 0
    shown = json.loads(do("show", "--format", "json")[1])
    assert (shown["severity"], shown["triaged"] is not None) == ("S2", True)
    rated = next(one for one in shown["events"] if one["what"] == "rated")
    assert (rated["severity"], rated["detail"]["recommended"]) == ("S2", "S1")


def test_a_runbook_is_followed_by_its_commands(here):
    root, do = here
    do("open", "Guards are down")
    assert "guardrail-outage" in do("runbook", "list")[1]
    assert do("runbook", "do", "guardrail-outage", "--note", "they fail open")[0] == 0
    code, _, err = do("runbook", "do", "guardrail-outage", "--run")  # rating is what people do
    assert code == 2
    [hint] = re.findall(r"`shipworthy incident (.*? --step rate.*?)`", err)
    assert {"-C", str(root), "guardrail-outage"} < set(shlex.split(hint))
    code, out, _ = do("runbook", "do", "guardrail-outage", "--step", "keep-evidence", "--run")
    assert code == 0 and "keep-evidence: done" in out
    assert list((root / ".shipworthy/incidents").rglob("*.tar"))
    rows = json.loads(do("runbook", "show", "guardrail-outage", "--format", "json")[1])
    states = {row["step"]: row["state"] for row in rows}
    assert (states["which"], states["keep-evidence"], states["rate"]) == ("done", "done", "open")
    assert do("runbook", "do", "guardrail-outage", "--step", "nothing")[0] == 2


def test_a_lever_that_nobody_pulled_is_not_let_go_of(here):
    root, do = here
    levers = (root / "levers.yaml").read_text()
    flag = f"  - {{id: LV-flag, title: F, kind: flag, max_minutes: 1, run: [{sys.executable}, -V]}}\n"
    (root / "levers.yaml").write_text(levers + flag + "  - {id: LV-hand, title: H, kind: process, max_minutes: 1}\n")
    do("open", "Guards are down")
    for words in (("LV-hand", "--by-hand"), ("LV-flag", "--by-hand"), ("LV-strict",)):
        code, _, err = do("lever", *words, "--release")
        assert code == 2 and f"{words[0]} is not pulled for INC-" in err
    assert "leave out --by-hand" in do("lever", "LV-flag", "--by-hand")[2]
    assert do("lever", "LV-hand", "--by-hand", "--no-snapshot", "a test")[0] == 0
    assert do("lever", "LV-hand", "--by-hand", "--release")[0] == 0
    assert do("timeline")[1].count("let go of") == 1


def test_check_warns_of_a_lever_whose_gateway_is_not_there(here, capsys):
    root, _ = here
    assert run(["check", "-C", str(root)]) == 0
    assert "cannot be pulled" not in capsys.readouterr().out
    (root / "gateway/gateway.yaml").rename(root / "gateway/moved.yaml")
    assert run(["check", "-C", str(root)]) == 0
    assert "the lever LV-strict cannot be pulled: there is no file gateway/gateway.yaml" in capsys.readouterr().out


def test_an_exercise_with_answers_is_reported_and_counts(here, tmp_path):
    root, do = here
    answers = {"severity": {"choose": "s2", "after": 4}, "which": "open", "evidence": "snapshot", "lever": "pull",
               "digest": "unproven", "contained": "replay", "learned": {"choose": "case", "after": 90}}  # fmt: skip
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(answers))
    code, out, err = do("tabletop", "run", "guard-down", "--answers", str(file))
    assert code == 0, err
    assert "13 of 14 points, levers drilled: 1" in out
    assert "learned: case, after 90.0 min, late: meant within 60, 1 of 2" in out
    (report,) = (root / "documents/tabletop").glob("TT-*.md")
    assert "LV-strict" in report.read_text()
    assert json.loads(do("tabletop", "history", "--format", "json")[1])[0]["points"] == 13
    assert "guard-down" in do("tabletop", "list")[1]
    file.write_text("{")
    assert do("tabletop", "run", "guard-down", "--answers", str(file))[0] == 2


def test_an_overdue_clock_is_told_by_the_exit_code(here):
    _, do = here
    do("open", "It tells", "--aware", "2026-11-20T09:00:00Z")
    assert do("status")[0] == 0
    code, out, _ = do("clocks", "--start", "gdpr33-authority", "--why", "another person's address")
    assert code == 1 and "OVERDUE" in out
    assert do("status")[0] == 1
    assert do("clocks", "--reported", "gdpr33-authority")[0] == 2  # to whom?
    assert do("clocks", "--reported", "gdpr33-authority", "--why", "the authority, 17/26")[0] == 0
    assert "applies from 2027-12-02" in do("clocks", "--format", "json")[1]


def test_an_incident_comes_from_a_signal_and_its_reproduction_from_telemetry(here, tmp_path, monkeypatch):
    for module in ("duckdb", "zstandard", "opentelemetry.proto"):
        pytest.importorskip(module, reason="the extra serve is not installed: make setup installs it")
    from tests.unit.telemetry.samples import CURRENT, request

    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.signals import add_signals, make_signal

    root, do = here
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    signal = make_signal(
        system="SYS-fen", at="2026-12-01T00:00:00Z", kind="ticket", source="jira:HELP", source_id="7", title="It tells"
    )
    with AuditLog(Layout(root).control_url) as audit:
        add_signals(audit, [signal])
    assert do("open", "It tells", "--from", "SG-0000")[0] == 2
    assert do("open", "It tells", "--from", signal.id[:10])[0] == 0
    serve = tmp_path / "serve.yaml"
    serve.write_text(f"listen: 127.0.0.1:4318\nworkspace: {root}\nstate: store\nkey_file: store.key\n")
    spans = tmp_path / "spans.jsonl"
    spans.write_text(json.dumps(request({**CURRENT, "user.id": "u"}, traceId="1" * 32, spanId="2" * 16)) + "\n")
    assert run(["telemetry", "import", str(spans), "--config", str(serve)]) == 0
    trace = ("--trace", "1" * 32, "--store", str(serve), "--like", "asks/A-0")
    # Nothing answers at the target's address: the tries say nothing, and the look stands in the audit log all the same.
    assert do("verify", "-n", "1", *trace, "--reason", "a user's report")[0] == 3
    assert do("verify", "-n", "1", *trace, "--sample", "asks/A-0")[0] == 2
    with AuditLog(Layout(root).control_url) as audit:
        (look,) = audit.of_kinds("telemetry.looked")
        kept = [e.body["outcome"] for e in audit.of_kinds("incident.event") if e.body["what"] == "reproduction"]
    assert look.body["reason"].startswith("INC-") and look.body["reason"].endswith("a user's report")
    assert kept == ["conversation"]
    events = json.loads(do("show", "--format", "json")[1])["events"]
    assert events[0]["about"] == signal.id
