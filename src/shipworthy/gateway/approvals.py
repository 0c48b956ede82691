"""Approvals: calls of tools that wait for a person's word.

Each is a file in the gateway's folder, redacted and on the disk before anybody is asked, so that all workers and the
command line see it and a killed process leaves it behind. What the call really says stays in the memory of the worker
that waits: it shows it to an operator of the same user, and takes their word, on a socket in that folder. A call whose
worker is gone cannot be let pass any more: nobody waits for it, and nobody ever made it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.core.events import Approval, PolicyEvent, Question
from shipworthy.core.foreign import kind_of
from shipworthy.core.messages import ToolCall
from shipworthy.core.text import Content, Name
from shipworthy.detect.redact import redact
from shipworthy.store.files import make_directory, write_atomic

if TYPE_CHECKING:
    from shipworthy.gateway.policy_stage import PolicyAsker

FOLDER = "approvals"
BEAT_S = 10.0
"""Seconds after which a client that waits for a stream is told that it still does."""
MARGIN_S = 1.0
"""Seconds before the end of a request at which a call waits no longer: the answer has to be written yet."""
_LONGEST = 16_000_000
"""Bytes of a message on the socket: calls have a million characters at most, which JSON may write as escapes."""

State = Literal["waiting", "approved", "denied", "expired", "gone", "lost"]
"""``expired``: no word in time. ``gone``: the request ended first. ``lost``: so did the worker, without a word."""


class PendingCall(Struct, frozen=True, kw_only=True):
    """One call that a person was asked about.

    Attributes:
        id: ``AP-`` and 12 hex digits.
        asked, until: UTC, ISO 8601.
        request: id of the record of its request; `client` and `session` as in `PolicyAsker`.
        call: as the upstream made it and guards let it pass.
        reason, rule, questions: the policy's word.
        worker: the socket on which its worker answers.
        by, why, at: who answered, why and when; empty before that.
        arguments: with which the call was made, where the operator changed them.
    """

    id: Name
    state: State
    asked: Name
    until: Name
    request: Name
    client: Name
    session: Content
    call: ToolCall
    reason: Content
    rule: Content
    questions: tuple[Question, ...] = ()
    worker: Name = ""
    by: Name = ""
    why: Content = ""
    at: Name = ""
    arguments: dict[str, Any] | None = None


class _Ask(Struct, frozen=True):
    """What an operator sends to a worker."""

    do: Literal["show", "answer"]
    id: str
    granted: bool = False
    by: str = ""
    why: str = ""
    arguments: dict[str, Any] | None = None


class _Told(Struct, frozen=True):
    """What a worker says to that: the call as it is, or whether the word was the first; `error` where it is neither."""

    row: PendingCall | None = None
    first: bool = False
    error: str = ""


class _Waiting:
    def __init__(self, row: PendingCall) -> None:
        self.row = row
        self.answer: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()
        self.taken = False


class ApprovalQueue:
    """The calls that wait in one worker.

    Args:
        state: the gateway's folder.
        tell: is told that somebody is asked: the tool's name and how to answer, no text of the conversation.
        secrets: the strings that must not be written down.
    """

    def __init__(self, state: Path, tell: Callable[[str], None], secrets: Callable[[], tuple[str, ...]]) -> None:
        self._folder, self._tell, self._secrets = state / FOLDER, tell, secrets
        self._waiting: dict[str, _Waiting] = {}
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._worker = ""

    def approver(self, asker: PolicyAsker, timeout_s: float) -> QueueApprover:
        """Return who is asked about one request's calls."""
        return QueueApprover(self, asker, timeout_s)

    async def ask(self, call: ToolCall, asked: PolicyEvent, asker: PolicyAsker, timeout_s: float) -> Approval:
        """Return a person's word on a call, or after `timeout_s` that there was none.

        Raises:
            StoreError: it cannot be written down that somebody is asked: nobody is, then.
        """
        await self._listen()
        now = datetime.now(UTC)
        waiting = _Waiting(
            PendingCall(
                id=f"AP-{secrets.token_hex(6)}",
                state="waiting",
                asked=_time(now),
                until=_time(now + timedelta(seconds=timeout_s)),
                request=asker.request,
                client=asker.client,
                session=asker.session,
                call=call,
                reason=asked.reason,
                rule=asked.rule,
                questions=asked.questions,
                worker=self._worker,
            )
        )
        keeping = asyncio.ensure_future(self._keep(waiting.row))
        self._waiting[waiting.row.id] = waiting
        try:
            await asyncio.shield(keeping)  # whoever stops waiting for it does not stop it
            self._tell(f"{waiting.row.id} waits for a person's word on {call.name}, until {waiting.row.until}")
            return await self._word(waiting, asker, timeout_s)
        finally:
            del self._waiting[waiting.row.id]
            if not waiting.taken:  # the client left, the time of the request is up, or the gateway ends
                waiting.taken = True
                if keeping.done():
                    self._gone(waiting.row, keeping)
                else:
                    keeping.add_done_callback(lambda kept: self._gone(waiting.row, kept))

    async def close(self) -> None:
        """Take no more words."""
        if self._server is not None:
            self._server.close()
            (self._folder / self._worker).unlink(missing_ok=True)

    async def _word(self, waiting: _Waiting, asker: PolicyAsker, timeout_s: float) -> Approval:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while not waiting.answer.done():
            left = until - loop.time()
            if left <= 0 and not waiting.taken:
                waiting.taken = True
                reason = f"nobody answered within {round(timeout_s, 1):g} s"
                await self._keep(replace(waiting.row, state="expired", at=_time(datetime.now(UTC))))
                return Approval(0, waiting.row.call.id, "nobody", granted=False, reason=reason)
            await asyncio.wait({waiting.answer}, timeout=max(0.05, min(left, BEAT_S)))
            if asker.beat is not None and not waiting.answer.done():
                await asker.beat()
        return waiting.answer.result()

    def _gone(self, row: PendingCall, kept: asyncio.Future[None]) -> None:
        if not kept.cancelled() and kept.exception() is None:
            with suppress(StoreError):
                self._write(replace(row, state="gone", at=_time(datetime.now(UTC))))

    async def _answer(self, ask: _Ask) -> _Told:
        """Take an operator's word: it is on the disk before it counts, and only the first one does."""
        waiting = self._waiting.get(ask.id)
        if waiting is None or waiting.taken:
            return _Told(row=self._read(ask.id))
        waiting.taken = True
        changed = ask.arguments if ask.arguments != waiting.row.call.arguments else None
        row = replace(
            waiting.row,
            state="approved" if ask.granted else "denied",
            by=ask.by,
            why=ask.why,
            at=_time(datetime.now(UTC)),
            arguments=changed,
        )
        try:
            await self._keep(row)
        except StoreError as error:
            waiting.taken = False
            return _Told(error=str(error))
        call = waiting.row.call
        if not waiting.answer.done():
            waiting.answer.set_result(Approval(0, call.id, ask.by, ask.granted, ask.why, changed))
        return _Told(row=row, first=True)

    # ---- on the disk -----------------------------------------------------------------------------------------------

    async def _keep(self, row: PendingCall) -> None:
        await asyncio.to_thread(self._write, row)

    def _write(self, row: PendingCall) -> None:
        try:
            data = msgspec.json.encode(redact(row, self._secrets()))
            write_atomic(self._folder / f"{row.id}.json", data, mode=0o600)
        except (OSError, UnicodeEncodeError) as error:
            raise StoreError(f"an approval cannot be written down in {self._folder} ({kind_of(error)})") from None

    def _read(self, id: str) -> PendingCall | None:
        with suppress(StoreError, UsageError):
            return read_one(self._folder.parent, id)
        return None

    # ---- on the socket ---------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async with self._starting:
            if self._server is not None:
                return
            try:
                make_directory(self._folder, mode=0o700)
                _sweep(self._folder)
                self._worker = f"w{os.getpid()}-{secrets.token_hex(4)}.sock"
                with _short(self._folder / self._worker) as path:
                    self._server = await asyncio.start_unix_server(self._serve, path, limit=_LONGEST)
                (self._folder / self._worker).chmod(0o600)
            except OSError as error:
                raise StoreError(f"nobody can be asked through {self._folder} ({error.strerror or error})") from None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = await reader.readuntil(b"\n")
            try:
                told = await self._handle(msgspec.json.decode(line, type=_Ask))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                told = _Told(error="that is no question")
            writer.write(msgspec.json.encode(told) + b"\n")
            await writer.drain()
        writer.close()

    async def _handle(self, ask: _Ask) -> _Told:
        if ask.do == "answer":
            return await self._answer(ask)
        waiting = self._waiting.get(ask.id)
        return _Told(row=waiting.row if waiting is not None and not waiting.taken else self._read(ask.id))


