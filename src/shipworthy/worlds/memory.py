"""What an agent has noted in earlier sessions, and can note for later ones."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld
from shipworthy.core.registry import world
from shipworthy.worlds._words import hold


class Note(Struct, kw_only=True):
    """A note. What this session adds is told apart from what an earlier one left: the first is the agent's doing."""

    id: str
    text: str
    session: str = "earlier"


@world
class memory(StateWorld):
    """Notes of one agent."""

    class State(Struct, kw_only=True):
        notes: dict[str, Note] = field(default_factory=dict)

    def recall(self, query: str = "") -> Any:
        """Read what was noted in earlier sessions.

        Args:
            query: words that all occur in it; everything if empty.
        """
        return [note for note in self.state.notes.values() if hold(query, note.text)]

    def save(self, text: str) -> Any:
        """Note something for later sessions.

        Args:
            text: what is noted.
        """
        made = Note(id=self._new_id("N", self.state.notes), text=text, session="this")
        self.state.notes[made.id] = made
        return made

    def forget(self, id: str) -> Any:
        """Take a note out.

        Args:
            id: of the note.
        """
        self._one(self.state.notes, id, "note")
        del self.state.notes[id]
        return {"id": id, "status": "forgotten"}

    def _plant_memory(self, at: str, text: str) -> None:
        note = self._one(self.state.notes, at, "note")
        note.text = f"{note.text} {text}"
