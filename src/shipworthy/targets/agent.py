"""An agent: any model in a loop that calls the tools it is offered, through guards, policy and record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from shipworthy.agents.document_search import DocumentSearch
from shipworthy.agents.loop import SYSTEM, AgentBounds, AgentLoop
from shipworthy.agents.mcp_server import McpServer, module_folders, python_module
from shipworthy.agents.sandbox import Sandbox
from shipworthy.core.errors import UsageError
from shipworthy.core.protocols import Model
from shipworthy.core.registry import imports, target
from shipworthy.dialects.mcp_pins import read_pins


@target
@imports("mcp_module")
def agent(
    model: Model,
    *,
    system: str = SYSTEM,
    steps: int = 20,
    parallel: int = 4,
    tokens: int = 0,
    seconds: float = 300.0,
    selection: Literal["auto", "native", "json"] = "auto",
    plan: bool = False,
    only: Sequence[str] = (),
    first: str = "",
    once: bool = False,
    copies: Sequence[str] = (),
    longest: int = 0,
    documents: str = "",
    passages: int = 3,
    mcp_url: str = "",
    mcp_module: str = "",
    mcp_pins: str = "",
    root: Path | None = None,
) -> AgentLoop:
    """Build an agent around a model.

    Args:
        model: who decides; ``model: {use: openai_compatible, ...}`` in a workspace.
        system: its instructions.
        steps: times that the model is asked for its next calls.
        parallel: calls of one step that are made; further ones are answered with an error.
        tokens: that an answer may take, in and out; 0 for no limit.
        seconds: that an answer may take.
        selection: ``native`` calls, ``json`` for models that know no tools, ``auto`` for what the model can.
        plan: whether it writes down its steps first.
        only: names of the tools that it is shown, in this order; all that it is offered if left out.
        first: with ``json``, name of the tool that it must call first.
        once: with ``json``, whether each tool is called once in an answer.
        copies: with ``json``, names of arguments whose values must be ids, addresses or amounts that it has read. A
            small model then points at one and need not spell it.
        longest: with ``json``, characters of any other text that it writes into an argument; 0 for no limit.
        documents: a folder of texts (``.md``, ``.txt``) that it may search with the tool ``documents_search``.
        passages: that a search gives.
        mcp_url: of an MCP server whose tools it has besides.
        mcp_module: of one that is a Python module of yours, started in a sandbox; `shipworthy allow code` allows it.
        mcp_pins: file with the pins of that server's tools, ``{"tool": "sha256:…"}``.
        root: folder that a relative `mcp_pins` or `documents` starts from.

    Raises:
        UsageError: a bound is out of range, the model cannot be asked that way, the pins or documents cannot be read,
            or there is no sandbox for a server that is started.
    """
    bounds = AgentBounds(steps=steps, parallel=parallel, tokens=tokens, seconds=seconds)
    servers: list[McpServer | DocumentSearch] = []
    if documents:
        servers.append(DocumentSearch((root or Path()) / Path(documents).expanduser(), passages=passages))
    if mcp_url or mcp_module:
        if not mcp_pins:
            raise UsageError("the tools of an MCP server are pinned: name the file in 'mcp_pins'")
        pins = read_pins((root or Path()) / Path(mcp_pins).expanduser())
        if mcp_url:
            servers.append(McpServer(url=mcp_url, pins=pins))
        else:
            held = Sandbox(readable=module_folders())
            servers.append(McpServer(program=python_module(mcp_module), pins=pins, sandbox=held))
    return AgentLoop(
        model,
        system=system,
        bounds=bounds,
        selection=selection,
        plan=plan,
        only=only,
        first=first,
        once=once,
        copies=copies,
        longest=longest,
        servers=servers,
    )
