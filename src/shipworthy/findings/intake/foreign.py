"""Signals out of results of garak, promptfoo and PyRIT: a signal for each sample on which something bad was found.

The readers are those of `runs import`, so that a file that one of them refuses the other refuses, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.core.severity import Severity
from shipworthy.core.signal import Signal, SignalKind
from shipworthy.evals.imports.bring import read_foreign
from shipworthy.evals.imports.foreign import ForeignAttempt
from shipworthy.store.signals import make_signal

KINDS: dict[str, SignalKind] = {"garak": "scanner", "promptfoo": "scanner", "pyrit": "red_team"}
"""Tools whose results are taken."""


def read(
    path: Path,
    system: str,
    tool: str,
    *,
    now: str,
    severity: Severity | None = None,
    feature: str = "",
    secrets: Sequence[str] = (),
) -> list[Signal]:
    """Read a file of a tool; an attempt that ended in an error says nothing, and is left out.

    Args:
        tool: of `KINDS`.
        severity: that all of them have: these tools give none.

    Raises:
        UsageError: the file is malformed (line and field are named).
    """
    found = read_foreign(path, tool)
    signals = []
    for suite, metrics in found.metrics.items():
        for metric in metrics:
            if metric.kind != "event":
                continue
            tried: dict[str, list[ForeignAttempt]] = {}
            for one in found.attempts:
                if one.suite == suite and one.outcome == "scored" and metric.name in one.said:
                    tried.setdefault(one.sample, []).append(one)
            for sample, attempts in tried.items():
                bad = [one for one in attempts if bool(one.said[metric.name]) is (metric.good == "low")]
                if not bad:
                    continue
                asked = [message.text for message in bad[0].messages if message.role == "user"]
                answer = next((m.text for m in reversed(bad[0].messages) if m.role == "assistant"), "")
                failed = f"{metric.name} failed" if metric.good == "low" else f"not {metric.name}"
                try:
                    made = make_signal(
                        system=system,
                        at=found.created or now,
                        kind=KINDS[tool],
                        source=tool,
                        source_id=f"{found.created} {suite} {sample} {metric.name}",
                        title=f"{suite}: {failed} in {len(bad):,} of {len(attempts):,} answers",
                        text=f"{asked[-1] if asked else ''}\n\n{answer}",
                        severity=severity,
                        feature=feature,
                        sample=asked[-1] if asked else "",
                        refs=[f"{tool}:{suite}", f"{tool}:{sample}"],
                        secrets=secrets,
                    )
                except UsageError as error:
                    raise UsageError(f"{path}: {suite}, sample {sample}: {error}; nothing was taken in") from None
                signals.append(made)
    return signals
