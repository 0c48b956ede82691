"""Results of other tools that lie: names that are paths or move a cursor, numbers without end, archives that swell."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from case import Case, Outcome, Ran, accepted, judge
from lab import SECRET, Lab

KIND = "results of other tools"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship"
MAIL = "ida.lovelace@example.org"
DATE = "2026-12-01T02-32-04.938359"
FILES = Path(__file__).parents[2] / "tests/unit/evals/imports/files"
LOG: dict[str, Any] = {
    "version": 2,
    "eval": {"task": "t", "model": "m", "created": "2026-12-01T00:00:00", "packages": {"inspect_ai": "0.3.285"}},
    "samples": [
        {"id": "a", "epoch": 1, "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": MAIL}],
         "scores": {"match": {"value": "C"}}, "model_usage": {}}
    ],
}  # fmt: skip


def controls(lab: Lab) -> Iterator[Case]:
    """What the tools wrote themselves."""
    for name in ("garak.report.jsonl", "inspect.json", "promptfoo.json", "pyrit.db", "petri.eval"):
        yield Case(
            KIND, f"control: {name}", lambda name=name: accepted(_imported(lab, name, (FILES / name).read_bytes()))
        )
    yield Case(KIND, "control: a log", lambda: accepted(_imported(lab, "l.json", _log({}))))


def cases(lab: Lab) -> Iterator[Case]:
    """Logs, folders of results, archives."""
    for name, path, value in _EDITS:
        yield Case(KIND, f"a log: {name}", lambda p=path, v=value: _shown(lab, _log({p: v})))
    for name, data in _texts():
        yield Case(KIND, name, lambda data=data: judge(_imported(lab, "r.json", data), codes=(2,)))
    for name, data in _archives():
        yield Case(KIND, f"an archive: {name}", lambda data=data: judge(_imported(lab, "r.eval", data), codes=(2,)))
    for task in ("../../t", "/etc/passwd", "a/b", "..", "a\0b", ESCAPE, "x" * 5000):
        yield Case(KIND, f"a task of lm-eval {task[:30]!r}", lambda task=task: _lm_eval(lab, task))
        yield Case(KIND, f"a scanner of Scout {task[:30]!r}", lambda task=task: _scout(lab, task))
    yield Case(KIND, "a gate on it", lambda: _gated(lab))
    yield Case(KIND, "a mail address in an answer", lambda: _kept(lab))


_EDITS: tuple[tuple[str, str, Any], ...] = (
    ("an escape as task", "eval.task", ESCAPE), ("an escape as model", "eval.model", ESCAPE), ("an escape as time", "eval.created", ESCAPE),
    ("an escape as id", "samples.0.id", ESCAPE), ("an escape as metric", "samples.0.scores", {ESCAPE: {"value": "C"}}),
    ("an escape as role", "samples.0.messages.0.role", ESCAPE), ("an escape as version", "eval.packages.inspect_ai", ESCAPE),
    ("an escape as error", "samples.0.error", {"message": ESCAPE}), ("a task of 100,000 letters", "eval.task", "x" * 100_000),
    ("an empty task", "eval.task", ""), ("an empty id", "samples.0.id", ""), ("an empty metric", "samples.0.scores", {"": {"value": "C"}}),
    ("an epoch without end", "samples.0.epoch", 10**30), ("an epoch below", "samples.0.epoch", -1), ("a time without end", "samples.0.working_time", 1e308),
    ("tokens without end", "samples.0.model_usage", {"m": {"input_tokens": 10**30, "output_tokens": 1}}),
    ("a score of NaN", "samples.0.scores", {"m": {"value": float("nan")}}), ("a score of infinity", "samples.0.scores", {"m": {"value": float("inf")}}),
    ("a score of 10**400", "samples.0.scores", {"m": {"value": 10**400}}), ("a score within scores", "samples.0.scores", {"m": {"value": {"n": {"o": 1}}}}),
    ("a task that is a path", "eval.task", "../../../etc"), ("a text turned round", "eval.task", "a\u202eb"), ("version 3", "version", 3),
    ("two of one sample", "samples", [LOG["samples"][0], LOG["samples"][0]]), ("no sample", "samples", []), ("samples that are none", "samples", "x"),
)  # fmt: skip


def _log(edits: dict[str, Any]) -> bytes:
    made = json.loads(json.dumps(LOG))
    for path, value in edits.items():
        *way, last = path.split(".")
        place = made
        for key in way:
            place = place[int(key)] if isinstance(place, list) else place[key]
        place[last] = value
    return json.dumps(made).encode()


def _texts() -> Iterator[tuple[str, bytes]]:
    yield from (
        ("nothing", b""), ("zeros", b"\0" * 300), ("half a log", _log({})[:-20]), ("5,000 digits", b'{"version": ' + b"9" * 5000 + b', "eval": {}}'),
        ("100,000 brackets", b'{"version": 2, "eval": ' + b"[" * 100_000), ("not UTF-8", _log({}).replace(b'"t"', b'"\xff"')),
        ("half a surrogate pair", _log({}).replace(b'"t"', b'"\\ud800"')), ("a half as a key", _log({}).replace(b'"match"', b'"\\ud800"')),
        ("garak without a beginning", b'{"entry_type": "attempt", "status": 2}\n'), ("promptfoo without rows", b'{"evalId": 1, "results": {}}'),
        ("a memory that is none", b"SQLite format 3\0" + b"\0" * 600), ("Parquet that is none", b"PAR1" + b"\0" * 90),
    )  # fmt: skip


def _archives() -> Iterator[tuple[str, bytes]]:
    def packed(*members: tuple[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in members:
                made.writestr(name, data)
        return out.getvalue()

    head = json.dumps({key: LOG[key] for key in ("version", "eval")}).encode()
    yield "no header", packed(("samples/a.json", b"{}"))
    yield "no samples", packed(("header.json", head))
    yield "300 MB of zeros as a header", packed(("header.json", b"\0" * (300 << 20)))
    yield "a member that is a path", packed(("header.json", head), ("samples/../../../x.json", b"[]"))
    yield "a header that is a list", packed(("header.json", b"[]"))
    yield "cut off", packed(("header.json", head), ("samples/a.json", b"{}"))[:-30]


def _imported(lab: Lab, name: str, data: bytes, root: Path | None = None) -> Ran:
    root = root or lab.workspace(samples=12)
    file = root / "given" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    return lab.run("runs", "import", "-C", root, file, tty=True)


def _shown(lab: Lab, data: bytes) -> Outcome:
    """Import it; where that is taken, nothing that lists or shows it may move the cursor."""
    root = lab.workspace(samples=12)
    ran = _imported(lab, "r.json", data, root)
    if ran.code:
        return judge(ran, codes=(2,))
    for words in (("list",), ("show",), ("samples",), ("show", "latest", "--format", "json")):
        ran = lab.run("runs", words[0], "-C", root, *words[1:], tty=True)
        if (found := judge(ran, codes=(0,))).word != "refused":
            return found
    return judge(ran, codes=(0,))


def _lm_eval(lab: Lab, task: str) -> Outcome:
    root = lab.workspace(samples=12)
    (root / "passwd.jsonl").write_text(SECRET)
    made = {
        "results": {task: {"sample_len": 1}},
        "configs": {task: {}},
        "lm_eval_version": "0.4",
        "model_name": "m",
        "date": 1.0,
    }
    return judge(_imported(lab, f"results_{DATE}.json", json.dumps(made).encode(), root), codes=(2,))


def _scout(lab: Lab, name: str) -> Outcome:
    made = {"scan_id": "x", "timestamp": "2026", "packages": {}, "scanners": {name: {}}}
    return judge(_imported(lab, "_scan.json", json.dumps(made).encode()), codes=(2,))


def _gated(lab: Lab) -> Outcome:
    root = lab.workspace(samples=12)
    ran = _imported(lab, "r.json", _log({"eval.task": "leaks", "samples.0.scores": {"leak": {"value": "I"}}}), root)
    return judge(lab.run("gate", "-C", root, "latest", tty=True), codes=(2,)) if not ran.code else judge(ran)


def _kept(lab: Lab) -> Outcome:
    root = lab.workspace(samples=12)
    ran = _imported(lab, "r.json", _log({}), root)
    kept = any(MAIL.encode() in path.read_bytes() for path in (root / ".shipworthy").rglob("*") if path.is_file())
    return judge(ran, harm="the address is on the disk as it was said" if kept else "", codes=(0,))
