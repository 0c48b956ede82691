"""Before and after: what the guards change in safety, in helpfulness, and in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shipworthy.core.amount import amount
from shipworthy.core.document import Block, Paragraph, Section, Table, Tone
from shipworthy.evals.compare import Comparison, MetricChange, compare
from shipworthy.evals.results import Run
from shipworthy.evidence.sections.wording import change_between, change_of, level, percent, quantile, seconds
from shipworthy.evidence.seen import Seen

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "unclear": "plain", "not tested": "plain"}


def before_after(run: Run, baseline: Run, seen: Mapping[str, Seen], *, alone: bool = True) -> Section:
    """Compare a run with its baseline, paired by attempt: every metric, then time.

    Args:
        seen: of both, by the run's id.
        alone: whether the decision rests on this run only; the title names it otherwise.
    """
    found = compare(run, baseline)
    children: list[Block] = [
        Paragraph(
            f"The same samples, attacks and seeds: {baseline.id} before ({_how(baseline)}), {run.id} after "
            f"({_how(run)}). Pairs are attempts that both runs scored. 'Better' and 'worse' hold at "
            f"{percent(found.alpha)} over all rows together; 'unclear' is no proof that nothing changed."
        ),
        Paragraph(" ".join(found.meaning)),
        _rates(found),
        *(Paragraph(f"Mind: {warning}.") for warning in found.warnings),
        _times(run, baseline, seen),
        *_actions(seen[run.id]),
    ]
    title, anchor = ("Before and after", "change") if alone else (f"Before and after: {run.id}", f"change-{run.id}")
    return Section(title, tuple(children), anchor, _brief(found, run, baseline))


def _brief(found: Comparison, run: Run, baseline: Run) -> tuple[Paragraph | Table, ...]:
    columns = ("", "Before", "After", "Points [95 % interval]", "", "Pairs, left out")
    if any(row.kind == "value" for row in found.rows):
        columns = ("", "Before", "After", "Change [95 % interval]", "", "Pairs, left out")
    rows = tuple(
        (
            f"{row.suite}: {row.metric}",
            level(row, row.old_rate),
            level(row, row.new_rate),
            _brief_change(row),
            row.verdict,
            f"{row.trials:,}, {row.errors + row.unpaired:,}",
        )
        for row in found.rows
    )
    caption = f"{_how(baseline)} -> {_how(run)}; better and worse hold over all rows together"
    return (Table(columns, rows, caption, tuple(_TONES[row.verdict] for row in found.rows), (1, 2, 3, 5)),)


def _brief_change(row: MetricChange) -> str:
    if row.kind == "value":
        between = f"[{amount(row.low, signed=True)}, {amount(row.high, signed=True)}]"
        return f"{amount(row.difference, row.unit, signed=True)} {between}"
    return f"{100 * row.difference:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}]"


def _how(run: Run) -> str:
    return "behind guards" if run.manifest.guards else "without guards"


def _rates(found: Comparison) -> Table:
    columns = (
        "Suite\nmetric", "Before", "After", "Change\n95 % interval", "", "Pairs", "Samples", "Errors left out",
        "p (corrected)",
    )  # fmt: skip
    rows = tuple(_row(row) for row in found.rows)
    caption = "Safety and helpfulness side by side: a guard that blocks everything would show in the second."
    return Table(columns, rows, caption, tuple(_TONES[row.verdict] for row in found.rows), (1, 2, 3, 5, 6, 7, 8))


def _row(row: MetricChange) -> tuple[str, ...]:
    return (
        f"{row.suite}\n{row.metric}",
        level(row, row.old_rate),
        level(row, row.new_rate),
        f"{change_of(row)}\n{change_between(row)}",
        row.verdict,
        f"{row.trials:,}",
        f"{row.clusters:,}",
        f"{row.errors + row.unpaired:,}",
        f"{row.adjusted:.3f}",
    )


def _times(run: Run, baseline: Run, seen: Mapping[str, Seen]) -> Table:
    rows = (*_time_rows(baseline, seen[baseline.id], "before"), *_time_rows(run, seen[run.id], "after"))
    caption = (
        "Latency of one attempt. Target time counts only attempts that no cached reply answered; the guards' time is "
        "measured on every attempt that made a call, and is what a user waits for in addition."
    )
    return Table(("", "Median", "95th percentile", "Longest", "Attempts"), rows, caption, (), (1, 2, 3, 4))


def _time_rows(run: Run, seen: Seen, when: str) -> Iterator[tuple[str, ...]]:
    kinds = [("target", seen.target_seconds), ("guards", seen.guard_seconds)]
    for what, values in kinds if run.manifest.guards else kinds[:1]:
        ordered = sorted(values)
        shown = [seconds(quantile(ordered, share)) for share in (0.5, 0.95, 1.0)] if ordered else ["-", "-", "-"]
        yield (f"{what}, {when}", *shown, f"{len(ordered):,}")


def _actions(seen: Seen) -> Iterator[Table]:
    """Give what each guard did, where guards ran."""
    if seen.actions:
        rows = tuple((*action, f"{number:,}") for action, number in sorted(seen.actions.items()))
        columns = ("Guard", "Stage", "Action", "Mode", "Suite", "Attempts")
        yield Table(columns, rows, "What the guards did, in how many attempts.", (), (5,))
