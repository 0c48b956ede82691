"""What every import shares: rows of foreign fields become samples, all of them or none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.workspace.samples import decode_samples
from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder

_USUAL: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "sample_id", "qid", "uid"),
    "prompt": ("prompt", "input", "question", "query", "instruction", "text"),
    "messages": ("messages",),
    "system": ("system", "system_prompt"),
    "expected": ("expected", "target", "answer", "answers", "ideal", "label"),
    "documents": ("documents", "context", "contexts", "passage"),
    "tags": ("tags", "category", "categories"),
    "severity": ("severity",),
    "cluster": ("cluster", "group"),
    "refs": ("refs",),
    "secrets": ("secrets",),
    "twin": ("twin",),
    "user": ("user",),
    "meta": ("meta", "metadata"),
}
FIELDS = tuple(_USUAL)


class ForeignRow(NamedTuple):
    """One row: its line in the file (or its number, where a file has no lines), and its fields."""

    line: int
    fields: Mapping[str, Any]


class ImportedSuite(NamedTuple):
    """What an import found, ready to be written.

    Attributes:
        samples: in their short form.
        scorers: that the file's own checks amount to, as ``suite.yaml`` has them; empty where it has none.
        metric: of the first of them.
        told: what is to be known about the import, a sentence each.
    """

    samples: Sequence[Mapping[str, Any]]
    scorers: Sequence[Mapping[str, Any]] = ()
    metric: str = ""
    told: Sequence[str] = ()


def named_fields(pairs: Iterable[str]) -> dict[str, str]:
    """Return which foreign field each of ours is read from, from words such as ``prompt=question``.

    Raises:
        UsageError: a word is none, or names no field of a sample.
    """
    found = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not sign or not theirs:
            raise UsageError(f"--field {pair!r}: write it like prompt=question, ours first")
        if ours not in FIELDS:
            raise UsageError(f"--field {pair!r}: a sample has no {ours!r}: {did_you_mean(ours, FIELDS)}")
        found[ours] = theirs
    return found


def samples_of(
    rows: Iterable[ForeignRow], file: Path, problems: list[Problem], fields: Mapping[str, str], prefix: str
) -> list[dict[str, Any]]:
    """Turn rows into samples in their short form; what is wrong is appended to `problems`, with line and field.

    A field that is none of ours goes to ``meta``.

    Args:
        fields: ours to theirs, where it is not the usual name.
        prefix: of the ids of rows that have none: they are numbered.
    """
    made: list[dict[str, Any]] = []
    at: list[int] = []
    for number, row in enumerate(rows, start=1):
        if len(problems) >= 100:
            break
        sample = _sample(row, file, problems, fields, f"{prefix}-{number:04d}")
        if sample is not None:
            made.append(sample)
            at.append(row.line)
    if not problems:
        if not made:
            problems.append(Problem(file, 0, "holds no samples"))
        decode_samples(iter(zip(at, made, strict=True)), file, problems)
    return made


def _sample(
    row: ForeignRow, file: Path, problems: list[Problem], fields: Mapping[str, str], id: str
) -> dict[str, Any] | None:
    left = {name: value for name, value in row.fields.items() if value is not None and value != ""}
    sample: dict[str, Any] = {}
    for ours in FIELDS:
        names = (fields[ours],) if ours in fields else _USUAL[ours]
        theirs = next((name for name in names if name in left), None)
        if ours == "prompt" and "messages" in left and "prompt" not in fields:
            continue
        if theirs is None:
            if ours in fields and ours in ("prompt", "messages", "id"):
                said = f"field {fields[ours]!r}: missing or empty"
                problems.append(Problem(file, row.line, said, did_you_mean(fields[ours], sorted(row.fields))))
                return None
            continue
        value = left.pop(theirs)
        try:
            sample[ours] = _value(ours, value)
        except ValueError as error:
            problems.append(Problem(file, row.line, f"field {theirs!r}: {error}"))
            return None
    if "prompt" not in sample and "messages" not in sample:
        there = ", ".join(sorted(row.fields)) or "none"
        said = "field 'prompt': missing or empty"
        problems.append(
            Problem(file, row.line, said, f"--field prompt=NAME says where it stands; fields here: {there}")
        )
        return None
    if left:
        sample["meta"] = {**left, **sample.get("meta", {})}
    return {"id": id, **sample}


def _value(ours: str, value: Any) -> Any:
    """Return a value in the form that a sample's field has."""
    if ours in ("id", "prompt", "system", "cluster", "twin", "user", "severity"):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"must be text, not {type(value).__name__}")
        return str(value)
    if ours in ("tags", "refs", "secrets"):
        some = [part.strip() for part in re.split("[;,]", value)] if isinstance(value, str) else value
        if not isinstance(some, list) or not all(isinstance(part, str) and part for part in some):
            raise ValueError("must be a list of texts")
        return some
    if ours == "documents":
        some = [value] if isinstance(value, str) else value
        if not isinstance(some, list):
            raise ValueError("must be a text, or a list of texts or documents")
        return [{"id": f"document-{n}", "text": one} if isinstance(one, str) else one for n, one in enumerate(some, 1)]
    if ours == "meta":
        if isinstance(value, str):
            value = _json(value)
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        return value
    if ours == "messages" and isinstance(value, str):
        return _json(value)
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None


def finished(samples: list[dict[str, Any]], problems: list[Problem]) -> list[dict[str, Any]]:
    """Return the samples, or refuse all of them.

    Raises:
        WorkspaceError: there is a problem.
    """
    if problems:
        raise WorkspaceError(problems[:100])
    return samples


def write_imported(
    found: ImportedSuite,
    root: Path,
    id: str,
    *,
    title: str,
    origin: str,
    private: bool,
    scorer: str = "",
) -> Path:
    """Write an import to ``suites/<id>`` of a workspace and return that folder; nothing is overwritten.

    Args:
        origin: what it was made from, for the card.
        private: whether the text may not be kept whole.
        scorer: id of the scorer, instead of those that the file's checks amount to.

    Raises:
        UsageError: there is no workspace, the id is none or taken, or nothing says how answers are scored.
    """
    from shipworthy.core.registry import create

    folder = free_suite_folder(root, id)
    scorers: list[Any] = [scorer] if scorer else list(found.scorers)
    if not scorers:
        raise UsageError("nothing in it says how answers are scored: name a scorer with --scorer, such as contains_any")
    metric = create("scorer", scorer, {}).metrics[0].name if scorer else found.metric
    suite = {
        "id": id, "version": "1.0.0", "title": title, "content": "private" if private else "synthetic",
        "metric": metric, "scorers": scorers,
    }  # fmt: skip
    said = "\n".join(f"- {line}" for line in found.told)
    card = f"# {id}\n\nImported from {origin}: {len(found.samples):,} samples.\n\n{said}\n"
    files = {
        "suite.yaml": "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in suite.items()),
        "samples.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.samples),
        "card.md": card.rstrip() + "\n",
    }
    return write_suite_folder(folder, files)
