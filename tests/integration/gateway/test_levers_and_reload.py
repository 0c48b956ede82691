"""What an operator changes while it runs: levers, the kill switch, files."""

from __future__ import annotations

import asyncio
import json

import yaml

from shipworthy.enforce.pipeline import Pipeline
from shipworthy.gateway import levers
from shipworthy.workspace.read import read_guards

SAID = "Write to mark@leak.example.org, please."
SHADOW = {"block_message": "No.", "rules": [{"id": "GD-pii", "use": "pii_output", "mode": "shadow"}]}


def talking(loopback, text=SAID):
    async def handler(request, writer):
        loopback.respond(writer, loopback.completion(text))

    return loopback.serve(handler)


async def until(condition):
    async with asyncio.timeout(100):
        while not condition():
            await asyncio.sleep(0.02)


def test_what_runs_is_what_was_measured(over, loopback, tmp_path) -> None:
    async def main():
        async with talking(loopback) as up, over(up.url + "/v1") as served:
            measured = Pipeline.build(read_guards(tmp_path / "guards.yaml")).digest
            answer = await served.ask()
            assert answer.headers["x-shipworthy-guards"] == measured
            assert (await served.get("/health")).json["guards"] == measured
            assert [record.guards for record in served.records] == [measured]

    asyncio.run(main())


def test_the_kill_switch_ends_all_of_it(over, loopback, read_events, tmp_path) -> None:
    async def main():
        begun = asyncio.Event()

        async def handler(request, writer):
            if not request.json.get("stream"):
                loopback.respond(writer, loopback.completion("hello"))
                return
            writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            event = b'data: {"choices": [{"index": 0, "delta": {"content": "' + b"word " * 400 + b'"}}]}\n\n'
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await writer.drain()
            begun.set()
            await asyncio.sleep(300)

        async with loopback.serve(handler) as up, over(up.url + "/v1") as served:
            flying = asyncio.create_task(served.ask(stream=True))
            await begun.wait()
            levers.pull(served.gateway.keeper.active.config.state, "stop", "ada", "an incident")
            answer = await flying
            assert read_events(answer.text)[-1]["error"]["code"] == "stopped"
            assert "[DONE]" not in answer.text
            refused = [await served.ask(stream=stream) for stream in (False, True)]
            assert [r.status for r in refused] == [503, 503]
            health = await served.get("/health")
            assert (health.status, health.json["status"]) == (503, "stopped")
            levers.release(served.gateway.keeper.active.config.state, "stop", "ada", "over")
            assert (await served.ask()).status == 200
            assert [r.ending for r in served.records] == ["stopped", "stopped", "stopped", "answered"]
            history = (tmp_path / ".shipworthy/gateway/levers.jsonl").read_text().splitlines()
            assert [json.loads(line)["what"] for line in history] == ["pull", "release"]

    asyncio.run(main())


def test_a_lever_file_that_cannot_be_read_stops_everything(over, loopback) -> None:
    async def main():
        async with talking(loopback) as up, over(up.url + "/v1") as served:
            file = served.gateway.keeper.active.config.state / levers.FILE
            assert (await served.ask()).status == 200
            file.write_text('[{"lever": ')
            assert (await served.ask()).status == 503
            levers.release(file.parent, "stop", "ada", "")
            assert (await served.ask()).status == 200

    asyncio.run(main())


def test_a_lever_tightens_and_has_a_digest_of_its_own(over, loopback, tmp_path) -> None:
    async def main():
        strict = {"strict": {"GD-pii": "enforce"}}
        async with talking(loopback) as up, over(up.url + "/v1", guards=SHADOW, levers=strict) as served:
            before = await served.ask()
            levers.pull(served.gateway.keeper.active.config.state, "strict", "ada", "seen in the wild")
            after = await served.ask()
            levers.release(served.gateway.keeper.active.config.state, "strict", "ada", "")
            again = await served.ask()
            assert "mark@leak" in before.text
            assert "mark@leak" not in after.text
            assert "mark@leak" in again.text
            digests = [answer.headers["x-shipworthy-guards"] for answer in (before, after, again)]
            assert digests[0] == digests[2] != digests[1]
            # The derived digest is the one that an evaluation under these modes has.
            enforced = tmp_path / "enforced.yaml"
            enforced.write_text(yaml.safe_dump(SHADOW).replace("shadow", "enforce"))
            assert digests[1] == Pipeline.build(read_guards(enforced)).digest
            assert [record.levers for record in served.records] == [(), ("strict",), ()]

    asyncio.run(main())


def test_a_lever_that_the_new_file_no_longer_knows_stops_everything(over, loopback) -> None:
    async def main():
        strict = {"strict": {"GD-pii": "enforce"}}
        async with talking(loopback) as up, over(up.url + "/v1", guards=SHADOW, levers=strict) as served:
            levers.pull(served.gateway.keeper.active.config.state, "strict", "ada", "")
            made = yaml.safe_load(served.config.read_text())
            del made["levers"]
            served.config.write_text(yaml.safe_dump(made))
            await served.gateway.keeper.reload()
            assert (await served.ask()).status == 503

    asyncio.run(main())


