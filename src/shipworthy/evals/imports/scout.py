"""Scout's scans of transcripts (``_scan.json`` with a Parquet file a scanner) and its databases of transcripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.core.metric import Good, Metric
from shipworthy.core.records import Message
from shipworthy.evals.imports.foreign import (
    Foreign,
    ForeignAttempt,
    Where,
    measured,
    parquet_rows,
    parse,
    read_bytes,
    scored,
)
from shipworthy.evals.imports.inspect_log import message_of

SUCCESS = "success"
_TRANSCRIPT = {"transcript_id": "", "task_set": "?", "task_id": "?", "task_repeat": "?", "model": "?", "date": "?",
               "error": "?", "total_time": "?"}  # fmt: skip
_SCAN = {"input": "", "input_type": "", "value": "", "value_type": "", "scan_error": ""}
_Scores = dict[str, bool | float | None]


def read(path: Path) -> Foreign:
    """Read a scan, or a database of transcripts.

    A transcript is an attempt; its task set is the suite, its task the sample. Of a scan each scanner is a metric: true
    and false an event, a number in [0, 1] a value; low is taken as good, for a scanner looks for what should not be
    there (``--high`` says otherwise). A scanner that failed on a transcript, or found nothing to say, gave no score. Of
    a database alone the one metric is whether the task succeeded. A transcript that ended in an error is an error.

    Args:
        path: ``_scan.json`` in the folder of a scan, or the Parquet file of a database.

    Raises:
        UsageError: it is neither; file, row and field are named.
        MissingExtra: duckdb, which reads Parquet, is not installed.
    """
    if path.suffix == ".parquet":
        return _database(path)
    spec = parse(read_bytes(path), path)
    scanners = [name for name, _ in spec.at("scanners").entries()]
    rows: dict[str, tuple[Where, _Scores]] = {}
    files, failed = [], 0
    for name in scanners:
        if "/" in name or "\\" in name:
            raise spec.at("scanners").wrong(f"names {name[:40]!r}, which is no name of a file")
        file = path.with_name(f"{name}.parquet")
        if not file.is_file():
            continue  # It was given up before its first transcript.
        files.append(file)
        columns = {f"transcript_{key.removeprefix('transcript_')}": need for key, need in _TRANSCRIPT.items()}
        for row in parquet_rows(file, columns | _SCAN):
            if row.at("input_type").value != "transcript":
                raise row.at("input_type").wrong(
                    "is no transcript: a scan of single messages or events has no attempts"
                )
            id = row.at("transcript_id").text()
            failed += row.at("scan_error").value is not None
            _, said = rows.setdefault(id, (row, {}))
            if name in said:
                raise row.at("transcript_id").wrong(f"has two results of {name}")
            said[name] = _value(row)
    if not rows:
        raise UsageError(f"{path}: no scanner beside it has a result; nothing was imported")
    values: dict[str, list[bool | float | None]] = {
        name: [said.get(name) for _, said in rows.values()] for name in scanners
    }
    good: dict[str, Good] = dict.fromkeys(scanners, "low")
    metrics, notes = measured(values, good)
    if not metrics:
        raise UsageError(f"{path}: no scanner gave true or false, or numbers in [0, 1]; nothing was imported")
    made = _attempts([row for row, _ in rows.values()], "transcript_")
    made = [scored(one, said, metrics) for one, (_, said) in zip(made, rows.values(), strict=True)]
    if failed:
        notes += (f"scanners failed {failed:,} times: no score there",)
    version = spec.at("packages").get("inspect_scout")
    first = [row for row, _ in rows.values()]
    return Foreign(
        "scout", "" if version is None else version.text(), _models(first, "transcript_"), _when(spec.at("timestamp")),
        {one.suite: metrics for one in made}, tuple(made), notes, tuple(files),
    )  # fmt: skip


def _value(row: Where) -> bool | float | None:
    """Return a scanner's word; None where it failed, found nothing, or said something else than a truth or a number."""
    kind, value = row.at("value_type").value, row.at("value").value
    if row.at("scan_error").value is not None or value is None:
        return None
    if kind == "boolean":
        if value not in ("true", "false"):
            raise row.at("value").wrong("must be true or false")
        return bool(value == "true")
    if kind == "number":
        try:
            return float(value)
        except ValueError:
            raise row.at("value").wrong("must be a number") from None
    return None


def _database(path: Path) -> Foreign:
    rows = list(parquet_rows(path, {**_TRANSCRIPT, "messages": "", SUCCESS: ""}))
    if not rows:
        raise UsageError(f"{path}: holds no transcript; nothing was imported")
    wanted = (Metric(SUCCESS, good="high"),)
    said: list[_Scores] = [{SUCCESS: None if (s := row.at(SUCCESS)).value is None else s.flag()} for row in rows]
    if all(one[SUCCESS] is None for one in said):
        raise UsageError(f"{path}: says of no transcript whether it succeeded: scan it first; nothing was imported")
    made = [scored(one, some, wanted) for one, some in zip(_attempts(rows, ""), said, strict=True)]
    created = _when(rows[0].get("date"))
    suites = {one.suite: wanted for one in made}
    return Foreign("scout", "", _models(rows, ""), created, suites, tuple(made))


def _models(rows: Iterable[Where], prefix: str) -> str:
    found = [model.text() for row in rows if (model := row.get(f"{prefix}model")) is not None]
    return ", ".join(filter(None, dict.fromkeys(found)))


def _when(created: Where | None) -> str:
    return "" if created is None else created.text()[:19].replace(" ", "T") + "Z"


def _attempts(rows: list[Where], prefix: str) -> list[ForeignAttempt]:
    """Return transcripts as attempts: called after their tasks, or each by itself where two are the same one's."""

    def text(row: Where, key: str) -> str:
        found = row.get(prefix + key)
        return "" if found is None else found.text()

    def named(row: Where) -> tuple[str, str, int]:
        repeat = row.get(f"{prefix}task_repeat")
        return text(row, "task_set") or "scout", text(row, "task_id"), 1 if repeat is None else max(1, repeat.whole())

    taken = Counter(named(row) for row in rows)
    made = []
    for row in rows:
        suite, sample, number = named(row)
        id = row.at("transcript_id").text()
        if not sample or taken[suite, sample, number] > 1:
            sample, number = id, 1
        error, time = text(row, "error"), row.get(f"{prefix}total_time")
        messages = _messages(row, "input" if prefix else "messages")
        seconds = 0.0 if time is None else max(0.0, time.number())
        one = ForeignAttempt(suite, sample, "none", number, messages, {}, seconds=seconds)
        made.append(one._replace(outcome="target_error", error=error) if error else one)
    return made


def _messages(row: Where, column: str) -> tuple[Message, ...]:
    """Return a transcript's conversation, which stands in its column as JSON."""
    found = row.get(column)
    if found is None:
        return ()
    whole = parse(found.text().encode("utf-8", "surrogatepass"), row.file, row.line)
    listed = whole if column == "messages" else whole.at("messages")
    return tuple(message_of(message) for message in listed.items())
