"""What a scrape tells: what happened, nothing that was said, and nothing that a client could make up."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from shipworthy.core.errors import StoreError
from shipworthy.gateway import levers

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is in the development lock")
SAID = "Write to mark@leak.example.org, please."
DIGEST = "sha256:" + "a" * 64
WEB, OPS = "client-key-0123456789", "other-key-0123456789ab"


def talking(loopback):
    async def handler(request, writer):
        if request.json.get("stream"):
            chunks = [{"choices": [{"index": 0, "delta": {"content": SAID}}]}]
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            data = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"
            loopback.respond(writer, data.encode(), content_type="text/event-stream")
        else:
            loopback.respond(writer, loopback.completion(SAID))

    return loopback.serve(handler)


async def scrape(served, **headers):
    answer = await served.get("/metrics", **headers)
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for family in parser.text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "le"}
            if "le" not in sample.labels or sample.labels["le"] == "+Inf":
                name = sample.name.removeprefix("shipworthy_gateway_")
                found[name, *sorted(labels.items())] = sample.value
    return found, answer.text


def value(found, name, **labels):
    return found.get((name, *sorted(labels.items())), 0)


def test_what_happened_is_counted(over, loopback) -> None:
    async def main():
        ups = {"main": {"url": "", "retries": 0, "models": ["m", "x-*"]}}
        async with talking(loopback) as up:
            ups["main"]["url"] = up.url
            async with over("", upstreams=ups, levers={"strict": {}}) as served:
                before = (await scrape(served))[0]
                assert value(before, "workers") == 1
                await served.ask(headers={"x-shipworthy-prompt": DIGEST})
                await served.ask(stream=True)
                await served.ask(model="x-invented-by-a-client")
                await served.ask(model="unknown")
                await served.ask("/v1/messages", max_tokens=5, stream=True)
                await served.get("/nothing")
                levers.pull(served.gateway.keeper.active.config.state, "strict", "ada", "", share=0.5)
                found, page = await scrape(served)
                chat, main_ = "/v1/chat/completions", "main"
                assert value(found, "requests_total", route=chat, ending="answered", upstream=main_) == 3
                assert value(found, "requests_total", route="/v1/messages", ending="answered", upstream=main_) == 1
                assert value(found, "requests_total", route=chat, ending="refused", upstream="") == 1
                assert value(found, "unrecorded_total", status="404") == 1
                assert value(found, "records_total", result="written") == 5
                assert value(found, "declared_total", what="prompt", state="declared") == 1
                assert value(found, "declared_total", what="prompt", state="unproven") == 4
                finding = {"rule": "GD-pii", "stage": "output", "action": "redact", "shadow": "false"}
                assert value(found, "findings_total", **finding) == 4
                tokens = {"upstream": main_, "direction": "input"}
                assert value(found, "tokens_total", model="m", **tokens) == 7  # streams here do not say
                assert value(found, "tokens_total", model="other", **tokens) == 7
                for name in ("request_seconds", "added_seconds", "guard_seconds"):
                    assert value(found, f"{name}_count", route=chat) == 4
                assert value(found, "upstream_seconds_count", upstream=main_) == 4
                parts = [value(found, f"{n}_sum", route=chat) for n in ("added_seconds", "guard_seconds")]
                assert value(found, "request_seconds_sum", route=chat) > parts[0] > parts[1] > 0
                assert value(found, "breakers", upstream=main_, state="closed") == 1
                assert value(found, "breakers", upstream=main_, state="open") == 0
                assert value(found, "lever_share", lever="strict", ring="") == 0.5
                assert [value(found, "lever_pulled", lever=lever) for lever in ("strict", "stop")] == [1, 0]
                assert f'guards="{served.gateway.keeper.active.digest}"' in page
                assert 'decision="unproven"' in page
                # Nothing that was said, and nothing that a client made up.
                for word in ("leak", "Hello", "invented", "unknown", "nothing", DIGEST):
                    assert word not in page

    asyncio.run(main())


def test_what_was_not_recorded_is_counted_as_that(over, loopback) -> None:
    async def main():
        async with talking(loopback) as up, over(up.url + "/v1") as served:

            async def full(sealed):
                raise StoreError("the disk is full")

            served.gateway.log.append = full
            assert (await served.ask()).status == 503
            found, _ = await scrape(served)
            assert value(found, "records_total", result="failed") == 1
            assert not any(key[0] == "requests_total" for key in found)

    asyncio.run(main())


def test_where_keys_are_asked_for_only_an_operator_reads_it(over, loopback, monkeypatch) -> None:
    monkeypatch.setenv("GW_WEB", WEB)
    monkeypatch.setenv("GW_OPS", OPS)
    clients = {"web": {"key": "env:GW_WEB"}, "ops": {"key": "env:GW_OPS", "role": "operator"}}

    async def main():
        async with talking(loopback) as up, over(up.url + "/v1", clients=clients) as served:
            assert (await served.get("/metrics")).status == 401
            assert (await served.ask()).status == 401
            assert (await served.get("/metrics", authorization=f"Bearer {WEB}")).status == 403
            found, page = await scrape(served, authorization=f"Bearer {OPS}")
            assert value(found, "unrecorded_total", status="401") == 2
            assert not re.search(f"{WEB}|{OPS}", page)

    asyncio.run(main())
