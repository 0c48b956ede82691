"""The report behind a decision: a director reads its first page in two minutes, an auditor the rest in an hour."""

from __future__ import annotations

from shipworthy.core.document import Block, Document
from shipworthy.core.records import Decision
from shipworthy.evals.results import Run
from shipworthy.evidence.sections.change import before_after
from shipworthy.evidence.sections.proof import digests, how_to_verify, limits, traceability
from shipworthy.evidence.sections.samples import worst_samples
from shipworthy.evidence.sections.verdict import criteria, picture, verdict
from shipworthy.workspace.load import Workspace


def readout(workspace: Workspace, decision: Decision, run: Run, baseline: Run | None = None) -> Document:
    """Return the whole report as a document tree, for any report plug-in.

    Args:
        workspace: the safety files, as they were when the run was made.
        run: the run that was decided on.
        baseline: what it is compared with: the paired before and after, in safety, helpfulness and time.

    Raises:
        IntegrityError: a run log is not what was written.
    """
    children: list[Block] = [verdict(workspace, decision, run), picture(decision), criteria(decision)]
    if baseline is not None:
        children.append(before_after(run, baseline))
    children += [
        worst_samples(run, known_secrets(workspace)),
        traceability(workspace, decision),
        limits(workspace, decision, run, baseline),
        digests(workspace, decision, run, baseline),
        how_to_verify(),
    ]
    return Document(workspace.system.title, tuple(children), f"{decision.id} · {decision.created}")


def known_secrets(workspace: Workspace) -> tuple[str, ...]:
    """Return every string that a sample of the workspace declares secret, longest first."""
    found = {s for suite in workspace.suites.values() for sample in suite.samples for s in sample.secrets if s}
    return tuple(sorted(found, key=lambda s: (-len(s), s)))
