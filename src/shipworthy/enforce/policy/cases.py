"""The cases of a policy file, asked: each rule must allow what it should and refuse what it should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shipworthy.enforce.policy.decision import PolicyDecision
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.session import Session
from shipworthy.workspace.policies import Case


class Outcome(NamedTuple):
    """What the policy said of one case; `number` is its place in the file, from 0."""

    number: int
    case: Case
    decision: PolicyDecision

    @property
    def passed(self) -> bool:
        """Whether it said what was expected."""
        return self.decision.word == self.case.expect or (
            self.case.expect == "refused" and self.decision.word in ("ask", "deny")
        )


def outcomes(policy: Policy) -> Iterator[Outcome]:
    """Ask every case, each in a session of its own."""
    for number, case in enumerate(policy.file.cases):
        yield Outcome(number, case, opened(policy, case).decide(case.tool, case.args))


def opened(policy: Policy, case: Case) -> Session:
    """Return a session as it is just before the call of a case."""
    session = policy.session(user="a case")
    session.hear([case.says])
    if case.flagged:
        session.flag("a guard")
    for before in case.before:
        if before.tool in policy.tools:
            session.book(before.tool, before.args)
        session.returned(before.tool, before.args, before.gave)
    return session


def without_cases(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield each tool whose rule can refuse a call and lacks a case: its name, and ``allow`` or ``refuse``."""
    said = {(case.tool, "allow" if case.expect == "allow" else "refuse") for case in policy.file.cases}
    for name, rule in policy.tools.items():
        for word in ("allow", "refuse"):
            if rule.checks and (name, word) not in said:
                yield name, word
