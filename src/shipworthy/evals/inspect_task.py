"""Any task of Inspect, run on a target of the workspace: Inspect has the samples, solvers and scorers, we the target.

Inspect's process is this one. Each time its solver asks the model, an exchange asks the target: behind its guards and
tool policy, under the limits, and with secrets taken out. What Inspect writes is read as any other log of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import LimitReached, TargetError, UsageError
from shipworthy.core.extras import require
from shipworthy.core.records import Message, Role, say
from shipworthy.evals.imports.foreign import Foreign
from shipworthy.evals.imports.inspect_log import read as read_log
from shipworthy.evals.subject import Subject
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channel, Channels
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange

PROVIDER = "shipworthy"
"""What Inspect calls the target's provider."""


class TaskRun(NamedTuple):
    """What came of a task: its results, and the digest of the log that they were read from."""

    found: Foreign
    log: Path


def run_inspect_task(
    subject: Subject,
    name: str,
    task: str,
    folder: Path,
    *,
    arguments: Mapping[str, Any] | None = None,
    samples: int | None = None,
    epochs: int | None = None,
    limits: Limits = Limits(),
) -> TaskRun:
    """Run one task on a subject.

    Args:
        name: of the target, as the results tell it.
        task: ``FILE.py``, ``FILE.py@TASK``, or one in an installed package (``inspect_evals/xstest``).
            Its code runs here, with everything that this process may do.
        folder: where the log is written; whoever gives it removes it, since the log's text is not redacted.
        arguments: of the task.
        samples: at most so many; `epochs` attempts at each, in place of the task's own.
        limits: of the calls to the target, and their cost.

    Raises:
        UsageError: the task is none, or Inspect could not finish it.
        LimitReached: the budget was used up; nothing is to be kept.
        MissingExtra: Inspect is not installed.
    """
    # What is traced lies elsewhere than the log, and would outlive it.
    os.environ.setdefault("INSPECT_TRACE_FILE", str(folder / "trace.log"))
    inspect_ai = require("inspect_ai", extra="inspect", package="inspect-ai")
    model = require("inspect_ai.model", extra="inspect", package="inspect-ai")
    asked = _Asked(subject, Budget(limits))
    _register(model, asked)
    try:
        logs = inspect_ai.eval(
            task,
            # Inspect keeps models by name: another subject of the same name would be asked for this one.
            model=model.get_model(f"{PROVIDER}/{name}", memoize=False),
            task_args=dict(arguments or {}),
            limit=samples,
            epochs=epochs,
            display="none",
            log_dir=str(folder),
            log_format="json",
            log_realtime=False,
            score=True,
            fail_on_error=False,
        )
    except asked.passed:
        raise
    except Exception as error:
        if asked.limit is not None:
            raise asked.limit from None
        raise UsageError(f"Inspect cannot run {task}: {subject.scrub(str(error))[:400]}") from error
    if asked.limit is not None:
        raise asked.limit
    if len(logs) != 1:
        raise UsageError(f"{task} is {len(logs)} tasks: name one, as FILE.py@TASK")
    if logs[0].status != "success":
        why = logs[0].error.message if logs[0].error is not None else logs[0].status
        raise UsageError(f"Inspect did not finish {task}: {subject.scrub(str(why))[:400]}")
    path = Path(logs[0].location)
    return TaskRun(read_log(path), path)


class _Asked:
    """The way to the target, opened in the loop that asks first."""

    passed = (KeyboardInterrupt, SystemExit)

    def __init__(self, subject: Subject, budget: Budget) -> None:
        self._subject, self._budget = subject, budget
        self._channel: Channel | None = None
        self._mediation = Mediation(subject.pipeline, policy=subject.policy, scrub=subject.scrub)
        self._number = 0
        self.limit: LimitReached | None = None

    async def ask(self, messages: Sequence[Message], seed: int | None) -> Any:
        """Ask once, in an exchange of its own: Inspect holds the conversation."""
        if self._channel is None:
            self._channel = Channels(budget=self._budget).open(self._subject.target, secrets=self._subject.secrets)
        self._number += 1
        number = self._number
        exchange = Exchange(
            self._channel, self._mediation, seed=number if seed is None else seed % 2**31, session=f"inspect-{number}",
            keep=False,
        )  # fmt: skip
        try:
            reply = await exchange.ask(tuple(messages))
        except LimitReached as reached:
            self.limit = reached
            raise
        if exchange.limit is not None:
            self.limit = exchange.limit
            raise exchange.limit
        return reply


def _register(model: Any, asked: _Asked) -> None:
    """Make the provider known to Inspect, for this subject; the last one made is the one that is used."""

    class Provider(model.ModelAPI):  # type: ignore[misc]
        """Asks our target."""

        async def generate(self, input: list[Any], tools: list[Any], tool_choice: Any, config: Any) -> Any:
            """Answer a conversation of Inspect's."""
            if tools:
                raise RuntimeError(
                    "the task gives its model tools: a target of shipworthy calls its own, through its policy; "
                    "measure agents with worlds (docs: measure an agent)"
                )
            try:
                reply = await asked.ask([_message(one) for one in input], config.seed)
            except TargetError as error:
                raise RuntimeError(str(error)) from error
            text = "\n".join(message.text for message in reply.messages if message.role == "assistant")
            made = model.ModelOutput.from_content(f"{PROVIDER}/{self.model_name}", text)
            used = reply.usage
            made.usage = model.ModelUsage(
                input_tokens=used.input_tokens,
                output_tokens=used.output_tokens,
                total_tokens=used.input_tokens + used.output_tokens,
            )
            return made

        def should_retry(self, ex: BaseException) -> bool:
            """Retries are the channel's."""
            return False

        def connection_key(self) -> str:
            """One target, one key."""
            return PROVIDER

    model.modelapi(name=PROVIDER)(Provider)


def _message(one: Any) -> Message:
    """Return a message of Inspect's as ours.

    Raises:
        RuntimeError: it holds what is no text.
    """
    if not isinstance(one.content, str) and any(part.type != "text" for part in one.content):
        raise RuntimeError("the task shows its model more than text, which is not passed on to the target")
    role: Role = one.role if one.role in ("system", "user", "assistant") else "user"
    return say(role, one.text)


async def close(subject: Subject) -> None:
    """Close what a subject opened; in a loop of its own, since Inspect's is gone."""
    await asyncio.wait_for(subject.close(), 30)
