"""What a workspace from elsewhere tries, and what comes of it: no code runs and no key leaves without leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import WorkspaceError
from shipworthy.evals.api import evaluate
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

KEY = "sk-of-the-runner-4711"


@pytest.fixture
def root(tmp_path, monkeypatch):
    scaffold(tmp_path / "w", "minimal")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "w"


def _target(root: Path, **params: Any) -> None:
    (root / "targets.yaml").write_text(json.dumps({"targets": {"default": params}}))


def _shell(root: Path) -> Path:
    """Have a target load YAML with objects, and a sample bring one that runs a shell command."""
    ran = root.parent / "ran"
    _target(root, use="python", call="yaml:unsafe_load")
    (root / "suites" / "own").mkdir()
    (root / "suites" / "own" / "suite.yaml").write_text(
        "id: own\nversion: 1.0.0\ntitle: Own\ncontent: synthetic\nmetric: not_refused\nscorers: [refusal]\n"
    )
    sample = {"id": "a", "prompt": f"!!python/object/apply:os.system ['touch {ran}']"}
    (root / "suites" / "own" / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    return ran


@pytest.mark.parametrize("words", [["eval", "--suite", "own"], ["gate"], ["check"], ["plan"], ["evidence", "build"]])
def test_code_that_a_workspace_names_runs_under_no_verb(root, words, capsys):
    ran = _shell(root)
    code = shipworthy([*words, "-C", str(root)])
    assert not ran.exists()
    if words[0] == "eval":
        assert code == 2
        assert f"{root / 'targets.yaml'}:1: the target 'python' runs code" in (told := capsys.readouterr().err)
        assert "shipworthy allow code yaml:unsafe_load" in told
        assert "Traceback" not in told
    if words[0] == "check":
        assert "warning: " in (told := capsys.readouterr().out)
        assert "yaml:unsafe_load" in told


def test_from_python_it_needs_the_same_leave(root):
    ran = _shell(root)
    with pytest.raises(WorkspaceError, match="runs code that this file names"):
        evaluate(Workspace.load(root), plan="full")
    assert not ran.exists()


def test_with_leave_it_runs(root, allow):
    (root / "own_bot.py").write_text("def answer(text: str) -> str:\n    return 'I cannot help with that.'\n")
    _target(root, use="python", call="own_bot:answer")
    words = ["eval", "-C", str(root), "--suite", "harmful-request", "--max-requests", "3"]
    assert shipworthy(words) == 2
    assert shipworthy([*words, "--allow-code"]) == 4, "stopped by its limit"
    allow("own_bot:answer")
    assert shipworthy([*words, "--no-cache"]) == 4, "found by now, and allowed by name"
    allow("own_bot:other")


def test_a_workspaces_own_code_is_not_allowed_by_name_and_no_hint_says_so(root, allow, capsys):
    (root / "lone_bot.py").write_text("def answer(text: str) -> str:\n    return 'I cannot help with that.'\n")
    _target(root, use="python", call="lone_bot:answer")
    allow("lone_bot:answer")
    assert shipworthy(["eval", "-C", str(root)]) == 2
    said = capsys.readouterr().err
    assert "runs this workspace's own code, 'lone_bot:answer'" in said
    assert "run it with --allow-code" in said
    assert "shipworthy allow code" not in said
    assert shipworthy(["allow", "review", "-C", str(root), "--yes"]) == 2
    assert "1 not allowed" in capsys.readouterr().out


def test_leave_may_not_lie_in_the_workspace(root, monkeypatch, capsys):
    _shell(root)
    (root / "grants.json").write_text('{"code": ["yaml"]}')
    monkeypatch.setenv("SHIPWORTHY_GRANTS", str(root / "grants.json"))
    assert shipworthy(["eval", "-C", str(root)]) == 2
    assert "lies in the workspace" in capsys.readouterr().err


def _asks(place: str, key: str) -> list[dict[str, Any]]:
    """Return every way in which a workspace may name a place and a key."""
    openai = {"use": "openai_compatible", "base_url": f"http://{place}/v1", "model": "m", "key": key, "retries": 0}
    http = {
        "use": "http",
        "url": f"http://{place}/",
        "put": {"$.q": "message"},
        "answer": "$.a",
        "key": key,
        "retries": 0,
    }
    return [openai, openai | {"base_url": f"HTTP://{place}/v1"}, http, http | {"key_header": "X-Key"}]


@pytest.mark.parametrize("way", range(4))
def test_a_key_goes_nowhere_without_leave(root, chat, monkeypatch, tmp_path, capsys, way):
    place = chat.place
    (tmp_path / "key").write_text(KEY)
    monkeypatch.setenv("RUNNER_SECRET", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for key in ("env:RUNNER_SECRET", "env:OPENAI_API_KEY", f"file:{tmp_path / 'key'}"):
        _target(root, **_asks(place, key)[way])
        assert shipworthy(["eval", "-C", str(root), "--max-requests", "1"]) == 2
        told = capsys.readouterr().err
        assert f"shipworthy allow key {key} {place}" in told
        assert f"{root / 'targets.yaml'}:1: " in told
        assert KEY not in told
    assert chat.seen == []


@pytest.mark.parametrize(
    "address", ["\x01http://{}/v1", " http://{}/v1", "ht\ntp://{}/v1", "http:\t//{}/v1", "HTTP://{}/v1"]
)
def test_another_address_beside_it_is_no_cover(root, chat, monkeypatch, capsys, address):
    """Leave is asked for the address as the request reads it, and not for another that stands beside it."""
    place = chat.place
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    target = _asks(place, "env:OPENAI_API_KEY")[0] | {"base_url": address.format(place)}
    _target(root, **target, system="https://api.openai.com/v1", plain_http=True)
    assert shipworthy(["eval", "-C", str(root), "--max-requests", "1"]) == 2
    assert KEY not in capsys.readouterr().err
    assert chat.seen == []


@pytest.mark.parametrize("use", ["openai_compatible", "http"])
@pytest.mark.parametrize("setting", [{"plain_http": True}, {"ca_file": "ours.pem"}])
def test_a_key_of_a_known_owner_is_not_shown_to_those_on_the_way(root, monkeypatch, allow, capsys, use, setting):
    """A provider's own key may go to it without being asked, but neither unencrypted nor past any authority."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    address = f"http{'' if 'plain_http' in setting else 's'}://api.openai.com/v1"
    target = next(t for t in _asks("x", "env:OPENAI_API_KEY") if t["use"] == use)
    _target(root, **target | {"base_url" if use == "openai_compatible" else "url": address} | setting)
    place = "plain_http:api.openai.com" if "plain_http" in setting else "ca_file:api.openai.com"
    for given in ((), ("api.openai.com",), ("ca_file:api.openai.com:80",), ("plain_http:api.openai.org",)):
        allow(**({"env__OPENAI_API_KEY": given[0]} if given else {}))
        assert shipworthy(["eval", "-C", str(root), "--max-requests", "1"]) == 2
        assert f"shipworthy allow key env:OPENAI_API_KEY {place}" in capsys.readouterr().err
    allow(env__OPENAI_API_KEY=place)
    Workspace.load(root).permit()


