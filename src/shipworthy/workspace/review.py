"""What people said of a suite's samples: a file of words beside the suite, one a line, the last of a sample counts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from shipworthy.core.errors import Problem, StoreError

ReviewStatus = Literal["draft", "reviewed", "rejected"]
STATUSES: tuple[ReviewStatus, ...] = get_args(ReviewStatus)


class ReviewWord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person's word on one sample.

    Attributes:
        of: ``sha256:…`` of the sample as it was written then. A sample that was changed since is a draft again.
        status: ``draft`` takes an earlier word back.
        at: ISO 8601, UTC.
    """

    sample: str
    of: str
    status: ReviewStatus
    by: str
    at: str
    comment: str = ""


def review_file(suite: Path) -> Path:
    """Return where the words on a suite stand, there or not.

    Args:
        suite: ``suites/NAME/suite.yaml``, or ``suites/NAME.yaml`` where one file is the suite.
    """
    if suite.name == "suite.yaml":
        return suite.with_name("review.jsonl")
    return suite.with_name(f"{suite.stem}.review.jsonl")


def read_review(file: Path, problems: list[Problem]) -> list[ReviewWord]:
    """Read the words in their order; what is wrong is appended to `problems`, and none of them then counts."""
    words: list[ReviewWord] = []
    before = len(problems)
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(Problem(file, 0, f"cannot be read: {error.strerror}"))
        return []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            words.append(msgspec.json.decode(line, type=ReviewWord))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            problems.append(
                Problem(file, number, f"is no word of a reviewer: {error}", "`shipworthy suites review` writes it")
            )
    return words if len(problems) == before else []


def standing(words: Sequence[ReviewWord], written: Mapping[str, str]) -> dict[str, ReviewWord]:
    """Return the word that counts of each sample that has one.

    Args:
        written: by sample id, the digest of what it is made from today.
    """
    last = {word.sample: word for word in words}
    return {id: word for id, word in last.items() if word.status != "draft" and written.get(id) == word.of}


def add_word(file: Path, word: ReviewWord) -> None:
    """Append a word, durable when this returns.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            line = msgspec.json.encode(word) + b"\n"
            if os.write(handle, line) != len(line):
                raise StoreError(f"cannot write all of a word to {file}: is the disk full?")
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}") from error
