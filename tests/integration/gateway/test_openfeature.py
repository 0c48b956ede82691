"""Product code reads the gateway's levers through the OpenFeature SDK, and reads what the gateway heeds."""

from __future__ import annotations

import asyncio

import pytest
import yaml
from tests.integration.gateway.conftest import gateway_over, write

from shipworthy.core.errors import WorkspaceError
from shipworthy.gateway import levers

pytest.importorskip("openfeature.provider", reason="openfeature-sdk is in the development lock")

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from shipworthy.gateway.openfeature import ShipworthyProvider

GUARDS = {"rules": [{"id": "GD-pii", "use": "pii_output", "mode": "shadow"}, {"id": "GD-b", "use": "pii_output"}]}
LEVERS = {"strict": {"GD-pii": "enforce"}, "other": {}}
KEYS = {"web": "client-key-0123456789", "ops": "other-key-0123456789ab"}


@pytest.fixture
def product(tmp_path, monkeypatch):
    """Return the SDK's client over a gateway's file, and the folder of its levers."""
    for name, key in KEYS.items():
        monkeypatch.setenv(f"GW_{name}", key)
    # The product has neither the upstream's key nor leave to send it.
    clients = {name: {"key": f"env:GW_{name}"} for name in KEYS}
    upstream = {"main": {"url": "https://api.example.com/v1", "key": "env:NOT_SET_HERE"}}
    more = {"levers": LEVERS, "clients": clients, "rings": {"internal": ["ops"]}, "upstreams": upstream}
    path = write(tmp_path, "", guards=GUARDS, **more)
    api.set_provider(ShipworthyProvider(path))
    yield api.get_client(), tmp_path / ".shipworthy/gateway"
    api.clear_providers()


def who(client="", session="", **more):
    return EvaluationContext(attributes={"client": client, "session": session}, **more)


def test_a_lever_is_read_as_soon_as_it_is_pulled(product) -> None:
    flags, state = product
    assert [flags.get_boolean_value(name, True) for name in ("stop", "strict", "other")] == [False] * 3
    assert [flags.get_string_value(rule, "") for rule in ("GD-pii", "GD-b")] == ["shadow", "enforce"]
    levers.pull(state, "strict", "ada", "")
    found = flags.get_boolean_details("strict", False)
    assert (found.value, found.reason, found.error_code) == (True, Reason.STATIC, None)
    assert flags.get_string_value("GD-pii", "") == "enforce"
    levers.pull(state, "stop", "ada", "")
    assert flags.get_boolean_value("stop", False)
    levers.release(state, "stop", "ada", "")
    levers.release(state, "strict", "ada", "")
    assert not flags.get_boolean_value("stop", True)
    assert asyncio.run(flags.get_string_value_async("GD-pii", "")) == "shadow"


def test_levers_that_cannot_be_read_are_pulled_and_it_is_said(product) -> None:
    flags, state = product
    levers.pull(state, "strict", "ada", "")
    (state / levers.FILE).write_text("[{")
    for name in ("stop", "strict", "other"):
        found = flags.get_boolean_details(name, False)
        assert (found.value, found.reason) == (True, Reason.ERROR)
        assert "cannot be read" in found.error_message
    assert flags.get_string_value("GD-pii", "off") == "enforce"
    levers.release(state, "stop", "ada", "")
    assert not flags.get_boolean_value("stop", True)


def test_a_lever_that_nobody_knows_any_more_stops(product, tmp_path) -> None:
    flags, state = product
    levers.pull(state, "strict", "ada", "")
    made = yaml.safe_load((tmp_path / "gateway.yaml").read_text())
    (tmp_path / "gateway.yaml").write_text("nonsense: [")
    assert flags.get_boolean_value("strict", False)  # a file that is wrong changes nothing
    del made["levers"]["strict"]
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(made))
    assert flags.get_boolean_value("stop", False)


def test_what_is_no_flag_is_said(product) -> None:
    flags, _ = product
    for found, code in [
        (flags.get_boolean_details("nothing", True), ErrorCode.FLAG_NOT_FOUND),
        (flags.get_boolean_details("GD-pii", True), ErrorCode.TYPE_MISMATCH),
        (flags.get_string_details("strict", "x"), ErrorCode.TYPE_MISMATCH),
        (flags.get_integer_details("strict", 3), ErrorCode.TYPE_MISMATCH),
    ]:
        assert found.error_code == code


def test_a_file_that_cannot_be_read_is_no_provider(tmp_path) -> None:
    (tmp_path / "gateway.yaml").write_text("guards: none.yaml\nupstreams: 3\n")
    with pytest.raises(WorkspaceError, match=r"gateway\.yaml:2"):
        ShipworthyProvider(tmp_path / "gateway.yaml")


def test_gateway_and_product_come_to_the_same_for_each_session(tmp_path, loopback, monkeypatch) -> None:
    for name, key in KEYS.items():
        monkeypatch.setenv(f"GW_{name}", key)

    async def talk(request, writer):
        loopback.respond(writer, loopback.completion("mark@leak.example.org"))

    async def main():
        clients = {name: {"key": f"env:GW_{name}"} for name in KEYS}
        more = {"levers": LEVERS, "clients": clients, "rings": {"internal": ["ops"]}, "guards": GUARDS}
        async with loopback.serve(talk) as up, gateway_over(tmp_path, up.url, **more) as served:
            state = served.gateway.keeper.active.config.state
            levers.pull(state, "strict", "ada", "", share=0.5)
            levers.pull(state, "other", "ada", "", share=0.5, ring="internal")
            api.set_provider(ShipworthyProvider(served.config))
            flags, digests = api.get_client(), {}
            for client, key in KEYS.items():
                for number in range(12):
                    session = f"s{number}"
                    headers = {"authorization": f"Bearer {key}", "x-shipworthy-session": session}
                    answer = await served.ask(headers=headers)
                    record = served.records[-1]
                    by = who(client, session), EvaluationContext(session, {"client": client})
                    for context in by:
                        seen = {name for name in LEVERS if flags.get_boolean_value(name, False, context)}
                        assert seen == set(record.levers)
                        mode = flags.get_string_value("GD-pii", "", context)
                        assert mode == ("enforce" if "strict" in seen else "shadow")
                    found = flags.get_boolean_details("strict", False, by[0])
                    assert found.reason == Reason.SPLIT
                    assert ("strict" in seen) == (record.base != record.guards and record.base != "")
                    assert answer.headers["x-shipworthy-guards"] == record.guards
                    digests.setdefault(record.levers, set()).add(record.guards)
                    assert client == "ops" or "other" not in record.levers
            assert digests.keys() == {(), ("strict",), ("other",), ("other", "strict")}
            assert all(len(found) == 1 for found in digests.values())

    asyncio.run(main())
    api.clear_providers()
