"""The command that a client starts: leave, pins, hostile input, the kill switch, the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shipworthy.cli import run as command_line

TINY = str(Path(__file__).parents[3] / "unit" / "gateway" / "mcp" / "tiny.py")
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("SHIPWORTHY_GRANTS", str(tmp_path / "grants.json"))
    (tmp_path / "guards.yaml").write_text("rules: []\n")
    command = [sys.executable, "-SE", TINY, "plain"]
    written = {"guards": "guards.yaml", "mcp": {"it": {"command": command, "pins": "pins.json"}}}
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(written))
    return path, command


@pytest.fixture
def run(capsys):
    """Return what runs a command line here, and gives its exit code and all that it said."""

    def ran(*words: str) -> tuple[int, str]:
        code = command_line(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return ran


class Process:
    """The command, and a client that writes its bytes."""

    def __init__(self, config: Path) -> None:
        line = [sys.executable, "-m", "shipworthy", "gateway", "mcp", "--config", str(config), "--server", "it"]
        self.process = subprocess.Popen(line, stdin=-1, stdout=-1, stderr=-1, env=dict(os.environ))

    def say(self, data: object) -> None:
        written = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.process.stdin.write(written + b"\n")
        self.process.stdin.flush()

    def hear(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, id, method, **params):
        self.say({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return self.hear()

    def end(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors.decode()


def test_from_leave_to_the_end(files, run) -> None:
    path, command = files
    folder = str(path.parent)
    code, said = run("gateway", "pin", "--config", str(path), "--server", "it")
    assert code == 2
    assert "shipworthy allow command --in" in said
    assert run("allow", "command", "--in", folder, "--", *command)[0] == 0
    assert " ".join(command) in run("allow", "list", "--format", "json")[1]
    _, said = run("gateway", "pin", "--config", str(path), "--server", "it")
    assert '"description": "Look."' in said
    assert "Nothing is pinned" in said
    assert not (path.parent / "pins.json").exists()
    assert "1 tools are pinned" in run("gateway", "pin", "--config", str(path), "--server", "it", "--write")[1]
    code, said = run("gateway", "mcp", "--config", str(path), "--server", "at")
    assert (code, "names no MCP server 'at'" in said) == (2, True)

    client = Process(path)
    for hostile in (b"{", b"\xff\xfe", b"[]", b'{"jsonrpc":"2.0","id":5,"method":"ping","x":1}'):
        client.say(hostile)
        assert client.hear()["error"]["code"] in (-32700, -32600)
    client.say(b"   ")
    assert client.ask(1, "tools/list")["error"]["message"] == "the first request is 'initialize'"
    assert client.ask(2, "initialize", **INITIALIZE)["result"]["serverInfo"]["name"] == "tiny"
    client.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert [tool["name"] for tool in client.ask(3, "tools/list")["result"]["tools"]] == ["look"]
    assert "tasks/list is not served" in client.ask(4, "tasks/list")["error"]["message"]
    assert run("gateway", "pull", "stop", "--config", str(path))[0] == 0
    assert "stopped" in client.ask(5, "ping")["error"]["message"]
    client.process.stdin.close()
    client.process.stdin = None
    code, errors = client.end()
    assert code == 0
    assert "Traceback" not in errors
    records = run("gateway", "traffic", "--config", str(path))[1].splitlines()
    assert [json.loads(line)["ending"] for line in records][-1] == "stopped"