def test_leave_to_send_it_unencrypted_is_typed_once(root, monkeypatch, tmp_path):
    monkeypatch.setenv("SHIPWORTHY_GRANTS", str(tmp_path / "grants.json"))
    _target(root, **_asks("models.example.com:8000", "env:RUNNER_SECRET")[0], plain_http=True)
    assert shipworthy(["allow", "key", "env:RUNNER_SECRET", "models.example.com"]) == 0
    with pytest.raises(WorkspaceError, match="unencrypted, if this file has its way"):
        Workspace.load(root).permit()
    assert shipworthy(["allow", "key", "env:RUNNER_SECRET", "plain_http:models.example.com"]) == 0
    Workspace.load(root).permit()


def test_an_address_in_a_prompt_asks_for_nothing(root):
    target = _asks("models.example.com", "env:RUNNER_SECRET")[0]
    _target(root, **target, system="Send people to https://help.example.org")
    assert [(w.what, w.place) for w in Workspace.load(root).wants] == [
        ("env:RUNNER_SECRET", "plain_http:models.example.com")
    ]


def test_an_address_of_ipv6_is_allowed_as_it_is_written(root, allow):
    _target(root, **_asks("[::1]:8000", "env:RUNNER_SECRET")[0])
    (want,) = Workspace.load(root).wants
    assert want.place == "[::1]:8000"
    allow(env__RUNNER_SECRET="[::1]:8000")
    Workspace.load(root).permit()
    allow(env__RUNNER_SECRET="[::1]")
    Workspace.load(root).permit()


def test_a_plug_in_that_is_not_loaded_hides_no_other_problem(root, capsys):
    _target(root, use="of_nobody", key="env:RUNNER_SECRET")
    assert shipworthy(["check", "-C", str(root)]) == 2
    told = capsys.readouterr().out
    assert "unknown target 'of_nobody'" in told
    assert "Traceback" not in told


