"""The rules of sign-off: rights, what is covered, whose word counts, and which verdict follows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.signoff import (
    Acceptance,
    ReleaseBlock,
    age_block,
    covering,
    follows,
    gate_blocks,
    length_refusal,
    refusal,
    set_back,
    standing_votes,
    vote_blocks,
    worst_risk,
)

RULES = {
    "tier": {"id": "high", "approvals": 2, "approvers": ["RO-a", "RO-b"], "evidence_days": 30, "accepts": "S2",
             "preregistered": False, "artefacts": [], "criteria": []},
    "roles": [
        {"id": "RO-a", "holders": ["Ada L."], "approve": "S2", "override": None, "accept": "S3"},
        {"id": "RO-b", "holders": ["bob", "eve"], "approve": "S1", "override": "S2", "accept": None},
    ],
    "risks": [{"id": "RK-1", "severity": "S2"}, {"id": "RK-2", "severity": "S3"}],
}  # fmt: skip
RESULT = {"id": "CR-1", "requirement": "RQ-1", "verdict": "no-ship", "reason": "too many", "risks": ["RK-1", "RK-2"]}
DECISION = {"id": "DEC-1", "verdict": "no-ship", "reason": "", "criteria": [RESULT]}


def accepted(on, ceiling="S2", begins="2026-01-01", expires="2026-02-01"):
    return Acceptance(1, on, "bob", "RO-b", ceiling, begins, expires, "", "")


def vote(by, answer="approved", role="RO-a"):
    return {"by": by, "role": role, "answer": answer, "reason": ""}


def test_who_may_do_what():
    assert not refusal(RULES, "ada  l.", "RO-a", "approve", "S2")
    assert "up to S2" in refusal(RULES, "Ada L.", "RO-a", "approve", "S1")
    assert "nothing" in refusal(RULES, "Ada L.", "RO-a", "override", "S4")
    assert "held by bob, eve" in refusal(RULES, "Ada L.", "RO-b", "approve", "S4")
    assert "no role RO-c" in refusal(RULES, "bob", "RO-c")


def test_a_failed_criterion_is_as_bad_as_the_worst_of_its_risks():
    (block,) = gate_blocks(DECISION, RULES)
    assert block.key == ("criterion", "CR-1", "S2")
    assert gate_blocks(DECISION, RULES | {"risks": []})[0].severity == "S1"  # a risk that nobody wrote down
    assert worst_risk({"risks": []}) == "S1"


def test_a_decision_that_is_no_ship_for_no_reason_that_shows_blocks_all_the_same():
    good = DECISION | {"criteria": [RESULT | {"verdict": "ship"}], "verdict": "inconclusive"}
    assert [one.kind for one in gate_blocks(good, RULES)] == ["undecided"]
    assert [one.kind for one in gate_blocks(good, RULES, [("unscored", "RUN-1")])] == ["unscored"]
    hits = good | {"s1_hits": ["A-1"], "s1_unscored": ["A-2"]}
    assert [(one.kind, one.severity) for one in gate_blocks(hits, RULES)] == [("s1-hit", "S1"), ("s1-unscored", "S1")]


def test_what_is_covered_by_its_requirement_or_by_all_of_its_risks():
    (block,) = gate_blocks(DECISION, RULES)
    day = "2026-01-15"
    assert covering(block, DECISION, [accepted("RQ-1")], day)
    assert not covering(block, DECISION, [accepted("RK-1")], day)
    assert len(covering(block, DECISION, [accepted("RK-1"), accepted("RK-2")], day)) == 2
    assert not covering(block, DECISION, [accepted("RQ-1", ceiling="S3")], day)
    assert not covering(block, DECISION, [accepted("RQ-1")], "2026-02-02")
    assert not covering(block, DECISION, [accepted("RQ-1")], "2025-12-31")
    assert not covering(ReleaseBlock("s1-hit", "A-1", "S1", ""), DECISION, [accepted("RQ-1", ceiling="S1")], day)


def test_one_person_counts_once():
    assert [one.kind for one in vote_blocks(RULES, [vote("Ada L."), vote("ada l.", role="RO-b")])] == ["approval"]
    assert not vote_blocks(RULES, [vote("Ada L."), vote("bob", role="RO-b")])
    assert [one.kind for one in vote_blocks(RULES, [vote("a"), vote("b"), vote("c", role="RO-none")])] == []
    assert {one.kind for one in vote_blocks(RULES, [vote("a"), vote("b"), vote("A", "rejected")])} == {
        "rejection", "approval",
    }  # fmt: skip
    assert vote_blocks(RULES | {"tier": None}, []) == []  # which is a block of its own


@given(st.lists(st.tuples(st.sampled_from("aAbBc"), st.sampled_from(["approved", "rejected"])), max_size=12))
def test_the_last_word_of_each_person_stands(words):
    standing = standing_votes([vote(by, answer) for by, answer in words])
    assert {one["by"].casefold(): one["answer"] for one in standing} == {by.casefold(): said for by, said in words}
    assert len(standing) == len({by.casefold() for by, _ in words})


def test_evidence_grows_old():
    assert not age_block(RULES, [("RUN-1", "2026-01-01")], "2026-01-31")
    assert [one.about for one in age_block(RULES, [("RUN-1", "2026-01-01")], "2026-02-01")] == ["RUN-1"]
    assert not age_block(
        RULES | {"tier": RULES["tier"] | {"evidence_days": None}}, [("RUN-1", "2020-01-01")], "2026-01-01"
    )


def test_ninety_days_and_no_more():
    assert not length_refusal("2026-01-01", "2026-04-01")
    assert "91 days" in length_refusal("2026-01-01", "2026-04-02")
    assert "before it begins" in length_refusal("2026-01-02", "2026-01-01")
    assert "no day" in length_refusal("2026-01-02", "soon")


def test_the_verdict_that_follows():
    block, other = ReleaseBlock("age", "RUN-1", "S2", ""), ReleaseBlock("stale", "x", "S1", "")
    assert follows([], [], []) == "GO"
    assert follows([block], [block], []) == follows([block], [], [block]) == "GO_WITH_RISK_ACCEPTANCE"
    assert follows([block, other], [block], []) == "NO_GO"
    assert follows([block], [block._replace(severity="S3")], []) == "NO_GO"


def test_a_clock_may_differ_by_five_minutes():
    assert not set_back("2026-01-01T00:05:00Z", "2026-01-01T00:00:00Z")
    assert set_back("2026-01-01T00:05:01.000Z", "2026-01-01T00:00:00Z")
