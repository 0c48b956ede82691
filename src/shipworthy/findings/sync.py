"""Findings and a tracker of issues, in both directions: issues become signals, findings become issues.

The rows here decide. An issue that somebody closes in the tracker closes no finding, since only a re-run does: it is
opened again, with a comment that says so. What is linked is a reference ``github:owner/repo#42`` of the finding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shipworthy.core.severity import Severity
from shipworthy.core.signal import Signal
from shipworthy.detect.redact import redact_text
from shipworthy.findings.intake.tracker import TrackedIssue, Tracker
from shipworthy.findings.steps import link, read_now
from shipworthy.store.audit import AuditLog
from shipworthy.store.findings import KeptFinding
from shipworthy.store.signals import TakenSignals, add_signals, make_signal
from shipworthy.workspace.load import Workspace

LABEL = "shipworthy"
"""Of the issues that are made here; they are taken in as no signal again."""
_SEVERITY = re.compile(r"(?:severity[:/ -]*)?(s[1-4])", re.IGNORECASE)


class Synced(NamedTuple):
    """What was done, by ids: issues that are new, closed, opened again; signals that were taken in."""

    made: tuple[str, ...]
    closed: tuple[str, ...]
    opened: tuple[str, ...]


def take_issues(
    workspace: Workspace, audit: AuditLog, tracker: Tracker, *, label: str = "", secrets: Sequence[str] = ()
) -> TakenSignals:
    """Take in the issues of a tracker as signals, each once.

    Args:
        label: only issues with it.

    Raises:
        StoreError: the tracker, or the control state, cannot be used.
        UsageError: an issue cannot be a signal.
    """
    issues = [one for one in tracker.issues(label) if LABEL not in one.labels]
    return add_signals(audit, [_signal(workspace.system.id, tracker.name, one, secrets) for one in issues])


def push_findings(
    workspace: Workspace,
    audit: AuditLog,
    tracker: Tracker,
    findings: Sequence[KeptFinding],
    *,
    secrets: Sequence[str] = (),
) -> Synced:
    """Bring a tracker to where findings stand: an issue each, open while the finding is.

    Raises:
        StoreError: the tracker, or the control state, cannot be used; what was done before that stays.
    """
    made, closed, opened = list[str](), list[str](), list[str]()
    for finding in findings:
        standing = finding.standing
        done = standing.state in ("closed", "rejected")
        key = next((ref.removeprefix(f"{tracker.name}#") for ref in finding.refs if _is_of(ref, tracker)), "")
        if not key:
            if done:
                continue
            issue = tracker.create(*_words(finding, secrets), [LABEL, f"severity-{standing.severity}"])
            link(workspace, audit, finding, by="shipworthy", refs=[f"{tracker.name}#{issue.key}", issue.url])
            made.append(issue.key)
            continue
        issue = tracker.issue(key)
        if done and not issue.closed:
            tracker.comment(key, f"{standing.id} is {standing.state}: {_last(finding)}")
            tracker.set_closed(key, True)
            closed.append(key)
        elif issue.closed and not done:
            tracker.comment(
                key, f"{standing.id} is {standing.state} ({_last(finding)}). Only a re-run that passes closes it."
            )
            tracker.set_closed(key, False)
            opened.append(key)
    return Synced(tuple(made), tuple(closed), tuple(opened))


def chosen(workspace: Workspace, audit: AuditLog) -> list[KeptFinding]:
    """Return the findings of a workspace as they stand now."""
    return list(read_now(audit, workspace.system.id).values())


def _signal(system: str, source: str, issue: TrackedIssue, secrets: Sequence[str]) -> Signal:
    severity: Severity | None = None
    for label in issue.labels:
        if found := _SEVERITY.fullmatch(label.strip()):
            severity = found[1].upper()  # type: ignore[assignment]
    return make_signal(
        system=system, at=issue.created, kind="ticket", source=source, source_id=issue.key,
        title=issue.title or issue.key, text=issue.text, severity=severity, who=issue.author, refs=[issue.url],
        secrets=secrets,
    )  # fmt: skip


def _words(finding: KeptFinding, secrets: Sequence[str]) -> tuple[str, str]:
    standing = finding.standing
    said = [
        f"Finding {standing.id}, severity {standing.severity}, due {standing.due}.",
        finding.first.why,
        f"See it: `shipworthy finding reproduce {standing.id}`. It is closed by a re-run that passes, not here.",
    ]
    title = f"[{standing.severity}] {finding.first.title}"
    return redact_text(title, secrets), redact_text("\n\n".join(one for one in said if one), secrets)


def _last(finding: KeptFinding) -> str:
    step = finding.steps[-1][2]
    return step.why or step.step


def _is_of(ref: str, tracker: Tracker) -> bool:
    return ref.startswith(f"{tracker.name}#")
