"""How much of a tool was used: calls, amounts and recipients, by session and by user."""

from __future__ import annotations

from collections import defaultdict

from shipworthy.workspace.policies import ToolBudget


class Spent:
    """What was used of one tool."""

    __slots__ = ("amount", "calls", "recipients")

    def __init__(self) -> None:
        self.calls = 0
        self.amount = 0.0
        self.recipients: set[str] = set()

    def beyond(self, budget: ToolBudget, amount: float, recipients: frozenset[str]) -> str:
        """Return what one more call would exceed, in half a sentence; "" where it fits."""
        if budget.calls is not None and self.calls + 1 > budget.calls:
            return f"it would be call {self.calls + 1} of at most {budget.calls} a {budget.per}"
        if budget.amount is not None and not self.amount + amount <= budget.amount:  # a NaN fits nowhere
            return f"it would bring the amount to {self.amount + amount:g}, of at most {budget.amount:g} a {budget.per}"
        if budget.recipients is not None and (many := len(self.recipients | recipients)) > budget.recipients:
            return f"it would be for {many} recipients, of at most {budget.recipients} a {budget.per}"
        return ""

    def add(self, amount: float, recipients: frozenset[str]) -> None:
        """Book a call that may run."""
        self.calls += 1
        self.amount += amount
        self.recipients |= recipients


class Accounts:
    """What each user has used of each tool. Users without a name share one account."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], Spent] = defaultdict(Spent)

    def of(self, user: str, tool: str) -> Spent:
        """Return a user's account for a tool."""
        return self._of[user, tool]
