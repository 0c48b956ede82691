"""The transcript viewer: a run as one offline HTML page.

The page holds the attempts as JSON in inert script elements, a small index for the list and chunks that are parsed when
they are looked at, so twenty thousand attempts open at once. All text is hostile: it is written with every ``<``
escaped, enters the page as text nodes only, and the page's own policy lets no other script run and loads nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, TextIO

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Attempt, Metric
from shipworthy.evals.plan import split_try
from shipworthy.evals.results import Run

ASSETS = Path(__file__).parent.parent / "library" / "viewer"
CHUNK = 200
"""Attempts a chunk: parsed in a few milliseconds."""
PREVIEW = 110

SAME, WORSE, BETTER, CHANGED, ONLY_HERE = range(5)
"""How an attempt differs from the one in the other run; worse, where any metric moved the bad way."""

_encode = msgspec.json.Encoder().encode


def write_viewer(run: Run, path: Path, *, against: Run | None = None) -> int:
    """Write the page. Shows what the run log holds: redacted text stays redacted.

    Args:
        run: the run to show.
        path: the file; written whole or not at all.
        against: another run: attempts that differ from it are marked, with both conversations.

    Returns:
        The number of attempts in the page.

    Raises:
        IntegrityError: a log is not what was written.
        UsageError: the page cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            count = _write(run, against, file)
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return count


def _write(run: Run, against: Run | None, file: TextIO) -> int:
    style, script = (ASSETS / "style.css").read_text("utf-8"), (ASSETS / "app.js").read_text("utf-8")
    page = (ASSETS / "page.html").read_text("utf-8")
    for mark, value in (
        ("@TITLE@", escape(f"{run.id} transcripts")),
        ("@STYLE_HASH@", _policy_hash(style)),
        ("@SCRIPT_HASH@", _policy_hash(script)),
        ("@STYLE@", style),
    ):
        page = page.replace(mark, value)
    head, rest = page.split("@DATA@")
    file.write(head)
    count = _write_data(run, against, file)
    before, after = rest.split("@SCRIPT@")
    file.write(before + script + after)
    return count


def _policy_hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _write_data(run: Run, against: Run | None, file: TextIO) -> int:
    good = {(use.id, metric.name): metric.good for use in run.manifest.suites for metric in use.metrics}
    before = {split_try(a.id)[0]: _signature(a) for a in against.attempts()} if against else {}
    changes = {a.id: _change(a, before, good) for a in run.attempts()} if against else {}
    wanted = {split_try(id)[0] for id, change in changes.items() if change not in (SAME, ONLY_HERE)}
    others = {split_try(a.id)[0]: a for a in against.attempts() if split_try(a.id)[0] in wanted} if against else {}
    names = _Names(run)
    rows: list[Any] = []
    chunk: list[Any] = []
    for attempt in run.attempts():
        rows.append(_row(attempt, changes.get(attempt.id, SAME), names))
        chunk.append(_body(attempt, others.get(split_try(attempt.id)[0])))
        if len(chunk) == CHUNK:
            _element(file, f"chunk-{len(rows) // CHUNK - 1}", chunk)
            chunk = []
    if chunk:
        _element(file, f"chunk-{len(rows) // CHUNK}", chunk)
    _element(
        file,
        "index",
        {
            "run": {"id": run.id, "facts": list(_facts(run, len(rows)))},
            "against": {"id": against.id} if against else None,
            **names.tables(),
            "metrics": [_metric(names, suite, metric) for suite, metric in names.metrics],
            "chunk": CHUNK,
            "rows": rows,
        },
    )
    return len(rows)


def _element(file: TextIO, name: str, value: Any) -> None:
    # No "<" is left, so nothing inside can end the element or open a comment.
    text = _encode(value).decode().replace("<", "\\u003c")
    file.write(f'<script type="application/json" id="{name}">{text}</script>\n')


