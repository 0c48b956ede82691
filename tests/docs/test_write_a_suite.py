"""The how-to pages on suites and plug-ins work as printed."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

from shipworthy.core.protocols import AttackContext, Conversation
from shipworthy.core.records import Reply, Request, Sample, answer, say
from shipworthy.core.registry import create, withdraw
from shipworthy.workspace.code import load_code
from shipworthy.workspace.suites import load_suite

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (HOW_TO / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_suite_as_printed_loads(tmp_path: Path) -> None:
    page = "write-a-suite.md"
    (tmp_path / "suite.yaml").write_text(blocks(page, "yaml")[0], "utf-8")
    (tmp_path / "samples.jsonl").write_text(blocks(page, "json")[0], "utf-8")
    (tmp_path / "card.md").write_text("# Opening hours\n", "utf-8")
    suite = load_suite(tmp_path)
    assert suite.id == "opening-hours"
    assert [a.name for a in suite.attacks] == ["none", "prefix_injection(opening=Yes indeed)"]
    assert suite.samples[0].expected == ["6:30"]


def test_the_attack_as_printed_runs(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "shouting.py").write_text(blocks("write-a-plugin.md", "python")[0], "utf-8")
    problems: list[object] = []
    load_code(tmp_path, problems)  # type: ignore[arg-type]
    assert not problems
    attack = create("attack", "shouting", {"marks": 1})
    try:
        sample = Sample(id="s", messages=(say("user", "where is it?"),))
        assert attack.change(sample, random.Random(0)).messages[0].text == "WHERE IS IT?!"
        assert attack.describe() == {"attack": "shouting", "marks": 1}
    finally:
        withdraw(attack.change.__module__)


def test_the_multi_turn_attack_as_printed_runs() -> None:
    scope = {"Request": Request, "Conversation": Conversation, "say": say}
    exec(blocks("write-a-plugin.md", "python")[1], scope)

    async def ask(request: Request) -> Reply:
        return answer(f"{len(request.messages)} heard")

    insist = scope["Insist"]()  # type: ignore[operator]
    sample = Sample(id="s", messages=(say("user", "Please."),))
    conversation = asyncio.run(insist.attempt(sample, ask, AttackContext(random.Random(0))))
    assert [m.role for m in conversation.messages] == ["user", "assistant", "user", "assistant"]
    assert conversation.messages[-1].text == "3 heard"
