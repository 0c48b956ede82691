"""What belongs to the subject, and what does not: operational settings may change while evidence stays valid."""

from __future__ import annotations

import inspect

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError, UsageError
from shipworthy.enforce.policy.engine import Policy
from shipworthy.evals.subject import Subject, build, declaration, measured
from shipworthy.workspace.policies import PolicyFile
from shipworthy.workspace.use import Use

BASE = {
    "agent": {"model": {"use": "smollm2"}},
    "counterfactual": {"model": {"use": "smollm2"}},
    "framed": {"model": {"use": "smollm2"}},
    "hijacked_agent": {},
    "helpdesk_rag": {"model": {"use": "smollm2"}},
    "http": {"url": "http://localhost:1", "put": {"$.q": "message"}, "answer": "$.a"},
    "openai_compatible": {"base_url": "http://localhost:1/v1", "model": "m"},
    "providers": {"model": "anthropic:m"},
    "python": {"call": "our_module:answer"},
    "replay": {"file": "replies.jsonl"},
    "smollm2": {},
}
WAITS = {
    "timeout",
    "silence",
    "retries",
    "longest_wait",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "isolate",
    "memory",
}
"""Names that mean an operational setting in whichever built-in target has them."""


def declared(use: str, **params: object) -> dict[str, str]:
    return declaration(Use.of(use, **{**BASE[use], **params}), guards="none")


def test_every_built_in_target_is_tested_here():
    assert set(BASE) == set(registry.built_in("target"))


@pytest.mark.parametrize("use", sorted(BASE))
def test_a_built_in_target_declares_its_operational_settings_and_no_others(use):
    accepted = inspect.signature(registry.factory("target", use)).parameters
    assert registry.operational_settings("target", use) == WAITS & set(accepted)


SETTINGS = [(use, name) for use in sorted(BASE) for name in sorted(registry.operational_settings("target", use))]


@pytest.mark.parametrize(("use", "setting"), SETTINGS)
def test_an_operational_setting_is_no_part_of_the_declaration(use, setting):
    assert declared(use, **{setting: 7}) == declared(use)


@pytest.mark.parametrize(
    ("use", "changed"),
    [
        ("helpdesk_rag", {"passages": 3}),
        ("http", {"url": "http://localhost:2"}),
        ("openai_compatible", {"model": "another"}),
        ("openai_compatible", {"max_tokens": 9}),
        ("openai_compatible", {"max_bytes": 9}),
        ("providers", {"temperature": 1.0}),
        ("python", {"version": "2"}),
        ("replay", {"file": "others.jsonl"}),
        ("smollm2", {"system": "Be brief."}),
    ],
)
def test_what_may_change_an_answer_is_part_of_it(use, changed):
    assert declared(use, **changed) != declared(use)


def test_the_model_that_is_injected_is_held_to_its_own_declaration():
    inner = {"use": "openai_compatible", "base_url": "http://localhost:1/v1", "model": "m"}
    base = declared("helpdesk_rag", model=inner)
    assert declared("helpdesk_rag", model={**inner, "retries": 0, "timeout": 5}) == base
    assert declared("helpdesk_rag", model={**inner, "model": "another"}) != base
    # `timeout` is no parameter of the helpdesk: whatever is written there counts.
    assert declared("helpdesk_rag", model=inner, timeout=5) != base


class Desk:
    def __init__(self, **said: object) -> None:
        self.said = said

    def describe(self):
        return {"target": "own_desk", **self.said}

    async def close(self) -> None:
        """Nothing to let go of."""


def test_a_plug_in_declares_its_own_and_may_describe_them(monkeypatch):
    @registry.operational("patience")
    def own_desk(*, tone: str = "kind", patience: int = 1) -> Desk:
        return Desk(tone=tone, patience=patience)

    monkeypatch.setitem(registry._made, ("target", "own_desk"), own_desk)

    def subject(**params: object) -> Subject:
        use = Use.of("own_desk", **params)
        return Subject(registry.create("target", "own_desk", params), use=use, declared=declaration(use, guards="none"))

    assert subject(patience=9).digest == subject(patience=1).digest == subject().digest
    assert subject(tone="curt").digest != subject().digest
    assert subject(patience=9).description["target"] == {"target": "own_desk", "tone": "kind"}


def test_a_plug_in_that_declares_nothing_is_measured_whole(monkeypatch):
    monkeypatch.setitem(registry._made, ("target", "own_desk"), lambda timeout=1.0: Desk(timeout=timeout))
    assert measured(Use.of("own_desk", timeout=2.0), {"timeout": 2.0}) == {"timeout": 2.0}


def test_a_setting_that_is_no_parameter_is_refused():
    with pytest.raises(PluginError, match=r"operational setting 'timeuot' and has no such parameter: did you mean 'timeout'"):  # fmt: skip  # noqa: E501

        @registry.operational("timeuot")
        def wrong(timeout: float = 1.0) -> Desk:
            return Desk(timeout=timeout)


def test_whether_its_reasoning_is_seen_is_part_of_the_subject():
    def subject(**said: object) -> Subject:
        use = Use.of("http", **BASE["http"], **said)
        return Subject(build("target", use.use, use.params).plugin, use=use, declared=declaration(use, guards="none"))

    silent, shown, hidden = subject(), subject(shows_reasoning=True), subject(shows_reasoning=False)
    assert [one.shows_reasoning for one in (silent, shown, hidden)] == [None, True, False]
    assert [one.description.get("reasoning", "") for one in (silent, shown, hidden)] == ["", "shown", "hidden"]
    assert len({one.digest for one in (silent, shown, hidden)}) == 3
    assert len({one.description["declared"]["target"] for one in (silent, shown, hidden)}) == 3


def test_who_is_asked_is_part_of_the_subject_where_a_policy_asks():
    def subject(policy: Policy | None, **said: object) -> Subject:
        use = Use.of("hijacked_agent", **said)
        made = build("target", use.use, use.params).plugin
        return Subject(made, policy=policy, use=use, declared=declaration(use, guards="none"))

    policy = Policy(PolicyFile.model_validate({"tools": {"mail_read": {"effect": "none", "args": {"id": "none"}}}}))
    persons = ("nobody", "attentive", "rubber_stamp")
    silent, *said = subject(policy), *(subject(policy, approver=person) for person in persons)
    assert [one.approver for one in (silent, *said)] == ["nobody", *persons]
    assert [one.description.get("approver") for one in (silent, *said)] == [None, None, *persons[1:]]
    assert len({one.digest for one in said}) == 3
    assert "approver" not in subject(None, approver="attentive").description
    with pytest.raises(UsageError, match="rubber_stamp"):
        build("target", "hijacked_agent", {"approver": "somebody"})
    with pytest.raises(PluginError, match="approver stands beside"):
        build("target", "agent", {"model": {"use": "smollm2", "approver": "attentive"}})


def test_a_plug_in_may_say_it_itself_and_is_held_to_true_or_false():
    desk = Desk()
    desk.shows_reasoning = True  # type: ignore[attr-defined]
    assert Subject(desk).shows_reasoning is True
    desk.shows_reasoning = "yes"  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"shows_reasoning is true .* or false"):
        Subject(desk)


def test_it_is_written_beside_use_and_never_in_a_model():
    with pytest.raises(UsageError, match=r"shows_reasoning is true .* or false .*, not 'yes'"):
        build("target", "http", {**BASE["http"], "shows_reasoning": "yes"})
    with pytest.raises(PluginError, match="stands beside the target's own `use`"):
        build("target", "helpdesk_rag", {"model": {"use": "smollm2", "shows_reasoning": True}})
