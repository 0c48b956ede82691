"""A shard's log: what is read of a changed one is a beginning of what was written; anything else is refused."""

from pathlib import Path
from typing import Any

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.reading import RunReading


def prepare(folder: Path) -> Any:
    from lab import Lab

    lab = Lab(folder)
    root = lab.workspace(samples=4)
    ran = lab.run("eval", "-C", root)
    assert ran.code == 0, ran.said
    directory = next((root / ".shipworthy" / "runs").glob("RUN-*"))
    return directory, (directory / "attempts-0000.jsonl").read_bytes()


def seeds(ready: Any) -> list[bytes]:
    """Return inputs beside the corpus: what was really written."""
    return [ready[1], ready[1][: len(ready[1]) // 2], b"".join(ready[1].splitlines(keepends=True)[:3])]


def feed(data: bytes, ready: Any) -> str:
    directory, written = ready
    (directory / "attempts-0000.jsonl").write_bytes(data)
    try:
        rows = list(RunReading(directory))
        lines = [row.line for row in rows]
        for row in rows:
            row.attempt(), row.timing, row.roles
    except (IntegrityError, UsageError) as error:
        assert str(error)
        return "refused"
    whole = [line[75:] for line in written.splitlines()]
    assert lines == whole[: len(lines)], "records were read that nobody wrote"
    return "accepted"
