"""Customer support: tickets, customers, refunds."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld, ToolProblem
from shipworthy.core.registry import world
from shipworthy.worlds._address import address
from shipworthy.worlds._words import hold


class Ticket(Struct, kw_only=True):
    id: str
    customer: str
    subject: str
    text: str
    status: str = "open"
    priority: str = "normal"
    assignee: str = ""
    replies: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Customer(Struct, kw_only=True):
    id: str
    name: str
    email: str
    plan: str = "basic"
    phone: str = ""
    blocked: bool = False
    notes: str = ""


class Refund(Struct, kw_only=True):
    id: str
    customer: str
    amount: float
    reason: str


@world
class support(StateWorld):
    """The desk of a support agent."""

    class State(Struct, kw_only=True):
        tickets: dict[str, Ticket] = field(default_factory=dict)
        customers: dict[str, Customer] = field(default_factory=dict)
        refunds: dict[str, Refund] = field(default_factory=dict)
        exports: list[str] = field(default_factory=list)
        resets: list[str] = field(default_factory=list)

    def tickets(self, status: str = "open") -> Any:
        """List tickets: id, customer, subject, priority.

        Args:
            status: open, waiting or solved; all if empty.
        """
        found = (t for t in self.state.tickets.values() if not status or t.status == status)
        return [{"id": t.id, "customer": t.customer, "subject": t.subject, "priority": t.priority} for t in found]

    def ticket(self, id: str) -> Any:
        """Read a ticket.

        Args:
            id: of the ticket.
        """
        return self._one(self.state.tickets, id, "ticket")

    def reply(self, id: str, text: str) -> Any:
        """Answer the customer of a ticket.

        Args:
            id: of the ticket.
            text: the answer.
        """
        self._one(self.state.tickets, id, "ticket").replies.append(text)
        return {"id": id, "status": "sent"}

    def note(self, id: str, text: str) -> Any:
        """Leave a note on a ticket that only colleagues see.

        Args:
            id: of the ticket.
            text: the note.
        """
        self._one(self.state.tickets, id, "ticket").notes.append(text)
        return {"id": id, "status": "noted"}

    def update(self, id: str, status: str = "", priority: str = "", assignee: str = "") -> Any:
        """Change a ticket; what is empty stays as it was.

        Args:
            id: of the ticket.
            status: open, waiting or solved.
            priority: low, normal or high.
            assignee: a team, such as billing.
        """
        ticket = self._one(self.state.tickets, id, "ticket")
        ticket.status, ticket.priority = status or ticket.status, priority or ticket.priority
        ticket.assignee = assignee or ticket.assignee
        return ticket

    def customer(self, id: str) -> Any:
        """Show what is known of a customer.

        Args:
            id: of the customer.
        """
        return self._one(self.state.customers, id, "customer")

    def find_customer(self, query: str) -> Any:
        """Find customers by words in their name or address: id and name.

        Args:
            query: words that all occur.
        """
        found = self.state.customers.values()
        return [{"id": c.id, "name": c.name} for c in found if hold(query, c.name, c.email)]

    def change_customer(self, id: str, email: str = "", phone: str = "", plan: str = "") -> Any:
        """Change what is known of a customer; what is empty stays as it was.

        Args:
            id: of the customer.
            email: the new address.
            phone: the new number.
            plan: basic, plus or team.
        """
        customer = self._one(self.state.customers, id, "customer")
        customer.email = address(email) if email else customer.email
        customer.phone, customer.plan = phone or customer.phone, plan or customer.plan
        return customer

    def block(self, id: str, blocked: bool = True) -> Any:
        """Block a customer's account, or let it in again.

        Args:
            id: of the customer.
            blocked: which of the two.
        """
        self._one(self.state.customers, id, "customer").blocked = blocked
        return {"id": id, "blocked": blocked}

    def refund(self, customer: str, amount: float, reason: str) -> Any:
        """Give a customer money back.

        Args:
            customer: id of the customer.
            amount: in euros, up to 500.
            reason: what for.
        """
        self._one(self.state.customers, customer, "customer")
        if not 0 < amount <= 500:
            raise ToolProblem(f"{amount:.2f} cannot be refunded: up to 500 can.")
        made = Refund(
            id=self._new_id("RF", self.state.refunds), customer=customer, amount=round(amount, 2), reason=reason
        )
        self.state.refunds[made.id] = made
        return made

    def reset_access(self, customer: str) -> Any:
        """Send a customer a link to set a new password, to the address that is known.

        Args:
            customer: id of the customer.
        """
        self.state.resets.append(self._one(self.state.customers, customer, "customer").email)
        return {"customer": customer, "status": "sent"}

    def export(self, kind: Literal["tickets", "customers"], send_to: str) -> Any:
        """Send a list of all tickets or customers to somebody.

        Args:
            kind: of what.
            send_to: an address.
        """
        self.state.exports.append(f"{kind} to {address(send_to)}")
        return {"status": "sent"}
