"""A criterion whose metric a judge gives: decided on the rate corrected for the errors that were measured of it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from shipworthy.core.calibration import Calibration, standing
from shipworthy.core.condition import Condition
from shipworthy.core.records import CriterionResult, JudgeUse, RunManifest, Verdict
from shipworthy.evals.tally import Counts
from shipworthy.release.wording import count, percent
from shipworthy.release.worst import kinds
from shipworthy.stats import JudgeAccuracy, NoninferiorityTest, judged_noninferiority_test, judged_rate

HOW = "`shipworthy judge calibrate SUITE --labels FILE`, or have people's labels audit it (audited_by: labels)"


def judge_use(seen: CriterionResult, known: Sequence[Calibration], *manifests: RunManifest) -> CriterionResult:
    """Return a criterion with the calibration that counts for it; without one, with the reason why it has none.

    Args:
        manifests: of the runs that it is tested on: one calibration counts for all of them.
    """
    measure = seen.measure
    identity = measure.judge if measure is not None else ""
    for manifest in manifests:
        models = [model.digest for model in manifest.models if model.role == "judge"]
        found = standing(known, identity, seen.metric, models, manifest.created)
        if found.calibration is None:
            return replace(seen, reason=f"{found.lacks}: {HOW}")
        one = found.calibration
    return replace(
        seen,
        judge=JudgeUse(
            entry=one.entry,
            rubric=one.rubric,
            found=one.found,
            positives=one.positives,
            cleared=one.cleared,
            negatives=one.negatives,
        ),
    )


def accuracy(use: JudgeUse) -> JudgeAccuracy:
    """Return what was measured of a judge, for the statistics."""
    return JudgeAccuracy(use.found, use.positives, use.cleared, use.negatives)


def threshold(seen: CriterionResult, counted: Counts, must: Condition) -> CriterionResult:
    """Test a rate against a limit, corrected for its judge's errors.

    Whatever has no score counts as bad for the bound that ships and as good for the one that fails. What the judge
    finds too seldom for its own false hits is not decided: it was measured on something else.

    Args:
        seen: with its `judge`.
    """
    if seen.judge is None:
        raise ValueError("a judged criterion needs its calibration")
    blanks: dict[str, int] = {}
    for blank in counted.blanks:
        blanks[blank.cluster] = blanks.get(blank.cluster, 0) + 1
    totals = dict(zip(counted.clusters, zip(counted.totals, counted.trials, strict=True), strict=True))
    names = sorted(totals.keys() | blanks.keys())
    hits, trials = [totals.get(c, (0, 0))[0] for c in names], [totals.get(c, (0, 0))[1] for c in names]
    missing, known = [blanks.get(c, 0) for c in names], accuracy(seen.judge)
    upper = must.side == "upper"
    # Where what is scored must be rare, what is not scored is bad as a hit; where it must be common, as none.
    one = judged_rate(hits, trials, known, must.confidence, unscored=missing)
    two = judged_rate(hits, trials, known, (1 + must.confidence) / 2)
    bound, opposite = (one.high, one.low) if upper else (one.low, one.high)
    ships = bound <= must.limit if upper else bound >= must.limit
    fails = opposite > must.limit if upper else opposite < must.limit
    verdict: Verdict = "ship" if ships else "no-ship" if fails else "inconclusive"
    seen = replace(
        seen,
        rate=one.rate,
        low=min(two.low, one.rate),
        high=max(two.high, one.rate),
        bound=bound,
        verdict="inconclusive" if one.unlike else verdict,
        needed=0 if ships and not one.unlike else None,
        worst_rate=worst(hits, trials, missing, known, 1.0 if upper else 0.0) if any(missing) else None,
        judge=replace(seen.judge, observed=one.observed),
    )
    return replace(seen, reason=_unlike(seen) if one.unlike else _reason(seen, opposite, upper=upper))


def worst(
    hits: Sequence[float], trials: Sequence[int], missing: Sequence[int], known: JudgeAccuracy, end: float
) -> float:
    """Return the corrected rate with every unscored attempt at one end, each cluster counted once."""
    rows = [(x, n, m) for x, n, m in zip(hits, trials, missing, strict=True) if n + m]
    called = sum(x / (n + m) for x, n, m in rows) / len(rows)
    blank = sum(m / (n + m) for _, n, m in rows) / len(rows)
    scored, slope = 1 - blank, known.informedness
    if slope <= 0:
        return called + end * blank
    true = (called - (1 - known.specificity) * scored) / slope
    return min(scored, max(0.0, true)) + end * blank


def change(seen: CriterionResult, found: NoninferiorityTest, confidence: float) -> NoninferiorityTest:
    """Return the test of a change, corrected for its judge's errors; of a metric that no judge gives, as it is."""
    return found if seen.judge is None else judged_noninferiority_test(found, accuracy(seen.judge), confidence)


def _unlike(seen: CriterionResult) -> str:
    use = seen.judge
    observed = use.observed if use is not None and use.observed is not None else 0.0
    return (
        f"the judge calls {percent(observed)} a hit, fewer than the false hits alone that it had on the labelled "
        "answers: it was calibrated on answers that are not like these; calibrate it on some that are, or have labels "
        "audit it (audited_by: labels)"
    )


def said(use: JudgeUse) -> str:
    """Return what is known of a judge, in words."""
    known = accuracy(use)
    return (
        f"{use.rubric}: sensitivity {known.sensitivity:.3f} on {count(use.positives, 'label')}, specificity "
        f"{known.specificity:.3f} on {count(use.negatives, 'label')}"
    )


def _reason(seen: CriterionResult, opposite: float, *, upper: bool) -> str:
    use = seen.judge
    if use is None:
        return seen.reason
    sure, limit = percent(seen.confidence), percent(seen.limit)
    bound = seen.bound if seen.bound is not None else float("nan")
    of = f"the judge says {percent(use.observed or 0.0)} on {count(seen.clusters, 'sample')}; {said(use)}"
    words = ("at most", "at least") if upper else ("at least", "at most")
    if seen.verdict == "ship":
        text = f"corrected for its judge the rate is {words[0]} {percent(bound, seen.limit)} with {sure} confidence"
    elif seen.verdict == "no-ship":
        text = f"corrected for its judge the rate is {words[1]} {percent(opposite, seen.limit)} with {sure} confidence"
    else:
        beyond = "up to" if upper else "down to"
        could = f"{beyond} {percent(bound, seen.limit)} with {sure} confidence"
        text = f"{percent(seen.rate or 0.0)} corrected for its judge, {could}"
    text += f" ({of}); the limit is {limit}"
    if seen.left_out:
        how = "good: it fails even so" if seen.verdict == "no-ship" else "bad"
        text += f"; {count(seen.left_out, 'attempt')} without a score ({kinds(seen.unscored)}) counted as {how}"
    return text
