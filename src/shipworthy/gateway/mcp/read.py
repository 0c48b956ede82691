"""Read the MCP servers of a gateway's file: whether each may be asked or started, and its pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shipworthy.core.errors import Problem, ShipworthyError
from shipworthy.core.grants import Grants
from shipworthy.dialects.mcp_pins import read_pins
from shipworthy.gateway.mcp.spec import McpRead, McpSpec
from shipworthy.gateway.reach import reaching
from shipworthy.workspace.nodes import YamlFile


def read_servers(
    source: YamlFile, folder: Path, specs: Mapping[str, McpSpec], grants: Grants, problems: list[Problem]
) -> tuple[dict[str, McpRead], tuple[Path, ...]]:
    """Return the servers, and the files that they name; what is wrong is added to `problems`."""
    found: dict[str, McpRead] = {}
    files: list[Path] = []
    for name, spec in specs.items():
        loc = ("mcp", name)
        problems += _allowed(source, loc, folder, spec, grants)
        pins: Mapping[str, str] | None = None
        if spec.pins:
            files.append(folder / spec.pins)
            try:
                # Pins are written by `gateway pin`: until then the file is not there, and no tool is served.
                pins = read_pins(folder / spec.pins) if (folder / spec.pins).exists() else None
            except ShipworthyError as error:
                problems.append(source.problem((*loc, "pins"), str(error)))
        found[name] = McpRead(spec, folder, pins)
    return found, tuple(files)


def _allowed(source: YamlFile, loc: tuple[str, ...], folder: Path, spec: McpSpec, grants: Grants) -> Iterator[Problem]:
    if bool(spec.url) == bool(spec.command):
        yield source.problem(loc, "an MCP server has a 'url' or a 'command', and not both")
    elif spec.url:
        if spec.env:
            yield source.problem((*loc, "env"), "'env' is for a server with a 'command'")
        yield from reaching(source, loc, spec, grants)
    else:
        if spec.key is not None:
            yield source.problem((*loc, "key"), "'key' is for a server with a 'url'; a command gets keys by 'env'")
        if not grants.allow_command(folder.resolve(), spec.line):
            said = f"this file would start {spec.line!r}, and you have not allowed it"
            hint = f"if that is right: {grants.how_to_allow(folder.resolve(), spec.line)}"
            yield source.problem((*loc, "command"), said, hint)