def test_files_are_read_again_and_only_what_is_whole_is_taken(over, loopback, tmp_path) -> None:
    async def main():
        async with talking(loopback) as up, over(up.url + "/v1", guards=SHADOW) as served:
            keeper, guards = served.gateway.keeper, tmp_path / "guards.yaml"
            first = keeper.active.digest
            good = guards.read_text()
            for bad in (
                "rules: [",
                "rules:\n  - {id: GD-pii, use: pii_ouput}\n",
                "",
                "rules: [{id: GD-a, use: canary_output}]",
            ):
                guards.write_text(bad)
                await until(lambda bad=bad: str(guards) in keeper.refused or "nothing" in keeper.refused)
                assert keeper.active.digest == first
                answer = await served.ask()
                assert (answer.status, answer.headers["x-shipworthy-guards"]) == (200, first)
                health = (await served.get("/health")).json
                assert health["reload"] == "refused"
                assert str(guards) in health["refused"]
                guards.write_text(good + "\n")
                await until(lambda: not keeper.refused)
            guards.write_text(good.replace("shadow", "enforce"))
            await until(lambda: keeper.active.digest != first)
            assert "mark@leak" not in (await served.ask()).text
            assert (await served.get("/health")).json["reload"] == "current"
            made = yaml.safe_load(served.config.read_text())
            served.config.write_text(yaml.safe_dump(made | {"listen": "127.0.0.1:1"}))
            await until(lambda: "listen" in keeper.refused)
            assert any("the old one goes on" in line for line in served.told)

    asyncio.run(main())


def test_a_request_keeps_the_guards_it_began_with(over, loopback, tmp_path) -> None:
    async def main():
        asked, go = asyncio.Event(), asyncio.Event()

        async def handler(request, writer):
            asked.set()
            await go.wait()
            loopback.respond(writer, loopback.completion(SAID))

        async with loopback.serve(handler) as up, over(up.url + "/v1") as served:
            first = served.gateway.keeper.active.digest
            flying = asyncio.create_task(served.ask())
            await asked.wait()
            (tmp_path / "guards.yaml").write_text(yaml.safe_dump(SHADOW))
            await served.gateway.keeper.reload()
            assert served.gateway.keeper.active.digest != first
            go.set()
            answer = await flying
            assert answer.headers["x-shipworthy-guards"] == first
            assert "mark@leak" not in answer.text

    asyncio.run(main())


def test_a_lever_for_a_ring_is_for_that_ring_alone(over, loopback, monkeypatch) -> None:
    keys = {"web": "client-key-0123456789", "ops": "other-key-0123456789ab"}
    for name, key in keys.items():
        monkeypatch.setenv(f"GW_{name}", key)

    async def main():
        more = {
            "guards": SHADOW,
            "levers": {"strict": {"GD-pii": "enforce"}},
            "clients": {name: {"key": f"env:GW_{name}", "role": "operator"} for name in keys},
            "rings": {"internal": ["ops"]},
        }
        async with talking(loopback) as up, over(up.url + "/v1", **more) as served:
            keeper = served.gateway.keeper
            levers.pull(keeper.active.config.state, "strict", "ada", "", ring="internal")

            async def ask(client, stream=False):
                return await served.ask(headers={"authorization": f"Bearer {keys[client]}"}, stream=stream)

            for stream in (False, True):
                assert "mark@leak" in (await ask("web", stream)).text
                assert "mark@leak" not in (await ask("ops", stream)).text
            health = (await served.get("/health", authorization=f"Bearer {keys['ops']}")).json
            assert health["rollouts"] == {"strict": {"share": 1.0, "ring": "internal"}}
            assert (health["levers"], health["base"], health["decision"]) == ([], keeper.active.digest, "unproven")
            base = keeper.active.digest
            assert [(r.client, r.levers, r.base) for r in served.records] == [
                ("web", (), ""), ("ops", ("strict",), base)
            ] * 2  # fmt: skip

            # Where what was pulled cannot be built, those it was pulled for are not served.
            build = Pipeline.build

            def broken(guards):
                if guards.rules[0].mode == "enforce":
                    raise RuntimeError
                return build(guards)

            keeper.active._variants.clear()
            monkeypatch.setattr("shipworthy.gateway.active.Pipeline.build", broken)
            assert [(await ask(client)).status for client in keys] == [200, 503]

    asyncio.run(main())


def test_what_a_client_declares_is_on_the_record_and_what_it_does_not_is_unproven(over, loopback) -> None:
    async def main():
        async with talking(loopback) as up, over(up.url + "/v1") as served:
            prompt = "sha256:" + "a" * 64
            for headers in ({}, {"x-shipworthy-prompt": prompt}, {"x-shipworthy-prompt": "mine"}):
                await served.ask(headers=headers)
            assert [(r.prompt, r.index, r.status, r.ending) for r in served.records] == [
                ("unproven", "unproven", 200, "answered"),
                (prompt, "unproven", 200, "answered"),
                ("unproven", "unproven", 400, "refused"),
            ]
            assert len(up.seen) == 2
            assert not any("x-shipworthy-prompt" in request.headers for request in up.seen)

    asyncio.run(main())
