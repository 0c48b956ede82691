"""What a pulled lever does in a running gateway beside modes: tools taken away, a rate, a model put back, an end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.integration.gateway.policed import TO_BO, ask
from tests.integration.gateway.test_levers_and_reload import talking, until
from tests.integration.gateway.upstreams import upstream

from shipworthy.gateway import levers


def state(served):
    return served.gateway.keeper.active.config.state


def test_a_rate_holds_for_all_and_a_model_is_put_back(over, loopback) -> None:
    asked = {"slow": {"requests_per_minute": 6}, "before": {"models": {"new": "old"}}}

    async def main():
        async with talking(loopback, "hello") as up, over(up.url + "/v1", levers=asked) as served:
            levers.pull(state(served), "before", "ada", "the new one is worse")
            assert (await served.ask(model="new")).status == 200
            assert (await served.ask(model="other")).status == 200
            assert [request.json["model"] for request in up.seen] == ["old", "other"]
            assert [record.model for record in served.records] == ["old", "other"]
            levers.pull(state(served), "slow", "ada", "a campaign")
            answers = [await served.ask() for _ in range(2)]
            assert [one.status for one in answers] == [200, 429]  # ten seconds' worth of six a minute is one
            assert answers[1].json["error"]["code"] == "rate_limit"
            assert int(answers[1].headers["retry-after"]) >= 1
            levers.release(state(served), "slow", "ada", "over")
            assert (await served.ask()).status == 200

    asyncio.run(main())


def test_a_tool_that_is_taken_away_is_refused_also_where_the_policy_only_watched(policed, loopback) -> None:
    message = {"content": "I will.", "tool_calls": [TO_BO]}
    more = {"modes": {"policy": "shadow"}, "levers": {"no-mail": {"tools": ["send_mail"]}}}

    async def main():
        async with upstream(loopback, message, "tool_calls") as up, policed(up.url, **more) as served:
            text, _ = await ask(served, "/v1/chat/completions", False)
            assert "bo@example.org" in text
            levers.pull(state(served), "no-mail", "ada", "it sends")
            text, answer = await ask(served, "/v1/chat/completions", False)
            assert "bo@example.org" not in text
            assert served.records[-1].levers == ("no-mail",)
            assert answer.headers["x-shipworthy-policy"] == served.gateway.keeper.active.policy.digest

    asyncio.run(main())


def test_a_lever_lets_go_of_itself_in_the_gateway(over, loopback) -> None:
    async def main():
        async with talking(loopback, "hello") as up, over(up.url + "/v1") as served:
            end = datetime.now(UTC) + timedelta(seconds=1.5)
            levers.pull(state(served), "stop", "ada", "an incident", until=end)
            assert (await served.ask()).status == 503
            await until(lambda: not served.gateway.keeper.active.stopped)
            assert datetime.now(UTC) >= end
            assert (await served.ask()).status == 200

    asyncio.run(main())
