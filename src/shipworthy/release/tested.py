"""The gate's criteria on one run, where no decision is made of it: in a test of somebody's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from shipworthy.core.confirmation import standing
from shipworthy.core.errors import UsageError
from shipworthy.core.records import CriterionResult, Verdict
from shipworthy.evals.results import Run
from shipworthy.release.criteria import Evidence, assess
from shipworthy.release.decide import check_spec, overall, s1_hits, s1_unscored
from shipworthy.store.audit import AuditLog
from shipworthy.store.confirmations import read_words
from shipworthy.store.draws import read_said
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace


def tested(
    workspace: Workspace, run: Run, baselines: Sequence[Run] = ()
) -> tuple[dict[str, CriterionResult], Verdict, str]:
    """Return each criterion's result by its id, the verdict of all of them, and its reason.

    Any target of the workspace may have been measured; a release is decided on the system under test alone, by
    `decide`, which enters it in the audit log.

    Raises:
        IntegrityError: the safety files are not those that the run was made under, or the audit log is damaged.
        UsageError: the gate has no criterion.
    """
    check_spec(workspace, run)
    layout = Layout(workspace.root)
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        evidence = Evidence((run,), baselines, read_said(audit))
        words = read_words(audit, until=sys.maxsize)
    results = {c.id: assess(workspace, r, c, evidence) for r, c in workspace.criteria()}
    if not results:
        raise UsageError("the gate has no criterion: it can decide nothing (add criteria to a requirement)")
    hits = tuple(s1_hits(evidence, standing(words, run.id, run.s1_hits).values()))
    verdict, reason = overall(workspace, evidence, tuple(results.values()), hits, tuple(s1_unscored(evidence, hits)))
    return results, verdict, reason
