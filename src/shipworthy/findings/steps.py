"""What people do with a finding: open it, give it to somebody, accept or reject it, say that it is mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from shipworthy.core.calendar import read_moment
from shipworthy.core.errors import UsageError
from shipworthy.core.finding import FindingCase, FindingStep, FindingStepName
from shipworthy.core.finding_entry import BLOCKING, FindingStanding
from shipworthy.core.severity import Severity
from shipworthy.core.signoff import MOST_DAYS, Acceptance
from shipworthy.detect.redact import redact_text
from shipworthy.findings.case import check_case
from shipworthy.findings.terms import due_after, due_of, triage_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.findings import KeptFinding, add_step, new_finding_id, read_findings
from shipworthy.store.signals import find_signal
from shipworthy.workspace.load import Workspace

LONGEST = 2_000
"""Characters of a reason."""
_OPEN = ("open", "fixed", "verified")


def open_finding(
    workspace: Workspace,
    audit: AuditLog,
    *,
    title: str,
    severity: Severity,
    case: FindingCase,
    by: str,
    why: str = "",
    signals: Sequence[str] = (),
    feature: str = "",
    owner: str = "",
    risks: Sequence[str] = (),
    refs: Sequence[str] = (),
    subject_digest: str = "",
    secrets: Sequence[str] = (),
) -> FindingStep:
    """Open a finding. Its deadline starts now.

    Args:
        case: what shows it; one that cannot be run is refused.
        signals: ids that led to it; each must be there, and of this system.
        owner: left out, the one that ``triage.yaml`` names for the feature.
        risks: ids of the workspace.
        secrets: strings that are secret here.

    Raises:
        UsageError: something in it cannot be.
        StoreError: the control state cannot be written.
    """
    check_case(workspace, case)
    triage = triage_of(workspace)
    title = " ".join(title.split())
    if not title:
        raise UsageError("a finding needs a title: one line that says what fails")
    for risk in risks:
        if risk not in workspace.risks:
            raise UsageError(f"there is no risk {risk!r} in the workspace")
    found = [find_signal(audit, one) for one in signals]
    if odd := [one.id for one in found if one.system != workspace.system.id]:
        raise UsageError(f"the signal {odd[0]} is of another system")
    feature = feature or next((one.feature for one in found if one.feature), "")
    step = FindingStep(
        id=new_finding_id(),
        system=workspace.system.id,
        step="opened",
        by=_by(by, secrets),
        why=_why(why, secrets, empty=True),
        severity=severity,
        due=due_of(triage, severity, audit.now()),
        owner=owner or triage.owner_of(feature),
        title=title,
        feature=feature,
        signals=tuple(one.id for one in found),
        risks=tuple(risks),
        refs=tuple(refs),
        reproduction=case,
        subject_digest=subject_digest or next((one.subject_digest for one in found if one.subject_digest), ""),
    )
    add_step(audit, step, secrets=secrets)
    return step


def assign(
    workspace: Workspace,
    audit: AuditLog,
    finding: KeptFinding,
    *,
    by: str,
    owner: str = "",
    severity: Severity | None = None,
    why: str = "",
    secrets: Sequence[str] = (),
) -> None:
    """Give a finding to somebody, or another severity, with which its deadline changes: counted from its opening.

    Raises:
        UsageError: nothing is said, a severity without a reason, or the finding is ended.
    """
    if not owner and severity is None:
        raise UsageError("say who it is given to (--owner), or which severity it has (--severity)")
    if severity is not None and not why.strip():
        raise UsageError("another severity needs a reason: --because")
    standing = finding.standing
    due = ""
    if severity is not None and severity != standing.severity and standing.state != "accepted":
        due = due_of(triage_of(workspace), severity, _began(finding))
    words = _Words(by, why, secrets, empty=True)
    _add(audit, finding, "assigned", words, severity=severity or standing.severity, owner=owner, due=due)


def accept(
    workspace: Workspace,
    audit: AuditLog,
    finding: KeptFinding,
    *,
    by: str,
    why: str,
    expires: str,
    signed: Sequence[Acceptance] = (),
    secrets: Sequence[str] = (),
) -> FindingStep:
    """Take the risk of a finding for a time. It is not closed: on the day after, it is where it was, with a new term.

    A finding of severity S1 or S2 is accepted by whoever may accept such a risk: the acceptance must be signed
    (`shipworthy release accept`) on a risk that the finding names.

    Args:
        expires: the last day, at most 90 days from now; of a signed acceptance at most its own.
        signed: the signed acceptances that count.

    Raises:
        UsageError: it may not be accepted so.
    """
    now = read_moment(audit.now()).date()
    if finding.standing.state not in _OPEN:
        raise UsageError(f"{finding.standing.id} is {finding.standing.state}, so there is nothing to accept")
    try:
        last = date.fromisoformat(expires)
    except ValueError:
        raise UsageError(f"--expires {expires!r} is no day: write it as 2026-12-31") from None
    if not now <= last <= now + timedelta(days=MOST_DAYS):
        raise UsageError(f"--expires {expires}: an acceptance runs from today for at most {MOST_DAYS} days")
    severity, entry = finding.standing.severity, 0
    if severity in BLOCKING:
        risks = {risk for _, _, step in finding.steps for risk in step.risks}
        good = [one for one in signed if one.on in risks and one.ceiling <= severity and one.live(now.isoformat())]
        if not good:
            named = ", ".join(sorted(risks)) or "none, name one with `shipworthy finding link --risk`"
            raise UsageError(
                f"a finding of severity {severity} is accepted by a signed acceptance of one of its risks ({named}): "
                "`shipworthy release accept RISK`"
            )
        if expires > good[-1].expires:
            raise UsageError(f"--expires {expires}: the signed acceptance of {good[-1].on} ends on {good[-1].expires}")
        entry = good[-1].entry
    due = due_after(triage_of(workspace), severity, expires)
    words = _Words(by, why, secrets)
    return _add(audit, finding, "accepted", words, needs=_OPEN, expires=expires, acceptance=entry, due=due)


def reject(audit: AuditLog, finding: KeptFinding, *, by: str, why: str, secrets: Sequence[str] = ()) -> None:
    """Say that a finding is none, for a reason. It stays in the log, and is counted apart from what was closed.

    Raises:
        UsageError: there is no reason, or the finding is ended.
    """
    _add(audit, finding, "rejected", _Words(by, why, secrets), needs=(*_OPEN, "accepted"))


def fix(audit: AuditLog, finding: KeptFinding, *, by: str, why: str, secrets: Sequence[str] = ()) -> None:
    """Say that it is mended, and how. That closes nothing: a re-run must show it.

    Raises:
        UsageError: the finding is not open.
    """
    _add(audit, finding, "fixed", _Words(by, why, secrets), needs=("open", "verified"))


def link(
    workspace: Workspace,
    audit: AuditLog,
    finding: KeptFinding,
    *,
    by: str,
    signals: Sequence[str] = (),
    risks: Sequence[str] = (),
    refs: Sequence[str] = (),
    why: str = "",
    secrets: Sequence[str] = (),
) -> None:
    """Add signals, risks or tickets to a finding.

    Raises:
        UsageError: there is none of that id, or nothing is said.
    """
    if not (signals or risks or refs or why):
        raise UsageError("say what it is linked to: --signal, --risk or --ref")
    for risk in risks:
        if risk not in workspace.risks:
            raise UsageError(f"there is no risk {risk!r} in the workspace")
    ids = tuple(find_signal(audit, one).id for one in signals)
    words = _Words(by, why, secrets, empty=True)
    _add(audit, finding, "linked", words, signals=ids, risks=tuple(risks), refs=tuple(refs))


def reopen(
    workspace: Workspace,
    audit: AuditLog,
    finding: KeptFinding,
    *,
    by: str,
    why: str,
    secrets: Sequence[str] = (),
    **more: Any,
) -> None:
    """Open an ended finding again, with a new term.

    Args:
        secrets: strings that are secret here.
        more: of the run that shows it: `run`, `suite`, `suite_digest`, `tries`, `hits`, `subject_digest`.

    Raises:
        UsageError: it is open.
    """
    due = due_of(triage_of(workspace), finding.standing.severity, audit.now())
    _add(
        audit, finding, "reopened", _Words(by, why, secrets), needs=("closed", "rejected", "verified"), due=due, **more
    )


def read_now(audit: AuditLog, system: str) -> dict[str, KeptFinding]:
    """Return the findings of a system as they stand now; see `read_findings`."""
    return read_findings(audit, system, audit.now())


def take_step(audit: AuditLog, finding: KeptFinding, step: FindingStepName, **more: Any) -> FindingStep:
    """Append a step that a run or a file brings about; `why` is words of ours."""
    return _append(audit, finding, _step_of(finding, step, {**more, "by": _by(more["by"], ())}))


def _add(
    audit: AuditLog,
    finding: KeptFinding,
    step: FindingStepName,
    words: _Words,
    *,
    needs: Sequence[str] = (),
    **more: Any,
) -> FindingStep:
    said = {"by": _by(words.by, words.secrets), "why": _why(words.why, words.secrets, empty=words.empty)}
    return _append(audit, finding, _step_of(finding, step, said | more), words.secrets, needs)


def _step_of(finding: KeptFinding, step: FindingStepName, fields: dict[str, Any]) -> FindingStep:
    given = {"severity": finding.standing.severity, **fields}
    return FindingStep(id=finding.standing.id, system=finding.standing.system, step=step, **given)


class _Words(NamedTuple):
    """Who takes a step, and why; `empty` where no reason is needed."""

    by: str
    why: str
    secrets: Sequence[str] = ()
    empty: bool = False


def _append(
    audit: AuditLog, finding: KeptFinding, step: FindingStep, secrets: Sequence[str] = (), needs: Sequence[str] = ()
) -> FindingStep:
    add_step(audit, step, secrets=secrets, check=_unchanged(finding, needs, step.step))
    return step


def _unchanged(finding: KeptFinding, needs: Sequence[str], step: str) -> Callable[[FindingStanding | None, str], None]:
    def check(now: FindingStanding | None, at: str) -> None:
        if now is None or now.entry != finding.standing.entry:
            raise UsageError(f"{finding.standing.id}: somebody else took a step meanwhile: look at it again")
        if needs and now.state not in needs:
            raise UsageError(f"{now.id} is {now.state}, so it cannot be {step}: that takes {' or '.join(needs)}")

    return check


def _began(finding: KeptFinding) -> str:
    """Return when the term that runs began."""
    steps = [(at, step.step) for _, at, step in finding.steps]
    return [at for at, step in steps if step in ("opened", "reopened")][-1]


def _by(by: str, secrets: Sequence[str]) -> str:
    by = " ".join(by.split())
    if not by or len(by) > 200:
        raise UsageError("nobody says it: pass --by NAME")
    if redact_text(by, secrets) != by:
        raise UsageError("--by looks like an address, a number or a secret: give a name")
    return by


def _why(why: str, secrets: Sequence[str], *, empty: bool) -> str:
    why = redact_text(why.strip(), secrets)
    if not why and not empty:
        raise UsageError("it needs a reason: --because TEXT")
    if len(why) > LONGEST:
        raise UsageError(f"a reason has at most {LONGEST:,} characters")
    return why
