"""What the gateway's file says of an MCP server."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from shipworthy.gateway.fields import Count, Reference, Seconds
from shipworthy.workspace.fields import Entity
from shipworthy.workspace.scalars import source_text

Word = Annotated[str, BeforeValidator(source_text), Field(max_length=4_000)]
Variable = Annotated[str, BeforeValidator(source_text), Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]


class McpSpec(Entity):
    """One MCP server: an address, or a command that is started for each session.

    Attributes:
        url: its address over streamable HTTP; with `key`, `key_header`, `plain_http` and `ca_file` as of an upstream.
        command: program and arguments, run in the folder of the gateway's file, with leave: `shipworthy allow command`.
        env: variable -> credential reference, for the program; it gets these and a few harmless ones, and no others.
        pins: file of the pinned tools, ``{"tool": "sha256:…"}``; without it no tool is served.
        prefix: before its tools' names in the tool policy, where two servers have tools of one name.
        media: whether pictures, sounds and bytes, which no guard can look into, are passed on.
        timeout_s: for one answer; `start_s` for the server's first.
        max_bytes: of one message.
        pending: requests in flight of each side, in one session.
        unasked: messages that the server may send unasked in ten seconds.
        sessions: at one time, over HTTP; `idle_s` ends one that nobody uses.
    """

    url: Annotated[str, Field(max_length=2_000)] = ""
    key: Reference | None = None
    key_header: str = "Authorization"
    plain_http: bool = False
    ca_file: str = ""
    command: Annotated[tuple[Word, ...], Field(max_length=1_000)] = ()
    env: Annotated[dict[Variable, Reference], Field(max_length=100)] = Field(default_factory=dict)
    pins: str = ""
    prefix: str = ""
    media: Literal["refuse", "pass"] = "refuse"
    timeout_s: Seconds = 120.0
    start_s: Seconds = 20.0
    max_bytes: Count = 4_000_000
    pending: Count = 64
    unasked: Count = 1_000
    sessions: Count = 100
    idle_s: Seconds = 1_800.0

    @property
    def line(self) -> str:
        """The command as a shell would be given it, with the references that its variables come from."""
        return shlex.join([*(f"{name}={self.env[name]}" for name in sorted(self.env)), *self.command])


class McpRead(NamedTuple):
    """An MCP server of the gateway's file, with the files that it names.

    Attributes:
        folder: of the gateway's file; a command runs there.
        pins: name of a tool -> digest; None where none are named.
    """

    spec: McpSpec
    folder: Path
    pins: Mapping[str, str] | None = None
