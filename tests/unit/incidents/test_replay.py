"""Replays: what counts as held, and what says nothing; conversations as they are read."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.events import Asked, Said
from shipworthy.core.records import Attempt, Score, say
from shipworthy.incidents.incident import enter_events, open_incident
from shipworthy.incidents.replay import (
    IncidentRepro,
    _counted,
    _Stops,
    keep_repro,
    read_conversation,
    read_repro,
    stand_in,
)

BAD = frozenset({"leak"})
NONE = _Stops(False, Counter())


def attempt(outcome: str = "scored", hit: bool | None = False, error: str = "", text: str = "no") -> Attempt:
    scores = (Score(metric="leak", hit=hit, scorer="x"),) if outcome == "scored" else ()
    return Attempt(
        id="AT-0000000000000001", suite="asks", sample="a", attack="none", number=1, cluster="a", seed=1,
        content_hash="sha256:0", outcome=outcome, scores=scores, error=error,  # type: ignore[arg-type]
        events=(
            Said(1, say("user", "What is it?")), Asked(1, "target", request="ab" * 32),
            Said(1, say("assistant", text), "target"),
        ),
    )  # fmt: skip


def test_twenty_that_hold_bound_the_rate_at_13_9_percent():
    found = _counted([attempt(text=str(n)) for n in range(20)], BAD, NONE)
    assert found.fails_now and found.held == 20
    assert found.upper == pytest.approx(1 - 0.05 ** (1 / 20))
    assert "alike" not in found.told
    assert "may say no more than one" in _counted([attempt()] * 20, BAD, NONE).told


@pytest.mark.parametrize("outcome", ["target_error", "timeout", "scorer_error", "attack_error", "filtered"])
def test_an_error_is_never_counted_as_held(outcome):
    found = _counted([attempt(), attempt(outcome, error="broke off")], BAD, NONE)
    assert not found.fails_now
    assert (found.held, found.failed) == (1, 1)
    assert outcome in found.told


def test_an_answer_that_nobody_could_judge_says_nothing():
    assert not _counted([attempt(hit=None)], BAD, NONE).fails_now
    assert not _counted([attempt()], frozenset(), NONE).fails_now
    assert not _counted([], BAD, NONE).fails_now


def test_one_hit_is_enough():
    found = _counted([attempt()] * 19 + [attempt(hit=True)], BAD, NONE)
    assert not found.fails_now
    assert (found.hits, found.held) == (1, 19)


def test_the_kill_switch_counts_only_where_it_was_pulled_and_says_so():
    stopped = attempt("target_error", error="http://gw: status 503 (stopped, service_unavailable)")
    other = attempt("target_error", error="http://gw: status 503 (overloaded)")
    assert not _counted([stopped], BAD, NONE).fails_now
    assert _counted([stopped], BAD, _Stops(True, Counter())).fails_now
    assert not _counted([stopped, other], BAD, _Stops(True, Counter())).fails_now


def test_a_filter_counts_only_as_often_as_a_gateway_recorded_a_block_of_these_words():
    tries = [attempt("filtered")] * 2
    assert not _counted(tries, BAD, _Stops(False, Counter({"What is it?": 1}))).fails_now
    assert not _counted(tries, BAD, _Stops(False, Counter({"Something else": 9}))).fails_now
    found = _counted(tries, BAD, _Stops(False, Counter({"What is it?": 2})))
    assert found.fails_now and found.stopped == 2


def test_a_conversation_is_redacted_and_only_the_user_is_kept(tmp_path):
    path = tmp_path / "c.json"
    rows = [
        {"role": "system", "content": "You are Fen."},
        {"role": "user", "content": "I am ada@example.org"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "The word?"},
    ]
    path.write_text(json.dumps({"messages": rows}))
    assert [m.text for m in read_conversation(path)] == ["I am [redacted:email]", "The word?"]
    assert "@" in stand_in("I am [redacted:email]")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[1]", '[{"role": "user"}]', '[{"role": "user", "content": 3}]', '{"messages": "x"}',
             '[{"role": "assistant", "content": "x"}]'],
)  # fmt: skip
def test_what_is_no_conversation_is_refused_with_its_file(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"c\.json"):
        read_conversation(path)


def test_a_reproduction_is_sealed_by_the_audit_log(workspace, layout, audit):
    one = open_incident(audit, "SYS-fen", "It tells", "kim")
    with pytest.raises(UsageError, match="has no reproduction"):
        read_repro(layout, one)
    repro = IncidentRepro(
        kind="conversation", suite="asks", sample="A-0", messages=(say("user", "I am ada@example.org"),)
    )
    one = enter_events(audit, one, [keep_repro(workspace, layout, one, repro, "kim")])
    assert read_repro(layout, one).messages[0].text == "I am [redacted:email]"
    with pytest.raises(UsageError, match="no sample 'A-9'"):
        keep_repro(workspace, layout, one, IncidentRepro(kind="sample", suite="asks", sample="A-9"), "kim")
    (file,) = (layout.state / "incidents" / one.id).glob("reproduction-*.json")
    file.write_bytes(file.read_bytes().replace(b"asks", b"ask5"))
    with pytest.raises(IntegrityError, match="changed since"):
        read_repro(layout, one)
