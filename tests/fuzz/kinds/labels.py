"""A file of labels: labels of attempts that there are, or every line that is wrong."""

from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.evals.labels import read_csv, to_csv
from shipworthy.evals.results import Run


def prepare(folder: Path) -> Any:
    import run_log

    directory, _ = run_log.prepare(folder)
    run = Run.load(directory)
    return run, [attempt.id for attempt in run.attempts()], folder / "labels.csv"


def feed(data: bytes, ready: Any) -> str:
    run, attempts, path = ready
    for number, attempt in enumerate(attempts[:4]):
        data = data.replace(b"{%d}" % number, attempt.encode())
    path.write_bytes(data)
    try:
        found = read_csv(path, run, by="ada")
    except UsageError as error:
        assert str(error) and "Traceback" not in str(error)
        return "refused"
    for label in found:
        assert label.attempt in attempts and label.by.strip() and isinstance(label.hit, bool)
    # What is written of them reads back as it was.
    path.write_bytes(to_csv(found).encode())
    again = read_csv(path, run)
    assert [(x.attempt, x.metric, x.hit, x.by, x.comment) for x in again] == [
        (x.attempt, x.metric, x.hit, x.by, x.comment) for x in found
    ]
    return "accepted"
