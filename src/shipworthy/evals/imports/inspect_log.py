"""Inspect's logs, ``.eval`` and ``.json``, without Inspect: version 2 of its format."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require
from shipworthy.core.records import Message, say
from shipworthy.evals.imports.foreign import (
    MOST_BYTES,
    Foreign,
    ForeignAttempt,
    Where,
    measured,
    parse,
    read_bytes,
    scored,
)

VERSION = 2
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5}
"""Inspect's letters; ``N`` is no answer, which is no score here."""
_ZSTD = 93
_LOCAL = struct.Struct("<4s5H3I2H")
_ROLES = {"developer": "system"}
_MOST = 1 << 28
"""Bytes of one member of an ``.eval``."""


def read(path: Path) -> Foreign:
    """Read a log.

    The task is a suite, its samples are samples, epochs are attempts. A score of letters or of true and false is an
    event, a number in [0, 1] a value; which way is good Inspect does not say: high is taken. A scorer with other
    numbers or words is left out, and a note says so. A sample that ended in an error is an error.

    Raises:
        UsageError: it is no such log; member and field are named.
        MissingExtra: an ``.eval`` is compressed with zstandard, which is not installed.
    """
    header, samples = opened(path)
    about = header.at("eval")
    task = about.at("task").text()
    rows = [(attempt_of(task, sample), scores_of(sample)) for sample in samples]
    if not rows:
        raise UsageError(f"{path}: the log holds no sample; nothing was imported")
    values: dict[str, list[float | bool | None]] = {}
    for _, scores in rows:
        for name, said in scores.items():
            values.setdefault(name, []).append(said)
    metrics, left = measured(values, {})
    if not metrics:
        raise UsageError(f"{path}: no scorer gave letters, true or false, or numbers in [0, 1]; nothing was imported")
    attempts = tuple(scored(one, scores, metrics) for one, scores in rows)
    packages = about.get("packages")
    tool = packages.get("inspect_ai") if packages is not None else None
    return Foreign(
        "inspect", "" if tool is None else tool.text(), about.at("model").text(),
        about.at("created").text()[:19] + "Z", {task: metrics}, attempts, left,
    )  # fmt: skip


def opened(path: Path) -> tuple[Where, Iterator[Where]]:
    """Return a log's header and its samples.

    Raises:
        UsageError: it is no such log, or of another version.
        MissingExtra: as for `read`.
    """
    data = read_bytes(path)
    if data[:2] == b"PK":
        members = _Members(path, data)
        header, samples = members.json("header.json"), members.samples()
    else:
        header = parse(data, path)
        samples = header.at("samples").items()
    if (version := header.at("version").whole()) != VERSION:
        raise header.at("version").wrong(f"is {version}; version {VERSION} can be read")
    return header, samples


def attempt_of(task: str, sample: Where) -> ForeignAttempt:
    """Return a sample as an attempt, without its scores."""
    id = sample.at("id").value
    if isinstance(id, bool) or not isinstance(id, str | int):
        raise sample.at("id").wrong("must be text or a whole number")
    messages = tuple(map(message_of, sample.at("messages").items()))
    time, error, used = sample.get("working_time"), sample.get("error"), sample.get("model_usage")
    uses = [] if used is None else [usage for _, usage in used.entries()]
    tokens = [sum(usage.at(f"{way}_tokens").whole() for usage in uses) for way in ("input", "output")]
    made = ForeignAttempt(
        task, str(id), "none", max(1, sample.at("epoch").whole()), messages, {},
        seconds=0.0 if time is None else time.number(), tokens=(tokens[0], tokens[1]),
    )  # fmt: skip
    if error is None:
        return made
    return made._replace(outcome="target_error", error=error.at("message").text())


def scores_of(sample: Where) -> dict[str, float | bool | None]:
    """Return what each scorer said: true or false, a number, or None where it is no score of ours."""
    found: dict[str, float | bool | None] = {}
    given = sample.get("scores")
    for name, score in () if given is None else given.entries():
        value = score.at("value")
        parts = list(value.entries()) if isinstance(value.value, dict) else [("", value)]
        for part, one in parts:
            found[f"{name}.{part}" if part else name] = _grade(one)
    return found


def _grade(one: Where) -> float | bool | None:
    value = one.value
    if value in ("C", "I"):
        return bool(value == "C")
    if isinstance(value, str):
        return _GRADES.get(value)
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or (isinstance(value, float) and math.isnan(value)):
        return None  # NaN is how Inspect writes that a scorer gave no score.
    return float(value) if -1e300 < value < 1e300 else math.inf if value > 0 else -math.inf


def message_of(message: Where) -> Message:
    """Return a message; what is no text in it is named in brackets."""
    role, content = message.at("role").text(), message.at("content")
    role = _ROLES.get(role, role)
    if role not in ("system", "user", "assistant", "tool"):
        raise message.at("role").wrong(f"must be system, user, assistant or tool, not {role!r}")
    whole = isinstance(content.value, str)
    text = content.text() if whole else "\n".join(_part(part) for part in content.items())
    # A tool's answer has no call of ours to belong to: it stands as what was said.
    return say("assistant" if role == "tool" else role, text)  # type: ignore[arg-type]


def _part(part: Where) -> str:
    kind = part.at("type").text()
    return part.at("text").text() if kind == "text" else f"[{kind}]"


class _Members:
    """The members of an ``.eval``: a zip whose members Python 3.11 cannot decompress."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path, self._data, self._left = path, data, MOST_BYTES
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, EOFError) as error:
            raise UsageError(f"{path}: no whole .eval: {error}; nothing was imported") from None

    def samples(self) -> Iterator[Where]:
        """Yield the samples, in the order of their names."""
        return (self.json(name) for name in sorted(self._zip.namelist()) if name.startswith("samples/"))

    def json(self, name: str) -> Where:
        """Return a member, parsed."""
        return parse(self._bytes(name), Path(f"{self._path}!{name}"))

    def _bytes(self, name: str) -> bytes:
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise UsageError(f"{self._path}: has no {name}: the log was not finished; nothing was imported") from None
        self._left -= info.file_size
        if info.file_size > _MOST or self._left < 0:
            raise UsageError(f"{self._path}!{name}: too large; nothing was imported")
        try:
            if info.compress_type != _ZSTD:
                return self._zip.read(info)
            zstandard = require("zstandard", extra="inspect-logs")
            head = _LOCAL.unpack_from(self._data, info.header_offset)
            start = info.header_offset + _LOCAL.size + head[9] + head[10]
            packed = self._data[start : start + info.compress_size]
            made: bytes = zstandard.ZstdDecompressor().decompress(packed, max_output_size=info.file_size or 1)
        except UsageError:
            raise
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, EOFError) as error:
            raise UsageError(f"{self._path}!{name}: cannot be read: {error}; nothing was imported") from None
        except Exception as error:  # zstandard's own error is known only where it is installed
            if type(error).__name__ != "ZstdError":
                raise
            raise UsageError(f"{self._path}!{name}: cannot be read: {error}; nothing was imported") from None
        return made
