"""Samples: the short form people write, decoded strictly, every error with its line.

A file of lines is read line by line: what it costs beside its samples is one line. A million samples load so.
"""

from __future__ import annotations

import codecs
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, overload

import msgspec

from shipworthy.core import collector
from shipworthy.core.credentials import is_reference, weakness
from shipworthy.core.digests import canonical
from shipworthy.core.errors import Problem, WorkspaceError, did_you_mean
from shipworthy.core.records import Document, Message, Sample
from shipworthy.workspace.builder import MAX_DEPTH, MAX_PROBLEMS
from shipworthy.workspace.inside import check_inside
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.scalars import plain
from shipworthy.workspace.taxonomies import ref_problem

MAX_LINE = 4 << 20
"""Bytes of one sample; a picture in base64 may stand in it."""
MAX_LINES = 4_000_000
"""Of one file, empty ones too."""
_SHARED = 4_096
"""Tags and secrets that many samples have alike are kept once; so many different ones of them are remembered."""

_SAMPLE_KEYS = (*Sample.__struct_fields__, "prompt", "system")
_MESSAGE_KEYS = ("role", "content", "parts")
_DOCUMENT_KEYS = Document.__struct_fields__


class Origins(Sequence[str]):
    """Where samples come from, in their order: ``sha256:…`` of what each was made from, and its line, in 36 bytes.

    Attributes:
        lines: 1-based.
    """

    def __init__(self) -> None:
        self.lines = array("I")
        self._hashes = bytearray()

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = 32 * range(len(self))[index]
        return f"sha256:{self._hashes[at : at + 32].hex()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def add(self, line: int, written: bytes) -> None:
        """Add a sample by its line and the canonical JSON that it was made from."""
        self.lines.append(line)
        self._hashes += sha256(written).digest()

    def keep(self, indices: Sequence[int]) -> None:
        """Forget all samples but these."""
        self.lines = array("I", (self.lines[i] for i in indices))
        self._hashes = bytearray(b"".join(self._hashes[32 * i : 32 * i + 32] for i in indices))

    def change(self, index: int, sample: Sample) -> None:
        """Say that a sample was made into another one."""
        written = canonical(msgspec.to_builtins(sample))
        self._hashes[32 * index : 32 * index + 32] = sha256(written).digest()


def read_samples(
    path: Path, problems: list[Problem], root: Path | None = None, *, private: bool = False
) -> tuple[list[Sample], Origins]:
    """Read ``samples.jsonl`` or ``samples.yaml``.

    Args:
        path: the file; its suffix says which of the two it is.
        problems: what is wrong is appended here.
        root: as for `read_yaml`.
        private: the samples' ids and tags are repeated in no message.

    Returns:
        The samples in the order of the file, and where they come from.
    """
    if path.suffix in (".yaml", ".yml"):
        try:
            source = read_yaml(path, root)
        except WorkspaceError as error:
            problems += error.problems
            return [], Origins()
        if not isinstance(source.value, list):
            problems.append(Problem(path, 1, "must be a list of samples"))
            return [], Origins()
        return decode_samples(yaml_rows(source, ()), path, problems, private=private)
    if path.suffix != ".jsonl":
        problems.append(Problem(path, 0, "samples are a .jsonl or a .yaml file"))
        return [], Origins()
    return decode_samples(_json_rows(path, problems, root), path, problems, private=private)


def yaml_rows(source: YamlFile, loc: tuple[str | int, ...]) -> Iterator[tuple[int, Any]]:
    """Yield (line, value) of a list in a YAML file."""
    value = source.value
    for segment in loc:
        value = value[segment]
    for index, row in enumerate(value):
        yield source.line((*loc, index)), plain(row)


def _json_rows(path: Path, problems: list[Problem], root: Path | None) -> Iterator[tuple[int, Any]]:
    before = len(problems)
    try:
        check_inside(path, root)
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    hint = "name pictures and long documents by a place of their own, or cut the sample in two"
                    problems.append(Problem(path, number, f"a line of more than {MAX_LINE >> 20} MB", hint))
                    return
                if number > MAX_LINES:
                    hint = "cut the suite in two"
                    problems.append(Problem(path, number, f"the file has more than {MAX_LINES:,} lines", hint))
                    return
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if len(problems) - before >= MAX_PROBLEMS:
                    problems.append(_enough(path, number))
                    return
                if line.strip():
                    yield from _json_row(line, path, number, problems)
    except WorkspaceError as error:
        problems += error.problems
    except OSError as error:
        problems.append(Problem(path, 0, f"cannot be read: {error.strerror}"))


