"""llama.cpp in this process: one server per weights file, one request at a time, answers that do not depend on history.

Measured on SmolLM2 (docs/decisions/0050-deterministic-local-model.md): with the library's defaults a greedy answer
changes with what was asked before (5 of 8 prompts) and with what is asked at the same time, because flash attention
and batched decoding round differently from one batch shape to the next. Three things remove it, at no cost on two
cores: flash attention off, one request in flight, and never reusing a cached prompt down to its last token.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, TypeVar

from shipworthy.core.errors import TargetError, TargetTimeout
from shipworthy.core.extras import require
from shipworthy.net.answer import HttpAnswer
from shipworthy.net.endpoint import Endpoint, NoStream
from shipworthy.net.options import HttpOptions

SLOTS = 4
"""Prompt prefixes kept warm. Each system prompt has a slot of its own until four others push it out."""

Wire = Sequence[dict[str, Any]]
T = TypeVar("T")
_LONG = 86_400.0


class _Refused(TargetError):
    """The server's own word on a request."""


class LocalServer:
    """A llama.cpp server on 127.0.0.1 with a random port and key, and the one thread that talks to it.

    One thread means one request in flight from however many event loops and targets: batching two requests would
    make each answer depend on the other, and gains nothing on two cores (measured: 0.52 against 0.54 s a request).
    """

    def __init__(self, weights: Path, *, context: int) -> None:
        self.weights, self.context, self.users = weights, context, 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shipworthy-llama")
        self._server: Any = None
        self._endpoint: Endpoint
        self._runner: asyncio.Runner
        self._slots: OrderedDict[str, int] = OrderedDict()
        self._held: dict[int, str] = {}

    async def chat(self, body: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """Answer one chat completion.

        Raises:
            TargetTimeout: the model took longer than `seconds` (waiting for a turn is not counted).
            TargetError: the server refused; a prompt longer than the context says so.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._chat, body, seconds)

    async def pieces(self, body: dict[str, Any], *, seconds: float) -> AsyncGenerator[str, None]:
        """Yield the data of one streamed chat completion's events as they arrive. Closing it stops the model.

        Raises:
            TargetTimeout, TargetError: as for `chat`; also after some pieces.
        """
        loop, pieces, stop = asyncio.get_running_loop(), asyncio.Queue[str | None](), threading.Event()

        def put(piece: str | None) -> None:
            with suppress(RuntimeError):  # the listener's loop is gone, and nobody reads on
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        working = loop.run_in_executor(self._thread, self._stream, body, seconds, put, stop)
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await working
        finally:
            # The next one to ask waits in the same thread until this answer has ended.
            stop.set()
            with suppress(TargetError):
                await asyncio.shield(working)

    def stop(self) -> None:
        """Let go of the model's memory. Waits for the request in flight."""
        self._thread.submit(self._stop).result()
        self._thread.shutdown()

    # ---- in the one thread ----

    def _chat(self, body: dict[str, Any], timeout: float) -> dict[str, Any]:
        answer: dict[str, Any] = self._post(self._placed(body, timeout), timeout)
        return answer

    def _stream(
        self, body: dict[str, Any], timeout: float, put: Callable[[str | None], None], stop: threading.Event
    ) -> None:
        try:
            if not stop.is_set():
                self._run(self._events({**self._placed(body, timeout), "stream": True}, timeout, put, stop), timeout)
        finally:
            put(None)

    async def _events(
        self, body: dict[str, Any], seconds: float, put: Callable[[str | None], None], stop: threading.Event
    ) -> None:
        try:
            async with asyncio.timeout(seconds), aclosing(self._endpoint.events(body)) as events:
                async for event in events:
                    if stop.is_set():
                        return
                    put(event.data)
        except NoStream as other:
            raise _Refused(_refusal(other.answer)) from None
        except TimeoutError:
            raise TargetTimeout("") from None

    def _placed(self, body: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return a request with the slot to use; starts the server if need be."""
        if self._server is None:
            self._start()
        return {**body, "id_slot": self._settle(body["messages"], timeout), "cache_prompt": True}

    def _settle(self, messages: Wire, timeout: float) -> int:
        """Return the slot to use, its cache holding nothing that could change the answer.

        What a slot holds was computed in batches of two tokens or more, which all round alike, but for the tokens of
        its last answer, made one by one. So the new prompt may share a beginning with the old one, but must not run
        on into the old answer, and must keep at least two tokens to compute: neither may be a beginning of the other.
        """
        system = messages[0]["content"] if messages and messages[0]["role"] == "system" else ""
        slot = self._slots.get(system)
        if slot is None:
            slot = len(self._slots) if len(self._slots) < SLOTS else self._slots.popitem(last=False)[1]
        self._slots[system] = slot
        self._slots.move_to_end(system)
        prompt = _rendered(messages)
        held = self._held.get(slot, "")
        if held and (held.startswith(prompt) or prompt.startswith(held)):
            short = [{"role": "system", "content": system}, {"role": "user", "content": "."}]
            if _rendered(short) in (prompt, held):
                short[1]["content"] = "-"
            self._post({"messages": short, "max_tokens": 1, "id_slot": slot, "cache_prompt": True}, timeout)
        self._held[slot] = prompt
        return slot

    def _run(self, asking: Coroutine[Any, Any, T], timeout: float) -> T:
        try:
            return self._runner.run(asking)
        except _Refused:
            raise
        except TargetTimeout:
            raise TargetTimeout(f"the local model did not answer within {timeout:g} s") from None
        except TargetError as error:
            raise TargetError(f"the local model's server failed: {error}") from None

    def _post(self, body: dict[str, Any], timeout: float) -> Any:
        answer = self._run(self._endpoint.ask(body, timeout=timeout), timeout)
        if answer.status != 200:
            raise TargetError(_refusal(answer))
        if not answer.is_json:
            raise TargetError("the local model's server answered with something that is not JSON")
        return answer.body

    def _start(self) -> None:
        threads = _threads()
        llama = require("xllamacpp", extra="local")
        key = secrets.token_urlsafe(32)
        params = llama.CommonParams()
        params.model.path = str(self.weights)
        params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [key]
        params.n_parallel, params.n_ctx, params.kv_unified = SLOTS, self.context * SLOTS, False
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        # A whole prompt in one batch: a last piece of one token would round differently.
        params.n_batch = params.n_ubatch = self.context
        params.flash_attn_type = llama.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        # The server's own second cache would bring back states that `_settle` does not know of.
        params.cache_ram_mib = 0
        params.n_ctx_checkpoints = 0
        params.ctx_shift = False
        params.ui = params.endpoint_slots = params.endpoint_props = False
        params.verbosity = -1
        try:
            self._server = llama.Server(params)
        except Exception as error:
            raise TargetError(f"llama.cpp could not load {self.weights.name} ({type(error).__name__})") from error
        self._endpoint = Endpoint(
            f"{self._server.listening_address}/v1/chat/completions",
            HttpOptions(retries=0, timeout=_LONG, silence=_LONG),  # who asks says how long
            credentials={"Authorization": (lambda: key, "Bearer ")},
        )
        # The thread's own event loop: it lives as long as the server, and so do its connections.
        self._runner = asyncio.Runner()

    def _stop(self) -> None:
        if self._server is not None:
            self._runner.run(self._endpoint.close())
            self._runner.close()
        self._server = None


def _threads() -> int:
    """Return how many threads to use, with OpenMP's wait policy set. The answers are the same with one and two.

    OpenMP reads ``OMP_WAIT_POLICY`` when it is loaded. Without it, two threads on busy cores spin, and generation is 10
    to 30 times slower than with one. So where another library loaded OpenMP before us, it is one.
    """
    if os.environ.get("OMP_WAIT_POLICY", "").lower() != "passive":
        if _openmp_is_loaded():
            return 1
        os.environ["OMP_WAIT_POLICY"] = "passive"
    return min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _openmp_is_loaded() -> bool:
    if "xllamacpp" in sys.modules:
        return True
    try:
        with Path("/proc/self/maps").open(encoding="utf-8", errors="replace") as maps:
            return any("libgomp.so" in line for line in maps)
    except OSError:
        return False  # no such file on this system: it cannot be told


def _rendered(messages: Wire) -> str:
    """Return the prompt as the model's ChatML template makes it, less what every prompt ends in."""
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages) + "<|im_start|>assistant"


def _refusal(answer: HttpAnswer) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    error = error if isinstance(error, dict) else {}
    if error.get("type") == "exceed_context_size_error":
        return f"the prompt has {error.get('n_prompt_tokens')} tokens, the local model's context {error.get('n_ctx')}"
    # The server's message may quote the prompt: only its kind is passed on.
    return f"the local model's server answered {answer.status} ({error.get('type', 'no reason given')})"


_running: dict[tuple[Path, int], LocalServer] = {}
_guard = threading.Lock()


def acquire(weights: Path, *, context: int) -> LocalServer:
    """Return this process's server for a weights file, so that its memory is taken once; it starts when asked."""
    with _guard:
        server = _running.setdefault((weights, context), LocalServer(weights, context=context))
        server.users += 1
        return server


def release(server: LocalServer) -> None:
    """Give a server back; the last user stops it."""
    with _guard:
        server.users -= 1
        if last := server.users == 0:
            del _running[server.weights, server.context]
    if last:
        server.stop()
