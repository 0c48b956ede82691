"""Labels as CSV: what people say of a run's attempts, on its way between the transcript viewer and the control state.

Columns ``attempt``, ``metric``, ``label`` (``hit`` or ``no-hit``), and, if wanted, ``comment`` and ``by``; UTF-8,
RFC 4180.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shipworthy.core.cells import CsvError, csv_rows, plain_text, sheet_of
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.renamed import metric_hint
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, add_label, read_labels

COLUMNS = ("attempt", "metric", "label", "comment", "by")
NEEDED = COLUMNS[:3]
WORDS = {"hit": True, "no-hit": False}
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for a comment's own lines and tabs; and what turns the direction of reading."""
SHOWN = 10
"""Problems of one file that are printed."""
LONGEST = 100_000
"""Characters of one field."""


def read_csv(path: Path, run: Run, *, by: str = "") -> list[Label]:
    """Read a file of labels, and hold each against the run.

    Args:
        by: who gave the labels of rows that do not say it.

    Raises:
        UsageError: the file cannot be read, or a row says of nothing, or of nobody, or nothing: with every line that is
            wrong. Nothing of such a file counts.
        IntegrityError: the run's log is not what was written.
    """
    problems: list[str] = []
    found: dict[tuple[str, str, str], tuple[int, Label]] = {}
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {row.id: row.suite for row in run.rows(superseded=True)}
    for line, cells in _records(path):
        label = _label(cells, run, known, by, at)
        if isinstance(label, str):
            problems.append(f"{path}:{line}: {label}")
            continue
        first, before = found.setdefault((label.attempt, label.metric, label.by), (line, label))
        if before.hit != label.hit:
            problems.append(f"{path}:{line}: {label.by} says the opposite of {label.attempt} in line {first}")
    if problems:
        more = f"\n... and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
        raise UsageError("\n".join(problems[:SHOWN]) + more + "\nnothing was imported")
    return [label for _, label in found.values()]


def _records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start:,}): save it as 'CSV UTF-8'") from error
    rows = csv_rows(text)
    try:
        _, names = next(rows, (1, []))
        header = [plain_text(name).strip().lower() for name in names]
        for name in NEEDED:
            if name not in header:
                raise UsageError(
                    f"{path}:1: there is no column {name!r}: {did_you_mean(name, header)}; "
                    f"wanted are {', '.join(COLUMNS)}"
                )
        for line, cells in rows:
            if len(cells) > len(header) or any(len(cell) > LONGEST for cell in cells):
                raise UsageError(f"{path}:{line}: {len(cells)} fields under {len(header)} columns, or one too long")
            yield line, {name: plain_text(cell) for name, cell in zip(header, cells, strict=False)}
    except CsvError as error:
        raise UsageError(f"{path}:{error.line}: this is no CSV: {error}") from error


def _label(cells: dict[str, str], run: Run, known: dict[str, str], by: str, at: str) -> Label | str:
    """Return the label of one row, or what is wrong with it."""
    attempt, metric, said = (cells.get(name, "").strip() for name in NEEDED)
    who = cells.get("by", "").strip() or by
    suite = known.get(attempt)
    if suite is None:
        return f"the run {run.id} has no attempt {attempt!r}"
    declared = run.suite(suite).describe(metric)
    if declared is None:
        names = [m.name for m in run.suite(suite).metrics]
        return f"the suite {suite} has no metric {metric!r}: {metric_hint(metric, names)}"
    if declared.kind != "event":
        return f"{metric!r} is a value, and a label is about an event"
    if said not in WORDS:
        return f"a label is hit or no-hit, not {said!r}"
    if found := _UNSHOWN.search(f"{who}{cells.get('comment', '')}"):
        return f"the character U+{ord(found[0]):04X}, which acts on a terminal, cannot stand in a comment or a name"
    if not who:
        return "nobody gave this label: fill the column by, or pass --by NAME"
    return Label(
        system=run.manifest.system, run=run.id, attempt=attempt, metric=metric, hit=WORDS[said], by=who, at=at,
        comment=cells.get("comment", "").strip(),
    )  # fmt: skip


def keep(audit: AuditLog, run: Run, given: Iterable[Label], *, secrets: Sequence[str] = ()) -> int:
    """Append labels to the control state; one that its person's last word already says is passed over.

    So a file can be imported again after a failure, or with more rows. Returns the number appended.

    Args:
        secrets: as for `add_label`.

    Raises:
        IntegrityError: a label was edited or taken away since it was given.
        StoreError: the database cannot be written.
    """
    said = {(one.attempt, one.metric, one.by): one for one in read_labels(audit, run.id)}
    count = 0
    for label in given:
        before = said.get((label.attempt, label.metric, label.by))
        if before is None or before.hit != label.hit:
            add_label(audit, label, secrets=secrets)
            count += 1
    return count


def last_words(labels: Iterable[Label]) -> list[Label]:
    """Return each person's last word on each metric of each attempt, in the order in which they first spoke."""
    return list({(one.attempt, one.metric, one.by): one for one in labels}.values())


def to_csv(labels: Iterable[Label]) -> str:
    """Return labels as CSV that a spreadsheet takes for text; values are left out: the file is of events."""
    words = {True: "hit", False: "no-hit"}
    said = [(one.attempt, one.metric, words[one.hit], one.comment, one.by) for one in labels if one.hit is not None]
    return sheet_of([COLUMNS, *said])
