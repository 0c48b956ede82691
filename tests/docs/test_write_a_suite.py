"""The how-to pages on suites and plug-ins work as printed."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

from shipworthy.core.protocols import AttackContext
from shipworthy.core.records import Document, Reply, Request, Sample, answer, conversation, say
from shipworthy.core.registry import create, withdraw
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.exchange import Exchange
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


class Sampling:
    """A target whose answers depend on the seed."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def describe(self) -> dict[str, str]:
        return {"target": "sampling"}

    async def send(self, request: Request) -> Reply:
        self.requests.append(request)
        return answer(f"{len(request.messages)} heard, {random.Random(request.seed).getrandbits(64)}")

    async def close(self) -> None: ...


def test_the_multi_turn_attack_as_printed_holds_as_many_conversations_as_attempts() -> None:
    scope: dict[str, type] = {}
    exec(blocks("write-a-plugin.md", "python")[1], scope)
    insist, target = scope["Insist"](), Sampling()
    planted = (Document("d", "text"),)
    sample = Sample(id="s", messages=(say("user", "Please."),), documents=planted, user="ana")

    async def attempt(seed: int) -> tuple[str, ...]:
        exchange = Exchange(Channel(target), seed=seed, user=sample.user, documents=sample.documents)
        exchange.choose(await insist.attempt(sample, exchange.ask, AttackContext(random.Random(seed))))
        said = [s.message for s in conversation(exchange.events)]
        assert [m.role for m in said] == ["user", "assistant", "user", "assistant"]
        assert said[-1].text.startswith("3 heard")
        return tuple(m.text for m in said)

    async def main() -> set[tuple[str, ...]]:
        return {await attempt(seed) for seed in range(10)}

    assert len(asyncio.run(main())) == 10
    assert len(target.requests) == 20
    assert all((r.user, r.documents) == ("ana", planted) for r in target.requests)
