"""Files of models: which of them can run code when somebody loads them, told without loading any.

A pickle is a program. What imports it makes is read by picklescan, a maintained scanner (extra `models`); formats that
hold numbers alone are told by their own heads. A scanner knows what it knows: prefer safetensors, which has no program.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from shipworthy.core.digests import digest, file_digest
from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require

FileState = Literal["plain", "pickle", "code", "unread"]
"""``plain``: holds no program. ``pickle``: a program in which the scanner found nothing dangerous. ``code``: a program
that does, or may do, something else than build a model. ``unread``: nobody here can tell."""

WORST: tuple[FileState, ...] = ("code", "unread", "pickle", "plain")
_LONGEST_HEAD = 100_000_000
"""Bytes of the head of a safetensors file, as its own library limits them."""
_TEXT = (".txt", ".md", ".json", ".jsonl", ".yaml", ".yml", ".csv", ".tsv", ".gitattributes", ".gitignore")
_MOST_TEXT = 1 << 26
_PROGRAMS = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".bat", ".exe", ".jar")
_PICKLES = (".pkl", ".pickle", ".joblib", ".dat", ".data", ".bin", ".pt", ".pth", ".ckpt", ".npy", ".npz", ".zip")
_HEADS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY")


class ModelFile(NamedTuple):
    """What one file is.

    Attributes:
        path: relative to the folder that was asked for.
        format: such as ``safetensors``.
        why: in words.
    """

    path: str
    format: str
    state: FileState
    why: str


class ModelFiles(NamedTuple):
    """What a model's file, or folder of files, is.

    Attributes:
        digest: ``sha256:…`` of the file, or of the names and digests of all files of the folder.
    """

    files: tuple[ModelFile, ...]
    digest: str

    @property
    def worst(self) -> FileState:
        """The worst of them."""
        return min((one.state for one in self.files), key=WORST.index)


def look_at_model(path: Path) -> ModelFiles:
    """Look at a model's file, or at every file in a folder. Nothing is loaded, and no link is followed.

    Raises:
        UsageError: there is none, or one cannot be read.
        MissingExtra: a file may be a pickle, and there is no scanner.
    """
    try:
        if path.is_file():
            return ModelFiles((_look(path, path.name),), file_digest(path))
        found = sorted(one for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
        if not path.is_dir() or not found:
            raise UsageError(f"{path}: no file of a model, and no folder with one")
        files = tuple(_look(one, one.relative_to(path).as_posix()) for one in found)
        listed = [[one.relative_to(path).as_posix(), file_digest(one)] for one in found if one.is_file()]
    except OSError as error:
        raise UsageError(f"cannot read {error.filename or path}: {error.strerror}") from error
    return ModelFiles(files, digest(listed))


def _look(path: Path, name: str) -> ModelFile:
    if path.is_symlink() or not path.is_file():
        return ModelFile(name, "link" if path.is_symlink() else "no file", "unread", "it is not followed")
    with path.open("rb") as file:
        head = file.read(8)
    ending = path.suffix.lower()
    if ending in _PROGRAMS:
        return ModelFile(name, ending[1:], "code", "a program: who loads the model with its maker's code runs it")
    if ending == ".safetensors":
        wrong = _safetensors(path, head)
        return ModelFile(name, "safetensors", "unread" if wrong else "plain", wrong or "numbers alone")
    if head.startswith(b"GGUF"):
        why = "numbers and settings; its chat template is text that a reader may run as a template"
        return ModelFile(name, "gguf", "plain", why)
    if ending in _PICKLES or any(head.startswith(one) for one in _HEADS):
        return _pickle(path, name)
    if ending in _TEXT or path.name in ("LICENSE", "NOTICE", "README"):
        return _text(path, name)
    return ModelFile(name, ending[1:] or "unknown", "unread", "no scanner here reads this format")


def _safetensors(path: Path, head: bytes) -> str:
    """Return why a file is no safetensors file; the empty string where it is one."""
    size, length = path.stat().st_size, int.from_bytes(head, "little")
    if len(head) < 8 or not 2 <= length <= min(_LONGEST_HEAD, size - 8):
        return "its head is not that of a safetensors file"
    with path.open("rb") as file:
        file.seek(8)
        try:
            listed = json.loads(file.read(length))
            spans = sorted(tuple(one["data_offsets"]) for key, one in listed.items() if key != "__metadata__")
            ends = [0, *(end for _, end in spans)]
            whole = (
                all(span[0] == before for span, before in zip(spans, ends, strict=False))
                and ends[-1] == size - 8 - length
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "its head cannot be read"
    return "" if whole else "its head leaves bytes over, or names some twice"


def _text(path: Path, name: str) -> ModelFile:
    if path.stat().st_size > _MOST_TEXT:
        return ModelFile(name, "text", "unread", f"more than {_MOST_TEXT:,} bytes of text")
    data = path.read_bytes()
    try:
        value: Any = json.loads(data) if path.suffix.lower() == ".json" else data.decode("utf-8") and None
    except (ValueError, RecursionError):
        return ModelFile(name, "text", "unread", "it is not the text that its name says")
    if isinstance(value, dict) and value.get("auto_map"):
        return ModelFile(name, "json", "code", "`auto_map`: a loader that trusts its maker's code runs what it names")
    return ModelFile(name, path.suffix[1:].lower() or "text", "plain", "text")


def _pickle(path: Path, name: str) -> ModelFile:
    scanner = require("picklescan.scanner", extra="models", package="picklescan")
    logging.getLogger("picklescan").setLevel(logging.CRITICAL)  # what it found is told below
    try:
        found = scanner.scan_file_path(str(path), strict=True)
    except Exception as error:  # a scanner reads hostile bytes: whatever it fails with, nobody has looked
        return ModelFile(name, "pickle", "unread", f"the scanner failed on it ({type(error).__name__})")
    odd = sorted({f"{one.module}.{one.name}" for one in found.globals if one.safety.value != "innocuous"})
    listed = ", ".join(odd[:5]) + (f" and {len(odd) - 5} more" if len(odd) > 5 else "")
    if found.issues_count or found.infected_files:
        return ModelFile(name, "pickle", "code", f"loading it runs {listed or 'something dangerous'}")
    if found.scan_err:
        return ModelFile(name, "pickle", "unread", "the scanner could not read all of it")
    if odd:
        return ModelFile(name, "pickle", "code", f"loading it runs {listed}, which the scanner does not know")
    if not found.globals and not found.scanned_files:
        return ModelFile(name, "pickle", "unread", "the scanner read nothing in it")
    return ModelFile(name, "pickle", "pickle", "a program; no dangerous import was found")


def rows_of(found: ModelFiles) -> Iterator[dict[str, str]]:
    """Yield a row for each file, the worst first."""
    for one in sorted(found.files, key=lambda file: (WORST.index(file.state), file.path)):
        yield {"file": one.path, "format": one.format, "state": one.state, "why": one.why}
