"""An export of Label Studio: words on what was dealt to the person, or every task that is wrong."""

from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.evals.label_studio import read_export
from shipworthy.store.queues import LabelQueue, QueueItem

QUEUE = LabelQueue(
    id="LQ-1", run="RUN-1", suite="leak", metric="leak", draw=1, of=2, seed=1, created="2026-11-30T10:00:00Z",
    people=("ida", "ben"), items=tuple(QueueItem(attempt=f"AT-{n}") for n in range(4)), deals=((2, 3, 0, 1), (0,)),
)  # fmt: skip


def prepare(folder: Path) -> Any:
    return folder / "export.json"


def feed(data: bytes, ready: Any) -> str:
    ready.write_bytes(data)
    try:
        found = read_export(ready, QUEUE, 1)
    except UsageError as error:
        assert str(error) and "Traceback" not in str(error)
        return "refused"
    for word in found:
        assert word.item in QUEUE.deals[0] and isinstance(word.hit, bool) and 0 <= word.seconds <= 86_400
        assert word.comment.isprintable() or "\n" in word.comment or "\t" in word.comment or not word.comment
    return "accepted"
