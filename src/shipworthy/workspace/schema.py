"""JSON Schemas of the safety files, for editors: made from the models that `check` reads with.

A schema knows keys, words, numbers and shapes. What it cannot know, `shipworthy check` does: links, plug-ins and their
parameters, metrics, references into catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.kind import kinds, sections
from shipworthy.workspace.kinds.suite import LibrarySuiteUse, SuiteFile
from shipworthy.workspace.packs import INHERITS, PolicyPack
from shipworthy.workspace.policies import PolicyFile
from shipworthy.workspace.read import INCLUDE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
WORKSPACE = "workspace"
"""Any file with sections: ``system.yaml``, ``risks.yaml`` and what they include."""

FILES: Mapping[str, Any] = {
    "suite": SuiteFile | LibrarySuiteUse,
    "guards": GuardFile,
    "policy": PolicyFile,
    "policy-pack": PolicyPack,
}
"""What is a file each, and no section."""

_SHORT = ("Use", "PlanSuite", "Argument")
"""Values for which their most important word may stand alone."""
_RENAMED = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Limits behind a validator of ours, which pydantic leaves under its own names."""
_ATTRIBUTE = re.compile(r"^    (\w+(?:, \w+)*): (.*)$")


def names() -> tuple[str, ...]:
    """Return what there is a schema of: a whole file, a file of its own, or one entity of a kind."""
    entities = (name for name, kind in kinds().items() if kind.written not in ("file", "mapping"))
    return (WORKSPACE, *FILES, *sorted(set(entities) - set(FILES)))


def schema_of(name: str = WORKSPACE) -> dict[str, Any]:
    """Return the JSON Schema of a file, or of one entity.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in names():
        raise UsageError(f"there is no schema {name!r}: {did_you_mean(name, names())}")
    defs: dict[str, Any] = {}
    if name == WORKSPACE:
        properties = {section: _section(kind.model, kind.written, defs) for section, kind in sections().items()}
        listed = {"type": "array", "items": {"type": "string"}, "description": "More files with sections."}
        own = {**properties, INCLUDE: listed, INHERITS: listed}
        body = {"type": "object", "properties": own, "additionalProperties": False}
    elif name in FILES:
        body = _made(FILES[name], defs)
    else:
        body = _made(kinds()[name].model, defs)
    made = {"$schema": DIALECT, "title": f"shipworthy {name}", **body}
    return {**made, "$defs": dict(sorted(defs.items()))} if defs else made


def _section(model: type[BaseModel], written: str, defs: dict[str, Any]) -> dict[str, Any]:
    one = _made(model, defs)
    if written == "list":
        return {"anyOf": [{"type": "array", "items": one}, {"type": "null"}]}
    if written == "mapping":
        like = {"type": "object", "required": ["like"], "properties": {"like": {"type": "string"}}}
        return {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [*one["anyOf"], like]}}
    return one


def _made(model: Any, defs: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a model; what it refers to goes into `defs`."""
    made = TypeAdapter(model).json_schema(ref_template="#/$defs/{model}")
    inner = made.pop("$defs", {})
    for name, value in inner.items():
        defs[name] = _shortened(name, _mended(value))
    return _shortened(getattr(model, "__name__", ""), _mended(made))


def _shortened(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name not in _SHORT:
        return schema
    if name == "Use":  # every key besides `use` is a parameter
        use = schema["properties"]["use"]
        schema = {k: v for k, v in schema.items() if k != "additionalProperties"} | {"properties": {"use": use}}
    return {"anyOf": [{"type": "string"}, schema]}


def _mended(schema: Any) -> Any:
    """Return a schema as our reader is: text may be written as a number, and limits have their names."""
    if isinstance(schema, list):
        return [_mended(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        # The names of properties are names, and no words of the schema.
        key: {name: _mended(one) for name, one in value.items()} if key == "properties" else _mended(value)
        for key, value in schema.items()
        if key not in ("title", "default", "description")
    }
    for old, new in _RENAMED.items():
        if isinstance(made.get(old), int | float):
            made[new] = made.pop(old)
    if made.get("type") == "array" and isinstance(made.get("maxLength"), int):
        made["maxItems"] = made.pop("maxLength")
    if made.get("type") == "string" and not {"enum", "const", "format"} & set(made):
        made["type"] = ["string", "number"]  # `version: 1.10` is text here
    if isinstance(said := schema.get("description"), str):
        made["description"], about = _told(said)
        for name, text in about.items():
            if name in made.get("properties", {}):
                made["properties"][name] = {"description": text, **made["properties"][name]}
    return _listed(made)


def _listed(made: dict[str, Any]) -> dict[str, Any]:
    """Let a list of plug-ins be one of them."""
    uses = {"$ref": "#/$defs/Use"}
    return {"anyOf": [made, uses]} if made.get("type") == "array" and made.get("items") == uses else made


def _told(docstring: str) -> tuple[str, dict[str, str]]:
    """Return a docstring's sentences and what it says of each attribute."""
    head, _, rest = docstring.partition("Attributes:")
    about: dict[str, list[str]] = {}
    current: list[str] = []
    for line in rest.splitlines():
        if found := _ATTRIBUTE.match(line):
            current = [found[2]]
            about.update(dict.fromkeys(found[1].split(", "), current))
        elif line.strip():
            current.append(line.strip())
    return " ".join(head.split()), {name: " ".join(lines) for name, lines in about.items()}
