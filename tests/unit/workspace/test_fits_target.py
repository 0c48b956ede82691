"""A suite that the system under test cannot run is refused: by `check` with its place, by `eval` before a call."""

from __future__ import annotations

import pytest

from shipworthy.cli import run as shipworthy

TALK = "suites/talk/samples.jsonl"
TURNS = (
    '{"id": "t-1", "messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}, '
    '{"role": "user", "content": "C"}]}\n{"id": "t-2", "prompt": "D"}\n'
)
HTTP = 'targets:\n  default: {use: http, url: "http://localhost:1/", put: {$.text: message}, answer: $.text}\n'


def test_several_turns_on_a_function_of_one_text(problems, tmp_path, monkeypatch):
    (tmp_path / "one_text.py").write_text("def answer(text: str) -> str:\n    return text\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    python = "targets: {default: {use: python, call: 'one_text:answer'}}\n"
    (found,) = problems({TALK: TURNS, "targets.yaml": python})
    assert found.startswith("suites/talk/suite.yaml:")
    assert "the sample 't-1' needs a conversation of several messages, which the target 'default' (python)" in found


@pytest.mark.parametrize("target", [HTTP, ""])
def test_a_user_over_a_target_that_does_not_carry_it(problems, target):
    changes = {TALK: '{"id": "t-1", "prompt": "A", "user": "ada"}\n{"id": "t-2", "prompt": "B", "user": "bob"}\n'}
    (found,) = problems(changes | ({"targets.yaml": target} if target else {}))
    assert "the sample 't-1' and 1 more needs who is asking" in found


def test_it_is_put_into_the_request_and_all_is_well(problems):
    changes = {TALK: '{"id": "t-1", "prompt": "A", "user": "ada"}\n'}
    assert problems(changes | {"targets.yaml": HTTP.replace("$.text: message", "$.text: message, $.who: user")}) == []


def test_an_attack_that_adds_what_cannot_be_carried(problems):
    plugin = (
        "from msgspec.structs import replace\nfrom shipworthy.core.protocols import Rewrite\n"
        "from shipworthy.core.records import say\nfrom shipworthy.core.registry import attack\n\n\n@attack\n"
        "def warms_up_first():\n    return Rewrite('warms_up_first', lambda s, rng: replace(s, messages=("
        "say('system', 'x'), *s.messages)))\n"
    )
    changes = {
        "plugins/warms_up_first.py": plugin,
        "suites/talk/suite.yaml": ("attacks: [none, base64]", "attacks: [none, warms_up_first]"),
        "targets.yaml": HTTP,
    }
    (found,) = problems(changes)
    assert found.startswith("suites/talk/suite.yaml:7: the attack 'warms_up_first' on the sample 't-1' needs a conv")


def test_eval_refuses_before_the_first_call_what_check_could_not_tell(workspace, tmp_path, monkeypatch, capsys):
    (tmp_path / "made_here.py").write_text(
        "CALLS = []\n\n\ndef make():\n    def answer(text):\n        CALLS.append(text)\n        return text\n"
        "    return answer\n\n\nanswer = make()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    many = TURNS + "".join(f'{{"id": "t-{n}", "prompt": "{n}"}}\n' for n in range(3, 30))
    root = workspace({TALK: many, "targets.yaml": "targets: {default: {use: python, call: 'made_here:answer'}}\n"})
    assert shipworthy(["check", "-C", str(root), "--allow-code"]) == 0
    assert shipworthy(["eval", "-C", str(root), "--allow-code"]) == 2
    assert "the suite 'talk': the sample 't-1' needs a conversation of several messages" in capsys.readouterr().err
    import made_here

    assert made_here.CALLS == []
    assert not list((root / ".shipworthy" / "runs").glob("*")), "no empty run stands in the way of the next"
