"""Say of an S1 hit whether it is one; the next gate reads it."""

from __future__ import annotations

import html
import json
import re

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout


def number(item) -> int:  # type: ignore[no-untyped-def]
    return int(item.sample.id.rpartition("-")[2])


@pytest.fixture
def gated(gated):  # type: ignore[no-untyped-def]
    """A run in which everything passes but for one hit, on a sample of severity S1."""
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak, CR-help]}\n")
    gated.again = lambda **more: gated.run(
        lambda i: i.suite == "help" or (number(i) == 7 and i.attack == "none"),
        severity=lambda i: "S1" if number(i) == 7 else "S3",
        **more,
    )
    gated.measured = gated.again()
    (gated.hit,) = gated.measured.s1_hits
    return gated


def confirm(gated, *words: str) -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["confirm", "-C", str(gated.root), "--allow-code", *words])


def gate(gated, form: str = "json", run: str = "latest") -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["gate", "-C", str(gated.root), "--allow-code", "--format", form, run])


def test_an_unconfirmed_hit_blocks_one_that_is_none_does_not_and_one_that_is_does(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert gate(gated) == 1
    first = json.loads(capsys.readouterr().out)
    assert (first["s1_hits"], first["confirmations"]) == ([gated.hit], [])
    before = Layout(gated.root).load_decision()

    assert confirm(gated, gated.hit, "--by", "ada", "--no-hit", "--because", "it quotes bob@example.org") == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{gated.hit} of {gated.measured.id}: no-hit, says ada (entry ")
    assert Layout(gated.root).load_decision() == before  # what was decided stays decided

    assert gate(gated) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["s1_hits"] == []
    (word,) = second["confirmations"]
    assert (word["attempt"], word["said"], word["by"], word["run"]) == (gated.hit, "no-hit", "ada", gated.measured.id)
    with AuditLog(Layout(gated.root).control_url) as audit:
        (entry,) = audit.of_kinds("hit.confirmed")
    assert word["entry"] == entry.number
    assert "bob@example.org" not in json.dumps(second)
    assert second["reason"].endswith(f"; 1 hit on samples of severity S1 confirmed as none: {gated.hit}")
    assert [c["hits"] for c in second["criteria"]] == [c["hits"] for c in first["criteria"]]  # as measured

    assert confirm(gated, gated.hit, "--by", "eve", "--hit") == 2
    assert "--again" in capsys.readouterr().err
    assert confirm(gated, gated.hit, "--by", "eve", "--hit", "--again") == 0
    assert gate(gated) == 1


def test_every_report_says_who_confirmed_each_hit(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    for words, told in (
        ((), "not yet confirmed"),
        (("--by", "ada", "--hit"), "confirmed as a hit by ada"),
        (("--by", "eve", "--no-hit", "--again", "--because", "a quotation"), "confirmed as no hit by eve"),
    ):
        assert not words or confirm(gated, gated.hit, *words) == 0
        for form in ("text", "markdown", "html", "json", "junit", "sarif"):
            capsys.readouterr()
            gate(gated, form)
            said = " ".join(html.unescape(capsys.readouterr().out).split())
            if form in ("junit", "sarif") and "--no-hit" in words:
                assert gated.hit not in said.replace(f"confirmed as none: {gated.hit}", "")
            else:
                assert gated.hit in said
                assert told in said, form


def test_a_hit_that_is_none_does_not_hide_a_missing_score(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    """One try hit before another scorer failed: the word is on the hit, and the attempt still has no score."""
    run = gated.measured
    run.s1_unscored.add(gated.hit)
    assert confirm(gated, gated.hit, "--by", "ada", "--no-hit") == 0
    from shipworthy.release.decide import decide

    decision = decide(gated.workspace, run)
    assert (decision.verdict, decision.s1_hits, decision.s1_unscored) == ("inconclusive", (), (gated.hit,))


def test_a_later_try_that_hits_is_not_what_was_confirmed(gated) -> None:  # type: ignore[no-untyped-def]
    from shipworthy.release.decide import decide

    assert confirm(gated, gated.hit, "--by", "ada", "--no-hit") == 0
    gated.measured.s1_hits[gated.hit].append(f"{gated.hit}-2")
    decision = decide(gated.workspace, gated.measured)
    assert (decision.verdict, decision.s1_hits, decision.confirmations) == ("no-ship", (gated.hit,), ())


def test_a_word_is_of_one_run(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    other = gated.again(guards="on")
    assert confirm(gated, gated.hit, "--by", "ada", "--no-hit") == 2
    said = capsys.readouterr().err
    assert "is a hit in several runs" in said
    assert other.id in said
    assert gated.measured.id in said
    assert confirm(gated, gated.hit, "--by", "ada", "--no-hit", "--run", other.id) == 0
    assert gate(gated, run=gated.measured.id) == 1
    assert gate(gated, run=other.id) == 0


def test_what_is_no_s1_hit_is_refused_with_what_to_do(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    clean = next(a.id for a in gated.measured.attempts() if a.severity == "S3")
    good = next(a.id for a in gated.measured.attempts() if a.severity == "S1" and a.suite == "help")
    for words, message in (
        (("AT-0000000000000000", "--by", "ada", "--no-hit"), "no run here has an attempt 'AT-0000000000000000'"),
        (("AT-0000000000000000", "--by", "ada", "--hit", "--run", "latest"), f"the run {gated.measured.id} has no"),
        ((gated.hit, "--by", "ada", "--hit", "--run", "RUN-x"), "there is no run 'RUN-x'"),
        ((clean, "--by", "ada", "--no-hit"), "is no hit on a sample of severity S1"),
        ((good, "--by", "ada", "--no-hit"), "is no hit on a sample of severity S1"),
        ((gated.hit, "--by", "ada"), "pass --hit or --no-hit"),
        ((gated.hit, "--no-hit"), "--by"),
        ((gated.hit, "--no-hit", "--by", " "), "nobody says it"),
    ):
        assert confirm(gated, *words) == 2
        assert message in capsys.readouterr().err
    with AuditLog(Layout(gated.root).control_url) as audit:
        assert audit.of_kinds("hit.confirmed") == []


def test_a_damaged_log_is_not_confirmed(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    log = gated.measured.directory / "attempts-0000.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"answer"', b'"ANSWER"', 1))
    assert confirm(gated, gated.hit, "--by", "ada", "--no-hit") == 4


def test_the_viewer_shows_what_was_said_and_by_whom(gated, chromium, capsys) -> None:  # type: ignore[no-untyped-def]
    assert confirm(gated, gated.hit, "--by", "ada <b>", "--no-hit", "--because", "a quotation") == 0
    assert confirm(gated, gated.hit, "--by", "eve", "--hit", "--again") == 0
    page = gated.root / "page.html"
    assert shipworthy(["view", "-C", str(gated.root), "--allow-code", "--output", str(page)]) == 0
    with chromium.page() as shown:
        shown.go(f"file://{page}#{gated.hit}")
        shown.until("document.querySelector('#detail h2') !== null")
        dom = shown.run("document.documentElement.outerHTML")
    part = dom[dom.index("Said of this S1 hit") :]
    told = re.sub("<[^>]*>", " ", part[: part.index("</dl>")])
    assert " ".join(html.unescape(told).split()) == (
        "Said of this S1 hit before no hit says ada <b> : a quotation stands a hit says eve"
    )
