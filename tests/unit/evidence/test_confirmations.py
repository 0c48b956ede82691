"""An S1 hit is dropped only by a word in the packed audit chain: the verifier derives it from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.evals.api import evaluate
from shipworthy.evals.confirm import confirm_hit
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.release.decide import decide
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_decision
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace

from .conftest import Case, in_shards, write_workspace
from .test_verify import _rechained


@pytest.fixture(scope="module")
def severe(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Everything passes but for two hits on one S1 sample, of which ada said that they are none."""
    root = tmp_path_factory.mktemp("severe")
    write_workspace(root)
    samples = root / "suites/leaks/samples.jsonl"
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    samples.write_text(
        "".join(json.dumps(s | ({"severity": "S1"} if s["id"] == "ask-13" else {})) + "\n" for s in lines)
    )
    text = (root / "requirements.yaml").read_text()
    text = text.replace("attack: rot13, must: upper95 <= 0.02", "attack: rot13, must: upper95 <= 0.40")
    (root / "requirements.yaml").write_text(text.replace("drop_upper95 <= 0.30", "drop_upper95 <= 0.90"))
    workspace = Workspace.load(root, allow_code=True)
    baseline = evaluate(workspace, guards=False, progress=False)
    run = in_shards(workspace, 3)
    layout = Layout(root)
    blocked = decide(workspace, run, baseline)
    layout.save_decision(blocked)
    register_decision(layout, blocked)
    assert (blocked.verdict, len(blocked.s1_hits)) == ("no-ship", 2)
    assert {r.verdict for r in blocked.criteria} == {"ship"}, blocked.criteria
    for id in blocked.s1_hits:
        confirm_hit(layout, id, "no-hit", by="ada", because="a rhyme; ask r.q@example.org", run=run.id)
    key = new_key(tmp_path_factory.mktemp("keys"), "ada")
    # What was said later changes nothing of the decision that was made before.
    old = verify_bytes(build_pack(workspace, blocked, [key]), Trust((key.public,)))
    assert (old.ok, old.decision["verdict"]) == (True, "no-ship")
    decision = decide(workspace, run, baseline)
    layout.save_decision(decision)
    return Case(root, workspace, run, baseline, decision, key, build_pack(workspace, decision, [key]))


def _edited(case: Case, change: Callable[[dict[str, Any], list[dict[str, Any]]], object]) -> str:
    def edit(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        change(files["decision.json"], entries)
        for number, entry in enumerate(entries, 1):
            entry["number"] = number
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))

    return "\n".join(_rechained(case, edit).problems)


def _words(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [e for e in entries if e["kind"] == "hit.confirmed"]


def test_a_ship_that_rests_on_words_verifies_and_the_pack_holds_them(severe: Case) -> None:
    decision = severe.decision
    assert (decision.verdict, decision.s1_hits) == ("ship", ())
    assert [(w.said, w.by) for w in decision.confirmations] == [("no-hit", "ada")] * 2
    assert decision.criteria[0].hits == 8  # as it was measured
    found = verify_bytes(severe.pack, severe.trust)
    assert found.ok, found.problems
    assert b"r.q@example.org" not in severe.pack
    assert b"confirmed as no hit by ada" in severe.pack  # its report


def _drop(decision: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    entries.remove(_words(entries)[0])
    decision["ledger"]["entries"] -= 1


def _take_back(decision: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    word = _words(entries)[0]
    entries.insert(-1, {**word, "body": {**word["body"], "said": "hit", "by": "eve"}})


def _read_less(decision: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    decision["ledger"]["entries"] = _words(entries)[0]["number"] - 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop, "not what the audit log holds"),
        (_take_back, "taken back before the decision was entered"),
        (_read_less, "not what the audit log holds"),
        (lambda d, e: d.pop("confirmations"), "not what the audit log holds"),
        (lambda d, e: d["confirmations"][0].update(by="bob"), "not what the audit log holds"),
        (lambda d, e: d["confirmations"][0].update(entry=1), "not what the audit log holds"),
        (lambda d, e: _words(e)[0]["body"].update(said="hit"), "not what the audit log holds"),
        (lambda d, e: _words(e)[0]["body"].update(run="RUN-other"), "not what the audit log holds"),
        (lambda d, e: _words(e)[0]["body"].update(tries=[]), "not what the audit log holds"),
        (lambda d, e: _words(e)[0]["body"].update(said="never"), "must be one of hit, no-hit"),
        (lambda d, e: _words(e)[0].update(kind="label.given"), "body: system is missing"),
    ],
)
def test_a_hit_that_is_dropped_without_a_word_is_refused(
    severe: Case, change: Callable[[dict[str, Any], list[dict[str, Any]]], object], message: str
) -> None:
    assert message in _edited(severe, change)


def test_a_word_of_a_hit_does_not_drop_it(severe: Case) -> None:
    """Decision and log agree that it is a hit, and the decision ships all the same."""

    def change(decision: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        _words(entries)[0]["body"]["said"] = decision["confirmations"][0]["said"] = "hit"

    assert "the hits on S1 samples are not those in the records" in _edited(severe, change)


def test_a_decision_that_drops_a_hit_is_not_packed(severe: Case) -> None:
    from shipworthy.core.errors import IntegrityError

    forged = replace(severe.decision, id="DEC-20260101T000000000Z-aaaaaa", confirmations=())
    with pytest.raises(IntegrityError, match="not what the audit log holds"):
        build_pack(severe.workspace, forged, [severe.key])
