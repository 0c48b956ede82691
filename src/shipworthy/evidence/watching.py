"""How well the people watch on whose labels a criterion rests: measured on known answers, for the risk that is left."""

from __future__ import annotations

from shipworthy.core.records import CriterionResult
from shipworthy.evals.oversight import joint
from shipworthy.evidence.criterion_standing import LabelWatch
from shipworthy.store.layout import Layout
from shipworthy.store.queues import queues_of, read_words

FEWEST = 20
"""Known answers of the kind that must be found, below which the people count as not measured."""


def label_watch(layout: Layout, result: CriterionResult) -> LabelWatch | None:
    """Return how well those watch whose labels a criterion rests on; None of one that no label audits.

    What must be found is a hit, or, of a metric of which more is better, an answer that is none.

    Raises:
        IntegrityError: a queue, or what somebody said, is not what was written.
    """
    if result.audit is None or not result.audit.entry:
        return None
    queues = [one for one in queues_of(layout, result.run) if one.draw == result.audit.entry]
    words = [(one, {n: read_words(layout, one, n) for n in range(1, len(one.people) + 1)}) for one in queues]
    found = joint(words)
    good = result.measure is not None and result.measure.good == "high"
    share = found.specificity if good else found.sensitivity
    what = "known answers without a hit" if good else "known hits"
    if share is None or share.clusters < FEWEST:
        seen = 0 if share is None else share.clusters
        return LabelWatch(
            None, f"how well those who labelled it watch is not known: {seen} {what}, {FEWEST} are needed"
        )
    told = f"those who labelled it find at least {100 * share.low:.0f} % of {what} ({share.hits} of {share.trials})"
    return LabelWatch(share.low, told)
