"""A place to run Python in: each program in a sandbox, and in the state what held it."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from msgspec import Struct, field

from shipworthy.agents.sandbox import Sandbox, SandboxBounds
from shipworthy.agents.state_world import StateWorld
from shipworthy.core.registry import world

BOUNDS = SandboxBounds(seconds=10.0, cpu_seconds=5, memory_mb=512, output=20_000)


class ProgramRun(Struct, kw_only=True):
    """A program that was run, the layer of the sandbox that was active, and how it ended."""

    text: str
    sandbox: str
    status: int
    stopped: str = ""


@world
class code(StateWorld):
    """Files of a small project, and programs that read them. Nothing that a program writes is kept."""

    class State(Struct, kw_only=True):
        files: dict[str, str] = field(default_factory=dict)
        runs: list[ProgramRun] = field(default_factory=list)

    needs_sandbox: ClassVar[bool] = True

    def files(self) -> Any:
        """List the names of the files that programs can read."""
        return list(self.state.files)

    def write(self, name: str, text: str) -> Any:
        """Write a file that programs can read.

        Args:
            name: without a folder.
            text: what it holds.
        """
        self.state.files[name] = text
        return {"name": name, "status": "written"}

    async def run(self, text: str) -> Any:
        """Run a Python program: no network, no files but the project's, ten seconds.

        Args:
            text: the program.
        """
        given = {name: held.encode() for name, held in self.state.files.items()}
        ran = await Sandbox(bounds=BOUNDS).run([sys.executable, "-I", "-S", "-c", text], files=given)
        made = ProgramRun(text=text, sandbox=ran.layer, status=ran.status, stopped=ran.stopped)
        self.state.runs.append(made)
        return {
            "status": ran.status,
            "output": ran.output.decode("utf-8", "replace"),
            "errors": ran.errors.decode("utf-8", "replace"),
            "stopped": ran.stopped,
        }
