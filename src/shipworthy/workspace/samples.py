"""Samples: the short form people write, decoded strictly, every error with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.digests import canonical
from shipworthy.core.errors import Problem, WorkspaceError, did_you_mean
from shipworthy.core.records import Document, Message, Sample
from shipworthy.workspace.inside import check_inside
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.scalars import plain
from shipworthy.workspace.taxonomies import ref_problem

_SAMPLE_KEYS = (*Sample.__struct_fields__, "prompt", "system")
_MESSAGE_KEYS = ("role", "content", "parts")
_DOCUMENT_KEYS = Document.__struct_fields__


def read_samples(path: Path, problems: list[Problem], root: Path | None = None) -> tuple[list[Sample], list[bytes]]:
    """Read ``samples.jsonl`` or ``samples.yaml``.

    Args:
        path: the file; its suffix says which of the two it is.
        problems: what is wrong is appended here.
        root: as for `read_yaml`.

    Returns:
        The samples in the order of the file, and the canonical JSON they were made from (what is hashed).
    """
    if path.suffix in (".yaml", ".yml"):
        try:
            source = read_yaml(path, root)
        except WorkspaceError as error:
            problems += error.problems
            return [], []
        if not isinstance(source.value, list):
            problems.append(Problem(path, 1, "must be a list of samples"))
            return [], []
        return decode_samples(yaml_rows(source, ()), path, problems)
    if path.suffix != ".jsonl":
        problems.append(Problem(path, 0, "samples are a .jsonl or a .yaml file"))
        return [], []
    return decode_samples(_json_rows(path, problems, root), path, problems)


def yaml_rows(source: YamlFile, loc: tuple[str | int, ...]) -> Iterator[tuple[int, Any]]:
    """Yield (line, value) of a list in a YAML file."""
    value = source.value
    for segment in loc:
        value = value[segment]
    for index, row in enumerate(value):
        yield source.line((*loc, index)), plain(row)


def _json_rows(path: Path, problems: list[Problem], root: Path | None) -> Iterator[tuple[int, Any]]:
    try:
        check_inside(path, root)
        data = path.read_bytes()
    except WorkspaceError as error:
        problems += error.problems
        return
    except OSError as error:
        problems.append(Problem(path, 0, f"cannot be read: {error.strerror}"))
        return
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = "nested too deep" if isinstance(error, RecursionError) else str(error)
            problems.append(Problem(path, number, f"is not one JSON object a line: {message}"))


def decode_samples(
    rows: Iterator[tuple[int, Any]], path: Path, problems: list[Problem]
) -> tuple[list[Sample], list[bytes]]:
    """Decode rows of (line, JSON) and check what holds among samples: ids are unique, twins exist."""
    samples: list[Sample] = []
    raw: list[bytes] = []
    lines: dict[str, int] = {}
    named: set[str] = set()
    twins: list[tuple[int, Sample]] = []
    for line, row in rows:
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            named.add(row["id"])
        sample = _decode(row, path, line, problems)
        if sample is None:
            continue
        if sample.id in lines:
            first = f"first on line {lines[sample.id]}"
            problems.append(Problem(path, line, f"the sample id {sample.id!r} is used twice", first))
            continue
        lines[sample.id] = line
        if sample.twin and "/" not in sample.twin:  # suite/id is checked among the suites
            twins.append((line, sample))
        problems += [Problem(path, line, *wrong) for ref in sample.refs if (wrong := ref_problem(ref))]
        try:
            raw.append(canonical(row))
        except ValueError:
            problems.append(Problem(path, line, "holds a number or text that JSON cannot carry exactly"))
            continue
        samples.append(sample)
    for line, sample in twins:
        if sample.twin not in named:
            hint = did_you_mean(sample.twin, sorted(named))
            hint = hint if hint.startswith("did") else ""
            problems.append(Problem(path, line, f"the twin {sample.twin!r} is no sample of this suite", hint))
    return samples, raw


def _decode(row: Any, path: Path, line: int, problems: list[Problem]) -> Sample | None:
    try:
        sample = msgspec.convert(_long_form(row), Sample)
    except (msgspec.ValidationError, _Wrong) as error:
        message, hint = error.args if isinstance(error, _Wrong) else (_message(error), "")
        problems.append(Problem(path, line, message, hint))
        return None
    if wrong := _unanswerable(sample):
        problems.append(Problem(path, line, wrong))
        return None
    return msgspec.structs.replace(sample, cluster=sample.cluster or sample.id)


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
