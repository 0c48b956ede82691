"""The how-to on MCP works as printed, from leave to a client that reads a guarded result, over stdio and over HTTP."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import shipworthy

pytest.importorskip("mcp", reason="mcp is not here: the extra `mcp` brings it")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "put-the-gateway-in-front-of-an-mcp-server.md"
SHOWN = "Mail 7, from [redacted:email]: lunch at noon?"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files as printed, and the two programs of the page under their names."""
    monkeypatch.chdir(tmp_path)
    bin = tmp_path / "bin"
    bin.mkdir()
    source = shlex.quote(str(Path(shipworthy.__file__).parents[1]))
    for name, module in (("python", ""), ("shipworthy", " -m shipworthy")):
        line = f'PYTHONPATH={source} exec {shlex.quote(sys.executable)}{module} "$@"'
        (bin / name).write_text(f"#!/bin/sh\n{line}\n")
        (bin / name).chmod(0o755)
    # The client's library hands its child few variables: leave is where a user's own would be.
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("SHIPWORTHY_GRANTS", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}{os.environ['PATH']}")
    server, client = blocks("python")
    guards, gateway = blocks("yaml")
    for name, text in {"mail_server.py": server, "client.py": client, "guards.yaml": guards}.items():
        Path(name).write_text(text, "utf-8")
    Path("gateway.yaml").write_text(gateway, "utf-8")
    return tmp_path


def run(line: str) -> str:
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_from_leave_to_a_guarded_result(folder) -> None:
    allow, look, write, _ = blocks("sh")
    run(allow)
    assert "Read one mail." in run(look)
    assert "1 tools are pinned" in run(write)
    assert run("python client.py") == SHOWN + "\n"
    assert f"prints `{SHOWN}`" in PAGE.read_text("utf-8")
    (settings,) = (json.loads(block)["mcpServers"]["mail"] for block in blocks("json"))
    client = Path("client.py").read_text("utf-8")
    assert all(f'"{word}"' in client for word in (settings["command"], *settings["args"]))
    records = [json.loads(line) for line in run("shipworthy gateway traffic --config gateway.yaml").splitlines()]
    assert {"initialize", "tools/call"} <= {record["model"] for record in records}
    _over_http(blocks("sh")[3])


def _over_http(line: str) -> None:
    """Serve as printed, but on a free port, and ask with the page's client at its address."""
    served = yaml.safe_load(Path("gateway.yaml").read_text("utf-8")) | {"listen": "127.0.0.1:0"}
    Path("gateway.yaml").write_text(yaml.safe_dump(served), "utf-8")
    process = subprocess.Popen(shlex.split(line), stderr=subprocess.PIPE, text=True)
    try:
        base = next(found[1] for told in process.stderr if (found := re.search(r"listening on (\S+)", told)))
        client = Path("client.py").read_text("utf-8")
        asked = re.sub(r"^server = .*?^\)$", f'server = "{base}/mcp/mail"', client, flags=re.MULTILINE | re.DOTALL)
        assert asked != client
        Path("http_client.py").write_text(asked, "utf-8")
        assert run("python http_client.py") == SHOWN + "\n"
    finally:
        process.terminate()
        process.communicate(timeout=20)