def test_a_judge_may_not_take_it_there_either(root, chat, monkeypatch, capsys):
    place = chat.place
    monkeypatch.setenv("RUNNER_SECRET", KEY)
    (root / "plugins").mkdir()
    (root / "plugins" / "asks.py").write_text(
        "from shipworthy.core.metric import Metric\nfrom shipworthy.core.registry import scorer\n\n\n@scorer\n"
        "class Asks:\n    metrics = (Metric('asked', good='low'),)\n\n    def __init__(self, *, model=None):\n"
        "        pass\n\n    def describe(self):\n        return {'scorer': 'asks'}\n\n"
        "    async def score(self, context):\n        return []\n"
    )
    judge = {"use": "asks", "model": _asks(place, "env:RUNNER_SECRET")[0]}
    (root / "suites" / "harmful-request.yaml").write_text(
        json.dumps({"use": "library:harmful-request", "scorers": ["harm_level", "refusal", judge]})
    )
    code = shipworthy(["eval", "-C", str(root), "--allow-code", "--max-requests", "1"])
    assert code == 2
    assert f"shipworthy allow key env:RUNNER_SECRET {place}" in capsys.readouterr().err
    assert chat.seen == []


def test_with_leave_it_goes_to_that_host_and_port(root, chat, monkeypatch, allow):
    place = chat.place
    monkeypatch.setenv("RUNNER_SECRET", KEY)
    _target(root, **_asks(place, "env:RUNNER_SECRET")[0])
    allow(env__RUNNER_SECRET="127.0.0.1:1")
    assert shipworthy(["eval", "-C", str(root), "--max-requests", "1"]) == 2
    allow(env__RUNNER_SECRET=place)
    assert shipworthy(["eval", "-C", str(root), "--max-requests", "1"]) != 2
    assert KEY in chat.seen[0]["Authorization"]


def test_what_lies_in_the_folder_is_not_imported(root):
    ran = root / "ran"
    for name in ("click", "msgspec", "yaml", "numpy", "platformdirs", "random"):
        (root / f"{name}.py").write_text(f"open({str(ran)!r}, 'w')\nraise SystemExit(0)\n")
    for words in (["check"], ["plan"], ["scan", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]):
        done = subprocess.run(
            [sys.executable, "-m", "shipworthy", *words], cwd=root, capture_output=True, text=True, env=os.environ
        )
        assert done.returncode == (4 if words[0] == "scan" else 0), done.stderr
        assert not ran.exists()


def test_review_asks_for_each_and_allows_what_was_agreed_to(root, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SHIPWORTHY_GRANTS", str(tmp_path / "grants.json"))
    _target(root, **_asks("models.example.com", "env:RUNNER_SECRET")[0])
    assert shipworthy(["allow", "list"]) == 0
    assert "nothing is allowed" in capsys.readouterr().out
    with monkeypatch.context() as patched:
        patched.setattr("click.confirm", lambda *_, **__: False)
        assert shipworthy(["allow", "review", "-C", str(root)]) == 2
    assert "wants to send env:RUNNER_SECRET to plain_http:models.example.com" in capsys.readouterr().out
    assert not (tmp_path / "grants.json").exists()
    assert shipworthy(["allow", "review", "-C", str(root), "--yes"]) == 0
    capsys.readouterr()
    assert shipworthy(["allow", "list", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows == [{"kind": "key", "what": "env:RUNNER_SECRET", "place": "plain_http:models.example.com"}]
    assert shipworthy(["allow", "remove", "env:RUNNER_SECRET"]) == 0
    assert shipworthy(["allow", "remove", "env:RUNNER_SECRET"]) == 2
    assert shipworthy(["allow", "code", "app:answer"]) == 0
    assert shipworthy(["allow", "key", "sk-4711", "a.org"]) == 2
    assert "4711" not in capsys.readouterr().err


def test_a_guards_key_goes_to_its_endpoint_alone_and_with_leave(root, chat, monkeypatch, capsys, allow):
    monkeypatch.setenv("GUARD_KEY", KEY)
    params = {"classifier": "openai_moderation", "base_url": chat.url, "key": "env:GUARD_KEY"}
    (root / "guards.yaml").write_text(json.dumps({"rules": [{"id": "GD-p", "use": "output_policy", "params": params}]}))
    assert shipworthy(["eval", "-C", str(root), "--suite", "harmful-request", "--max-requests", "1"]) == 2
    assert f"shipworthy allow key env:GUARD_KEY {chat.place}" in capsys.readouterr().err
    assert not chat.seen
    # To look for it in answers is another leave than to send it.
    allow(env__GUARD_KEY="facts")
    assert shipworthy(["eval", "-C", str(root), "--suite", "harmful-request", "--max-requests", "1"]) == 2
    assert not chat.seen
