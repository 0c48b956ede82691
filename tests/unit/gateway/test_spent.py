"""What counts beyond a request: one book for all workers, in codes, and refused where it cannot be read."""

from __future__ import annotations

import asyncio
import os

import pytest

from shipworthy.core.messages import ToolCall, say
from shipworthy.core.records import Request
from shipworthy.enforce.policy.engine import Policy
from shipworthy.gateway.policy_stage import PolicyAsker, PolicyStage
from shipworthy.gateway.spent import FOLDER, CodedSet, SpentBook, coded
from shipworthy.workspace.policies import PolicyFile

RULES = {
    "tools": {
        "pay": {
            "effect": "external",
            "args": {"to": "recipient", "sum": "amount"},
            "budget": {"amount": 10, "recipients": 2, "otherwise": "deny"},
        },
        "ping": {"effect": "external", "args": {}, "budget": {"calls": 2, "per": "user", "otherwise": "deny"}},
    }
}


def stage(folder, **options) -> PolicyStage:
    return PolicyStage(Policy(PolicyFile.model_validate(RULES), **options), SpentBook(folder))


def word(one: PolicyStage, tool: str, *, client: str = "web", session: str = "s", says: str = "", **args):
    conversation = one.open(PolicyAsker(client, session, "GR-1", float("inf"))).open(client)
    return asyncio.run(conversation.decide(ToolCall("c", tool, args), Request(messages=(say("user", says),))))


def test_a_session_is_one_for_all_workers(tmp_path) -> None:
    says = "Pay 4 to rosalind, bo and cy; and pay them 4 again"
    assert word(stage(tmp_path), "pay", says=says, to="rosalind", sum=4).verdict == "allow"
    assert word(stage(tmp_path), "pay", says=says, to="bo", sum=4).verdict == "allow"
    assert "the amount to 12" in word(stage(tmp_path), "pay", says=says, to="rosalind", sum=4).reason
    third = word(stage(tmp_path), "pay", says=f"{says} 1", to="cy", sum=1)
    assert "3 recipients" in third.reason
    assert word(stage(tmp_path), "pay", session="t", says=says, to="cy", sum=4).verdict == "allow"
    kept = "".join(path.read_text() for path in (tmp_path / FOLDER).rglob("*.json"))
    assert "rosalind" not in kept  # a name that no code can spell: "ada" is hexadecimal
    assert coded("rosalind") in kept


def test_a_user_is_one_over_all_sessions(tmp_path) -> None:
    said = [word(stage(tmp_path), "ping", session=session).verdict for session in ("a", "", "b")]
    assert said == ["allow", "allow", "deny"]
    assert word(stage(tmp_path), "ping", client="other").verdict == "allow"


def test_a_book_that_cannot_be_read_lets_nothing_pass_and_in_shadow_everything(tmp_path) -> None:
    assert word(stage(tmp_path), "ping").verdict == "allow"
    for path in (tmp_path / FOLDER).rglob("u*.json"):
        path.write_text("{")
    with pytest.raises(OSError, match="damaged"):
        word(stage(tmp_path), "ping")
    assert word(stage(tmp_path, shadow=True), "ping").shadow


def test_what_former_runs_left_goes_after_a_day(tmp_path) -> None:
    old, young = tmp_path / FOLDER / "old", tmp_path / FOLDER / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    SpentBook(tmp_path).clean()
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["young"]


def test_codes_cannot_be_read_back() -> None:
    values = CodedSet()
    values.add(("send", "to", "eve"))
    assert ("send", "to", "eve") in values
    assert ("send", "to", "bo") not in values
    assert "eve" not in repr(values.codes)
    with pytest.raises(TypeError):
        list(values)
    values.discard(("send", "to", "eve"))
    assert len(values) == 0
