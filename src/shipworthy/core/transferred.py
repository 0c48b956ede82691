"""How far a rate transfers, as it was entered: the same cases in the product's wrapper and under other conditions.

An entry of the audit chain. Standard library only: the verifier reads it, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

TRANSFERRED = "transfer.measured"
_ROW = {
    "suite": str, "metric": str, "kind": str, "unit": str, "condition": str, "run": str, "spec_digest": str,
    "subject_digest": str, "gap": int, "low": int, "high": int, "clusters": int, "differs": bool,
}  # fmt: skip


class TransferEntry(NamedTuple):
    """What `runs transfer` found. Only whole numbers: a gap is in millionths of its metric's unit.

    Attributes:
        run: of the product in its own wrapper; `spec_digest` and `subject_digest` are its own.
        rows: one for each suite, metric and condition: ``gap``, ``low`` and ``high`` are product minus condition with
            its 95 % interval, ``differs`` whether a test says so that is corrected over all rows, the digests those of
            the condition's run.
        entry: its number in the audit chain; 0 before it has one.
    """

    system: str
    run: str
    spec_digest: str
    subject_digest: str
    rows: tuple[Mapping[str, Any], ...]
    entry: int = 0


class TransferSaid(NamedTuple):
    """One line beside a rate: which suite's, of which metric, and which entry holds it."""

    entry: int
    suite: str
    metric: str
    sentence: str


def transfer_of(number: int, body: Mapping[str, Any]) -> TransferEntry:
    """Return what an entry of the audit chain holds.

    Raises:
        ValueError: it is nothing that `runs transfer` writes.
        KeyError: it lacks something.
    """
    if set(body) != set(TransferEntry._fields) - {"entry"}:
        raise ValueError(f"entry {number} has other fields than a transfer")
    rows = body["rows"]
    texts = [body[name] for name in ("system", "run", "spec_digest", "subject_digest")]
    if any(type(text) is not str for text in texts) or not isinstance(rows, list | tuple) or not rows:
        raise ValueError(f"entry {number} is no transfer")
    for row in rows:
        if not isinstance(row, Mapping) or set(row) != set(_ROW) or any(type(row[k]) is not t for k, t in _ROW.items()):
            raise ValueError(f"entry {number} has a row that is no gap")
        if row["kind"] not in ("event", "value") or not row["low"] <= row["gap"] <= row["high"] or row["clusters"] < 1:
            raise ValueError(f"entry {number} has a row that is no gap")
    system, run, spec, subject = texts
    return TransferEntry(system, run, spec, subject, tuple(dict(row) for row in rows), number)


def transfers(
    known: Iterable[TransferEntry], spec_digest: str, subject_digest: str, wanted: Collection[tuple[str, str]]
) -> list[TransferSaid]:
    """Return what stands beside the rates of one run: of each condition the last word, good or bad.

    Args:
        known: oldest first.
        wanted: (suite, metric) of the rates.
    """
    own = spec_digest, subject_digest
    found: dict[tuple[str, str, str], TransferSaid] = {}
    for one in known:
        for row in one.rows:
            pair = row["suite"], row["metric"]
            if pair not in wanted:
                continue
            if (one.spec_digest, one.subject_digest) == own:
                said = f"in the product's own wrapper; under {row['condition']} it {_differs(row, -1)}"
            elif (row["spec_digest"], row["subject_digest"]) == own:
                said = f"measured under {row['condition']}; in the product it {_differs(row, 1)}"
            else:
                continue
            found[(*pair, row["condition"])] = TransferSaid(one.entry, *pair, said)
    return [found[key] for key in sorted(found)]


def _differs(row: Mapping[str, Any], sign: int) -> str:
    ends = sorted((sign * row["low"], sign * row["high"]))
    scale, unit = (1e4, " points") if row["kind"] == "event" else (1e6, f" {row['unit']}".rstrip())
    digits = 1 if row["kind"] == "event" else 3
    gap, low, high = (f"{value / scale:+.{digits}f}" for value in (sign * row["gap"], *ends))
    told = f"differs by {gap}{unit} [{low}, {high}]"
    many = f"paired on {row['clusters']:,} samples"
    return f"{told} ({many})" if row["differs"] else f"{told} ({many}; no gap is shown)"
