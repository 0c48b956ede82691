"""What a plan will take is said before it is run: by earlier runs of the same target, by assumption, or not at all."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.workspace.scaffold import scaffold

pytestmark = pytest.mark.slow

PRICE = {"input": 1.0, "output": 9.0}
"""A cent for one of the chat's answers: 1,000 tokens in, 1,000 out."""


@pytest.fixture
def root(tmp_path, monkeypatch, chat):
    scaffold(tmp_path / "w", "minimal")
    monkeypatch.chdir(tmp_path / "w")
    target(tmp_path / "w", chat)
    return tmp_path / "w"


def target(root, chat, **more):
    use = {"use": "openai_compatible", "base_url": chat.url, "model": "m", "concurrency": 2, **more}
    (root / "targets.yaml").write_text(json.dumps({"targets": {"default": use}}))


def expected(capsys, *words):
    assert shipworthy(["plan", "--format", "json", *words]) == 0
    return json.loads(capsys.readouterr().out)["expected"]


def plan(capsys):
    assert shipworthy(["plan"]) == 0
    return capsys.readouterr().out


def test_where_nothing_is_known_nothing_is_made_up(root, capsys):
    found = expected(capsys)
    assert (found["seconds"], found["tokens"], found["usd"], found["attempts"]) == (None, None, None, 0)
    said = plan(capsys)
    assert "Time, tokens and money are not known before a first run of this target." in said
    assert "  shipworthy eval --max-requests 30" in said
    assert "Expected" not in said


def test_a_price_alone_gives_tokens_and_money_by_an_assumption_that_is_said(root, chat, capsys):
    target(root, chat, price=PRICE, max_tokens=50)
    found = expected(capsys)
    assert found["seconds"] is None
    assert found["usd"]["low"] < found["usd"]["high"]
    assert "20 to 50 tokens an answer" in found["assumed"]
    said = " ".join(plan(capsys).split())
    assert "(computed from `price`)." in said
    assert "Assumed, not measured: 3 to 5 characters a token" in said


def test_an_earlier_run_gives_all_three_and_the_truth_lies_between(root, chat, capsys):
    target(root, chat, price=PRICE)
    assert shipworthy(["eval", "--suite", "harmful-request", "--max-requests", "100", "--no-cache"]) == 4
    capsys.readouterr()
    found = expected(capsys)
    with_plan = json.loads(_plan_json(capsys))
    assert found["attempts"] == chat.calls == 100
    assert (found["concurrency"], found["assumed"], found["reported"]) == (2, "", False)
    assert found["tokens"]["low"] < 2000 * with_plan["calls"] < found["tokens"]["high"]
    assert found["usd"]["low"] < 0.01 * with_plan["calls"] < found["usd"]["high"]
    assert 0 < found["seconds"]["low"] < found["seconds"]["high"]
    said = plan(capsys)
    line = next(line for line in said.splitlines() if line.startswith("Expected: "))
    assert " tokens, $" in " ".join(said.split())
    assert "RUN-" in said
    assert "2 calls at a time" in " ".join(said.split())
    assert all(len(line) <= 80 for line in said.splitlines()), line


def _plan_json(capsys):
    assert shipworthy(["plan", "--format", "json"]) == 0
    return capsys.readouterr().out


def test_a_suite_that_was_measured_is_known_better_than_one_that_was_not(root, chat, capsys):
    target(root, chat, price=PRICE)
    assert shipworthy(["eval", "--suite", "over-refusal", "--no-cache"]) == 0
    capsys.readouterr()
    (root / "plans.yaml").write_text(
        "plans:\n  - {id: own, suites: [{suite: over-refusal}]}\n"
        "  - {id: other, suites: [{suite: harmful-request, attacks: [none]}]}\n"
    )
    own, other = expected(capsys, "--plan", "own"), expected(capsys, "--plan", "other")
    assert own["usd"]["high"] / own["usd"]["low"] < 1.5
    assert other["usd"]["high"] / other["usd"]["low"] > 3


def test_eval_says_it_before_it_starts_and_which_limit_comes_first(root, chat, capsys):
    words = ["eval", "--suite", "over-refusal", "--no-cache"]
    assert shipworthy([*words, "--max-requests", "30"]) == 4
    assert "Time, tokens and money are not known before a first run" in capsys.readouterr().err
    target(root, chat, price=PRICE)
    assert shipworthy([*words, "--max-cost", "0.05"]) == 4
    said = capsys.readouterr().err
    assert said.index("attempts planned") < said.index("Expected: ")
    assert "--max-cost will stop it before its end; it can be gone on with." in said
    assert shipworthy(["eval", "--resume", "latest", "--no-cache", "--max-cost", "500"]) == 0
    assert "--max-cost" not in capsys.readouterr().err


