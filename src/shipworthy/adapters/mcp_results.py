"""What a result of MCP is worth to a tool policy: its structured content, or its texts, and all other texts of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shipworthy.adapters.values import written
from shipworthy.enforce.policy.engine import Policy

_SAID = ("text", "title", "description", "uri")


def worth(policy: Policy, tool: str, result: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return a result's value, and further texts that others wrote, for `Conversation.returned`.

    Args:
        tool: as the policy names it.
        result: of ``tools/call``, as it is on the wire.
    """
    texts = [text for part in result.get("content", ()) for text in _texts(part)]
    structured = result.get("structuredContent")
    if structured is None:
        return "\n".join(texts), []
    if result.get("isError"):
        return "\n".join([*texts, written(structured)]), []
    value = structured
    # MCP has no lists: servers put them under a key of their own, which a rule may name or not.
    rule = policy.tools.get(tool)
    if isinstance(structured, dict) and [*structured] == ["result"] and rule is not None:
        told = rule.rule.returns
        paths = (*told.trusted, *told.names, *told.secret, *told.created, *told.readers)
        if not any(path.startswith("result") for path in paths):
            value = structured["result"]
    return value, [text for text in texts if not _same(text, structured) and not _same(text, value)]


def _texts(part: Mapping[str, Any]) -> list[str]:
    """Return the words of one part of a result: a text, or those of a resource that lies in it or is named there."""
    inside = part.get("resource", part)
    if inside.get("text"):
        return [str(inside["text"])]
    return [str(inside[name]) for name in _SAID if inside.get(name)]


def _same(text: str, value: Any) -> bool:
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False
