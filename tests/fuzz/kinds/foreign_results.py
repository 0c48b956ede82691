"""Results of other tools: attempts that can be written down, or an error that says where. Parquet is duckdb's to read.

An input is a file, or several: ``%%NAME`` on a line by itself begins the next one, and the first is imported.
"""

from pathlib import Path
from shutil import rmtree

import msgspec

from shipworthy.core.errors import ShipworthyError
from shipworthy.detect.redact import seal
from shipworthy.evals.imports.bring import _attempts, _manifest, read_foreign

NAMES = {b"%%": "x", b"PK": "x.eval", b"SQ": "x.db", b"sa": "x.csv"}


def prepare(folder: Path) -> Path:
    return folder / "given"


def seeds(folder: Path) -> list[bytes]:
    """Return the files that the tools made themselves, those that are no Parquet."""
    files = Path(__file__).parents[2] / "unit/evals/imports/files"
    found = [(files / name).read_bytes() for name in ("garak.report.jsonl", "inspect.json", "promptfoo.json", "pyrit.db", "petri.eval")]  # fmt: skip  # noqa: E501
    parts = sorted((files / "lm-eval").iterdir())
    return [*found, b"".join(b"%%" + part.name.encode() + b"\n" + part.read_bytes() + b"\n" for part in parts)]


def feed(data: bytes, folder: Path) -> str:
    rmtree(folder, ignore_errors=True)
    folder.mkdir()
    first = folder / NAMES.get(data[:2], "x.json")
    if data.startswith(b"%%"):
        names = []
        for part in data.split(b"\n%%")[:5]:
            head, _, rest = part.removeprefix(b"%%").partition(b"\n")
            name = "".join(c for c in head.decode("ascii", "replace") if c.isalnum() or c in "-_.")[:100].strip(".")
            names.append(name or "x")
            (folder / names[-1]).write_bytes(rest)
        first = folder / names[0]
    else:
        first.write_bytes(data)
    if data.startswith(b"PAR1"):
        return "refused"
    try:
        found = read_foreign(first)
        manifest, attempts = _manifest("SYS-x", first, found), _attempts(found)
    except ShipworthyError as error:
        assert str(error).strip() and "Traceback" not in str(error)
        return "refused"
    assert len(attempts) == len(found.attempts) == manifest.planned
    assert sum(use.attempts for use in manifest.suites) == manifest.planned
    for attempt in attempts:
        assert attempt.outcome == "scored" or not attempt.scores
        for score in attempt.scores:
            metric = next(m for m in found.metrics[attempt.suite] if m.name == score.metric)
            assert (score.hit is None) == (metric.kind == "value")
            assert score.value is None or metric.low <= score.value <= metric.high
        msgspec.json.encode(seal(attempt, "private").record)
    return "accepted"