def test_another_target_is_another_matter(root, chat, capsys):
    target(root, chat, price=PRICE)
    assert shipworthy(["eval", "--suite", "over-refusal", "--no-cache", "--max-requests", "30"]) == 4
    capsys.readouterr()
    target(root, chat, price=PRICE, system="Be brief.")
    assert expected(capsys)["attempts"] == 0
    target(root, chat, price={"input": 2.0, "output": 18.0})
    dearer = expected(capsys)
    assert dearer["attempts"] == 30, "a price is no part of what was measured"
    target(root, chat, price=PRICE)
    assert dearer["usd"]["high"] == pytest.approx(2 * expected(capsys)["usd"]["high"]), "and today's price counts"


def test_tokens_without_a_price_say_how_to_get_the_money(root, chat, capsys):
    assert shipworthy(["eval", "--suite", "over-refusal", "--no-cache", "--max-requests", "30"]) == 4
    capsys.readouterr()
    found = expected(capsys)
    assert found["usd"] is None
    assert found["tokens"]["low"] > 0
    assert "Money is not known: write what the target costs beside `use`" in " ".join(plan(capsys).split())


def test_replies_from_the_cache_say_nothing_of_the_time(root, chat, capsys):
    for _ in range(2):
        assert shipworthy(["eval", "--suite", "over-refusal"]) == 0
    (first, second) = sorted((root / ".shipworthy" / "runs").iterdir())
    capsys.readouterr()
    both = expected(capsys)
    assert set(both["runs"]) == {first.name, second.name}
    for file in first.iterdir():
        file.unlink()
    alone = expected(capsys)
    assert alone["runs"] == [second.name]
    assert alone["seconds"] is None
    assert alone["tokens"] is not None
    assert both["seconds"]["low"] > 0


def test_costs_say_whose_word_they_are(root, chat, capsys):
    target(root, chat, price=PRICE)
    words = ["eval", "--suite", "over-refusal", "--no-cache", "--max-requests", "5"]
    assert shipworthy(words) == 4
    assert "USD of the target: computed, tokens times a list price" in capsys.readouterr().out
    chat.usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "cost": 0.05}
    assert shipworthy(words) == 4
    assert "USD of the target: reported by the provider" in capsys.readouterr().out
    target(root, chat)
    chat.usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
    assert shipworthy(words) == 4
    assert "USD of the" not in capsys.readouterr().out
    runs = sorted(folder.name for folder in (root / ".shipworthy" / "runs").iterdir())
    assert shipworthy(["runs", "show", runs[0], "--format", "json"]) == 0
    usage = json.loads(capsys.readouterr().out)["roles"]["target"]["usage"]
    assert usage["computed_usd"] == usage["cost_usd"] == pytest.approx(0.05)
    assert shipworthy(["runs", "table", *runs]) == 0
    said = capsys.readouterr().out
    assert "10,000 tokens, $0.05 computed" in said
    assert "10,000 tokens, $0.25 reported" in said


def test_a_kept_reply_costs_what_the_list_says_today(root, chat, capsys):
    target(root, chat, price=PRICE)
    words = ["eval", "--suite", "over-refusal"]
    assert shipworthy(words) == 0
    asked = chat.calls
    target(root, chat, price={"input": 2.0, "output": 18.0})
    assert shipworthy(words) == 0
    assert chat.calls == asked
    capsys.readouterr()
    assert shipworthy(["runs", "show", "--format", "json"]) == 0
    usage = json.loads(capsys.readouterr().out)["roles"]["target"]["usage"]
    assert usage["cost_usd"] == pytest.approx(0.02 * asked)


def test_the_report_and_sql_say_it_too(root, chat, capsys):
    from shipworthy.evals.results import Run

    target(root, chat, price=PRICE)
    assert shipworthy(["eval", "--suite", "over-refusal", "--max-requests", "8"]) == 4
    chat.usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "cost": 0.05}
    assert shipworthy(["eval", "--resume", "latest", "--max-requests", "2"]) == 4
    capsys.readouterr()
    shipworthy(["gate", "latest", "--format", "html=-"])
    assert "20,000 tokens, $0.18 ($0.08 computed, $0.10 reported)" in capsys.readouterr().out
    pytest.importorskip("duckdb")
    [directory] = (root / ".shipworthy" / "runs").iterdir()
    [sums] = Run.load(directory).sql("SELECT sum(cost_usd), sum(computed_usd) FROM attempts").fetchall()
    assert sums == pytest.approx((0.18, 0.08))