class QueueApprover:
    """Asks about one request's calls; see `Approver`."""

    def __init__(self, queue: ApprovalQueue, asker: PolicyAsker, timeout_s: float) -> None:
        self._queue, self._asker, self._timeout_s = queue, asker, timeout_s

    async def approve(self, call: ToolCall, asked: PolicyEvent) -> Approval:
        """Return a person's word on a call."""
        left = min(self._timeout_s, self._asker.until - MARGIN_S - asyncio.get_running_loop().time())
        if left <= 0:
            return Approval(0, call.id, "nobody", granted=False, reason="there was no time left to ask anybody")
        return await self._queue.ask(call, asked, self._asker, left)


# ---- an operator's side --------------------------------------------------------------------------------------------


def read_all(state: Path) -> list[PendingCall]:
    """Return every call that a person was ever asked about, oldest first, redacted.

    Raises:
        StoreError: one of the files is damaged.
    """
    rows = [_decode(path) for path in (state / FOLDER).glob("AP-*.json")]
    alive: dict[str, bool] = {}
    return sorted((_seen(state, row, alive) for row in rows), key=lambda row: (row.asked, row.id))


def read_one(state: Path, id: str) -> PendingCall:
    """Return one of them, redacted.

    Raises:
        UsageError: there is none of this id.
        StoreError: its file is damaged.
    """
    path = state / FOLDER / f"{id}.json"
    if not id.startswith("AP-") or "/" in id or not path.is_file():
        raise UsageError(f"there is no approval {id!r} in {state}: shipworthy gateway approvals list shows them")
    return _seen(state, _decode(path))


