"""Answers that people labelled, from a file: what a judge, or any scorer, is held against."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.cells import CsvError, csv_rows, plain_text
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.records import Attempt, Document, Sample, as_said, say
from shipworthy.core.strict_json import loads

NEEDED = ("answer", "label")
KNOWN = ("id", "cluster", "request", "documents", "expected", *NEEDED)
WORDS = {"hit": True, "no-hit": False, "none": False}
SHOWN = 10
LONGEST = 1_000_000
MOST_SLICES = 40
"""Different values of one further column that are still shown as slices."""


class LabelledAnswer(NamedTuple):
    """One answer and what people say of it.

    Attributes:
        cluster: answers that depend on one another, such as those to one request, share it.
        hit: what people say.
        more: further columns, such as ``language`` or ``model``, by which agreement is shown in slices.
    """

    id: str
    cluster: str
    request: str
    documents: tuple[str, ...]
    expected: tuple[str, ...]
    answer: str
    hit: bool
    more: Mapping[str, str]

    def attempt(self) -> Attempt:
        """Return it as an attempt that a scorer can judge."""
        said = as_said((say("user", self.request), say("assistant", self.answer)))
        return Attempt(
            id=self.id, suite="labelled", sample=self.id, attack="none", number=1, cluster=self.cluster, seed=0,
            content_hash="", outcome="scored", events=tuple(said),
        )  # fmt: skip

    def sample(self) -> Sample:
        """Return the sample that it answers."""
        documents = tuple(Document(id=f"D{n}", text=text) for n, text in enumerate(self.documents, start=1))
        expected = self.expected[0] if len(self.expected) == 1 else self.expected or None
        return Sample(id=self.id, messages=(say("user", self.request),), documents=documents, expected=expected)


class LabelledFile(NamedTuple):
    """A file of labelled answers: `digest` is the SHA-256 of its bytes."""

    answers: tuple[LabelledAnswer, ...]
    digest: str


def read_labelled(path: Path) -> LabelledFile:
    """Read labelled answers: JSON lines, or CSV with a header.

    Columns ``answer`` and ``label`` (``hit`` or ``no-hit``; in JSON lines also true or false) are needed; ``id``,
    ``cluster``, ``request``, ``documents`` and ``expected`` (a text, in JSON also a list of them) may be there. By
    whatever else is there, agreement is shown in slices. Without a cluster, answers to one request are one.

    Raises:
        UsageError: the file cannot be read, or a line is wrong: with every such line. Nothing of such a file counts.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start:,}): save it as 'CSV UTF-8'") from error
    rows = _csv(path, text) if path.suffix.lower() == ".csv" else _lines(path, text)
    problems: list[str] = []
    found: dict[str, LabelledAnswer] = {}
    for line, row in rows:
        made = _answer(row, line) if isinstance(row, dict) else row
        if isinstance(made, str):
            problems.append(f"{path}:{line}: {made}")
        elif made.id in found:
            problems.append(f"{path}:{line}: the id {made.id!r} is there already")
        else:
            found[made.id] = made
    if problems:
        more = f"\n... and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
        raise UsageError("\n".join(problems[:SHOWN]) + more + "\nnothing was measured")
    if not found:
        raise UsageError(f"{path} holds no labelled answer")
    return LabelledFile(tuple(found.values()), f"sha256:{sha256(data).hexdigest()}")


def _lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = loads(line.encode())
        except ValueError as error:
            yield number, f"this is no JSON: {error}"
            continue
        yield number, row if isinstance(row, dict) else "a line is an object with at least 'answer' and 'label'"


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    rows = csv_rows(text)
    try:
        _, names = next(rows, (1, []))
        header = [plain_text(name).strip().lower() for name in names]
        for name in NEEDED:
            if name not in header:
                raise UsageError(f"{path}:1: there is no column {name!r}: {did_you_mean(name, header)}")
        for line, cells in rows:
            if len(cells) > len(header):
                yield line, f"{len(cells)} fields under {len(header)} columns"
            else:
                named = zip(header, cells, strict=False)
                yield line, {k: plain_text(v) for k, v in named if v != "" or k in NEEDED}
    except CsvError as error:
        raise UsageError(f"{path}:{error.line}: this is no CSV: {error}") from error


def _answer(row: dict[str, Any], line: int) -> LabelledAnswer | str:
    """Return the answer of one row, or what is wrong with it."""
    for name in NEEDED:
        if name not in row:
            return f"{name!r} is missing: {did_you_mean(name, list(row))}"
    said = row["label"]
    hit = said if isinstance(said, bool) else WORDS.get(said.strip().lower()) if isinstance(said, str) else None
    if hit is None:
        return f"a label is hit or no-hit, not {json.dumps(said)[:40]}"
    texts: dict[str, tuple[str, ...]] = {}
    for name in ("documents", "expected"):
        value = row.get(name) or ()
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
            return f"{name!r} must be a text, or a list of them"
        texts[name] = tuple(listed)
    plain = {name: row.get(name, "") for name in ("id", "cluster", "request", "answer")}
    for name, value in plain.items():
        if not isinstance(value, str | int) or isinstance(value, bool):
            return f"{name!r} must be a text"
        if len(str(value)) > LONGEST:
            return f"{name!r} has more than {LONGEST:,} characters"
    request = str(plain["request"])
    depends = sha256(request.encode("utf-8", "replace")).hexdigest()[:16] if request else f"L{line}"
    return LabelledAnswer(
        id=str(plain["id"]) or f"L{line}",
        cluster=str(plain["cluster"]) or depends,
        request=request,
        answer=str(plain["answer"]),
        hit=hit,
        more={k: str(v) for k, v in row.items() if k not in KNOWN and isinstance(v, str | int | bool)},
        **texts,
    )
