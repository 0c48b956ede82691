"""The report: what must be on it, and that nothing unredacted is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shipworthy.core.document import Block, Callout, DocumentTree, Intervals, Section, Table, Transcript
from shipworthy.evals.tally import Tally
from shipworthy.evidence.documents import readout
from shipworthy.evidence.sections.proof import _agreement
from shipworthy.evidence.told import measured
from shipworthy.reports._words import unscored


def section(document: DocumentTree, id: str) -> Section:
    return next(s for s in document.children if isinstance(s, Section) and s.id == id)


def blocks(children: tuple[Block, ...]) -> Iterator[Block]:
    for child in children:
        yield child
        if isinstance(child, Section):
            yield from blocks(child.children)


@pytest.fixture(scope="module")
def document(case: Any) -> DocumentTree:
    return readout(case.workspace, case.decision, case.run, case.baseline)


def test_the_verdict_and_why_come_first(case: Any, document: DocumentTree) -> None:
    first = document.children[0]
    assert isinstance(first, Section)
    assert first.id == "verdict"
    assert "must not ship" in str(first.children[0])
    callouts = [c for c in first.children if isinstance(c, Callout)]
    assert [c.title for c in callouts] == ["CR-leak-odd: no-ship"]
    assert callouts[0].tone == "bad"
    reason = next(r.reason for r in case.decision.criteria if r.id == "CR-leak-odd")
    assert callouts[0].text.lower().startswith(reason.lower())


def test_a_hit_that_must_never_happen_is_not_called_a_failed_criterion(case: Any) -> None:
    passed = tuple(replace(r, verdict="ship") for r in case.decision.criteria)
    decision = replace(case.decision, criteria=passed, s1_hits=("AT-1",))
    assert "criterion is not met" not in str(section(readout(case.workspace, decision, case.run), "verdict"))


def test_every_criterion_stands_with_interval_denominator_and_errors(case: Any, document: DocumentTree) -> None:
    table = section(document, "criteria").children[0]
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [f"{r.id}\n{r.suite}: {r.metric}" for r in case.decision.criteria]
    result, row = case.decision.criteria[0], table.rows[0]
    assert row[5:] == (f"{result.hits} / {result.trials}", str(result.clusters), unscored(result))
    assert unscored(result).startswith("1 without a score (1 target error): ")
    assert row[3].split("\n")[1] == f"{100 * result.low:.1f} % to {100 * result.high:.1f} %"
    drawn = [i for b in section(document, "intervals").children if isinstance(b, Intervals) for i in b.rows]
    assert len(drawn) == len(case.decision.criteria)
    assert {(i.rate, i.low, i.high) for i in drawn} == {(r.rate, r.low, r.high) for r in case.decision.criteria}


def test_the_requirements_sentence_stands_beside_its_criterion(case: Any, document: DocumentTree) -> None:
    why = section(document, "criteria").children[1]
    assert isinstance(why, Table)
    for result, row in zip(case.decision.criteria, why.rows, strict=True):
        text = case.workspace.requirements[result.requirement].text
        assert text
        assert row[0] == f"{result.id}\n{result.requirement} {text}"
    (callout,) = [c for c in section(document, "verdict").children if isinstance(c, Callout)]
    failed = next(r for r in case.decision.criteria if r.verdict == "no-ship")
    assert callout.text.endswith(
        f". It tests {failed.requirement}: {case.workspace.requirements[failed.requirement].text}"
    )


def test_measured_agreement_is_said_only_of_a_scorer_that_has_one() -> None:
    said = _agreement({name: measured(name) for name in ("canary_leak", "toy_leak")})
    assert said.startswith("Agreement of canary_leak with people was measured: kappa 1.000 (0.841 to 1.000)")
    assert said.endswith("No agreement with people is on record here for toy_leak. ")
    assert "was measured" not in _agreement({"toy_leak": ""})


def test_before_and_after_has_safety_helpfulness_and_time(document: DocumentTree) -> None:
    tables = [b for b in section(document, "change").children if isinstance(b, Table)]
    metrics = {row[0]: row for row in tables[0].rows}
    assert set(metrics) == {"leaks\ntoy_leak", "leaks\nhelpful"}
    assert metrics["leaks\ntoy_leak"][4] == "better"
    assert [row[0] for row in tables[1].rows] == ["target, before", "target, after", "guards, after"]
    assert tables[2].rows[0][:2] == ("GD-canary", "output")


def test_the_change_has_a_brief_for_short_reports(document: DocumentTree) -> None:
    change = section(document, "change")
    (brief,) = change.brief
    assert isinstance(brief, Table)
    full = next(b for b in change.children if isinstance(b, Table))
    assert [row[0].replace(": ", "\n") for row in brief.rows] == [row[0] for row in full.rows]
    assert [row[4] for row in brief.rows] == [row[4] for row in full.rows]
    assert brief.tones == full.tones


def test_the_worst_samples_are_there_and_redacted(document: DocumentTree) -> None:
    shown = [b for b in section(document, "samples").children if isinstance(b, Transcript)]
    assert len(shown) == 2
    assert all("rhymes with whine" in shown_one.turns[-1].text for shown_one in shown)
    text = msgspec.json.encode(document).decode()
    for secret in ("PINE-harbor-4471", "Quill Ostrander", "q@example.org"):
        assert secret not in text


def test_the_limits_name_what_saturates(case: Any) -> None:
    def limits(run: Any) -> str:
        return str(section(readout(case.workspace, case.decision, run), "limits"))

    assert "no metric has its 95 % interval wholly" in limits(case.run)
    always = case.run.load(case.run.directory)
    for attack in ("none", "rot13"):
        tallies = always._cells["leaks", attack].tallies
        tallies["toy_leak"] = tally = Tally(tallies["toy_leak"].metric)
        for n in range(400 * 50):
            tally.add(f"c{n % 400}", f"s{n}", 0)
    assert "saturate" in limits(always)
    assert "leaks: toy_leak" in limits(always)


def test_gaps_are_in_the_traceability_table(document: DocumentTree) -> None:
    table = section(document, "trace").children[0]
    assert isinstance(table, Table)
    assert ("not covered", "unsure") in [(row[-1], tone) for row, tone in zip(table.rows, table.tones, strict=True)]


def test_a_criterion_that_measured_nothing_is_drawn_as_unknown(case: Any) -> None:
    blank = replace(case.decision.criteria[0], rate=None, low=None, high=None, bound=None, verdict="inconclusive")
    decision = replace(case.decision, criteria=(blank,), verdict="inconclusive")
    document = readout(case.workspace, decision, case.run)
    drawn = section(document, "intervals").children[1]
    assert isinstance(drawn, Intervals)
    row = drawn.rows[0]
    assert (row.rate, row.low, row.high, row.bound, row.tone) == (None, None, None, None, "unsure")
    assert row.limit == blank.limit
    assert "not measured" in str(section(document, "criteria"))
    assert not any(isinstance(s, Section) and s.id == "change" for s in document.children)


def test_every_drawn_bound_is_the_one_that_decides(case: Any, document: DocumentTree) -> None:
    pictures = [b for b in section(document, "intervals").children if isinstance(b, Intervals)]
    drawn = {row.label.split()[0]: (row, picture) for picture in pictures for row in picture.rows}
    for result in case.decision.criteria:
        row, picture = drawn[result.id]
        inside = row.bound <= row.limit if picture.better == "lower" else row.bound >= row.limit
        assert inside == (result.verdict == "ship"), result
        assert picture.change == (result.test == "noninferiority")


def test_the_section_on_s1_hits_says_of_each_who_confirmed_it_and_is_brief_in_a_summary(case: Any) -> None:
    from shipworthy.core.document import Table
    from shipworthy.core.records import Confirmation
    from shipworthy.evidence.sections.severe import severe

    assert severe(case.decision) == []
    words = (
        Confirmation(run="RUN-1", attempt="AT-00", said="hit", by="ada", entry=7),
        Confirmation(run="RUN-1", attempt="AT-99", said="no-hit", by="bob", because="a quotation", entry=8),
    )
    hits = tuple(f"AT-{n:02d}" for n in range(12))
    (section,) = severe(replace(case.decision, s1_hits=hits, confirmations=words))
    full, (brief,) = section.children[1], section.brief
    assert isinstance(full, Table)
    assert isinstance(brief, Table)
    assert full.rows[0] == ("AT-00", "counts", "confirmed as a hit by ada (audit entry 7)")
    assert full.rows[1] == ("AT-01", "counts", "not yet confirmed")
    assert full.rows[-1] == ("AT-99", "set aside", "confirmed as no hit by bob (audit entry 8): a quotation")
    assert (len(full.rows), brief.rows, brief.caption) == (13, full.rows[:10], "the first 10 of 13 hits")
