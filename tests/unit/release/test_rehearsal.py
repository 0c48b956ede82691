"""Made-up candidates: sound ones without a block, others with one, in the words of the real ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shipworthy.core.decision import Decision
from shipworthy.core.errors import IntegrityError
from shipworthy.core.manifest import SafetyFile
from shipworthy.core.records import CriterionResult
from shipworthy.core.signoff import ReleaseBlock
from shipworthy.release.blocks import CandidateStatus
from shipworthy.release.proposal import ReleaseCandidate
from shipworthy.release.rehearsal import ReviewedWord, add_word, read_reviewed, rehearsal
from shipworthy.store.layout import Layout

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
APPROVAL = ReleaseBlock("approval", "high", "S1", "0 of 2 approved")
FAILED = ReleaseBlock("criterion", "CR-1", "S2", "no-ship: it is too rude")


@pytest.fixture
def real(decided: Decision) -> CandidateStatus:
    rules = {"tier": {"id": "high", "evidence_days": 30, "approvers": []}, "risks": [{"id": "RK-1", "severity": "S2"}]}
    said = {"id": "REL-1", "decision": decided.id, "gate_verdict": "no-ship", "market": "EU", "language": "de",
            "jurisdiction": "DE", "rules": rules}  # fmt: skip
    candidate = ReleaseCandidate("REL-1", said, "sha256:0", 7)
    return CandidateStatus(candidate, decided, (FAILED, APPROVAL), (), (), (), None, 9, (), "")


@pytest.fixture
def decided() -> Decision:
    one = CriterionResult(
        id="CR-1", requirement="RQ-1", suite="s", metric="rude", test="threshold", must="upper95 <= 0.1", limit=0.1,
        verdict="no-ship", reason="it is too rude", run="RUN-1",
    )  # fmt: skip
    return Decision(
        id="DEC-1", system="SYS-1", created="2026-12-01T10:00:00Z", verdict="no-ship", reason="", runs=("RUN-1",),
        criteria=(one,), subject_digest="sha256:1", spec_digest="sha256:2", gate="release",
        files=(SafetyFile(path="risks.yaml", sha256="sha256:3"),),
    )  # fmt: skip


def test_half_are_sound_and_the_others_have_one_block_more(real: CandidateStatus) -> None:
    kinds = set()
    for seed in range(40):
        items = rehearsal([real], 4, NOW, seed)
        assert sorted(str(one.right) for one in items) == ["None", "approve", "approve", "reject", "reject"]
        for one in items:
            if one.right is None:
                assert one.status is real
                continue
            flaws = [block for block in one.status.open if block.kind != "approval"]
            assert len(flaws) == (one.right == "reject") and APPROVAL in one.status.open
            kinds |= {block.kind for block in flaws}
            # Proposed after the decision that it is on, and before now.
            assert "REL-20261201T100000Z" < one.status.candidate.id < "REL-20261201T120000Z"
            assert one.status.candidate.digest == ""
            failed = any(block.kind in ("criterion", "s1-hit") for block in flaws)
            assert one.status.candidate.said["gate_verdict"] == ("no-ship" if failed else "ship")
    assert kinds == {"criterion", "s1-hit", "age", "stale"}


def test_the_order_does_not_tell_which_is_real(real: CandidateStatus) -> None:
    places = {[one.right for one in rehearsal([real], 4, NOW, seed)].index(None) for seed in range(60)}
    assert places == {0, 1, 2, 3, 4}


def test_the_last_word_counts_and_one_that_was_taken_back_is_none(tmp_path) -> None:
    layout = Layout(tmp_path)

    def word(said: str, candidate: str = "REL-2") -> ReviewedWord:
        return ReviewedWord(by="ines", candidate=candidate, right="reject", said=said, at=NOW.isoformat(), seconds=2.0)

    assert read_reviewed(layout) == []
    for one in (word("approve"), word(""), word("reject"), word("approve", "REL-3"), word("", "REL-3")):
        add_word(layout, one)
    assert read_reviewed(layout) == [word("reject")]
    path = layout.state / "reviews" / "words.jsonl"
    path.write_bytes(path.read_bytes() + b'{"by": "in')
    assert read_reviewed(layout) == [word("reject")]
    path.write_bytes(b"nonsense\n")
    with pytest.raises(IntegrityError, match=r"words.jsonl:1: this is no word"):
        read_reviewed(layout)
