"""Processes for a callable that is kept out of ours: it can break its own process, and nothing that counts.

One call at a time in each. A process that dies, answers nonsense or takes too long is ended with all that it started,
its call is an error, and the next call begins a new one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from shipworthy.core.credentials import resolve
from shipworthy.core.errors import (
    LimitReached,
    PolicyRefused,
    ShipworthyError,
    TargetError,
    TargetFiltered,
    TargetTimeout,
    UsageError,
)
from shipworthy.core.protocols import Tools
from shipworthy.core.records import Reply, ToolCall, ToolResult
from shipworthy.targets import _wire

PROCESSES = 4
"""Calls at one time, each in a process of its own, where nobody says how many."""
START_S = 120.0
"""Seconds that importing the callable may take."""
SHOWN = 256 << 10
"""Characters of a callable's own output that are shown, of all its processes together."""

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); "
    "from shipworthy.targets._worker import main; main(int(sys.argv[1]))"
)
_SECRET = re.compile(
    r"key|token|secret|passw|_pwd|credential|auth(?!or)|cookie|private|signature|salt|dsn|webhook|^SHIPWORTHY_",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_RAISED: Mapping[str, Callable[[str], ShipworthyError]] = {
    "TargetTimeout": TargetTimeout,
    "TargetFiltered": TargetFiltered,
    "PolicyRefused": PolicyRefused,
    "UsageError": UsageError,
    "CredentialError": UsageError,
    "MissingExtra": UsageError,
}
"""What an error of ours that the callable raised is raised as; `TargetError` for the rest."""


def environment(granted: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables that an isolated callable is given, and the names of those that were kept from it.

    Args:
        granted: references ``env:NAME`` that its user lets it have, whatever they are named.

    Raises:
        UsageError: a reference is of another kind, or leads nowhere.
    """
    if wrong := next((one for one in granted if not one.startswith("env:")), None):
        raise UsageError(f"keys: a callable is given variables, env:NAME, not {wrong.partition(':')[0]!r}")
    kept = {name for name, value in os.environ.items() if _SECRET.search(name) or _PASSWORD.search(value)}
    given = {name: value for name, value in os.environ.items() if name not in kept}
    mine = {one.removeprefix("env:"): resolve(one) for one in granted}
    return {**given, **mine}, sorted(kept - set(mine))


class Pool:
    """The processes of one callable.

    Args:
        call: ``module:function``.
        granted: see `environment`.
        memory: bytes that each process may take; 0 for no bound.

    Attributes:
        about: what the callable says of itself.

    Raises:
        UsageError: it cannot be imported, or is none.
    """

    def __init__(self, call: str, *, granted: Sequence[str] = (), memory: int = 0) -> None:
        self._call, self._memory = call, memory
        self._environment, kept = environment(granted)
        self._secrets = [self._environment[one.removeprefix("env:")] for one in granted]
        self._shown, self._lock = 0, threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._number = 0
        if kept:
            self.show(f"kept from it: {', '.join(kept)} (`keys: [env:NAME]` beside `call` gives it one)")
        first = self._begin()
        try:
            self.about = first.greeted()
        except BaseException:
            first.end()
            raise
        self._idle.append(first)

    async def ask(self, ask: _wire.WireAsk, tools: Tools | None, seconds: float) -> Reply:
        """Make one call.

        Raises:
            TargetTimeout: it took longer than `seconds`; the process was ended.
            TargetError: it failed, or its process ended.
        """
        process = self._idle.pop() if self._idle else self._begin()
        self._busy.add(process)
        whole = False
        try:
            await process.ready()
            self._number += 1
            async with asyncio.timeout(seconds):
                reply = await process.ask(_numbered(ask, self._number), tools)
            whole = True
        except TimeoutError:
            raise TargetTimeout(f"{self._call} did not return within {seconds:g} s; its process was ended") from None
        except _Answered as answered:
            whole = True
            raise answered.error from None
        finally:
            self._busy.discard(process)
            if whole:
                self._idle.append(process)
            else:
                process.end()
        return reply

    async def close(self) -> None:
        """End every process, and all that they started."""
        processes = [*self._idle, *self._busy]
        self._idle.clear()
        for process in processes:
            process.hang_up()
        until = time.monotonic() + 1.0
        while time.monotonic() < until and not all(process.ended for process in processes):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for process in processes:
            process.end()

    def show(self, line: str) -> None:
        """Show a line of a callable's own output on standard error, as text and under its name."""
        for secret in self._secrets:
            line = line.replace(secret, "[redacted:credential]")
        text = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line[:2_000])
        with self._lock:
            if self._shown > SHOWN:
                return
            self._shown += len(text) + 1
            if self._shown > SHOWN:
                text = "its further output is not shown"
            with suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(f"[{self._call}] {text}\n")

    def _begin(self) -> _Process:
        return _Process(self._call, self._environment, self._memory, self.show)


class _Answered(Exception):
    """The callable failed, and its process is as good as before."""

    def __init__(self, error: ShipworthyError) -> None:
        self.error = error
        super().__init__(str(error))


class _Process:
    """One process of a callable, and the wire to it."""

    def __init__(self, call: str, environment: Mapping[str, str], memory: int, show: Callable[[str], None]) -> None:
        self._call, self._greeting = call, True
        self._writing = asyncio.Lock()
        ours, theirs = socket.socketpair()
        self._wire = ours
        path = json.dumps([os.path.abspath(place) for place in sys.path])  # noqa: PTH100 - of an empty one, too
        try:
            # -P: the folder that we were started in is not for it to import from, unless our own path says so.
            self._child = subprocess.Popen(  # noqa: S603 - our own Python, and nothing of it from the workspace
                [sys.executable, "-P", "-u", "-c", _START, str(theirs.fileno()), path],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise TargetError(f"{call}: no process could be started ({error.strerror})") from None
        finally:
            theirs.close()
        threading.Thread(target=_show_all, args=(self._child.stdout, show), daemon=True).start()
        with suppress(OSError):
            ours.sendall(_wire.pack(_wire.Setup(call, os.getpid(), memory)))

    def greeted(self) -> _wire.Greeting:
        """Wait, with everything else, for the first message; for where no loop runs yet."""
        self._wire.settimeout(START_S)
        try:
            about = _wire.read(self._wire)
        except TimeoutError:
            raise UsageError(f"importing {self._call!r} took longer than {START_S:g} s") from None
        except (OSError, TargetError):
            about = None
        self._wire.setblocking(False)
        return self._greet(about)

    async def ready(self) -> None:
        """Wait for a process that has just begun."""
        if not self._greeting:
            return
        self._wire.setblocking(False)
        try:
            async with asyncio.timeout(START_S):
                self._greet(await self._read())
        except TimeoutError:
            raise TargetError(f"importing {self._call!r} took longer than {START_S:g} s") from None

    def _greet(self, about: Any) -> _wire.Greeting:
        self._greeting = False
        if not isinstance(about, _wire.Greeting):
            raise UsageError(f"importing {self._call!r} in a process of its own failed: it {self._how()}")
        if about.refused:
            raise UsageError(about.refused)
        return about

    async def ask(self, ask: _wire.WireAsk, tools: Tools | None) -> Reply:
        """Make a call and return what it gave.

        Raises:
            _Answered: it failed in an orderly way.
            TargetError: the process did not.
        """
        await self._write(ask)
        running: dict[int, asyncio.Future[_wire.ToolRan]] = {}
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                said = await self._read()
                if getattr(said, "number", -1) != ask.number:
                    raise TargetError(f"{self._call}: its process {self._how() if said is None else 'broke the wire'}")
                if isinstance(said, _wire.WireAnswer):
                    return _reply(said)
                if isinstance(said, _wire.ToolRan) and (future := running.pop(said.id, None)) is not None:
                    future.set_result(said)
                elif isinstance(said, _wire.Call) and tools is not None:
                    tasks.add(task := asyncio.ensure_future(self._tool(said, tools, running)))
                    task.add_done_callback(tasks.discard)
                else:
                    raise TargetError(f"{self._call}: its process broke the wire")
        finally:
            for task in tasks:
                task.cancel()

    async def _tool(self, said: _wire.Call, tools: Tools, running: dict[int, asyncio.Future[_wire.ToolRan]]) -> None:
        async def own(call: ToolCall) -> str | ToolResult:
            running[said.id] = asyncio.get_running_loop().create_future()
            future = running[said.id]
            await self._write(_wire.RunTool(said.number, said.id, call))
            ran = await future
            if ran.result is not None:
                return ran.result
            if ran.text is not None:
                return ran.text
            raise _failed(ran.failed, ran.said)

        try:
            given = _wire.Result(said.number, said.id, await tools.call(said.call, own if said.own else None))
        except (PolicyRefused, LimitReached, TargetError) as error:  # the desk keeps it, whatever becomes of it there
            given = _wire.Result(said.number, said.id, stopped=str(error))
        await self._write(given)

    async def _write(self, message: _wire.Message) -> None:
        data = _wire.pack(message)
        async with self._writing:
            with suppress(ConnectionError):  # that it has ended is found by reading
                await asyncio.get_running_loop().sock_sendall(self._wire, data)

    async def _read(self) -> Any:
        try:
            head = await self._exactly(_wire.HEAD)
            body = await self._exactly(_wire.length(head)) if head is not None else None
            return _wire.unpack(body) if body is not None else None
        except TargetError as error:
            raise TargetError(f"{self._call}: its process sent {error}") from None

    async def _exactly(self, size: int) -> bytearray | None:
        loop, found = asyncio.get_running_loop(), bytearray()
        while len(found) < size:
            try:
                piece = await loop.sock_recv(self._wire, min(size - len(found), 1 << 20))
            except ConnectionError:
                return None
            if not piece:
                return None
            found += piece
        return found

    def _how(self) -> str:
        """Say how the process ended. It stays unburied: its number, and its group's, must not become another's."""
        until = time.monotonic() + 1.0
        while not self.ended and time.monotonic() < until:
            time.sleep(0.005)
        ended = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return "closed its connection"
        if ended.si_code == os.CLD_EXITED:
            return f"ended with exit({ended.si_status})"
        return f"was ended by {signal.Signals(ended.si_status).name}"

    @property
    def ended(self) -> bool:
        """Whether the process has ended by itself."""
        if self._child.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def hang_up(self) -> None:
        """Ask the process to end."""
        self._wire.close()

    def end(self) -> None:
        """End the process and its group."""
        self._wire.close()
        if self._child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()


def _failed(name: str, said: str) -> Exception:
    """Return what a tool's own code raised in its process; the class is named as it was there."""
    made: Exception = type(name if name.isidentifier() else "ToolFailed", (Exception,), {})(said)
    return made


def _numbered(ask: _wire.WireAsk, number: int) -> _wire.WireAsk:
    from msgspec.structs import replace

    return replace(ask, number=number)


def _reply(said: _wire.WireAnswer) -> Reply:
    if said.reply is None:
        raise _Answered(_RAISED.get(said.failed, TargetError)(said.said))
    return said.reply


def _show_all(pipe: IO[bytes] | None, show: Callable[[str], None]) -> None:
    if pipe is None:
        return
    with pipe, suppress(OSError, ValueError):
        while line := pipe.readline(4_096):
            show(line.decode("utf-8", "replace").rstrip("\r\n"))