class _Names:
    """Words that repeat, each stored once; metrics with what their suite's scorer declares about them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tables: dict[str, dict[str, int]] = {"suites": {}, "attacks": {}, "outcomes": {"scored": 0}}
        self.metrics: dict[tuple[str, str], int] = {}

    def metric(self, suite: str, name: str) -> int:
        return self.metrics.setdefault((suite, name), len(self.metrics))

    def describe(self, suite: str, name: str) -> Metric:
        return self._run.metric(suite, name)

    def number(self, table: str, word: str) -> int:
        return self._tables[table].setdefault(word, len(self._tables[table]))

    def tables(self) -> dict[str, list[str]]:
        return {name: list(words) for name, words in self._tables.items()}


def _metric(names: _Names, suite: str, name: str) -> dict[str, Any]:
    metric = names.describe(suite, name)
    return {"suite": names.number("suites", suite), **{f: getattr(metric, f) for f in ("name", "kind", "good", "unit")}}


def _row(attempt: Attempt, change: int, names: _Names) -> list[Any]:
    # A value stands as it is, a hit as 1 or 0; -1 and null say that the metric does not apply.
    scores = [
        [
            names.metric(attempt.suite, s.metric),
            s.value if names.describe(attempt.suite, s.metric).kind == "value" else -1 if s.hit is None else int(s.hit),
        ]
        for s in attempt.scores
    ]
    preview = " ".join((attempt.answer or attempt.error)[: 4 * PREVIEW].split())[:PREVIEW]
    return [
        attempt.id,
        names.number("suites", attempt.suite),
        attempt.sample,
        names.number("attacks", attempt.attack),
        attempt.number,
        names.number("outcomes", attempt.outcome),
        attempt.severity,
        scores,
        change,
        sum(not event.shadow for event in attempt.guard_events),
        preview,
    ]


def _body(attempt: Attempt, other: Attempt | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "said": attempt.said,
        "documents": attempt.documents,
        "scores": attempt.scores,
        "guard_events": attempt.guard_events,
        "error": attempt.error,
        "cluster": attempt.cluster,
        "seed": attempt.seed,
        "seconds": attempt.seconds,
        "calls": attempt.target.calls,
        "cached_calls": attempt.target.cached,
    }
    if other is not None:
        body["other"] = {"said": other.said, "scores": other.scores, "outcome": other.outcome}
    return body


_Signature = tuple[str, tuple[tuple[str, float | None], ...]]


def _signature(attempt: Attempt) -> _Signature:
    said = ((s.metric, s.value if s.hit is None else float(s.hit)) for s in attempt.scores)
    return attempt.outcome, tuple(sorted(said, key=lambda row: row[0]))


def _change(attempt: Attempt, before: dict[str, _Signature], good: Mapping[tuple[str, str], str]) -> int:
    """Say how an attempt differs from the one with its id in the other run."""
    then, now = before.get(split_try(attempt.id)[0]), _signature(attempt)
    if then is None:
        return ONLY_HERE
    if then == now:
        return SAME
    if then[0] == now[0] == "scored":
        old, moves = dict(then[1]), set[int]()
        for metric, said in now[1]:
            was = old.get(metric)
            if said is not None and was is not None and said != was:
                moves.add(BETTER if (said > was) == (good.get((attempt.suite, metric)) == "high") else WORSE)
        if moves:
            return WORSE if WORSE in moves else BETTER
    return CHANGED


def _facts(run: Run, shown: int) -> Iterator[str]:
    manifest = run.manifest
    yield manifest.system
    yield f"plan {manifest.plan}"
    yield "with guards" if manifest.guards else "without guards"
    yield manifest.created.replace("T", " ")[:16]
    if shown < manifest.planned:
        yield f"{shown:,} of {manifest.planned:,} planned attempts made"
    private = [use.id for use in manifest.suites if use.content == "private"]
    if private:
        yield f"redacted before storage: {', '.join(private)}"
