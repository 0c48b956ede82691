"""MCP servers of a gateway's file: what is wrong is said with file and line, and nothing starts without leave."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.core.grants import Grants
from shipworthy.gateway.config import read_config

GOOD = """\
guards: guards.yaml
mcp:
  it: {command: [python, server.py], env: {KEY: "env:MY_KEY"}}
"""
COMMAND = 'command: [python, server.py], env: {KEY: "env:MY_KEY"}'
KEYED = 'url: "https://a.example.com/", key: "env:MY_KEY"'
LINE = "KEY=env:MY_KEY python server.py"


@pytest.fixture
def config(tmp_path):
    def write(text, grants=None):
        (tmp_path / "guards.yaml").write_text("rules: []\n")
        (tmp_path / "gateway.yaml").write_text(text)
        allowed = Grants().and_command(tmp_path.resolve(), LINE)
        return read_config(tmp_path / "gateway.yaml", grants if grants is not None else allowed)

    return write


def test_a_server_starts_with_leave_and_not_without(config, tmp_path) -> None:
    found = config(GOOD).mcp["it"]
    assert found.spec.line == LINE
    assert found.pins is None
    with pytest.raises(WorkspaceError) as caught:
        config(GOOD, Grants().and_command(tmp_path / "elsewhere", LINE))
    (problem,) = caught.value.problems
    assert (problem.line, problem.hint) == (
        3,
        f"if that is right: shipworthy allow command --in {tmp_path.resolve()} -- {LINE}",
    )


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("server.py", "other.py"), 3, "you have not allowed it"),
        (("MY_KEY", "OTHER_KEY"), 3, "you have not allowed it"),
        (('"env:MY_KEY"', "sk-abc"), 3, "reference"),
        (("command: [python, server.py], ", ""), 3, "'url' or a 'command'"),
        ((COMMAND, "command: [a], url: http://127.0.0.1:1/mcp"), 3, "and not both"),
        ((COMMAND, 'url: "http://127.0.0.1:1/", env: {A: "env:B"}'), 3, "'env' is for"),
        ((COMMAND, 'url: "http://169.254.169.254/"'), 3, "link-local"),
        ((COMMAND, KEYED), 3, "shipworthy allow key env:MY_KEY a.example.com"),
        (("command:", "comand:"), 3, "did you mean"),
        (("env: {", "media: maybe, env: {"), 3, "media"),
        (("env: {", "pins: guards.yaml, env: {"), 3, "pins"),
        (("mcp:", "workers: 2\nmcp:"), 2, "'workers' must be 1"),
        ((GOOD.partition("\n")[2], ""), 0, "nobody to ask"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(config, change, line, said) -> None:
    assert change[0] in GOOD
    with pytest.raises(WorkspaceError) as caught:
        config(GOOD.replace(*change))
    assert any(said in str(p) and (not line or p.line == line) for p in caught.value.problems), str(caught.value)
