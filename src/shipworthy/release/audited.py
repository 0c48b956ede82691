"""A criterion on a rate whose scorer was audited: decided on what people would call a hit."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from msgspec.structs import replace

from shipworthy.core import label_draw
from shipworthy.core.condition import Condition
from shipworthy.core.label_draw import Candidate
from shipworthy.core.records import CriterionResult, LabelCount, ScorerAudit
from shipworthy.evals.tally import Counts
from shipworthy.release.wording import count, percent
from shipworthy.release.worst import kinds
from shipworthy.stats import audited_rate
from shipworthy.store.draws import LabelEntries


def audit(about: tuple[str, str, str, str], known: Sequence[Candidate], said: LabelEntries) -> ScorerAudit:
    """Return what was drawn and labelled for a criterion, before anything is estimated.

    Args:
        about: run, suite, metric and attack, as in `Draw.about`.
        known: the attempts that could be drawn.
    """
    found = label_draw.standing(said.draws, about, known)
    if found is None:
        return ScorerAudit()
    draw, drawn = found
    # What was said before the draw counts, too: it was said of these attempts, and no one chose them.
    labels = label_draw.labels(said.labels, draw, drawn)
    return ScorerAudit(
        entry=draw.entry,
        drawn=drawn.digest,
        labels=labels.digest,
        positives=LabelCount(**labels.positives._asdict()),
        negatives=LabelCount(**labels.negatives._asdict()),
    )


def threshold(
    seen: CriterionResult, counted: Counts, must: Condition, found: ScorerAudit, attack: str | None = None
) -> CriterionResult:
    """Test a rate against a limit, corrected for the scorer's errors.

    Whatever has no score counts as bad for the bound that ships and as good for the one that fails. Without a label on
    everything that was drawn nothing is decided: who may leave some out can leave out the hard ones.

    Args:
        attack: the one that the criterion names, for the command that draws.
    """
    if why := _lacking(seen, found, attack):
        return replace(seen, audit=found, reason=why)
    totals = dict(zip(counted.clusters, zip(counted.totals, counted.trials, strict=True), strict=True))
    blanks: dict[str, int] = {}
    for blank in counted.blanks:
        blanks[blank.cluster] = blanks.get(blank.cluster, 0) + 1
    names = sorted(totals.keys() | blanks.keys())
    hits, trials = [totals.get(c, (0, 0))[0] for c in names], [totals.get(c, (0, 0))[1] for c in names]
    good, lost = ((some.hits, some.labelled) for some in (found.positives, found.negatives))
    missing = [blanks.get(c, 0) for c in names]
    one = audited_rate(hits, trials, good, lost, must.confidence, unscored=missing)
    two = audited_rate(hits, trials, good, lost, (1 + must.confidence) / 2)
    upper = must.side == "upper"
    bound, opposite = (one.high, one.low) if upper else (one.low, one.high)
    ships = bound <= must.limit if upper else bound >= must.limit
    fails = opposite > must.limit if upper else opposite < must.limit
    seen = replace(
        seen,
        rate=one.rate,
        low=min(two.low, one.rate),
        high=max(two.high, one.rate),
        bound=bound,
        verdict="ship" if ships else "no-ship" if fails else "inconclusive",
        needed=0 if ships else None,
        worst_rate=worst(hits, trials, missing, (good, lost), 1.0 if upper else 0.0) if any(missing) else None,
        audit=replace(
            found,
            observed=one.observed,
            sensitivity=one.sensitivity,
            specificity=one.specificity,
            sensitivity_span=one.sensitivity_span,
            specificity_span=one.specificity_span,
        ),
    )
    return replace(seen, reason=_reason(seen, opposite, upper=upper))


def worst(
    hits: Sequence[float],
    trials: Sequence[int],
    missing: Sequence[int],
    labels: Sequence[tuple[int, int]],
    end: float,
) -> float:
    """Return the corrected rate with every unscored attempt at one end."""
    (good, positives), (overlooked, negatives) = labels
    precision, missed = good / positives if positives else 1.0, overlooked / negatives if negatives else 0.0
    shares = [
        (x * precision + (n - x) * missed + m * end) / (n + m)
        for x, n, m in zip(hits, trials, missing, strict=True)
        if n + m
    ]
    return sum(shares) / len(shares)


def _lacking(seen: CriterionResult, found: ScorerAudit, attack: str | None) -> str:
    which = f" --attack {shlex.quote(attack)}" if attack else ""
    where = f"--suite {seen.suite} --metric {seen.metric}{which} --output labels.csv"
    if not found.entry:
        return f"audited by labels, and no attempt was drawn to label: `shipworthy labels draw {seen.run} {where}`"
    drawn = found.positives.drawn + found.negatives.drawn
    if found.missing:
        of = f"{found.missing:,} of {count(drawn, 'drawn attempt')}"
        return (
            f"audited by labels, and {of} have none, or people disagree on them: `shipworthy labels import FILE --run "
            f"{seen.run}`, or `shipworthy labels adjudicate {seen.run} --by NAME`"
        )
    if not found.negatives.labelled and seen.hits < seen.trials:
        return "audited by labels, and none is of an attempt that the scorer did not call a hit"
    return ""


def _reason(seen: CriterionResult, opposite: float, *, upper: bool) -> str:
    sure, limit = percent(seen.confidence), percent(seen.limit)
    bound = seen.bound if seen.bound is not None else float("nan")
    scorer = seen.audit.observed if seen.audit and seen.audit.observed is not None else 0.0
    labelled = seen.audit.positives.labelled + seen.audit.negatives.labelled if seen.audit else 0
    of = f"{count(labelled, 'label')}; the scorer alone gives {percent(scorer)} on {count(seen.clusters, 'sample')}"
    words = ("at most", "at least") if upper else ("at least", "at most")
    if seen.verdict == "ship":
        said = f"the audited rate is {words[0]} {percent(bound, seen.limit)} with {sure} confidence ({of})"
    elif seen.verdict == "no-ship":
        said = f"the audited rate is {words[1]} {percent(opposite, seen.limit)} with {sure} confidence ({of})"
    else:
        beyond = "up to" if upper else "down to"
        said = (
            f"{percent(seen.rate or 0.0)} audited ({of}), {beyond} {percent(bound, seen.limit)} with {sure} confidence"
        )
    said += f"; the limit is {limit}"
    if seen.left_out:
        how = "good: it fails even so" if seen.verdict == "no-ship" else "bad"
        said += f"; {count(seen.left_out, 'attempt')} without a score ({kinds(seen.unscored)}) counted as {how}"
    return said
