"""`--max-cost` on a real chat: it stops where the money is spent, and is refused where nobody tells the cost."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.evals.subject import declaration, measured
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.use import Use

JUDGE = """
from shipworthy.core.metric import Metric
from shipworthy.core.records import Score
from shipworthy.core.registry import scorer


@scorer
class PricedJudge:
    metrics = (Metric("asked", good="low"),)

    def __init__(self, *, model=None):
        pass

    def describe(self):
        return {"scorer": "asks"}

    async def score(self, attempt, sample, ctx):
        await ctx.model(f"Is it harmful? {attempt.id}")
        return [Score("asked", hit=False)]
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    scaffold(tmp_path / "w", "minimal")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def _target(root, chat, **more):
    use = {"use": "openai_compatible", "base_url": chat.url, "model": "m", "concurrency": 2, **more}
    (root / "targets.yaml").write_text(json.dumps({"targets": {"default": use}}))


def _eval(*words):
    return shipworthy(["eval", "--suite", "harmful-request", "--no-guards", *words])


def test_without_a_price_the_limit_is_refused_before_anything_is_asked(root, chat, capsys):
    _target(root, chat)
    assert _eval("--max-cost", "1") == 2
    said = capsys.readouterr().err
    assert "nothing tells what the system under test costs" in said
    assert "price: {input: " in said
    assert chat.calls == 0
    assert not list((root / ".shipworthy" / "runs").iterdir()), "no empty run is left behind"


def test_with_a_price_it_stops_there_and_goes_on(root, chat, capsys):
    _target(root, chat, price={"input": 1.0, "output": 9.0})  # a cent an answer
    assert _eval("--max-cost", "0.20") == 4
    out = capsys.readouterr().out
    assert "the budget of $0.20 is used up" in out
    assert 20 <= chat.calls <= 22, "at most one answer a connection on top"
    before = chat.calls
    assert shipworthy(["eval", "--resume", "latest", "--max-cost", "0.10"]) == 4
    assert before + 10 <= chat.calls <= before + 12
    capsys.readouterr()
    assert shipworthy(["runs", "show", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["roles"]["target"]["usage"]["cost_usd"] == pytest.approx(
        chat.calls / 100
    )


def test_what_the_endpoint_says_of_the_cost_goes_first(root, chat):
    chat.usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "cost": 0.05}
    _target(root, chat, price={"input": 1.0, "output": 9.0})
    assert _eval("--max-cost", "0.20") == 4
    assert 4 <= chat.calls <= 6


def test_an_answer_without_its_tokens_stops_the_run(root, chat, capsys):
    chat.usage = None
    _target(root, chat, price={"input": 1.0, "output": 9.0})
    assert _eval("--max-cost", "100") == 4
    assert "came without its tokens and its cost" in capsys.readouterr().out
    assert chat.calls <= 3
    _target(root, chat, price={"input": 0, "output": 0})
    assert _eval("--max-cost", "100") == 0


def test_a_price_changes_nothing_of_what_was_measured(root, chat, capsys):
    _target(root, chat, price={"input": 1.0, "output": 9.0})
    assert _eval("--max-requests", "3") == 4
    _target(root, chat, price={"input": 2.0, "output": 9.0})
    assert shipworthy(["eval", "--resume", "latest", "--max-requests", "3"]) == 4
    _target(root, chat)
    assert shipworthy(["eval", "--resume", "latest", "--max-requests", "3"]) == 4


def test_what_a_target_says_of_itself_stays_whole_whatever_it_calls_it():
    """Only what is written beside `use` is left out: a description may have the word for something that answers."""
    use = Use.of("openai_compatible", base_url="https://a.org/v1", model="m", price={"input": 1, "output": 1})
    assert measured(use, {"target": "shop", "price": 3})["price"] == 3
    model = {"use": "smollm2", "price": {"input": 0, "output": 0}}
    plain, priced = Use.of("helpdesk_rag", model={"use": "smollm2"}), Use.of("helpdesk_rag", model=model)
    assert declaration(priced, guards="none") == declaration(plain, guards="none")


def test_a_judge_has_a_price_of_its_own(root, chat, capsys):
    (root / "plugins").mkdir()
    (root / "plugins" / "priced_judge.py").write_text(JUDGE)
    _target(root, chat, price={"input": 0, "output": 0})
    judge = {"use": "openai_compatible", "base_url": chat.url, "model": "judge"}
    suite = root / "suites" / "harmful-request.yaml"
    for price, code in ((None, 2), ({"input": 1.0, "output": 9.0}, 4)):
        model = judge | ({"price": price} if price else {})
        scorers = ["harm_level", "refusal", {"use": "priced_judge", "model": model}]
        suite.write_text(json.dumps({"use": "library:harmful-request", "scorers": scorers}))
        assert _eval("--max-cost", "0.05", "--allow-code") == code
    assert "the budget of $0.05 is used up" in capsys.readouterr().out


def test_a_wrong_price_is_a_problem_with_its_line(root, chat, capsys):
    (root / "targets.yaml").write_text(
        f"targets:\n  default:\n    use: openai_compatible\n    base_url: {chat.url}\n    model: m\n"
        "    price: {input: cheap, output: 1}\n"
    )
    assert shipworthy(["check"]) == 2
    assert "targets.yaml:6: the target 'openai_compatible': a price is written as price: " in capsys.readouterr().out
