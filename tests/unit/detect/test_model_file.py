"""Files of models: what can run code when it is loaded."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from shipworthy.cli import run
from shipworthy.core.errors import UsageError
from shipworthy.detect.model_file import look_at_model


def safetensors(*spans: tuple[int, int], size: int) -> bytes:
    """Return a file with tensors at these places, and so many bytes of numbers."""
    listed = {f"t{n}": {"dtype": "U8", "shape": [b - a], "data_offsets": [a, b]} for n, (a, b) in enumerate(spans)}
    head = json.dumps({"__metadata__": {"format": "pt"}, **listed}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(size)


class Runs:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("true",)


class Strange:
    def __reduce__(self) -> Any:
        import statistics

        return statistics.fmean, ([1.0],)


def state(path: Path, name: str, data: bytes) -> tuple[str, str]:
    (path / name).write_bytes(data)
    (one,) = look_at_model(path / name).files
    return one.state, one.why


def test_formats_that_hold_numbers_alone(tmp_path: Path) -> None:
    assert state(tmp_path, "m.safetensors", safetensors((0, 4), (4, 9), size=9))[0] == "plain"
    for name, data in {
        "short": b"\x01", "gap": safetensors((0, 4), (5, 9), size=9), "over": safetensors((0, 4), size=9),
        "twice": safetensors((0, 4), (2, 9), size=9), "pickle": pickle.dumps(Runs()),
        "head": struct.pack("<Q", 1 << 60) + b"{}", "list": struct.pack("<Q", 2) + b"[]",
    }.items():  # fmt: skip
        assert state(tmp_path, f"{name}.safetensors", data)[0] == "unread", name
    assert state(tmp_path, "m.gguf", b"GGUF\x03\0\0\0")[0] == "plain"
    assert state(tmp_path, "m.onnx", b"\x08\x07")[0] == "unread"
    assert state(tmp_path, "config.json", b'{"hidden_size": 4}')[0] == "plain"
    assert state(tmp_path, "broken.json", b"{")[0] == "unread"
    assert state(tmp_path, "other.json", b'{"auto_map": {"AutoModel": "own.Model"}}') == (
        "code", "`auto_map`: a loader that trusts its maker's code runs what it names",
    )  # fmt: skip
    assert state(tmp_path, "own.py", b"import os\n")[0] == "code"


def test_pickles_are_read_by_the_scanner_and_never_loaded(tmp_path: Path) -> None:
    pytest.importorskip("picklescan", reason="extra models: picklescan")
    assert state(tmp_path, "good.pkl", pickle.dumps({"a": [1.0]}))[0] in ("pickle", "unread")
    found = state(tmp_path, "bad.pkl", pickle.dumps(Runs()))
    assert found[0] == "code" and "system" in found[1]
    assert state(tmp_path, "no_ending", pickle.dumps(Runs()))[0] == "code"
    assert state(tmp_path, "strange.pkl", pickle.dumps(Strange()))[0] == "code"
    assert state(tmp_path, "cut.pkl", pickle.dumps(Runs())[:-6])[0] in ("code", "unread")
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Runs()))
    assert look_at_model(tmp_path / "m.pt").files[0].state == "code"


def test_a_folder_is_as_good_as_its_worst_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "m.safetensors").write_bytes(safetensors((0, 9), size=9))
    (folder / "config.json").write_text("{}")
    assert run(["model", "scan", str(folder)]) == 0
    before = look_at_model(folder).digest
    (folder / "link.json").symlink_to("/etc/hostname")
    assert run(["model", "scan", str(folder)]) == 3
    (folder / "own.py").write_text("x = 1\n")
    capsys.readouterr()
    assert run(["model", "scan", str(folder), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["worst"], told["files"][0]["file"]) == ("code", "own.py")
    assert told["digest"] != before
    with pytest.raises(UsageError, match="no file of a model"):
        look_at_model(tmp_path / "nowhere")
