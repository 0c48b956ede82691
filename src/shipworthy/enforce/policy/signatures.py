"""What tools there are, read from their signatures: a list of tools, an MCP server's answer, or an OpenAPI file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.nodes import read_yaml

_VERBS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


class Presented(NamedTuple):
    """A tool as it presents itself.

    Attributes:
        arguments: the JSON schema of each argument, by its name.
        required: arguments without which there is no call.
        answer: the JSON schema of what it gives; empty where it does not say.
        space: words that begin the name and only say whose tool it is (`guess.namespaces`).
    """

    name: str
    description: str
    arguments: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]
    answer: Mapping[str, Any]
    space: frozenset[str] = frozenset()


def read_signatures(path: Path) -> dict[str, Presented]:
    """Read the tools of a file, JSON or YAML.

    It may hold a list of tools, as OpenAI's API and ours write them; ``{"tools": [...]}``, as an MCP server answers
    ``tools/list``; or an OpenAPI document, whose operations are the tools.

    Raises:
        WorkspaceError: it cannot be read, or holds none of these.
    """
    if path.suffix == ".json":
        try:
            value = msgspec.json.decode(path.read_bytes())
        except OSError as error:
            raise WorkspaceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise WorkspaceError([Problem(path, 0, f"is not JSON: {error}")]) from None
    else:
        value = read_yaml(path).value
    if isinstance(value, dict) and isinstance(value.get("paths"), dict):
        found = [_operation(*item, value) for item in _operations(value)]
    else:
        listed = value.get("tools") if isinstance(value, dict) else value
        if not isinstance(listed, list) or not all(isinstance(tool, dict) for tool in listed):
            hint = "write a list of tools with name, description and parameters (a JSON schema)"
            raise WorkspaceError([Problem(path, 0, "holds no tools: it is no list, no MCP answer, no OpenAPI", hint)])
        found = [_tool(tool) for tool in listed]
    for number, tool in enumerate(found, start=1):
        if not tool.name:
            raise WorkspaceError([Problem(path, 0, f"the tool no. {number} has no name")])
    if len({tool.name for tool in found}) < len(found):
        twice = next(t.name for i, t in enumerate(found) if any(t.name == other.name for other in found[:i]))
        raise WorkspaceError([Problem(path, 0, f"the tool {twice!r} is there twice")])
    return {tool.name: tool for tool in found}


def resolved(schema: Any, root: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return a schema with its local references followed, and of alternatives the first that is not null."""
    if not isinstance(schema, dict) or depth > 20:
        return {}
    if isinstance(ref := schema.get("$ref"), str):
        value: Any = root
        for key in ref.removeprefix("#/").split("/"):
            value = value.get(key) if isinstance(value, dict) else None
        return resolved(value, root, depth + 1)
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(word), list):
            some = [resolved(o, root, depth + 1) for o in options]
            first = next((o for o in some if o and o.get("type") != "null"), {})
            return {**first, **{k: v for k, v in schema.items() if k in ("description", "title", "default")}}
    found = dict(schema)
    if isinstance(found.get("properties"), dict):
        found["properties"] = {str(k): resolved(v, root, depth + 1) for k, v in found["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = resolved(found[key], root, depth + 1)
    return found


def _tool(tool: Mapping[str, Any]) -> Presented:
    tool = tool["function"] if isinstance(tool.get("function"), dict) else tool
    written = _first(tool, "parameters", "inputSchema", "input_schema")
    schema = resolved(written, written)
    answer = _first(tool, "outputSchema", "output_schema", "returns")
    required = frozenset(map(str, schema.get("required") or ()))
    properties = schema.get("properties") or {}
    name, description = str(tool.get("name") or ""), str(tool.get("description") or "")
    return Presented(name, description, properties, required, resolved(answer, answer))


def _first(tool: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return next((tool[key] for key in keys if isinstance(tool.get(key), dict)), {})


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], list[Any]]]:
    for path, methods in document["paths"].items():
        if isinstance(methods, dict):
            shared = methods.get("parameters") or []
            yield from ((path, verb, methods[verb], shared) for verb in _VERBS if isinstance(methods.get(verb), dict))


def _operation(path: str, verb: str, operation: Mapping[str, Any], shared: list[Any], document: Any) -> Presented:
    arguments: dict[str, Mapping[str, Any]] = {}
    required: set[str] = set()
    for written in [*shared, *(operation.get("parameters") or [])]:
        parameter = resolved(written, document)
        if name := str(parameter.get("name") or ""):
            schema = resolved(parameter.get("schema") or parameter, document)
            arguments[name] = {"description": parameter.get("description", ""), **schema}
            required |= {name} if parameter.get("required") is True else set()
    body = _json_of(resolved(operation.get("requestBody") or {}, document), document)
    arguments |= body.get("properties") or {}
    required |= set(map(str, body.get("required") or ()))
    answers = operation.get("responses") or {}
    good = answers.get(next((code for code in answers if str(code).startswith("2")), ""), {})
    fallback = f"{verb}_{path.strip('/').replace('/', '_').replace('{', '').replace('}', '')}"
    described = " ".join(str(operation.get(k) or "") for k in ("summary", "description")).strip()
    answer = _json_of(resolved(good, document), document)
    return Presented(str(operation.get("operationId") or fallback), described, arguments, frozenset(required), answer)


def _json_of(content: Mapping[str, Any], document: Any) -> dict[str, Any]:
    media = (content.get("content") or {}).get("application/json") or {}
    return resolved(media.get("schema") or {}, document)
