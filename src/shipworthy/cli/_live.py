"""A table of rates that fills while a run goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from shipworthy.core.finished import failed
from shipworthy.evals.progress import Progress

if TYPE_CHECKING:
    from shipworthy.core.records import Attempt
    from shipworthy.exchange.budget import Budget


class LiveTable(Progress):
    """Shows each suite's rate with its interval on a terminal; plain lines elsewhere.

    Args:
        metrics: the metric shown of each suite.
    """

    def __init__(self, metrics: dict[str, str]) -> None:
        self._live_here = sys.stderr is not None and sys.stderr.isatty()
        super().__init__(every_s=0.5 if self._live_here else 10.0, style="plain")
        self._metrics = metrics
        self._cells: dict[str, dict[str, list[int]]] = {suite: {} for suite in metrics}
        self._bad: dict[str, int] = dict.fromkeys(metrics, 0)
        self._live: Any = None

    def start(self, planned: int, before: int, budget: Budget, title: str = "") -> None:
        """Begin to show."""
        if self._live_here:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(file=getattr(self.stream, "unescaped", self.stream)), auto_refresh=False)
            self._live.start()
        super().start(planned, before, budget, title)

    def count(self, attempt: Attempt) -> None:
        """Count an attempt that is durable, and its score."""
        super().count(attempt)
        if failed(attempt.outcome):
            self._bad[attempt.suite] += 1
            return
        for score in attempt.scores:
            if score.metric == self._metrics[attempt.suite] and score.hit is not None:
                tally = self._cells[attempt.suite].setdefault(attempt.cluster, [0, 0])
                tally[0] += score.hit
                tally[1] += 1

    def stop(self) -> None:
        """Show the last state and end."""
        super().stop()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """Return suite, metric, rate, interval, hits / trials, errors of what was made so far."""
        from shipworthy.stats import rate_interval

        rows = []
        for suite, metric in self._metrics.items():
            tallies = self._cells[suite].values()
            hits, trials = [t[0] for t in tallies], [t[1] for t in tallies]
            rate = span = "-"
            if trials:
                found = rate_interval(hits, trials)
                rate = f"{100 * found.rate:.1f} %"
                span = f"{100 * found.low:.1f} to {100 * found.high:.1f} %"
            rows.append((suite, metric, rate, span, f"{sum(hits):,} / {sum(trials):,}", f"{self._bad[suite]:,}"))
        return rows

    def _show(self) -> None:
        if self._live is None:
            super()._show()
            return
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name in ("suite", "metric", "rate", "95 % interval", "hits / attempts", "errors"):
            table.add_column(name, justify="left" if name in ("suite", "metric") else "right")
        for row in self.rows():
            table.add_row(*row)
        self._live.update(Group(table, self.line()), refresh=True)
