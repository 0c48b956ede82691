"""The verbs `keys` and `evidence`, from a key to a refused pack."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import stat
from pathlib import Path
from types import ModuleType

import pytest

from shipworthy.cli import run


@pytest.fixture
def toy() -> ModuleType:
    """The small workspace that the tests of the package `evidence` use."""
    path = Path(__file__).parents[1] / "evidence" / "conftest.py"
    spec = importlib.util.spec_from_file_location("evidence_toy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_keys_are_made_listed_and_trusted(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "trust"]) == 2
    assert run(["keys", "new", "--name", "ada", "--owner", "Ada L."]) == 0
    assert stat.S_IMODE((keys / "ada.key").stat().st_mode) == 0o600
    assert run(["keys", "new", "--name", "ada"]) == 2
    capsys.readouterr()
    assert run(["keys", "list"]) == 0
    assert "Ada L." in capsys.readouterr().out
    assert run(["keys", "trust"]) == 0
    out = capsys.readouterr().out
    assert [key["owner"] for key in json.loads(out)["keys"]] == ["Ada L."]
    assert "PRIVATE" not in out
    assert run(["keys", "trust", "--threshold", "2"]) == 2
    assert run(["keys", "trust", str(keys / "ada.pub.json")]) == 0


def test_limits_of_key_files_and_roles_go_into_the_trust_file(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "new", "--name", "ada"]) == 0
    public = keys / "ada.pub.json"
    limits = {"not_after": "2027-01-01", "roles": ["release", "safety"]}
    public.write_text(json.dumps(json.loads(public.read_text()) | limits))
    capsys.readouterr()
    assert run(["keys", "trust", "--need", "safety=1"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["roles"] == {"safety": 1}
    assert (value["keys"][0]["not_after"], value["keys"][0]["roles"]) == ("2027-01-01T23:59:59Z", ["release", "safety"])
    for wrong in ("safety", "safety=x", "=1", "safety=2", "legal=1"):
        assert run(["keys", "trust", "--need", wrong]) == 2


def test_a_pack_is_built_verified_shown_and_refused(
    toy: ModuleType, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = toy.make_case(tmp_path / "toy", tmp_path / "unused")
    build = ["evidence", "build", "-C", str(case.root), "--allow-code"]
    assert run(build) == 2
    assert "keys new" in capsys.readouterr().err
    assert run(["keys", "new", "--name", "ada"]) == 0
    assert run(build) == 0
    pack = case.root / "evidence" / f"{case.decision.id}.zip"
    before = pack.read_bytes()
    assert run([*build, "latest", "--key", "ada"]) == 0
    assert pack.read_bytes() == before
    capsys.readouterr()
    assert run(["keys", "trust"]) == 0
    trust = tmp_path / "trust.json"
    trust.write_text(capsys.readouterr().out)

    verify = ["evidence", "verify", str(pack), "--trust", str(trust)]
    assert run(verify) == 1
    out = capsys.readouterr().out
    assert "4 of 4 counted again" in out
    assert "report.html rendered again from the records inside: the same bytes" in out
    assert run([*verify, "--require", "any"]) == 0
    assert run(["evidence", "verify", str(pack)]) == 2
    assert run(["evidence", "show", str(pack)]) == 0
    assert "decision.json" in capsys.readouterr().out
    assert run(["evidence", "show", str(pack), "--format", "json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)["members"]}
    assert run(["evidence", "show", str(pack), "decision.json"]) == 0
    member = capsys.readouterr().out.encode()
    assert listed["decision.json"]["bytes"] == len(member)
    assert listed["decision.json"]["digest"] == f"sha256:{hashlib.sha256(member).hexdigest()}"
    assert run(["evidence", "show", str(pack), "decision.json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "no-ship"
    assert run(["evidence", "show", str(pack), "decision.jso"]) == 2
    assert "did you mean 'decision.json'" in capsys.readouterr().err

    place = before.index(b'"verdict":"no-ship"')
    pack.write_bytes(before[:place] + b'"verdict":"ok-ship"' + before[place + 19 :])
    assert run(verify) == 4
    assert "audit-log.jsonl: its content was changed" in capsys.readouterr().out
    assert run(["evidence", "verify", str(tmp_path / "none.zip"), "--trust", str(trust)]) == 2
    assert run(["keys", "new", "--name", "bob"]) == 0
    assert run(build) == 2
    assert "ada, bob" in capsys.readouterr().err
    (keys / "ada.key").chmod(0o644)
    assert run([*build, "--key", "ada"]) == 2
    assert "chmod 600" in capsys.readouterr().err
