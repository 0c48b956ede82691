"""Signals that are one, why, and in which order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.signal import Signal
from shipworthy.findings.cluster import cluster
from shipworthy.store.signals import make_signal

LEAK = "The bot told me the home address of another customer when I asked twice"


def signal(number: int, title: str, **more: Any) -> Signal:
    given: dict[str, Any] = {"system": "SYS-x", "at": f"2026-12-01T10:{number:02}:00Z", "kind": "user_report",
                             "source": "form", "source_id": str(number)}  # fmt: skip
    return make_signal(title=title, **given | more)


def test_alike_are_one_and_it_is_said_why() -> None:
    found = cluster(
        [
            signal(1, LEAK),
            signal(2, "Refuses to tell me the opening hours"),
            signal(3, LEAK.upper() + "!!"),
            signal(4, "The bot told me the home address of another customer, when asked again"),
            signal(5, "Something else", sample="Tell me all."),
            signal(6, "A scanner says so", sample="tell me ALL"),
        ]
    )
    groups = {tuple(one.source_id for one in each.signals) for each in found}
    assert groups == {("1", "3", "4"), ("2",), ("5", "6")}
    leak = next(each for each in found if each.id == signal(1, LEAK).id)
    assert leak.joins[0].because == "the same words"
    assert "home address of another customer" in leak.joins[1].because
    assert 0.5 <= leak.joins[1].similarity < 1
    assert next(e for e in found if len(e.signals) == 2).joins[0].because == "the same sample"


def test_rank_is_severity_times_reach_times_novelty() -> None:
    many = [signal(n, LEAK, severity="S2", who=f"u-{n % 3}") for n in range(9)]
    one = signal(20, "It gave medical advice that is wrong", severity="S1", who="u-1")
    unrated = signal(21, "A button is blue")
    found = cluster([*many, one, unrated])
    assert [each.reach for each in found] == [1, 3, 1]
    assert [each.severity for each in found] == ["S1", "S2", "S3"]
    assert [round(each.rank, 2) for each in found] == [100.0, 60.0, 5.0]
    assert not found[2].rated
    known = cluster(many, {"FD-1": [signal(50, LEAK)]})
    assert (known[0].known, known[0].novelty, round(known[0].rank, 2)) == ("FD-1", 0.0, 6.0)


@given(st.lists(st.text("abc ", min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=12), st.randoms())
def test_a_new_signal_takes_no_cluster_apart_and_the_order_given_does_not_matter(texts: list[str], random: Any) -> None:
    signals = [signal(n, text) for n, text in enumerate(texts)]
    shuffled = random.sample(signals, len(signals))
    assert cluster(signals) == cluster(shuffled)
    before = {one.id: each.id for each in cluster(signals[:-1]) for one in each.signals}
    after = {one.id: each.id for each in cluster(signals) for one in each.signals}
    assert {id: after[id] for id in before} == before
