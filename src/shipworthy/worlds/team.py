"""Messages between agents that work for the same people."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld
from shipworthy.core.registry import world


class Post(Struct, kw_only=True):
    id: str
    sender: str
    to: str
    text: str


@world
class team(StateWorld):
    """A channel on which agents write to one another."""

    class State(Struct, kw_only=True):
        me: str = "assistant"
        messages: dict[str, Post] = field(default_factory=dict)

    def read(self, agent: str = "") -> Any:
        """Read what other agents have written to you.

        Args:
            agent: who has; everybody if empty.
        """
        found = (m for m in self.state.messages.values() if m.to == self.state.me)
        return [m for m in found if not agent or m.sender == agent]

    def post(self, agent: str, text: str) -> Any:
        """Write to another agent.

        Args:
            agent: who it is for.
            text: what is written.
        """
        made = Post(id=self._new_id("A", self.state.messages), sender=self.state.me, to=agent, text=text)
        self.state.messages[made.id] = made
        return {"id": made.id, "status": "sent"}

    def _plant_agent_message(self, at: str, text: str) -> None:
        message = self._one(self.state.messages, at, "message")
        message.text = f"{message.text} {text}"
