"""Petri's audits: logs of Inspect whose samples are talks of an auditor with the target, judged from 1 to 10."""

from __future__ import annotations

from pathlib import Path

from shipworthy.core.errors import ShipworthyError, UsageError
from shipworthy.core.metric import Good
from shipworthy.evals.imports.foreign import Foreign, ForeignAttempt, Where, measured, scored
from shipworthy.evals.imports.inspect_log import attempt_of, opened, scores_of

_LOW, _HIGH = 1.0, 10.0
_JUDGE = "audit_judge."


def is_audit(path: Path) -> bool:
    """Return whether Petri made a log of Inspect; False of one that cannot be opened, which its reader tells."""
    try:
        return _is_audit(opened(path)[0])
    except ShipworthyError:
        return False


def _is_audit(header: Where) -> bool:
    packages = header.at("eval").get("packages")
    return packages is not None and packages.get("inspect_petri") is not None


def read(path: Path) -> Foreign:
    """Read an audit of Petri 3.

    The suite is called after the task, each seed instruction is a sample, and the conversation is the target's: what
    the auditor said to it, never what it said to itself. Each dimension of the judge is a value; its range and which
    way is good stand in the log, where the viewer colours them; else 1 to 10, and low is good. A transcript that the
    judge did not score has no score, an audit that failed is an error: neither is safe.

    Where the auditor took turns back the log's conversation is the last branch alone, while the judge read all of
    them; a note says of how many transcripts.

    Raises:
        UsageError: it is no such log; member and field are named.
        MissingExtra: an ``.eval`` is compressed with zstandard, which is not installed.
    """
    header, samples = opened(path)
    about = header.at("eval")
    if not _is_audit(header):
        raise about.wrong("names no inspect_petri among its packages: import it with --from inspect")
    task = about.at("task").text()
    ranges, good = _scales(about)
    rows: list[tuple[ForeignAttempt, dict[str, float | bool | None]]] = []
    rewound = 0
    for sample in samples:
        one = attempt_of(task, sample)
        used = sample.get("role_usage")
        target = used.get("target") if used is not None else None
        tokens = (0, 0) if target is None else (target.at("input_tokens").whole(), target.at("output_tokens").whole())
        # A judge that gave no word has one score called after it, which is none.
        scores: dict[str, float | bool | None] = {
            name.removeprefix(_JUDGE): said for name, said in scores_of(sample).items() if said is not None
        }
        rewound += any(event.value.get("event") == "branch" for event in _events(sample))
        rows.append((one._replace(tokens=tokens), scores))
    if not rows:
        raise UsageError(f"{path}: the log holds no transcript; nothing was imported")
    values: dict[str, list[float | bool | None]] = {}
    for _, scores in rows:
        for name, said in scores.items():
            values.setdefault(name, []).append(said)
            ranges.setdefault(name, (_LOW, _HIGH))
            good.setdefault(name, "low")
    metrics, left = measured(values, good, ranges)
    if not metrics:
        raise UsageError(f"{path}: the judge scored no transcript; nothing was imported")
    notes = list(left)
    if rewound:
        notes.append(f"{rewound:,} transcripts have turns that the auditor took back: the judge read them, and "
                     "only the last branch is kept")  # fmt: skip
    roles = about.get("model_roles")
    role = roles.get("target") if roles is not None else None
    model = role.at("model").text() if role is not None else about.at("model").text()
    return Foreign(
        "petri", about.at("packages", "inspect_petri").text(), model, about.at("created").text()[:19] + "Z",
        {task: metrics}, tuple(scored(one, scores, metrics) for one, scores in rows), tuple(notes),
    )  # fmt: skip


def _events(sample: Where) -> list[Where]:
    events = sample.get("events")
    return [] if events is None else [event for event in events.items() if isinstance(event.value, dict)]


def _scales(about: Where) -> tuple[dict[str, tuple[float, float]], dict[str, Good]]:
    """Return the dimensions' ranges and directions, as the log tells the viewer to colour them."""
    ranges: dict[str, tuple[float, float]] = {}
    good: dict[str, Good] = {}
    found: Where | None = about
    for key in ("viewer", "task_samples_view", "score_color_scales"):
        found = found.get(key) if found is not None and isinstance(found.value, dict) else None
    for name, scale in () if found is None else found.entries():
        low, high = scale.get("min"), scale.get("max")
        if low is not None and high is not None:
            if not low.number() < high.number():
                raise scale.wrong("has no range: its min is not below its max")
            ranges[name] = (low.number(), high.number())
        palette = scale.get("palette")
        if palette is not None and palette.value in ("good-high", "good-low"):
            good[name] = "high" if palette.value == "good-high" else "low"
    return ranges, good
