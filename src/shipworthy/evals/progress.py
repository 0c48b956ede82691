"""How a run is going: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from io import StringIO
from typing import IO, TYPE_CHECKING, Any

from shipworthy.core.finished import failed
from shipworthy.core.price import money
from shipworthy.core.records import Attempt
from shipworthy.exchange.budget import Budget, format_duration

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from shipworthy.evals.estimate import Estimate

TELLS = 20
"""Attempts of a sitting from which on it tells itself what the rest will take."""
REFRESH_S = 0.25
PLAIN_EVERY_S = 10.0
WINDOW_S = 30.0
"""The rate is that of the last half minute: it is what time left follows from."""


class Progress:
    """Counts what is durable and shows it now and then; showing costs nothing per attempt.

    Args:
        stream: where to; standard error if left out, so that output can be piped.
        every_s: seconds between plain lines.
        style: ``bar``, ``plain`` or ``none``; ``auto`` takes the bar on a terminal.
        expected: what is expected of what is left, until the run itself tells.
    """

    def __init__(
        self,
        stream: IO[str] | None = None,
        *,
        every_s: float = PLAIN_EVERY_S,
        style: str = "auto",
        expected: Estimate | None = None,
    ) -> None:
        given = stream or sys.stderr
        self.stream = given or StringIO()
        self.every_s = every_s
        self.style = style if style != "auto" else ("bar" if self.stream.isatty() else "plain")
        if given is None:  # standard error is closed: there is nobody to show anything to
            self.style = "none"
        self.expected = expected
        self.done = self.errors = self.planned = self.before = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._budget = Budget()
        self._ticker: asyncio.Task[None] | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def start(self, planned: int, before: int, budget: Budget, title: str = "") -> None:
        """Begin to show. Must be called on a running event loop.

        Args:
            planned: attempts of the run; `before` of them were done by earlier sessions.
            budget: what is being spent.
        """
        self.planned, self.before, self._budget = planned, before, budget
        self.done = self.errors = 0
        self._marks.clear()
        self._marks.append((time.monotonic(), 0))
        if self.style == "bar":
            self._bar, self._task = self._make_bar(title)
            self._bar.start()
        if self.style != "none":
            self._ticker = asyncio.get_running_loop().create_task(self._tick())

    def count(self, attempt: Attempt) -> None:
        """Count an attempt that is durable."""
        self.done += 1
        if failed(attempt.outcome):
            self.errors += 1

    def stop(self) -> None:
        """Show the last state and end."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
            self._show()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    @property
    def rate(self) -> float:
        """Attempts a second over the last `WINDOW_S` seconds."""
        then, done = self._marks[0]
        return (self.done - done) / max(time.monotonic() - then, 1e-9)

    def line(self) -> str:
        """Return the state as one line of text.

        It reads like ``120/400 attempts (30 %), 3.2/s, 2 errors, $0.01 of about $0.04, 1m28s left``.
        """
        done = self.before + self.done
        share = f" ({100 * done // self.planned} %)" if self.planned else ""
        return f"{done:,}/{self.planned:,} attempts{share}, {self._facts()}"

    def _facts(self) -> str:
        facts = [f"{self.rate:.1f}/s" if self.rate < 100 else f"{self.rate:,.0f}/s"]
        facts.append(f"{self.errors:,} error{'' if self.errors == 1 else 's'}")
        usage = self._budget.usage
        tokens = usage.input_tokens + usage.output_tokens
        paid = bool(usage.cost_usd) or (
            self.expected is not None and bool(self.expected.usd and self.expected.usd.high)
        )
        if paid:
            facts.append(self._of(usage.cost_usd, money, "usd"))
        if tokens:
            facts.append((_tokens(tokens) if paid else self._of(tokens, _tokens, "tokens")) + " tokens")
        if left := self.planned - self.before - self.done:
            if self.rate > 0:
                facts.append(f"{format_duration(left / self.rate)} left")
            elif self.expected is not None and (time := self.expected.seconds) is not None:
                facts.append(f"{format_duration(time.low)} to {format_duration(time.high)} left")
            else:
                facts.append("time left unknown")
        else:
            facts.append(f"took {format_duration(self._budget.seconds)}")
        return ", ".join(facts)

    def _of(self, spent: float, said: Callable[[float], str], name: str) -> str:
        """Return what was spent, and of about how much: by this sitting once it tells, before by the estimate."""
        left = self.planned - self.before - self.done
        if not left:
            return said(spent)
        if self.done >= TELLS:
            return f"{said(spent)} of about {said(_two_digits(spent * (1 + left / self.done)))}"
        between = getattr(self.expected, name, None)
        if between is None:
            return said(spent)
        return f"{said(spent)} of {said(_two_digits(between.low))} to {said(_two_digits(between.high))}"

    async def _tick(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(REFRESH_S)
            now = time.monotonic()
            self._marks.append((now, self.done))
            while len(self._marks) > 2 and now - self._marks[0][0] > WINDOW_S:
                self._marks.popleft()
            if self._bar is not None or now - last >= self.every_s:
                last = now
                self._show()

    def _show(self) -> None:
        try:
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self.before + self.done, facts=self._facts())
                self._bar.refresh()
            else:
                print(self.line(), file=self.stream, flush=True)
        except OSError:
            self.style = "none"  # Whoever watched has gone; the run goes on.

    def _make_bar(self, title: str) -> tuple[Bar, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        # A bar is drawn anew over itself, which what the command line puts before a terminal would spell out.
        console = Console(file=getattr(self.stream, "unescaped", self.stream))
        bar = Bar(*columns, TextColumn("{task.fields[facts]}"), console=console, auto_refresh=False)
        task = bar.add_task(title or "attempts", total=self.planned, completed=self.before, facts="")
        return bar, task


def _tokens(number: float) -> str:
    """Return a number of tokens, thousands of them from ten thousand on: the line is to fit a terminal."""
    return f"{number:,.0f}" if number < 10_000 else f"{number / 1000:,.0f}k"


def _two_digits(number: float) -> float:
    return float(f"{number:.2g}")
