"""Who may ask, and how much at a time."""

from __future__ import annotations

import pytest

from shipworthy.gateway.clients import Clients, GatewayClient
from shipworthy.gateway.listening import ClientSpec
from shipworthy.gateway.refusal import HttpRefusal


def spec(**more) -> ClientSpec:
    return ClientSpec(key="env:K", **more)


def test_so_many_at_one_time(monkeypatch) -> None:
    client = GatewayClient("web", spec(concurrency=4), share=0.5)
    with client.place(), client.place():
        with pytest.raises(HttpRefusal) as caught:
            client.place().__enter__()
        assert (caught.value.status, caught.value.code) == (429, "concurrency")
    with client.place():
        pass


def test_a_request_that_fails_gives_its_place_back() -> None:
    client = GatewayClient("web", spec(concurrency=1))
    with pytest.raises(RuntimeError), client.place():
        raise RuntimeError
    with client.place():
        pass


def test_ten_seconds_worth_at_once_and_then_by_the_clock(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("shipworthy.gateway.clients.time.monotonic", lambda: now[0])
    client = GatewayClient("web", spec(requests_per_minute=60))
    for _ in range(10):
        with client.place():
            pass
    with pytest.raises(HttpRefusal) as caught:
        client.place().__enter__()
    assert caught.value.retry_s == pytest.approx(1.0)
    now[0] += 1.0
    with client.place():
        pass
    with pytest.raises(HttpRefusal):
        client.place().__enter__()
    now[0] += 3600  # and never more than ten seconds' worth
    for _ in range(10):
        with client.place():
            pass
    with pytest.raises(HttpRefusal):
        client.place().__enter__()


def test_a_key_is_found_and_no_other(monkeypatch) -> None:
    monkeypatch.setenv("K", "0123456789abcdef")
    clients = Clients({"web": spec(models=["a*"])})
    found = clients.find("0123456789abcdef")
    assert found is not None
    assert (found.name, found.operates, found.may_ask("ab"), found.may_ask("b")) == ("web", False, True, False)
    assert [clients.find(key) for key in ("", "0123456789abcde", "0123456789ABCDEF", "\udcff")] == [None] * 4


def test_without_clients_everybody_operates() -> None:
    anyone = Clients({}).find("")
    assert anyone is not None
    assert anyone.operates
    assert not Clients({}).asks_for_keys
