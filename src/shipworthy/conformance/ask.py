"""One cell's request, as a client of its route makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipworthy.conformance.came import Came
from shipworthy.conformance.cells import MatrixCell

if TYPE_CHECKING:
    import aiohttp

QUESTION = "Please say something about letters."
_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


def body(cell: MatrixCell) -> dict[str, Any]:
    """Return what is asked."""
    made: dict[str, Any] = {"model": cell.model, "stream": cell.ask}
    if cell.route == "responses":
        tools = [{"type": "function", "name": "send", "parameters": _SCHEMA, "strict": False}]
        return {**made, "input": QUESTION, "tools": tools, "store": False}
    made["messages"] = [{"role": "user", "content": QUESTION}]
    if cell.route == "messages":
        return {**made, "max_tokens": 100, "tools": [{"name": "send", "input_schema": _SCHEMA}]}
    made |= {"n": cell.choices} if cell.choices > 1 else {}
    tool = {"name": "send", "parameters": _SCHEMA}
    if cell.place == "function_call":
        return {**made, "functions": [tool]}
    return {**made, "tools": [{"type": "function", "function": tool}]}


async def ask(session: aiohttp.ClientSession, base: str, cell: MatrixCell, key: str = "") -> Came:
    """Ask a gateway and return all that comes.

    Args:
        base: scheme, host and port.
        key: sent as both kinds of clients do.
    """
    headers = {"authorization": f"Bearer {key}", "x-api-key": key} if key else {}
    async with session.post(base + PATHS[cell.route], json=body(cell), headers=headers) as answer:
        return Came(answer.status, dict(answer.headers), await answer.read())
