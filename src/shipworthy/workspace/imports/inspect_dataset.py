"""Inspect data sets: JSON, JSON lines or CSV with the fields of an Inspect sample. Inspect is not needed."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.imports.rows import ForeignRow, ImportedSuite, finished, samples_of
from shipworthy.workspace.imports.tables import _csv_rows, json_rows, text_of

_CANNOT = {"sandbox": "an environment", "files": "files of an environment", "setup": "a script of an environment"}


def read_inspect_suite(file: Path, fields: Mapping[str, str]) -> ImportedSuite:
    """Read samples as `json_dataset` and `csv_dataset` of Inspect read them: input, target, choices, id, metadata.

    ``input`` may be a list of messages. ``choices`` are written below the question with their letters, and the
    scorer is then `choice`, otherwise `contains_any` over ``target``.

    Args:
        fields: ours to theirs, as Inspect's `FieldSpec` has it.

    Raises:
        WorkspaceError: every problem, with line and field; then nothing of the file is taken. A sample that needs an
            environment of its own is one.
    """
    problems: list[Problem] = []
    rows = list(_rows(file, problems))
    chosen = any(row.fields.get("choices") for row in rows)
    made = [row for one in rows if (row := _plain(one, file, problems)) is not None]
    samples = finished(samples_of(made, file, problems, fields, file.stem), problems)
    if chosen:
        without = next((s["id"] for s in samples if "options" not in s.get("meta", {})), None)
        if without is not None:
            raise WorkspaceError(
                [Problem(file, 0, f"field 'choices': the sample {without!r} has none, and others have")]
            )
        return ImportedSuite(samples, [{"use": "choice", "metric": "correct", "counts": "right"}], "correct")
    if any("expected" in sample for sample in samples):
        told = ["Scored by contains_any over the targets: choose another scorer where the task's own was another."]
        return ImportedSuite(samples, [{"use": "contains_any", "metric": "correct"}], "correct", told)
    return ImportedSuite(samples)


def _rows(file: Path, problems: list[Problem]) -> Iterator[ForeignRow]:
    if file.suffix == ".csv":
        yield from _csv_rows(text_of(file), file, problems)
    elif file.suffix == ".jsonl":
        yield from json_rows(file, problems)
    else:
        try:
            value = msgspec.json.decode(text_of(file))
        except (msgspec.DecodeError, RecursionError) as error:
            problems.append(Problem(file, 0, f"is not JSON: {error}", "files of lines end in .jsonl"))
            return
        if not isinstance(value, list):
            problems.append(Problem(file, 0, "must be a list of samples"))
            return
        for number, row in enumerate(value, start=1):
            if isinstance(row, dict):
                yield ForeignRow(number, row)
            else:
                problems.append(Problem(file, number, f"sample {number} must be an object"))


def _plain(row: ForeignRow, file: Path, problems: list[Problem]) -> ForeignRow | None:
    fields: dict[str, Any] = dict(row.fields)
    for name, what in _CANNOT.items():
        if fields.get(name):
            said = f"field {name!r}: the sample needs {what}, which no suite of ours brings"
            problems.append(Problem(file, row.line, said, "run it with Inspect and import the log"))
            return None
        fields.pop(name, None)
    given = fields.get("input")
    if isinstance(given, list):
        try:
            fields["messages"] = [_message(message) for message in given]
        except ValueError as error:
            problems.append(Problem(file, row.line, f"field 'input': {error}"))
            return None
        del fields["input"]
    choices = fields.pop("choices", None)
    if isinstance(choices, str) and choices:
        choices = [part.strip() for part in choices.split(",")]
    if choices:
        return _with_choices(row, fields, choices, file, problems)
    return ForeignRow(row.line, fields)


def _with_choices(
    row: ForeignRow, fields: dict[str, Any], choices: Any, file: Path, problems: list[Problem]
) -> ForeignRow | None:
    if not (isinstance(choices, list) and 2 <= len(choices) <= 26 and all(isinstance(c, str) and c for c in choices)):
        problems.append(Problem(file, row.line, "field 'choices': must be 2 to 26 texts"))
        return None
    options = dict(zip(string.ascii_uppercase, choices, strict=False))
    target = fields.pop("target", None)
    right = target[0] if isinstance(target, list) and len(target) == 1 else target
    if right not in options and right not in options.values():
        problems.append(Problem(file, row.line, f"field 'target': must be one of {', '.join(options)}"))
        return None
    if not isinstance(fields.get("input"), str):
        problems.append(Problem(file, row.line, "field 'input': must be text where there are choices"))
        return None
    listed = "\n".join(f"{letter}) {text}" for letter, text in options.items())
    fields["input"] = f"{fields['input']}\n\n{listed}\n\nAnswer with the letter."
    meta = fields.get("metadata") if isinstance(fields.get("metadata"), dict) else {}
    fields["metadata"] = {**(meta or {}), "options": options, "right": right}
    return ForeignRow(row.line, fields)


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise ValueError("a message needs a role and content")
    content = message.get("content")
    if isinstance(content, str):
        return {"role": message["role"], "content": content}
    if not isinstance(content, list):
        raise ValueError("the content of a message must be text or a list of parts")
    parts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text":
            parts.append({"type": "text", "text": part.get("text", "")})
        elif kind == "image" and isinstance(part.get("image"), str) and ":" in part["image"]:
            media = (
                part["image"].partition(";")[0].removeprefix("data:")
                if part["image"].startswith("data:")
                else "image/*"
            )
            parts.append({"type": "image", "media_type": media, "url": part["image"]})
        else:
            raise ValueError(f"a part of the type {kind!r} is not read (text, and images by address, are)")
    return {"role": message["role"], "parts": parts}
