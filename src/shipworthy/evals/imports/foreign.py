"""What another tool measured, in our words: the same for every format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require
from shipworthy.core.metric import Good, Metric
from shipworthy.core.records import Message, Outcome

MOST_BYTES = 1 << 30
"""Of a file; more is refused instead of filling the memory."""
LONGEST_LINE = 64 << 20


class ForeignAttempt(NamedTuple):
    """One attempt as another tool recorded it.

    Attributes:
        suite, sample, attack, number: as in `Attempt`; `cluster` is the sample if empty.
        messages: the conversation, the target's answers with it.
        said: metric -> True or False of an event, a number of a value; what is not there has no score.
        outcome: ``scored``, or how it failed; `error` why.
        seconds: how long it took; 0 where nobody says.
    """

    suite: str
    sample: str
    attack: str
    number: int
    messages: tuple[Message, ...]
    said: Mapping[str, bool | float]
    outcome: Outcome = "scored"
    error: str = ""
    cluster: str = ""
    seconds: float = 0.0
    cost_usd: float = 0.0
    tokens: tuple[int, int] = (0, 0)


class Foreign(NamedTuple):
    """A whole file.

    Attributes:
        tool: ``garak``, ``inspect``, …; `version` as it says itself.
        target: what was measured, as the tool calls it.
        created: ISO 8601, UTC, to the second; empty where it does not say.
        metrics: suite -> what its scorers give; the first is its main one.
        notes: what was left out, in words.
        beside: other files of the same results that were read, too.
    """

    tool: str
    version: str
    target: str
    created: str
    metrics: Mapping[str, tuple[Metric, ...]]
    attempts: tuple[ForeignAttempt, ...]
    notes: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()


def measured(
    values: Mapping[str, Sequence[bool | float | None]],
    good: Mapping[str, Good],
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    """Return a metric for each name that has numbers in its range, and what is to be said of the others.

    Args:
        values: name -> what was said of each attempt: true or false is an event, a number a value, None no score.
        good: name -> which way is good; of a name that is not there, high is.
        ranges: name -> (low, high) of its numbers; [0, 1] where it is not there.

    Wrong to use where a tool writes 1 and 0 for an event: make them true and false first.
    """
    metrics, notes = [], []
    for name, every in values.items():
        if not name:
            notes.append("a metric without a name is left out")
            continue
        known = [one for one in every if one is not None]
        low, high = (ranges or {}).get(name, (0.0, 1.0))
        if not known or any(not low <= one <= high for one in known):
            told = "no score" if not known else f"not true or false, nor numbers in [{low:g}, {high:g}]"
            notes.append(f"{name} is left out: {told}")
        elif all(isinstance(one, bool) for one in known):
            metrics.append(Metric(name, good=good.get(name, "high")))
        else:
            metrics.append(Metric(name, good=good.get(name, "high"), kind="value", low=low, high=high))
    return tuple(metrics), tuple(notes)


def scored(one: ForeignAttempt, scores: Mapping[str, bool | float | None], wanted: Sequence[Metric]) -> ForeignAttempt:
    """Return an attempt with its scores of the metrics that are wanted; one that failed keeps none."""
    if one.outcome != "scored":
        return one
    names = {metric.name for metric in wanted}
    return one._replace(said={name: said for name, said in scores.items() if name in names and said is not None})


def parquet_rows(path: Path, columns: Mapping[str, str]) -> Iterator[Where]:
    """Yield the rows of a Parquet file, each as an object; `line` is the row, from 1.

    Args:
        columns: that are needed -> ``""``, or that may be missing -> ``"?"``.

    Raises:
        UsageError: it is no Parquet file, is too large, or lacks a column.
        MissingExtra: duckdb, which reads it, is not installed.
    """
    duckdb = require("duckdb", extra="sql")
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise UsageError(f"{path} has more than {MOST_BYTES:,} bytes; at most so many can be imported at once")
    if set("*?[") & set(str(path)):
        raise UsageError(f"{path}: a path with one of `*?[` stands for several files; move it; nothing was imported")
    engine = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    try:
        source = "read_parquet($file, hive_partitioning = false)"
        found = engine.execute(f"DESCRIBE SELECT * FROM {source}", {"file": str(path)}).fetchall()  # noqa: S608
        there = {str(row[0]) for row in found}
        if lacking := next((name for name, how in columns.items() if not how and name not in there), None):
            raise UsageError(f"{path}: has no column {lacking}; nothing was imported")
        wanted = [name for name in columns if name in there]
        listed = ", ".join(f'"{name}"' for name in wanted)
        rows = engine.execute(f"SELECT {listed} FROM {source}", {"file": str(path)}).fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {str(error)[:200]}; nothing was imported") from None
    finally:
        engine.close()
    return (Where(dict(zip(wanted, row, strict=True)), path, number) for number, row in enumerate(rows, start=1))


class Where:
    """A value of a file, and the way to it: every mistake is told with line and field.

    Args:
        value: parsed.
        file: its path; `line` from 1, 0 for a file that has none.
        field: the way to it, such as ``.outputs[0].text``.
    """

    def __init__(self, value: Any, file: Path, line: int = 0, field: str = "") -> None:
        self.value, self.file, self.line, self.field = value, file, line, field

    def wrong(self, why: str) -> UsageError:
        """Return the error that names this place."""
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return UsageError(f"{place}: {self.field.lstrip('.') or 'the whole'} {why}; nothing was imported")

    def at(self, *path: str | int) -> Where:
        """Return what stands below, which must be there."""
        found = self
        for key in path:
            name = f"{found.field}[{key}]" if isinstance(key, int) else f"{found.field}.{key}"
            try:
                found = Where(found.value[key], self.file, self.line, name)
            except (KeyError, IndexError, TypeError):
                raise Where(None, self.file, self.line, name).wrong("is missing") from None
        return found

    def get(self, key: str) -> Where | None:
        """Return what stands below, or None where it does not, or is null."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be an object, not {_kind(self.value)}")
        return None if self.value.get(key) is None else self.at(key)

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            raise self.wrong(f"must be text, not {_kind(self.value)}")
        if not _whole(self.value):
            raise self.wrong("holds half a surrogate pair, which no file of ours can hold")
        return self.value

    def number(self) -> float:
        """Return a finite number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1e300 < value < 1e300:
            raise self.wrong(f"must be a finite number, not {_kind(value)}")
        return float(value)

    def whole(self) -> int:
        """Return a whole number that is not negative."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise self.wrong(f"must be a whole number from 0 to 2**53, not {_kind(value)}")
        return value

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.wrong(f"must be true or false, not {_kind(self.value)}")
        return self.value

    def items(self) -> Iterator[Where]:
        """Yield the entries of a list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"must be a list, not {_kind(self.value)}")
        return (self.at(n) for n in range(len(self.value)))

    def entries(self) -> Iterator[tuple[str, Where]]:
        """Yield the entries of an object."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be an object, not {_kind(self.value)}")
        if any(not _whole(key) for key in self.value):
            raise self.wrong("has a name with half a surrogate pair, which no file of ours can hold")
        return ((str(key), self.at(key)) for key in self.value)


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    kinds = {dict: "an object", list: "a list", bool: str(value).lower(), type(None): "null"}
    return kinds.get(type(value), f"{value!r}"[:40])


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        UsageError: it is none, too large, or cannot be read.
    """
    try:
        if not path.is_file():
            raise UsageError(f"{path} is no file")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise UsageError(f"{path} has {size:,} bytes; at most {MOST_BYTES:,} can be imported at once")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def parse(data: bytes, path: Path, line: int = 0) -> Where:
    """Parse JSON.

    Raises:
        UsageError: it is none; line and column are named.
    """
    try:
        return Where(json.loads(data.decode("utf-8")), path, line)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}:{line or 1}: byte {error.start} is no UTF-8; nothing was imported") from None
    except json.JSONDecodeError as error:
        at = line or error.lineno
        raise UsageError(f"{path}:{at}: no JSON at column {error.colno}: {error.msg}; nothing was imported") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise UsageError(f"{path}:{line or 1}: no JSON that can be read: {error}; nothing was imported") from None
    except RecursionError:
        raise UsageError(f"{path}:{line or 1}: nested too deep; nothing was imported") from None


def parse_lines(data: bytes, path: Path) -> Iterator[Where]:
    """Yield the parsed lines of a JSONL file, empty ones left out."""
    for number, line in enumerate(data.split(b"\n"), start=1):
        if len(line) > LONGEST_LINE:
            raise UsageError(f"{path}:{number}: a line of more than {LONGEST_LINE >> 20} MB; nothing was imported")
        if line.strip():
            yield parse(line, path, number)
