"""The how-to on signing off works as printed, on the helpdesk; a script stands in for its model, which is slow."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipworthy.cli import root

PAGE = (Path(__file__).parents[2] / "docs/how-to/sign-off-a-release.md").read_text("utf-8")
SCRIPT = """\
from shipworthy.core.records import Request

def answer(request: Request) -> str:
    return "I'm sorry, but I can't help with that."
"""
TARGETS = (
    'targets:\n  default:\n    use: helpdesk_rag\n    model: {use: python, call: "scripted:answer", version: "1"}\n'
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    day = f"{datetime.now(UTC) + timedelta(days=60):%Y-%m-%d}"

    def command(line, code=0):
        line, _, file = line.replace("2026-12-31", day).partition(" > ")
        words = shlex.split(line)
        assert words.pop(0) == "shipworthy"
        verb = root.get_command(None, words[0])
        verb = getattr(verb, "commands", {}).get(words[1], verb)
        if any(option.name == "allow_code" for option in verb.params):
            words.append("--allow-code")  # the script is code of the workspace, and the page's model is not
        done = _runner().invoke(root, words, standalone_mode=False)
        assert ((done.return_value or 0) if done.exception is None else done.exception) == code, (line, done.output)
        if file:
            Path(file).write_text(done.stdout)
        return done.stdout

    return command


def test_the_page_as_printed(run):
    blocks = [block.splitlines() for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
    assert len(blocks) == 10
    init, keys, register, measure, propose, accept, approve, decide, no_go, build = blocks
    run(*init)
    Path("desk/targets.yaml").write_text(TARGETS)
    Path("desk/scripted.py").write_text(SCRIPT)
    for line in (*keys, *register, *measure[:-1]):
        run(line)
    run(measure[-1], code=1)
    run(propose[0])
    status = run(propose[1], code=1)
    assert "criterion CR-open" in status
    assert "registered before it was made (entry 1)" in status
    run(accept[0])
    assert "risks: [RK-refusal]" in Path("desk/waivers.yaml").read_text()
    run(accept[1], code=1)
    run(accept[2])
    for line in approve:
        status = run(line)
    assert "accepted, not closed: CR-open" in status
    assert "GO_WITH_RISK_ACCEPTANCE by ines.carvalho as RO-product" in run(*decide)
    verify = "shipworthy evidence verify desk.zip --trust desk/signers.json --require go-with-risk-acceptance"
    run(no_go[0])
    assert "NO_GO by hanna.oduya" in run(no_go[1], code=1)
    assert "NO_GO" in run(no_go[2])
    run(build[0])
    assert "GO_WITH_RISK_ACCEPTANCE for EU, de; NO_GO for US, en" in run(verify, code=1)


def _runner() -> CliRunner:
    """Return a runner that keeps standard output apart, as click does by itself from 8.2 on."""
    try:
        return CliRunner(mix_stderr=False)
    except TypeError:
        return CliRunner()
