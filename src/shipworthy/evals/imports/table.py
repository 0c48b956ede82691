"""A table of attempts as CSV: what any tool can write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shipworthy.core.cells import CsvError, csv_rows, plain_text
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.metric import Metric
from shipworthy.core.records import Outcome, say
from shipworthy.evals.imports.foreign import Foreign, ForeignAttempt, read_bytes

NEEDED = ("sample", "answer", "metric")
MORE = ("suite", "cluster", "attack", "number", "request", "good", "hit", "value", "error")
KNOWN = (*NEEDED, *MORE)
_FLAGS = {"true": True, "yes": True, "1": True, "hit": True, "false": False, "no": False, "0": False, "no-hit": False}


def read(path: Path) -> Foreign:
    """Read a table: a row an attempt and metric.

    Columns: ``sample``, ``answer``, ``metric``, and one of ``hit`` (true or false) and ``value`` (in [0, 1]); an empty
    cell is no score. ``good`` says which way is good (``low`` if left out); ``error`` that the attempt failed, and why.
    Also ``suite``, ``cluster``, ``attack``, ``number``, ``request``. A quote that stands before a formula, as our own
    tables have it, is taken off.

    Raises:
        UsageError: it is no such table; line and column are named.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is no UTF-8; nothing was imported") from None
    found: dict[tuple[str, str, str, int], ForeignAttempt] = {}
    metrics: dict[str, dict[str, Metric]] = {}
    try:
        rows = csv_rows(text)
        heads = _heads(path, next(rows, (1, []))[1])
        for line, cells in rows:
            if len(cells) > len(heads):
                raise UsageError(f"{path}:{line}: the row has more cells than there are columns; nothing was imported")
            _take(path, line, dict(zip(heads, map(plain_text, cells), strict=False)), found, metrics)
    except CsvError as error:
        raise UsageError(f"{path}:{error.line}: {error}; nothing was imported") from None
    if not found:
        raise UsageError(f"{path}: has no row; nothing was imported")
    kept = {suite: tuple(some.values()) for suite, some in metrics.items()}
    return Foreign("csv", "", "", "", kept, tuple(found.values()))


def _heads(path: Path, heads: list[str]) -> list[str]:
    if lacking := next((name for name in NEEDED if name not in heads), None):
        raise UsageError(f"{path}:1: the column {lacking} is missing; nothing was imported")
    if odd := next((name for name in heads if name not in KNOWN), None):
        raise UsageError(f"{path}:1: unknown column {odd!r}: {did_you_mean(odd, KNOWN)}; nothing was imported")
    return heads


def _take(
    path: Path,
    line: int,
    row: dict[str, str],
    found: dict[tuple[str, str, str, int], ForeignAttempt],
    metrics: dict[str, dict[str, Metric]],
) -> None:
    def wrong(column: str, why: str) -> UsageError:
        return UsageError(f"{path}:{line}: {column} {why}; nothing was imported")

    def cell(column: str, default: str = "") -> str:
        return row.get(column) or default

    suite, sample, metric = cell("suite", path.stem), cell("sample"), cell("metric")
    if not sample or not metric:
        raise wrong("sample" if not sample else "metric", "is empty")
    number = cell("number", "1")
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 10**9):
        raise wrong("number", f"is {number[:40]!r}, not a whole number from 1")
    good = cell("good", "low")
    if good not in ("low", "high"):
        raise wrong("good", f"is {good[:40]!r}, not low or high")
    hit, value, error = cell("hit").strip().lower(), cell("value").strip(), cell("error")
    said = _said(metric, hit, value, wrong)
    kind = "value" if value else "event"
    declared = Metric(metric, kind=kind, good=good)  # type: ignore[arg-type]
    before = metrics.setdefault(suite, {}).setdefault(metric, declared)
    if (hit or value) and before != declared:
        raise wrong("value" if value else "hit", f"declares {metric} otherwise than an earlier row")
    key = suite, sample, cell("attack", "none"), int(number)
    messages = (say("user", cell("request")), say("assistant", cell("answer")))
    outcome: Outcome = "target_error" if error else "scored"
    one = ForeignAttempt(*key, messages, {} if error else said, outcome, error, cell("cluster"))
    if (old := found.get(key)) is not None:
        if (old.messages, old.outcome, old.cluster) != (one.messages, one.outcome, one.cluster):
            raise wrong("answer", f"differs from an earlier row of {sample}, attempt {number}")
        if metric in old.said:
            raise wrong("metric", f"{metric} of {sample}, attempt {number}, is there twice")
        one = old._replace(said={**old.said, **one.said})
    found[key] = one


def _said(metric: str, hit: str, value: str, wrong: Callable[[str, str], UsageError]) -> dict[str, bool | float]:
    if hit and value:
        raise wrong("value", "stands beside a hit: a metric is an event or a value")
    if hit:
        if hit not in _FLAGS:
            raise wrong("hit", f"is {hit[:40]!r}, not true or false")
        return {metric: _FLAGS[hit]}
    if not value:
        return {}
    try:
        number = float(value)
    except ValueError:
        raise wrong("value", f"is {value[:40]!r}, not a number") from None
    if not 0 <= number <= 1:
        raise wrong("value", f"is {value[:40]}, not in [0, 1]")
    return {metric: number}
