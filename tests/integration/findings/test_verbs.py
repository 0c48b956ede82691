"""The verbs of findings as a user types them: from an attempt, to an acceptance, and out again."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.findings.conftest import HOLE, Product, Verbs

from shipworthy import cli
from shipworthy.cli import run as shipworthy
from shipworthy.evals.results import Run
from shipworthy.findings.intake import sarif
from shipworthy.store.layout import Layout

SCORER = "{use: contains, text: swordfish, good: low}"


def test_from_an_attempt_to_an_acceptance(root: Path, verbs: Verbs, product: Product) -> None:
    rows = root / "suites/asks/samples.jsonl"
    asked = {"id": "hole", "messages": [{"role": "user", "content": HOLE}], "severity": "S2"}
    rows.write_text(rows.read_text() + json.dumps(asked) + "\n")
    verbs("eval")
    run = Run.load(Layout(root).run_directory())
    [attempt] = [one for one in run.attempts() if one.sample == "hole"]
    clean = next(one for one in run.attempts() if one.sample == "asks-0")
    by = ("--by", "ada", "--severity", "S2", "--title", "It tells the word")
    good = ("--sample", "Hello", "--scorer", "{use: contains, text: swordfish}")
    assert "good: low" in verbs("finding", "open", *good, *by, code=2)
    assert "has no hit on anything bad" in verbs("finding", "open", "--attempt", clean.id, *by, code=2)
    finding = verbs("finding", "open", "--attempt", attempt.id, "--risk", "RK-word", *by).split()[0]
    assert verbs("finding", "list", "--overdue") == "no finding is overdue\n"
    shown = json.loads(verbs("finding", "show", finding, "--format", "json"))
    assert (shown["reproduction"]["metric"], shown["reproduction"]["hits"]) == ("contains", 1)
    assert "in 2 of 2 tries" in verbs("finding", "reproduce", finding, "-n", "2", code=1)
    product.mended = "all"
    assert "in 0 of 2 tries" in verbs("finding", "reproduce", finding, "-n", "2")

    verbs("signals", "add", "--title", "It told a word", "--severity", "S2", "--id", "t1", "--kind", "ticket")
    [signal] = json.loads(verbs("signals", "list", "--format", "json"))
    verbs("finding", "link", finding, "--by", "ada", "--signal", signal["id"], "--ref", "https://x.example/7")
    assert finding in verbs("signals", "show", signal["id"])
    assert "no signal waits" in verbs("signals", "cluster")
    assert "needs a reason" in verbs("finding", "assign", finding, "--by", "ada", "--severity", "S1", code=2)
    verbs("finding", "assign", finding, "--by", "ada", "--owner", "bob")

    # S2 is accepted by a signature on its risk, and then for no longer than that.
    soon = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    accept = ("finding", "accept", finding, "--by", "ada", "--because", "a canary", "--expires", soon)
    assert "shipworthy release accept" in verbs(*accept, code=2)
    verbs("release", "accept", "RK-word", "--key", "ines", "--role", "RO-owner", "--reason", "rare", "--compensating",
          "canary", "--expires", soon)  # fmt: skip
    assert f"accepted until {soon}, not closed" in verbs(*accept)
    [row] = json.loads(verbs("finding", "list", "--format", "json"))
    assert (row["state"], row["expires"], row["owner"], row["overdue"]) == ("accepted", soon, "bob", False)
    assert "has no regression case" in verbs("finding", "close", finding, "--by", "ada", code=2)
    assert verbs("finding", "list", "--overdue", "--format", "json").strip() == "[]"

    # Out again: what is exported is what our own reader of SARIF takes for signals, but for what was accepted.
    verbs("finding", "open", "--sample", HOLE, "--scorer", SCORER, *by)
    out = root.parent / "out.sarif"
    out.write_text(verbs("finding", "export", "--format", "sarif"))
    [back] = sarif.read(out, "SYS-reef", now="2026-12-01T10:00:00Z")
    assert (back.severity, back.title.partition(": ")[2]) == ("S2", "It tells the word")
    table = list(csv.DictReader(io.StringIO(verbs("finding", "export", "--format", "csv"))))
    assert [one["state"] for one in table] == ["accepted", "open"]


def test_a_conversation_of_a_user_is_a_private_case_and_closes_the_same_way(
    root: Path, verbs: Verbs, product: Product
) -> None:
    verbs("signals", "add", "--title", "It told a word", "--severity", "S2", "--id", "r1")
    [signal] = json.loads(verbs("signals", "list", "--format", "json"))
    said = [{"role": "user", "content": "I am ann.marlow@leak.example.org"}, {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": HOLE}]  # fmt: skip
    file = root.parent / "said.json"
    file.write_text(json.dumps({"messages": said}))
    words = ("finding", "open", signal["id"], "--by", "ada", "--conversation", str(file), "--scorer", SCORER)
    finding = verbs(*words).split()[0]
    assert "Redaction took words out" in verbs("finding", "promote", finding, "--by", "ada", "--variants", "1")
    assert "content: private" in (root / f"suites/{finding.lower()}/suite.yaml").read_text()
    product.mended = "all"
    verbs("finding", "verify", finding, "--by", "ada")
    verbs("finding", "close", finding, "--by", "ada")
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert b"ann.marlow" not in written
    assert "say the same" in verbs(*words, "--sample", "x", code=2)


def test_what_is_not_there_is_said(root: Path, verbs: Verbs) -> None:
    assert "there is no finding here yet" in verbs("finding", "show", code=2)
    assert "there is no signal 'SG-1'" in verbs("signals", "show", "SG-1", code=2)
    assert "no signal yet" in verbs("signals", "list")
    assert "how bad is it" in verbs("finding", "open", "--by", "a", "--sample", "x", "--scorer", SCORER, code=2)
    assert shipworthy(["signals", "list", "-C", str(root / "nowhere")]) == 2


def test_the_worked_examples_have_the_severity_that_incidents_would_give_them() -> None:
    severity = pytest.importorskip("shipworthy.incidents.severity", reason="there is no package of incidents yet")
    path = Path(cli.__file__).parent.parent / "library" / "severity" / "examples.json"
    for one in json.loads(path.read_text())["examples"]:
        factors = [one[name] for name in ("impact", "reach", "reversibility", "interaction")]
        assert severity.recommend(severity.SeverityFactors(*factors)).severity == one["severity"], one["title"]
