"""A whole gateway in this process, before an upstream that a test chooses."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import yaml
from tests.integration.gateway.policed import GUARDS as POLICED
from tests.unit.adapters.mailbox import RULES

from shipworthy.core.grants import Grants
from shipworthy.gateway.config import read_config
from shipworthy.gateway.server import address, listen, serving
from shipworthy.store.traffic import read

GUARDS = {
    "block_message": "No.",
    "rules": [
        {"id": "GD-pii", "use": "pii_output"},
        {"id": "GD-secret", "use": "canary_output", "params": {"canaries": ["HERON-4471"]}},
    ],
}


def write(folder: Path, upstream: str, *, guards: Any = None, **more: Any) -> Path:
    """Write a gateway's files and return the path of its own."""
    (folder / "guards.yaml").write_text(yaml.safe_dump(GUARDS if guards is None else guards))
    made = {
        "listen": "127.0.0.1:0",
        "guards": "guards.yaml",
        # Upstreams of tests fail on purpose, many times in a row.
        "upstreams": {"main": {"url": upstream, "retries": 0, "timeout_s": 20, "breaker": {"failures": 0}}},
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(made | more))
    return path


class Served:
    """A running gateway: its address, a session, what it told its operator, and what it recorded."""

    def __init__(self, gateway: Any, base: str, session: aiohttp.ClientSession, config: Path, told: list[str]) -> None:
        self.gateway, self.base, self.session, self.config, self.told = gateway, base, session, config, told

    async def ask(self, path: str = "/v1/chat/completions", **body: Any) -> SimpleNamespace:
        headers = body.pop("headers", {})
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]} | body
        async with self.session.post(self.base + path, json=asked, headers=headers) as answer:
            text = await answer.text()
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=text, json=_json(text))

    async def get(self, path: str, **headers: str) -> SimpleNamespace:
        async with self.session.get(self.base + path, headers=headers) as answer:
            text = await answer.text()
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=text, json=_json(text))

    @property
    def records(self) -> list[Any]:
        return [line.served for line in read(self.gateway.log._directory)]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@asynccontextmanager
async def gateway_over(folder: Path, upstream: str, **more: Any):
    path = write(folder, upstream, **more)
    config, told = read_config(path, Grants()), []
    bound = listen(config)
    async with serving(config, bound, told.append) as gateway, aiohttp.ClientSession() as session:
        yield Served(gateway, address(bound), session, path, told)


@pytest.fixture
def over(tmp_path):
    """Return what opens a gateway over an upstream's address."""
    return lambda upstream, **more: gateway_over(tmp_path, upstream, **more)


@pytest.fixture
def files(tmp_path):
    """Return what writes a gateway's files."""
    return lambda upstream, **more: write(tmp_path, upstream, **more)


@pytest.fixture
def policed(over, tmp_path):
    """Return what opens a gateway with a policy."""

    def opened(url, rules=RULES, **more):
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(rules))
        return over(url + "/v1", guards=POLICED, policy="policy.yaml", **more)

    return opened


def events(text: str) -> list[Any]:
    """Return the JSON of a stream's events."""
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ") and line != "data: [DONE]"]


@pytest.fixture
def read_events():
    return events