def _json_row(line: bytes, path: Path, number: int, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "nested too deep" if isinstance(error, RecursionError) else str(error)
        problems.append(Problem(path, number, f"is not one JSON object a line: {message}"))
        return
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _deeper(row, MAX_DEPTH):
        problems.append(Problem(path, number, f"nested more than {MAX_DEPTH} levels deep"))
        return
    if name := _written_twice(line):
        problems.append(Problem(path, number, f"the key {name!r} is written twice", "keep the one that is meant"))
        return
    yield number, row


class _Twice(Exception):
    """A key that an object has already."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise _Twice(name)
        names.add(name)


_PAIRS = json.JSONDecoder(object_pairs_hook=_once)


def _written_twice(line: bytes) -> str:
    """Return a key that stands twice in one object of a line that is JSON: of two values one would be lost."""
    try:
        _PAIRS.decode(line.decode("utf-8").strip())
    except _Twice as found:
        return str(found)[:80]
    except ValueError:  # Half a character, or more digits than Python reads: said elsewhere, or harmless.
        return ""
    return ""


def _deeper(value: Any, levels: int) -> bool:
    """Say whether a JSON value has more than so many levels."""
    if isinstance(value, dict):
        return not levels or any(_deeper(inner, levels - 1) for inner in value.values())
    return isinstance(value, list) and (not levels or any(_deeper(inner, levels - 1) for inner in value))


def decode_samples(
    rows: Iterator[tuple[int, Any]], path: Path, problems: list[Problem], *, private: bool = False
) -> tuple[list[Sample], Origins]:
    """Decode rows of (line, JSON) and check what holds among samples: ids are unique, twins exist.

    Args:
        private: as for `read_samples`.
    """
    before = len(problems)
    samples: list[Sample] = []
    origins = Origins()
    taken: set[str] = set()
    broken: set[str] = set()  # ids of samples that are none: what names them is not reported, too
    twins: list[int] = []
    shared: dict[Any, Any] = {}
    with collector.held_back():
        for line, row in rows:
            if len(problems) - before >= MAX_PROBLEMS:
                problems.append(_enough(path, line))
                return samples, origins
            sample = _decode(row, path, line, problems)
            if sample is None:
                if isinstance(row, dict) and isinstance(row.get("id"), str):
                    broken.add(row["id"])
                continue
            if sample.id in taken:
                first = origins.lines[next(i for i, other in enumerate(samples) if other.id == sample.id)]
                said = f"the sample id {_named(sample.id, private)}is used twice"
                problems.append(Problem(path, line, said, f"first on line {first}"))
                continue
            problems += [Problem(path, line, *wrong) for ref in sample.refs if (wrong := ref_problem(ref))]
            try:
                written = canonical(row)
            except (ValueError, RecursionError):
                problems.append(Problem(path, line, "holds a number or text that JSON cannot carry exactly"))
                broken.add(sample.id)
                continue
            taken.add(sample.id)
            if sample.twin and "/" not in sample.twin:  # suite/id is checked among the suites
                twins.append(len(samples))
            samples.append(_slim(sample, shared))
            origins.add(line, written)
    for index in twins:
        twin = samples[index].twin
        if twin in taken or twin in broken:
            continue
        hint = "" if private else did_you_mean(twin, sorted(taken | broken))
        said = f"the twin {_named(twin, private)}is no sample of this suite"
        problems.append(Problem(path, origins.lines[index], said, hint if hint.startswith("did") else ""))
        if len(problems) - before >= MAX_PROBLEMS:
            break
    return samples, origins


def _enough(path: Path, line: int) -> Problem:
    return Problem(path, line, f"the samples have {MAX_PROBLEMS} problems up to here: what follows was not read")


def _named(id: str, private: bool) -> str:
    return "" if private else f"{id if len(id) <= 60 else id[:57] + '...'!r} "


def _slim(sample: Sample, shared: dict[Any, Any]) -> Sample:
    """Return a sample that shares with others what they have alike."""
    values = (sample.tags, sample.secrets, sample.refs, sample.user)
    if len(shared) < _SHARED:
        tags, secrets, refs, user = (shared.setdefault(value, value) for value in values)
    else:
        tags, secrets, refs, user = (shared.get(value, value) for value in values)
    cluster = shared.get(sample.cluster, sample.cluster) if sample.cluster else sample.id
    meta = sample.meta or _NOTHING
    return msgspec.structs.replace(sample, cluster=cluster, tags=tags, secrets=secrets, refs=refs, user=user, meta=meta)


_NOTHING: dict[str, Any] = {}


def _decode(row: Any, path: Path, line: int, problems: list[Problem]) -> Sample | None:
    try:
        sample = msgspec.convert(_long_form(row), Sample)
    except (msgspec.ValidationError, _Wrong) as error:
        message, hint = error.args if isinstance(error, _Wrong) else (_message(error), "")
        problems.append(Problem(path, line, message, hint))
        return None
    for number, secret in enumerate(sample.secrets, 1):
        if not is_reference(secret) and (wrong := weakness(secret)):
            said = f"secret {number} of the sample {wrong}: it could not be told from ordinary text"
            problems.append(Problem(path, line, said))
            return None
    if wrong := _unanswerable(sample):
        problems.append(Problem(path, line, wrong))
        return None
    return sample


class _Wrong(Exception):
    """A message and a hint."""


def _long_form(row: Any) -> Any:
    """Turn the short form into the record's own: ``prompt``, ``system`` and ``content`` become messages of parts."""
    if not isinstance(row, dict):
        raise _Wrong("a sample must be an object", 'such as {"id": "…", "prompt": "…"}')
    _only(row, _SAMPLE_KEYS, "sample")
    made = {k: v for k, v in row.items() if k not in ("prompt", "system", "messages")}
    if not isinstance(made.get("id"), str) or not made["id"].strip():
        raise _Wrong("a sample needs an 'id' that is text", "")
    if ("prompt" in row) == ("messages" in row):
        raise _Wrong("a sample needs either 'prompt' or 'messages'", "")
    if "prompt" in row and not isinstance(row["prompt"], str):
        raise _Wrong("'prompt' must be text", "use 'messages' for several turns or other parts")
    messages = [{"role": "user", "content": row["prompt"]}] if "prompt" in row else row["messages"]
    if not isinstance(messages, list):
        raise _Wrong("'messages' must be a list", "")
    if "system" in row:
        messages = [{"role": "system", "content": row["system"]}, *messages]
    made["messages"] = [_message_form(message) for message in messages]
    for document in made.get("documents") or ():
        if isinstance(document, dict):
            _only(document, _DOCUMENT_KEYS, "document")
    return made


def _message_form(message: Any) -> Any:
    if not isinstance(message, dict):
        raise _Wrong("a message must be an object", 'such as {"role": "user", "content": "…"}')
    _only(message, _MESSAGE_KEYS, "message")
    if ("content" in message) == ("parts" in message):
        raise _Wrong("a message needs either 'content' or 'parts'", "")
    parts = message.get("content", message.get("parts"))
    if isinstance(parts, str):
        parts = [{"type": "text", "text": parts}]
    if not isinstance(parts, list):
        raise _Wrong("'content' must be text or a list of parts", "")
    return {"role": message.get("role"), "parts": [_part_form(part) for part in parts]}


_PARTS: Mapping[str, tuple[str, ...]] = {
    "text": ("type", "text"),
    "image": ("type", "media_type", "data", "url"),
    "audio": ("type", "media_type", "data"),
    "tool_call": ("type", "id", "name", "arguments"),
    "tool_result": ("type", "id", "name", "text", "is_error"),
}


def _part_form(part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, dict):
        raise _Wrong("a part must be text or an object", "")
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _PARTS:
        raise _Wrong(f"unknown part type {kind!r}", did_you_mean(str(kind), list(_PARTS)))
    _only(part, _PARTS[kind], f"{kind} part")
    return part


def _only(row: Mapping[str, Any], keys: tuple[str, ...], what: str) -> None:
    for key in row:
        if key not in keys:
            raise _Wrong(f"unknown key {key!r} in a {what}", did_you_mean(str(key), list(keys)))


def _message(error: msgspec.ValidationError) -> str:
    """Say msgspec's complaint in the words of a JSON file."""
    text = str(error)
    for theirs, ours in (("`", "'"), ("Object missing required field", "a key is missing:"), (" - at '$.", " (at '")):
        text = text.replace(theirs, ours)
    return text + ")" if " (at '" in text else text


def _unanswerable(sample: Sample) -> str:
    """Say why the target would never be asked, or the empty string."""
    roles = [message.role for message in sample.messages]
    if "user" not in roles:
        return "a sample needs a message of the role 'user'"
    if roles[-1] == "assistant":
        return "a sample must not end with an assistant message: the target would have nothing to answer"
    if any(not message.parts for message in sample.messages):
        return "a message has no parts"
    if not any(_says_something(m) for m in sample.messages if m.role == "user"):
        return "the user's message is empty"
    return ""


def _says_something(message: Message) -> bool:
    return bool(message.text.strip()) or any(type(part).__name__ != "Text" for part in message.parts)
