"""What an MCP server says of its tools, hashed, and held against what somebody pinned once they had read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError

MOST_PAGES = 50
"""On which a server may list its tools."""
_TOLD = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")


def pinned_part(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of a tool, as it is on the wire, that a model may read: what is hashed."""
    return {key: tool[key] for key in _TOLD if tool.get(key) is not None}


def drift(pins: Mapping[str, str] | None, found: Mapping[str, str], names: Sequence[str]) -> str:
    """Say how tools differ from what was pinned; the empty string where they do not.

    >>> drift({"a": "sha256:1"}, {"a": "sha256:2"}, ["a"])
    "the tool 'a' is not the pinned one: read it again and pin it anew"
    """
    if pins is None:
        return "its tools were never pinned: read them, and pin what they are"
    if len(names) != len(set(names)):
        return "the server lists two tools of one name"
    again = "read it again and pin it anew"
    for name in sorted({*pins, *found}):
        if name not in found:
            return f"the pinned tool {name!r} is gone: {again}"
        if name not in pins:
            return f"the tool {name!r} was never pinned: {again}"
        if pins[name] != found[name]:
            return f"the tool {name!r} is not the pinned one: {again}"
    return ""


def read_pins(path: Path) -> dict[str, str]:
    """Read a file of pins: a JSON object, name -> ``sha256:…``.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read the pins of an MCP server, {path}: {error}") from None
    ok = isinstance(found, dict) and all(isinstance(v, str) and v.startswith("sha256:") for v in found.values())
    if not ok:
        raise UsageError(f'{path}: pins are one JSON object, {{"name of a tool": "sha256:…"}}')
    return dict(found)
