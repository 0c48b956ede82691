"""A finding, or a conversation, as a regression suite of the workspace: asked again before every release."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from shipworthy.core.errors import ShipworthyError, UsageError
from shipworthy.core.finding import FindingCase
from shipworthy.core.records import Sample, say
from shipworthy.core.severity import Severity
from shipworthy.detect.redact import redact_text
from shipworthy.evals.regression_suite import write_regression
from shipworthy.findings.case import case_of_conversation, check_case, lost_words, samples_of
from shipworthy.findings.steps import read_now, take_step
from shipworthy.findings.terms import CONFIDENCE, limit_of, triage_of, tries_needed
from shipworthy.findings.variants import VARIANTS, variants
from shipworthy.store.audit import AuditLog
from shipworthy.store.findings import KeptFinding, choose_finding
from shipworthy.store.signals import find_signal
from shipworthy.workspace.load import Workspace

MOST_TRIES = 10_000
"""Tries that a suite may ask for; a rate that takes more is shown by no re-run."""


class Promoted(NamedTuple):
    """What was written.

    Attributes:
        folder: of the suite; `id` its id.
        samples: how many samples; `attempts` of each, so that all of them together rule the limit out.
        lost: redaction took words out of what is asked; marks stand in their place.
    """

    id: str
    folder: Path
    samples: int
    attempts: int
    limit: float
    lost: bool


def promote_finding(
    workspace: Workspace,
    audit: AuditLog,
    finding: KeptFinding,
    *,
    by: str,
    id: str = "",
    most_variants: int = len(VARIANTS),
    allow_code: bool = False,
) -> Promoted:
    """Write a finding's reproduction, with variants, as a new suite, and enter that it has a regression case.

    Its attempts are as many as a passing re-run needs (`findings.terms.tries_needed`). No file of the user is changed.

    Args:
        id: of the suite; the finding's own, in lower case, if left out.
        most_variants: other wordings of the sample.
        allow_code: whether the workspace's own code may run when it is read again.

    Raises:
        UsageError: the finding has a case, its reproduction cannot be run here, or the folder cannot be written.
    """
    if finding.standing.suite and finding.standing.suite in workspace.suites:
        raise UsageError(f"{finding.standing.id} has the regression case {finding.standing.suite!r} already")
    case = finding.first.reproduction
    if case is None:  # nobody opens one without
        raise UsageError(f"{finding.standing.id} has no reproduction")
    severity = finding.standing.severity
    private = any(
        find_signal(audit, one).kind in ("user_report", "ticket", "block", "alarm") for one in finding.signals
    )
    limit = limit_of(triage_of(workspace), severity, case.tries, case.hits)
    provenance = {"finding": finding.standing.id, "signals": list(finding.signals), "opened": finding.standing.opened}
    made = promote_case(
        workspace, case, id or finding.standing.id.lower(), severity=severity, limit=limit, title=finding.first.title,
        provenance=provenance, content="private" if private else "synthetic", most_variants=most_variants,
    )  # fmt: skip
    try:
        digest = Workspace.load(workspace.root, allow_code=allow_code).suite(made.id).digest
        take_step(audit, finding, "promoted", by=by, suite=made.id, suite_digest=digest, limit=limit)
    except ShipworthyError:
        # A suite that cannot be read, or that no entry is of, would hold up every other verb.
        shutil.rmtree(made.folder, ignore_errors=True)
        raise
    return made


def promote_conversation(
    workspace: Workspace,
    said: Sequence[tuple[str, str]],
    id: str,
    *,
    scorers: Sequence[Any],
    metric: str,
    severity: Severity,
    title: str,
    provenance: dict[str, Any],
    target: str = "",
    most_variants: int = len(VARIANTS),
    secrets: Sequence[str] = (),
) -> Promoted:
    """Write a conversation from production as a regression suite; it is redacted here, whatever was done before.

    Args:
        said: role (``system``, ``user`` or ``assistant``) and text, in order. What the assistant said is left out: the
            target answers afresh.
        provenance: where it comes from (ids of a trace, an incident, a finding), kept in each sample.
        secrets: strings that are secret here.

    Raises:
        UsageError: no user says anything, a role is none, or as for `promote_finding`.
    """
    case = case_of_conversation(workspace, said, scorers, metric=metric, target=target, secrets=secrets)
    limit = limit_of(triage_of(workspace), severity, 0, 0)
    return promote_case(
        workspace, case, id, severity=severity, limit=limit, title=redact_text(title, secrets),
        provenance=provenance, content="private", most_variants=most_variants,
    )  # fmt: skip


def promote_case(
    workspace: Workspace,
    case: FindingCase,
    id: str,
    *,
    severity: Severity,
    limit: float,
    title: str,
    provenance: dict[str, Any],
    content: Literal["synthetic", "private"],
    most_variants: int = len(VARIANTS),
) -> Promoted:
    """Write a reproduction, with variants, as a new suite of the workspace.

    Raises:
        UsageError: as for `promote_finding`.
    """
    check_case(workspace, case)
    seen = samples_of(case, severity, id)
    samples = [*seen, *(one for sample in seen[:1] for one in _reworded(sample, most_variants))]
    rows = [_row(sample, provenance) for sample in samples]
    needed = tries_needed(limit)
    if needed > MOST_TRIES:
        raise UsageError(
            f"ruling out a rate of {100 * limit:g} % takes {needed:,} tries, more than {MOST_TRIES:,}: reproduce it "
            "more reliably, or raise the rate of its severity in triage.yaml"
        )
    attempts = ceil(needed / len(samples))
    keys = {
        "id": id,
        "version": "1.0.0",
        "title": f"Regression: {title}",
        "content": content,
        "metric": case.metric,
        "scorers": [one["use"] if len(one) == 1 else one for one in case.scorers],
        "attacks": ["none"],
        "attempts": attempts,
        "max_error_rate": 0.02,
        "icc": 0.5,
    }
    head = f"# {id}\n\n{title}\n\nSeverity {severity}. What was seen once is asked again, in {len(samples)} wordings"
    card = _card(head, provenance, limit, needed)
    folder = write_regression(workspace.root, id, keys, rows, card, found_by=str(provenance.get("finding", id)))
    return Promoted(id, folder, len(samples), attempts, limit, lost_words(samples))


def _reworded(sample: Sample, most: int) -> list[Sample]:
    """Return variants of a sample: its last user turn in other words."""
    last = max(place for place, message in enumerate(sample.messages) if message.role == "user")
    made = []
    for name, text in variants(sample.messages[last].text, most):
        messages = (*sample.messages[:last], say("user", text), *sample.messages[last + 1 :])
        made.append(msgspec.structs.replace(sample, id=name, messages=messages, tags=(*sample.tags, f"variant:{name}")))
    return made


def _row(sample: Sample, provenance: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(sample)
    row["meta"] = {**sample.meta, "from": provenance}
    return row


def _card(head: str, provenance: dict[str, Any], limit: float, needed: int) -> str:
    said = "\n".join(f"- {name}: {value}" for name, value in provenance.items())
    return (
        f"{head} that are one cluster.\n\n{said}\n\nWithout a failure in {needed:,} tries a failure rate of "
        f"{100 * limit:g} % is ruled out with {100 * CONFIDENCE:.0f} % confidence (one-sided Clopper-Pearson), on "
        "these words: of other words it says nothing. A target that answers the same words always alike was tried once "
        "a wording.\n"
    )


def promoted_now(workspace: Workspace, audit: AuditLog, wanted: str) -> KeptFinding:
    """Return a finding by its id as it stands now; see `choose_finding`."""
    return choose_finding(read_now(audit, workspace.system.id), wanted)
