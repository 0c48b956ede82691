"""One record in a log whose chain is right: whoever can write the file can write that, too."""

from pathlib import Path
from typing import Any

import run_log

from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.evals.results import Run
from shipworthy.store import chain
from shipworthy.store.line import frame
from shipworthy.store.shards import log_origin


def prepare(folder: Path) -> Any:
    return run_log.prepare(folder)


def seeds(ready: Any) -> list[bytes]:
    return [line[75:] for line in ready[1].splitlines()[:4]]


def feed(data: bytes, ready: Any) -> str:
    directory, written = ready
    bodies = [line[75:] for line in written.splitlines()]
    head, lines = log_origin((directory / "manifest.json").read_bytes(), 0), []
    for body in [*bodies[:2], data.replace(b"\n", b" "), *bodies[2:4]]:
        head = chain.link(head, body)
        lines.append(frame(head, body))
    (directory / "attempts-0000.jsonl").write_bytes(b"".join(lines))
    try:
        run = Run.load(directory)
        list(run.attempts())
        run.summary(), run.outcomes, run.roles
    except (IntegrityError, UsageError) as error:
        assert str(error)
        assert isinstance(error, ShipworthyError)
        return "refused"
    return "accepted"