def show(state: Path, id: str) -> tuple[PendingCall, bool]:
    """Return a call, and whether it is shown as it is: its worker still waits for a word on it.

    Raises:
        UsageError, StoreError: as for `read_one`.
    """
    row = read_one(state, id)
    if row.state != "waiting":
        return row, False
    told = _talk(state, row, _Ask("show", id))
    if told is None or told.row is None:
        return replace(row, state="lost"), False
    return told.row, told.row.state == "waiting"


def answer(
    state: Path, id: str, *, granted: bool, by: str, why: str, arguments: dict[str, Any] | None = None
) -> tuple[PendingCall, bool]:
    """Give a word on a call; return it as it stands then, and whether this word was the first and counts.

    Raises:
        UsageError, StoreError: as for `read_one`; or the word could not be kept, and does not count.
    """
    row = read_one(state, id)
    if row.state != "waiting":
        return row, False
    told = _talk(state, row, _Ask("answer", id, granted, by, why, arguments))
    if told is None:
        return replace(row, state="lost"), False
    if told.error:
        raise StoreError(told.error)
    return told.row or row, told.first


def _talk(state: Path, row: PendingCall, ask: _Ask) -> _Told | None:
    """Return what the worker says; None where it is gone."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
            made.settimeout(30.0)
            with _short(state / FOLDER / Path(row.worker).name) as path:
                made.connect(path)
            made.sendall(msgspec.json.encode(ask) + b"\n")
            with made.makefile("rb") as answer:
                return msgspec.json.decode(answer.readline(_LONGEST), type=_Told)
    except TimeoutError:
        raise StoreError(f"the worker that waits for {row.id} does not answer") from None
    except (OSError, msgspec.MsgspecError):
        return None


def _seen(state: Path, row: PendingCall, alive: dict[str, bool] | None = None) -> PendingCall:
    """Return a row, told to be lost where its worker is not there any more.

    Args:
        alive: what is known of workers already.
    """
    if row.state != "waiting":
        return row
    known = alive if alive is not None else {}
    if row.worker not in known:
        known[row.worker] = _alive(state / FOLDER / Path(row.worker).name)
    return row if known[row.worker] else replace(row, state="lost")


def _alive(path: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made, _short(path) as short:
        made.settimeout(30.0)
        made.connect(short)
        return True
    return False


def _decode(path: Path) -> PendingCall:
    try:
        return msgspec.json.decode(path.read_bytes(), type=PendingCall)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read ({kind_of(error)})") from None


def _sweep(folder: Path) -> None:
    """Remove the sockets of workers that are gone."""
    for path in folder.glob("w*.sock"):
        if not _alive(path):
            path.unlink(missing_ok=True)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of a socket that is short enough for one: a hundred characters are all that it may have."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _time(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
