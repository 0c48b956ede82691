"""Edits after a release was decided: whoever changes what was judged must decide again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case, Outcome, accepted, judge
from lab import Lab

KIND = "edit after a decision"


def controls(lab: Lab) -> Iterator[Case]:
    """Nothing was changed, or nothing that means anything."""
    yield Case(KIND, "control: nothing", lambda: accepted(_build(lab, lambda root: None)[0]))


def cases(lab: Lab) -> Iterator[Case]:
    """Each edit, and then the pack that is asked for."""
    for name, edit in (*_files(), *_results()):
        yield Case(KIND, name, lambda edit=edit: _tried(lab, edit))
    for name, edit in _files():
        if name.startswith("targets: ") or name.startswith("guards: "):
            continue  # another target or guard is another subject: it is measured anew
        yield Case(KIND, f"{name}, and resumed", lambda edit=edit: _resumed(lab, edit))


def _build(lab: Lab, edit: Callable[[Path], object]) -> tuple:  # type: ignore[type-arg]
    root = lab.copy(lab.shipped.root)
    edit(root)
    output = root.parent / "pack.zip"
    return lab.run("evidence", "build", "-C", root, "-o", output, tty=True), output


def _tried(lab: Lab, edit: Callable[[Path], object]) -> Outcome:
    ran, output = _build(lab, edit)
    return judge(ran, harm="it was packed and signed" if output.exists() else "")


def _resumed(lab: Lab, edit: Callable[[Path], object]) -> Outcome:
    """Go on with a run that was begun under other files: what is judged must not change in the middle."""
    root = lab.workspace()
    lab.run("eval", "-C", root, "--max-requests", "20")
    edit(root)
    ran = lab.run("eval", "-C", root, "--resume", "latest")
    if ran.code in (2, 4):
        return judge(ran)
    # A file that explains may change; the gate then decides on the files as the run was begun with, or not at all.
    gate = lab.run("gate", "-C", root)
    built = root.parent / "pack.zip"
    pack = lab.run("evidence", "build", "-C", root, "-o", built) if gate.code in (0, 1, 3) else gate
    return judge(pack, codes=(0, 2, 4))


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / name
        text = path.read_text()
        if old not in text:
            raise AssertionError(f"{name} does not hold {old!r}")
        path.write_text(text.replace(old, new))

    return edit


def _append(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: (root / name).write_text((root / name).read_text() + text) and None  # type: ignore[func-returns-value]


def _files() -> Iterator[tuple[str, Callable[[Path], None]]]:
    for old, new in (("SYS-toy", "SYS-other"), ("Toy desk", "Another desk"), ("team-toy", "team-eve")):
        yield f"system: {old} -> {new}", _replace("system.yaml", old, new)
    yield "system: a tier", _replace("system.yaml", "owner: team-toy", "owner: team-toy, tier: low")
    for old, new in (
        ("severity: S2", "severity: S4"), ("likelihood: 2", "likelihood: 1"), ("The phrase gets out", "Nothing much"),
        ("severity: S3", "severity: S4"),
    ):  # fmt: skip
        yield f"risks: {old} -> {new}", _replace("risks.yaml", old, new)
    yield "risks: one more", _append("risks.yaml", "  - {id: RK-new, title: New, severity: S1}\n")
    for old, new in (
        ("upper95 <= 0.30", "upper95 <= 0.90"), ("upper95 <= 0.50", "upper99 <= 0.50"), ("RQ-leak", "RQ-other"),
        ("mitigates: [RK-leak]", "mitigates: []"), ("The phrase is never told.", "The phrase may be told."),
        ("suite: helps", "suite: leaks, metric: leak"), ("metric: leak, must: worst", "metric: leak, severity: S4, must: worst"),
    ):  # fmt: skip
        yield f"requirements: {old} -> {new}", _replace("requirements.yaml", old, new)
    for old, new in (("max_error_rate: 0.05", "max_error_rate: 1.0"), ("criteria: all", "criteria: [CR-help]"), ("release", "other")):  # fmt: skip
        yield f"gate: {old} -> {new}", _replace("gate.yaml", old, new)
    for old, new in (
        ("model: good", "model: other"), ("Be of use.", "Be silent."), ("/v1", "/v2"),
        ("retries: 0}\n  other", "retries: 0, max_tokens: 5}\n  other"),
    ):  # fmt: skip
        yield f"targets: {old} -> {new}", _replace("targets.yaml", old, new)
    for old, new in (("pii_output", "canary_output"), ("stages: [output]", "stages: [output], shadow: true")):
        yield f"guards: {old} -> {new}", _replace("guards.yaml", old, new)
    yield "guards: taken away", lambda root: (root / "guards.yaml").unlink()
    yield "guards: none", lambda root: (root / "guards.yaml").write_text("rules: []\n") and None  # type: ignore[func-returns-value]
    for old, new in (("attacks: [none, rot13]", "attacks: [none]"), ("metric: leak", "metric: leak\nmax_error_rate: 0.9"), ('version: "1.2"', 'version: "1.3"'), ("synthetic", "private"), ("[canary_leak]", "[{use: canary_leak}, refusal]")):  # fmt: skip
        yield f"suite: {old} -> {new}", _replace("suites/leaks/suite.yaml", old, new)
    yield "suite: another title", _replace("suites/leaks/suite.yaml", "Asking for the phrase", "Small talk")
    yield "suite: another card", _append("suites/leaks/card.md", "\nAll of it harmless.\n")
    yield "samples: one less", lambda root: _lines(root, lambda lines: lines[:-1])
    yield "samples: one more", lambda root: _lines(root, lambda lines: [*lines, lines[0].replace("leaks-0", "leaks-x")])
    yield "samples: another prompt", lambda root: _lines(root, lambda lines: [lines[0].replace("phrase", "time"), *lines[1:]])  # fmt: skip
    yield "samples: another secret", lambda root: _lines(root, lambda lines: [line.replace("4471", "4472") for line in lines])  # fmt: skip
    yield "samples: another order", lambda root: _lines(root, lambda lines: lines[::-1])
    yield "samples: a severity", lambda root: _lines(root, lambda lines: [lines[0].replace('"id"', '"severity": "S4", "id"'), *lines[1:]])  # fmt: skip
    yield "include: a journey that is not critical", _replace("include/journeys.yaml", "critical: true", "critical: false")  # fmt: skip
    yield "include: one more file", lambda root: (root / "include" / "more.yaml").write_text("risks: [{id: RK-more, title: More, severity: S1}]\n") and None  # type: ignore[func-returns-value]  # fmt: skip
    yield "include: taken away", lambda root: (root / "include" / "journeys.yaml").unlink()
    yield "a suite more", lambda root: shutil.copytree(root / "suites/helps", root / "suites/again") and _replace("suites/again/suite.yaml", "id: helps", "id: again")(root)  # fmt: skip
    yield "a suite less", lambda root: shutil.rmtree(root / "suites/helps")


def _lines(root: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = root / "suites/leaks/samples.jsonl"
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))


def _state(root: Path, pattern: str) -> Path:
    return next((root / ".shipworthy").rglob(pattern))


def _results() -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Yield edits of what the tool itself has written."""

    def decision(**fields: object) -> Callable[[Path], object]:
        def edit(root: Path) -> None:
            path = _state(root, "DEC-*.json")
            path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

        return edit

    for fields in (
        {"verdict": "no-ship"}, {"reason": "all is well"}, {"system": "SYS-other"}, {"gate": "other"}, {"criteria": []},
        {"created": "2099-01-01T00:00:00Z"}, {"subject_digest": "sha256:" + "0" * 64}, {"runs": []}, {"id": "DEC-other"},
        {"spec_digest": "sha256:" + "0" * 64}, {"verdict": 7}, {"extra": 1, "verdict": "inconclusive"},
    ):  # fmt: skip
        yield f"decision file: {str(fields)[:40]}", decision(**fields)
    yield "decision file: cut off", lambda root: (p := _state(root, "DEC-*.json")).write_text(p.read_text()[:200])
    yield "decision file: rubbish", lambda root: _state(root, "DEC-*.json").write_bytes(b"\xff\x00")
    yield "decision file: deep", lambda root: _state(root, "DEC-*.json").write_text("[" * 100_000)
    yield "decision file: a folder", lambda root: ((p := _state(root, "DEC-*.json")).unlink(), p.mkdir())
    yield "decision file: gone", lambda root: _state(root, "DEC-*.json").unlink()

    def manifest(**fields: object) -> Callable[[Path], object]:
        def edit(root: Path) -> None:
            path = _state(root, "manifest.json")
            path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

        return edit

    for fields in ({"planned": 100}, {"seed": 7}, {"subject_digest": "sha256:" + "0" * 64}, {"plan": "other"}, {"shards": 2}, {"system": "SYS-other"}, {"id": "RUN-other"}):  # fmt: skip
        yield f"run manifest: {fields}", manifest(**fields)
    yield "run manifest: rubbish", lambda root: _state(root, "manifest.json").write_bytes(b"{")
    yield (
        "run log: one hit turned",
        lambda root: _log(root, lambda data: data.replace(b'"hit":false', b'"hit":null ', 1)),
    )
    yield "run log: a line less", lambda root: _log(root, lambda data: b"".join(data.splitlines(keepends=True)[:-1]))
    yield "run log: a line twice", lambda root: _log(root, lambda data: data + data.splitlines(keepends=True)[-1])
    yield "run log: gone", lambda root: _state(root, "attempts-*.jsonl").unlink()
    yield "run: gone", lambda root: shutil.rmtree(_state(root, "manifest.json").parent)
    yield "audit log: gone", lambda root: _state(root, "control.sqlite").unlink()
    yield (
        "audit log: rubbish",
        lambda root: _state(root, "control.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 500),
    )
    yield "audit log: empty", lambda root: _state(root, "control.sqlite").write_bytes(b"")


def _log(root: Path, change: Callable[[bytes], bytes]) -> None:
    path = _state(root, "attempts-*.jsonl")
    path.write_bytes(change(path.read_bytes()))
