from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import UsageError
from shipworthy.core.hardening import BLOCKS, hardened
from shipworthy.core.records import Request, say
from shipworthy.targets.helpdesk_rag import helpdesk_rag


def test_blocks_stand_behind_the_prompt_in_their_order() -> None:
    assert hardened("You are Tarn.", ["harm", "grounded"]) == f"You are Tarn. {BLOCKS['harm']} {BLOCKS['grounded']}"
    assert hardened("", []) == ""
    assert hardened("a", []) == "a"


def test_an_unknown_block_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'harm'"):
        hardened("", ["hamr"])
    for target, params in (
        ("openai_compatible", {"base_url": "http://localhost/v1", "model": "m"}),
        ("smollm2", {}),
    ):
        with pytest.raises(UsageError, match="no block 'x'"):
            registry.create("target", target, {**params, "harden": ["x"]})


def test_targets_say_what_hardens_them() -> None:
    made = registry.create("target", "openai_compatible", {
        "base_url": "http://localhost/v1", "model": "m", "system": "Be brief.", "harden": ["material"],
    })  # fmt: skip
    assert made.describe()["system"] == f"Be brief. {BLOCKS['material']}"


class Notes:
    """A model that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def describe(self):
        return {"model": "notes"}

    async def send(self, request):
        from shipworthy.core.records import Reply

        self.asked.append(request)
        return Reply(messages=(say("assistant", "Nine to five."),))


def test_the_helpdesk_is_hardened_behind_its_own_prompt() -> None:
    import asyncio

    model = Notes()
    bare, hard = helpdesk_rag(model), helpdesk_rag(model, harden=["confidential"])
    assert "harden" not in bare.describe()
    assert hard.describe()["harden"] == BLOCKS["confidential"]
    for one in (bare, hard):
        asyncio.run(one.send(Request(messages=(say("user", "When are you open?"),)), None))
    systems = [r.messages[0].text for r in model.asked]
    assert systems[1] == f"{systems[0]} {BLOCKS['confidential']}"
    assert model.asked[0].messages[1:] == model.asked[1].messages[1:]
