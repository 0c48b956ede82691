"""What a gateway answers to the conformance kit: read without a crash, and a mark that is put behind it is found."""

import json
from pathlib import Path
from typing import Any

from shipworthy.conformance.came import Came
from shipworthy.conformance.judge import CellJudge
from shipworthy.conformance.plan import Matrix


def prepare(folder: Path) -> Any:
    cells = Matrix(("chat",), ("email",), True, "enforce", "1").cells()
    control = next(cell for cell in cells if cell.role == "control")
    return control, next(cell for cell in cells if cell.role == "cell" and cell.shape == control.shape)


def feed(data: bytes, ready: Any) -> str:
    control, cell = ready
    judge = CellJudge({}, "enforce")
    told = judge.control(control, Came(200, {}, data), [])
    plain = judge.marked(cell, Came(200, {"x": data[:20].decode("latin-1")}, data), [], told)
    assert plain.outcome in ("broken", "leaked", "not served", "stopped")
    assert plain.outcome != "stopped" or told.outcome == "served"
    for after in (cell.mark().encode(), b'\ndata: {"x": ' + json.dumps([cell.mark()]).encode() + b"}\n"):
        found = judge.marked(cell, Came(200, {}, data + after), [], told)
        assert found.outcome == "leaked" and found.bytes, "a mark is not found behind it"
    return "refused" if Came(200, {}, data).malformed else "accepted"
